//! What holds for any text.

use proptest::prelude::*;

use super::*;

/// Pieces of JSON, so that what is put together of them is often nearly valid.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: [&str; 34] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1.5",
        "2e3",
        "1e400",
        "01",
        "\"",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\u0000\"",
        "\"\\n\"",
        "\"\\x\"",
        "\u{e9}",
        "{\"a\":1",
        ",\"a\":",
        ",\"b\":",
        "[1,",
        "{}",
        "[]",
        "/",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parsed(&bytes);
    }

    #[test]
    fn no_change_of_a_good_file_panics(at in 0..ORIGINAL.len(), byte: u8) {
        let mut text = ORIGINAL.as_bytes().to_vec();
        text[at] = byte;
        let _ = parsed(&text);
    }

    /// Another parser takes what we take, for the same; what it takes beside is what we refuse on purpose.
    #[test]
    fn json_is_read_as_others_read_it(text in pieces()) {
        fuzzing::is_read_as_others_read_it(&text);
    }

    #[test]
    fn strings_arrive_as_they_were_written(value in "[^\0]{0,40}") {
        let text = config(json!({"process_arguments": [value]}));
        prop_assert_eq!(parsed(text).unwrap().process.arguments, [value]);
    }
}
