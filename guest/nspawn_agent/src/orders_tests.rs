extern crate std;
use super::*;
use std::{format, vec};

/// The bytes of a good file: a head, and `strings` closed by NUL each.
fn file(services: u32, affinity: u64, strings: &[&str]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(services.to_le_bytes());
    bytes.extend(affinity.to_le_bytes());
    bytes.extend(20348_u32.to_le_bytes());
    bytes.extend([0; 4]);
    for text in strings {
        bytes.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    bytes
}

fn wide(text: &str) -> WideString {
    WideString::new(&text.encode_utf16().collect::<Vec<_>>())
}

const STRINGS: [&str; 7] =
    [r"C:\w\a.exe", "a.exe \u{1f600} \"b c\"", r"C:\w", "web", "A=1=2", r"=C:=C:\w", ""];

#[test]
fn reads_every_field() {
    let orders = Orders::parse(&file(2, 0x8000_0000_0000_0001, &STRINGS)).unwrap();
    assert_eq!(
        orders,
        Orders {
            services: Services::Wait,
            affinity: NonZeroU64::new(0x8000_0000_0000_0001),
            build: 20348,
            application: Some(wide(r"C:\w\a.exe")),
            command_line: wide("a.exe \u{1f600} \"b c\""),
            directory: wide(r"C:\w"),
            computer_name: wide("web"),
            environment: vec![
                Variable { name: wide("A"), value: wide("1=2") },
                Variable { name: wide("=C:"), value: wide(r"C:\w") },
            ],
        }
    );
}

#[test]
fn absent_is_none() {
    let orders = Orders::parse(&file(0, 0, &["", "a", "", "", "EMPTY=", ""])).unwrap();
    assert_eq!((orders.application, orders.affinity, orders.services), (None, None, Services::None));
    assert_eq!(orders.environment, [Variable { name: wide("EMPTY"), value: wide("") }]);
}

#[test]
fn every_prefix_is_malformed() {
    let whole = file(1, 3, &STRINGS);
    for end in 0..whole.len() {
        assert_eq!(Orders::parse(&whole[..end]), Err(Malformed), "{end} bytes");
    }
}

#[test]
fn refuses() {
    let good = file(1, 3, &STRINGS);
    let patched = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let longer = [&good[..], &[0]].concat();
    for (what, bytes) in [
        ("magic", patched(0, b'X')),
        ("services", patched(4, 4)),
        ("reserved", patched(20, 1)),
        ("one byte more", longer),
        ("text behind the end", file(1, 3, &[&STRINGS[..], &["more"]].concat())),
        ("nothing to run", file(1, 3, &["", "", "", "web", ""])),
        ("entry without a sign", file(1, 3, &["a", "a", "", "web", "NAME", ""])),
        ("entry that is only a sign", file(1, 3, &["a", "a", "", "web", "=", ""])),
    ] {
        assert_eq!(Orders::parse(&bytes), Err(Malformed), "{what}");
    }
}

/// No byte at any place makes the parser do anything but answer.
#[test]
fn survives_every_changed_byte() {
    let good = file(1, 3, &STRINGS);
    for at in 0..good.len() {
        for byte in [0, 1, b'=', 0x7f, 0xd8, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            if let Ok(orders) = Orders::parse(&bytes) {
                let names = orders.environment.iter().map(|variable| variable.name.units());
                assert!(names.into_iter().all(|name| !name.is_empty()), "{}", format!("{at}: {byte}"));
            }
        }
    }
}
