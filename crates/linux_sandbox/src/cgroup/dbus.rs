//! As much of D-Bus as one call takes: a client speaks to its one peer, without a bus between (D-Bus specification,
//! "Message Protocol" and "Authentication Protocol").

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the peer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer that is read is larger.
const LARGEST: usize = 1 << 16;

const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// A method of an object.
pub(super) struct Method {
    pub object: &'static str,
    pub interface: &'static str,
    pub member: &'static str,
    /// The types of its arguments.
    pub signature: &'static str,
}

/// Connects as the user `uid`, which is what the kernel tells the peer of us.
pub(super) fn connect(socket: &Path, uid: u32) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let uid: String = uid.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
    let answer = line(&mut stream)?;
    if !answer.starts_with("OK ") {
        return Err(io::Error::other(format!("it lets us not in: {}", answer.trim_end())));
    }
    stream.write_all(b"BEGIN\r\n")?;
    Ok(stream)
}

fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < 512 {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Calls a method and waits for its answer. What the peer refuses is an error with its own words.
pub(super) fn call(stream: &mut (impl Read + Write), method: &Method, arguments: &Values) -> io::Result<()> {
    stream.write_all(&message(method, arguments))?;
    loop {
        match answer(stream)? {
            (METHOD_RETURN, _) => return Ok(()),
            (ERROR, body) => return Err(io::Error::other(first_text(&body))),
            // A signal, which nobody asked for.
            _ => {}
        }
    }
}

fn message(method: &Method, arguments: &Values) -> Vec<u8> {
    let mut head = Values::default();
    // Little endian, a method call, no flags, version 1.
    head.0.extend([b'l', 1, 0, 1]);
    head.u32(arguments.0.len() as u32);
    head.u32(1); // serial number
    head.array(8, |fields| {
        for (code, kind, text) in [
            (1, "o", method.object),
            (2, "s", method.interface),
            (3, "s", method.member),
            (6, "s", "org.freedesktop.systemd1"),
        ] {
            fields.align(8);
            fields.0.push(code);
            fields.signature(kind);
            fields.text(text);
        }
        fields.align(8);
        fields.0.push(8);
        fields.signature("g");
        fields.signature(method.signature);
    });
    head.align(8);
    head.0.extend(&arguments.0);
    head.0
}

/// Reads a message: its type and its body.
fn answer(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 16];
    stream.read_exact(&mut head)?;
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
    let (body, fields) = (number(4), number(12));
    if head[0] != b'l' || body > LARGEST || fields > LARGEST {
        return Err(io::Error::other("its answer is none"));
    }
    let mut rest = vec![0; fields.next_multiple_of(8) + body];
    stream.read_exact(&mut rest)?;
    Ok((head[1], rest.split_off(fields.next_multiple_of(8))))
}

/// Returns the text that a body begins with.
fn first_text(body: &[u8]) -> String {
    let text = body
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(..u32::from_le_bytes(*length) as usize));
    String::from_utf8_lossy(text.unwrap_or(b"it does not say why")).into_owned()
}

/// Values, as a message holds them.
#[derive(Default)]
pub(super) struct Values(Vec<u8>);

impl Values {
    pub(super) fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, signature: &str) {
        self.0.push(signature.len() as u8);
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    /// Writes an array of elements that are aligned so.
    pub(super) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length_at = self.0.len() - 4;
        self.align(alignment);
        let start = self.0.len();
        elements(self);
        let length = (self.0.len() - start) as u32;
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Writes a structure of a name and a value of any type, as properties are set.
    pub(super) fn property(&mut self, name: &str, kind: &str, value: impl FnOnce(&mut Self)) {
        self.align(8);
        self.text(name);
        self.signature(kind);
        value(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::net::UnixListener;
    use std::thread;

    const METHOD: Method = Method { object: "/o", interface: "i.f", member: "Do", signature: "sa(sv)" };

    #[test]
    fn a_call_is_laid_out_as_the_specification_says() {
        let mut arguments = Values::default();
        arguments.text("x");
        arguments.array(8, |all| all.property("B", "b", |value| value.u32(1)));
        let expected: &[u8] = b"l\x01\x00\x01 \x00\x00\x00\x01\x00\x00\x00d\x00\x00\x00\
            \x01\x01o\x00\x02\x00\x00\x00/o\x00\x00\x00\x00\x00\x00\
            \x02\x01s\x00\x03\x00\x00\x00i.f\x00\x00\x00\x00\x00\
            \x03\x01s\x00\x02\x00\x00\x00Do\x00\x00\x00\x00\x00\x00\
            \x06\x01s\x00\x18\x00\x00\x00org.freedesktop.systemd1\x00\x00\x00\x00\x00\x00\x00\x00\
            \x08\x01g\x00\x06sa(sv)\x00\x00\x00\x00\x00\
            \x01\x00\x00\x00x\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\
            \x01\x00\x00\x00B\x00\x01b\x00\x00\x00\x00\x01\x00\x00\x00";
        assert_eq!(
            message(&METHOD, &arguments).escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    /// Lets one client in, reads its call, and answers with these messages.
    fn peer(directory: &Path, answers: Vec<Vec<u8>>) -> (std::path::PathBuf, thread::JoinHandle<String>) {
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).expect("it is bound");
        let serve = move || {
            let (stream, _) = listener.accept().expect("a client");
            let (mut reader, mut stream) = (BufReader::new(stream.try_clone().expect("a copy")), stream);
            let mut hello = String::new();
            reader.read_line(&mut hello).expect("it says who it is");
            stream.write_all(b"OK 0123\r\n").expect("it is let in");
            reader.read_line(&mut String::new()).expect("it begins");
            answer(&mut reader).expect("it calls");
            answers.iter().for_each(|answer| stream.write_all(answer).expect("it is answered"));
            hello
        };
        (path, thread::spawn(serve))
    }

    fn answered(kind: u8, text: &str) -> Vec<u8> {
        let mut values = Values::default();
        values.0.extend([b'l', kind, 0, 1]);
        values.u32(text.len() as u32 + 5);
        values.u32(7);
        values.array(8, |fields| fields.0.extend([5, 1, b'u', 0, 1, 0, 0, 0]));
        values.align(8);
        values.text(text);
        values.0
    }

    #[test]
    fn the_answer_to_the_call_counts_and_a_refusal_is_told() {
        const SIGNAL: u8 = 4;
        for (answers, wanted) in [
            (vec![answered(SIGNAL, "news"), answered(METHOD_RETURN, "/job/1")], None),
            (vec![answered(ERROR, "Unit x.scope exists.")], Some("Unit x.scope exists.")),
            (vec![b"B\x02\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()], Some("its answer is none")),
            (vec![], Some("failed to fill whole buffer")),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let (path, peer) = peer(directory.path(), answers);
            let mut stream = connect(&path, rustix::process::geteuid().as_raw()).expect("connected");
            let called = call(&mut stream, &METHOD, &Values::default());
            assert_eq!(called.err().map(|error| error.to_string()).as_deref(), wanted);
            assert!(peer.join().expect("it served").starts_with("\0AUTH EXTERNAL 3"));
        }
    }
}
