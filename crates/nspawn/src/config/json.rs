//! JSON (RFC 8259) as strict as a configuration wants it: each key once, whole characters, numbers as they were
//! written, an end to nesting. A general parser would round `1e400` and 2^64 and let the last of two equal keys win
//! before anyone could object.

use std::collections::HashSet;
use std::fmt;

use crate::refusal::{key_shown, quoted};

/// How deep arrays and objects may stand in each other. The configuration itself needs three.
const MAX_DEPTH: usize = 32;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    String(String),
    Array(Vec<Value>),
    /// Members in the order of the text; no key stands twice.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Returns the name of its type, with an article.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Prints it for a reader, on one line; strings are not escaped.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => write!(f, "\"{text}\""),
            Self::Array(items) => {
                f.write_str("[")?;
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (n, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}\"{key}\": {value}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Where and why a text is not what we take: `line 3, column 7: expected ',' or '}', found "x"`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Broken {
    line: usize,
    column: usize,
    what: String,
}

impl Broken {
    /// Makes the refusal of the byte at offset `at`. Lines and columns count from 1, columns in characters.
    pub(super) fn new(text: &[u8], at: usize, what: impl Into<String>) -> Self {
        let before = String::from_utf8_lossy(&text[..at.min(text.len())]);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column, what: what.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

type Parsed<T> = Result<T, Broken>;

/// Parses a text that holds one value and nothing else.
pub(super) fn parse(text: &str) -> Parsed<Value> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected("the end of the text")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Offset of the next byte; always at the border of a character.
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn value(&mut self) -> Parsed<Value> {
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => self.string().map(Value::String),
            Some('-' | '0'..='9') => self.number(),
            _ => self.literal(),
        }
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.broken(format!("is nested deeper than {MAX_DEPTH} levels")));
        }
        self.at += 1;
        self.skip_space();
        let value = parse(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Parsed<Value> {
        let (mut members, mut keys) = (Vec::new(), HashSet::new());
        if self.take('}') {
            return Ok(Value::Object(members));
        }
        loop {
            let start = self.at;
            if self.peek() != Some('"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                self.at = start;
                return Err(self.broken(format!("duplicate key {}", key_shown(&key))));
            }
            self.skip_space();
            self.expect(':', "':'")?;
            let value = self.value()?;
            members.push((key, value));
            self.skip_space();
            if self.take('}') {
                return Ok(Value::Object(members));
            }
            self.expect(',', "',' or '}'")?;
        }
    }

    fn array(&mut self) -> Parsed<Value> {
        let mut items = Vec::new();
        if self.take(']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(']') {
                return Ok(Value::Array(items));
            }
            self.expect(',', "',' or ']'")?;
        }
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| matches!(c, '"' | '\\' | '\0'..='\u{1f}')).unwrap_or(rest.len());
            string.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some('\\') => string.push(self.escape()?),
                Some(_) => return Err(self.unexpected("a character or an escape in a string")),
                None => return Err(self.unexpected("'\"' at the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let escaped = self.text[start + 1..].chars().next();
        self.at = start + 2;
        let c = match escaped {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => match self.escaped_character() {
                Some('\0') => {
                    self.at = start;
                    return Err(self.broken("\\u0000 in a string: NUL is never part of a value"));
                }
                Some(c) => c,
                None => {
                    self.at = start;
                    return Err(
                        self.broken("a \\u escape that is no character, or half of one (a lone surrogate)")
                    );
                }
            },
            _ => {
                self.at = start;
                return Err(self.broken("an escape that JSON does not have (write \\\\ for a backslash)"));
            }
        };
        Ok(c)
    }

    /// Reads what follows `\u`: four digits, and another escape where they are the first half of a pair.
    fn escaped_character(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.at += self.text[self.at..].starts_with("\\u").then_some(2)?;
        let second = self.hex4().filter(|unit| (0xdc00..0xe000).contains(unit))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.take('-');
        if !self.take('0') {
            self.digits()?;
        }
        if self.take('.') {
            self.digits()?;
        }
        if self.take('e') || self.take('E') {
            let _signed = self.take('+') || self.take('-');
            self.digits()?;
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Parsed<()> {
        let count = self.text[self.at..].bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn literal(&mut self) -> Parsed<Value> {
        let rest = &self.text[self.at..];
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "" => return Err(self.unexpected("a value")),
            _ => return Err(self.broken(format!("expected a value, found {}", quoted(word)))),
        };
        self.at += word.len();
        Ok(value)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// Takes a separator and the space after it.
    fn expect(&mut self, wanted: char, described: &str) -> Parsed<()> {
        if !self.take(wanted) {
            return Err(self.unexpected(described));
        }
        self.skip_space();
        Ok(())
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.bytes().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn unexpected(&self, wanted: &str) -> Broken {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some('/' | '#') => "a comment, which JSON does not have".to_owned(),
            Some(c) => quoted(c.encode_utf8(&mut [0; 4])),
        };
        self.broken(format!("expected {wanted}, found {found}"))
    }

    fn broken(&self, what: impl Into<String>) -> Broken {
        Broken::new(self.text.as_bytes(), self.at, what)
    }
}
