//! JSON → values, in one pass and without a tree.
//!
//! - Source: RFC 8259, strictly: what it does not allow is a fault at the first byte that is wrong.

use crate::decode::{number, repair};
use crate::error::{Fault, FaultCode};
use crate::flatten::{ArrayContent, Descend, Flattener, Halt, Member};
use crate::limits::PARSE_DEPTH_MAX;
use crate::table::Number;

/// How records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Which value stands where a key stands twice.
    pub duplicate_keys: DuplicateKeys,
    /// Take a record that is not an object as `{"value": …}`.
    pub wrap_values: bool,
}

/// Which value stands where a key stands twice in one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateKeys {
    /// The last one.
    #[default]
    Last,
    /// The first one.
    First,
    /// None; the record is at fault.
    Reject,
}

/// Decodes one record into `flattener`.
///
/// `skips` are bytes in the record, rising, at which members begin that are to be left out.
pub fn record(
    text: &str,
    flattener: &mut Flattener,
    options: &DecodeOptions,
    skips: &[usize],
) -> Result<(), Halt> {
    let policy = options.duplicate_keys;
    let mut parser = Parser { skips, policy, ..Parser::new(text) };
    parser.space();
    if parser.peek() == Some(b'{') {
        parser.value(flattener)?;
    } else if options.wrap_values {
        flattener.begin_object(|| false)?;
        match flattener.key("value")? {
            Member::Read => parser.value(flattener)?,
            Member::Whole => parser.whole(flattener, Descend::Json)?,
        }
        flattener.end_object();
    } else {
        let start = parser.at;
        let found = parser.skip_value()?;
        parser.end()?;
        let message = format!("expected an object, found {found}");
        return Err(Fault::new(FaultCode::RecordNotObject, start, message).into());
    }
    parser.end()
}

/// Checks that `bytes` are one JSON text, as strictly as a record is checked.
///
/// - Errors: the fault that a record of these bytes would have.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Fault::new(FaultCode::EncodingInvalid, error.valid_up_to(), "expected UTF-8")
    })?;
    let mut parser = Parser::new(text);
    parser.space();
    let checked = parser.skip_value().and_then(|_| parser.end());
    checked.map_err(|halt| match halt {
        Halt::Fault(fault) => fault,
        Halt::DuplicateKey | Halt::CapReached => Fault::new(FaultCode::JsonSyntax, 0, "not JSON"),
    })
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
    depth: usize,
    /// Unescaped text of the last string that held an escape.
    text: String,
    skips: &'a [usize],
    /// What is done about keys that stand twice inside text kept as JSON.
    policy: DuplicateKeys,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Parser {
            source,
            bytes: source.as_bytes(),
            at: 0,
            depth: 0,
            text: String::new(),
            skips: &[],
            policy: DuplicateKeys::Last,
        }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<(), Halt> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end of the record")),
        }
    }

    /// Builds the fault for the byte at hand.
    #[cold]
    pub(super) fn expected(&self, what: &str) -> Halt {
        let found = match self.bytes.get(self.at..).unwrap_or(&[]) {
            [] => "the end of the record".to_owned(),
            [byte, ..] if byte.is_ascii_graphic() => format!("`{}`", *byte as char),
            [b' ', ..] => "a space".to_owned(),
            [b'\n', ..] => "a line end".to_owned(),
            [byte, ..] if byte.is_ascii() => format!("control character 0x{byte:02x}"),
            rest => match std::str::from_utf8(&rest[..rest.len().min(4)]) {
                Ok(text) => format!("`{}`", text.chars().next().unwrap_or('\u{fffd}')),
                Err(error) => {
                    let text = String::from_utf8_lossy(&rest[..error.valid_up_to().max(1)]);
                    format!("`{}`", text.chars().next().unwrap_or('\u{fffd}'))
                }
            },
        };
        let at = self.at.min(self.bytes.len());
        Fault::new(FaultCode::JsonSyntax, at, format!("expected {what}, found {found}")).into()
    }

    fn deeper(&mut self) -> Result<(), Halt> {
        self.depth += 1;
        if self.depth <= PARSE_DEPTH_MAX {
            return Ok(());
        }
        let message = format!("nested deeper than {PARSE_DEPTH_MAX} levels");
        Err(Fault::new(FaultCode::DepthExceeded, self.at, message).into())
    }

    #[inline]
    fn value(&mut self, flattener: &mut Flattener) -> Result<(), Halt> {
        let start = self.at;
        let pushed = match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                let text = text.resolve(self);
                flattener.string(text)
            }
            Some(b'-' | b'0'..=b'9') => {
                let (number, text) = self.number()?;
                flattener.number(number, text)
            }
            Some(b'{') => return self.object(flattener),
            Some(b'[') => return self.array(flattener),
            Some(b't') => {
                self.word("true")?;
                flattener.bool(true)
            }
            Some(b'f') => {
                self.word("false")?;
                flattener.bool(false)
            }
            Some(b'n') => {
                self.word("null")?;
                flattener.null()
            }
            _ => return Err(self.expected("a value")),
        };
        pushed.map_err(|halt| at_byte(halt, start))
    }

    /// Returns whether the object at hand has no member.
    fn is_empty_object(&self) -> bool {
        let inside = &self.bytes[self.at + 1..];
        let first = inside.iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        first == Some(&b'}')
    }

    fn object(&mut self, flattener: &mut Flattener) -> Result<(), Halt> {
        let start = self.at;
        match flattener
            .begin_object(|| self.is_empty_object())
            .map_err(|halt| at_byte(halt, start))?
        {
            Descend::Enter => {}
            other => return self.whole(flattener, other),
        }
        self.deeper()?;
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.member(flattener)?;
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                    }
                    Some(b'}') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.expected("`,` or `}`")),
                }
            }
        }
        self.depth -= 1;
        flattener.end_object();
        Ok(())
    }

    #[inline]
    fn member(&mut self, flattener: &mut Flattener) -> Result<(), Halt> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let start = self.at;
        let key = self.string()?;
        if self.skips.binary_search(&start).is_ok() {
            flattener.note_duplicate(key.resolve(self));
            self.colon()?;
            return self.skip_value().map(|_| ());
        }
        let member = flattener.key(key.resolve(self))?;
        self.colon()?;
        match member {
            Member::Read => self.value(flattener),
            Member::Whole => self.whole(flattener, Descend::Json),
        }
    }

    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), Halt> {
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn array(&mut self, flattener: &mut Flattener) -> Result<(), Halt> {
        let start = self.at;
        let descend = flattener.begin_array(|| self.look_ahead());
        match descend.map_err(|halt| at_byte(halt, start))? {
            Descend::Enter => {}
            other => return self.whole(flattener, other),
        }
        self.deeper()?;
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.value(flattener)?;
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                    }
                    Some(b']') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.expected("`,` or `]`")),
                }
            }
        }
        self.depth -= 1;
        flattener.end_array();
        Ok(())
    }

    /// Looks whether the array at hand holds a container, no further than its first bracket.
    ///
    /// Every byte belongs to the scalars of one array, so all arrays together are read once.
    fn look_ahead(&self) -> ArrayContent {
        let mut at = self.at + 1;
        let mut content = ArrayContent::Empty;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'{' | b'[' => return ArrayContent::Nested,
                b']' => return content,
                b' ' | b'\n' | b'\r' | b'\t' => {}
                b'"' => {
                    content = ArrayContent::Scalars;
                    at += 1;
                    while let Some(found) = memchr::memchr2(b'"', b'\\', &self.bytes[at..]) {
                        at += found;
                        if self.bytes[at] == b'"' {
                            break;
                        }
                        at = (at + 2).min(self.bytes.len());
                    }
                }
                _ => content = ArrayContent::Scalars,
            }
            at += 1;
        }
        content
    }

    /// Checks a subtree and hands it over whole, or not at all.
    fn whole(&mut self, flattener: &mut Flattener, descend: Descend) -> Result<(), Halt> {
        let start = self.at;
        self.skip_value()?;
        if descend == Descend::Json {
            let source = &self.source[start..self.at];
            let found = repair::duplicates(source, self.policy);
            let mut text = Vec::new();
            match found.first() {
                None => push_compact(source.as_bytes(), &mut text),
                Some(first) if self.policy == DuplicateKeys::Reject => {
                    return Err(first.fault(start).into());
                }
                Some(_) => {
                    text = repair::without(source, &found);
                    flattener.note_duplicates_inside(found.iter().map(|found| &*found.path));
                }
            }
            flattener.json(&text).map_err(|halt| at_byte(halt, start))?;
        }
        Ok(())
    }

    /// Checks a value without pushing anything; returns what it is.
    pub(super) fn skip_value(&mut self) -> Result<&'static str, Halt> {
        let base = self.depth;
        let mut closers: Vec<u8> = Vec::new();
        let mut kind = None;
        loop {
            let found = match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    "a string"
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    "a number"
                }
                Some(b't') => self.word("true").map(|()| "`true`")?,
                Some(b'f') => self.word("false").map(|()| "`false`")?,
                Some(b'n') => self.word("null").map(|()| "null")?,
                Some(open @ (b'{' | b'[')) => {
                    self.deeper()?;
                    self.at += 1;
                    self.space();
                    let closer = if open == b'{' { b'}' } else { b']' };
                    let found = if open == b'{' { "an object" } else { "an array" };
                    kind.get_or_insert(found);
                    closers.push(closer);
                    if self.peek() != Some(closer) {
                        if open == b'{' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    found
                }
                _ => return Err(self.expected("a value")),
            };
            let kind = *kind.get_or_insert(found);
            loop {
                let Some(&closer) = closers.last() else {
                    self.depth = base;
                    return Ok(kind);
                };
                self.space();
                match self.peek() {
                    Some(byte) if byte == closer => {
                        self.at += 1;
                        self.depth -= 1;
                        closers.pop();
                    }
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if closer == b'}' {
                            self.skip_key()?;
                        }
                        break;
                    }
                    _ if closer == b'}' => return Err(self.expected("`,` or `}`")),
                    _ => return Err(self.expected("`,` or `]`")),
                }
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Halt> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        self.string()?;
        self.colon()
    }

    #[inline]
    fn word(&mut self, word: &str) -> Result<(), Halt> {
        for &byte in word.as_bytes() {
            if self.peek() != Some(byte) {
                return Err(self.expected(&format!("`{word}`")));
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(Number<'a>, &'a str), Halt> {
        let start = self.at;
        let scanned = match number::scan(self.bytes, start) {
            Ok(scanned) => scanned,
            Err(at) => {
                self.at = at;
                return Err(self.expected("a digit"));
            }
        };
        self.at = scanned.end;
        let text = &self.source[start..scanned.end];
        const SMALL_DIGITS: usize = 18;
        if !scanned.is_int {
            return Ok((number::parse_float(text), text));
        }
        if text.len() > SMALL_DIGITS {
            return Ok((number::parse(text), text));
        }
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let value = digits.iter().fold(0i64, |sum, byte| sum * 10 + i64::from(byte - b'0'));
        Ok((Number::Int(if negative { -value } else { value }), text))
    }

    /// Reads the string at hand; its text lies in the record or, where it has escapes, aside.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Str, Halt> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Str::Plain(start, at));
                }
                Some(b'\\') => return self.escaped_string(start, at),
                Some(0x20..) => at += 1,
                _ => {
                    self.at = at;
                    return Err(self.expected("a character of a string"));
                }
            }
        }
    }

    #[cold]
    fn escaped_string(&mut self, start: usize, first: usize) -> Result<Str, Halt> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.push_str(&self.source[start..first]);
        let mut at = first;
        loop {
            let run = self.bytes[at..].iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
            let run = run.unwrap_or(self.bytes.len() - at);
            text.push_str(&self.source[at..at + run]);
            at += run;
            self.at = at;
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    self.text = text;
                    return Ok(Str::Escaped);
                }
                Some(b'\\') => at = self.escape(at, &mut text)?,
                _ => return Err(self.expected("a character of a string")),
            }
        }
    }

    /// Reads the escape at `at`; returns where it ends.
    fn escape(&mut self, at: usize, text: &mut String) -> Result<usize, Halt> {
        self.at = at + 1;
        let char = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(at, text),
            _ => return Err(self.expected("an escape")),
        };
        text.push(char);
        Ok(at + 2)
    }

    fn unicode_escape(&mut self, at: usize, text: &mut String) -> Result<usize, Halt> {
        let unit = self.hex4(at + 2)?;
        let lone = || {
            let message = format!("`\\u{unit:04x}` is half of a surrogate pair");
            Halt::from(Fault::new(FaultCode::EncodingInvalid, at, message))
        };
        let (code, end) = match unit {
            0xD800..=0xDBFF => {
                if self.bytes.get(at + 6..at + 8) != Some(b"\\u") {
                    return Err(lone());
                }
                let low = self.hex4(at + 8)?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(lone());
                }
                (0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), at + 12)
            }
            unit => (unit, at + 6),
        };
        let char = char::from_u32(code).ok_or_else(lone)?;
        text.push(char);
        Ok(end)
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Halt> {
        let mut value = 0;
        for at in start..start + 4 {
            self.at = at;
            let digit = self.peek().and_then(|byte| (byte as char).to_digit(16));
            match digit {
                Some(digit) => value = value * 16 + digit,
                None => return Err(self.expected("a hexadecimal digit")),
            }
        }
        Ok(value)
    }
}

/// Where the text of a string lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Str {
    /// In the record, from one byte to another.
    Plain(usize, usize),
    /// In the parser's buffer.
    Escaped,
}

impl Str {
    #[inline]
    pub(super) fn resolve<'p>(self, parser: &'p Parser<'_>) -> &'p str {
        match self {
            Str::Plain(start, end) => &parser.source[start..end],
            Str::Escaped => &parser.text,
        }
    }
}

fn at_byte(halt: Halt, byte: usize) -> Halt {
    match halt {
        Halt::Fault(mut fault) => {
            fault.byte = byte;
            Halt::Fault(fault)
        }
        other => other,
    }
}

/// Appends JSON without the white space between its tokens, and otherwise byte for byte.
fn push_compact(json: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'"' => {
                let start = at;
                at += 1;
                while at < json.len() && json[at] != b'"' {
                    at += if json[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(json.len());
                out.extend_from_slice(&json[start..at]);
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_say_where_and_what() {
        for (text, byte, message) in [
            ("{\"a\":oops}", 5, "expected a value, found `o`"),
            ("{\"a\" 1}", 5, "expected `:`, found `1`"),
            ("{\"a\":1,}", 7, "expected a key in quotes, found `}`"),
            ("{\"a\":[1 2]}", 8, "expected `,` or `]`, found `2`"),
            ("{\"a\":tru}", 8, "expected `true`, found `}`"),
            ("{\"a\":1", 6, "expected `,` or `}`, found the end of the record"),
            ("{\"a\":\"x", 7, "expected a character of a string, found the end of the record"),
            ("{\"a\":\"\t\"}", 6, "expected a character of a string, found control character 0x09"),
            ("{\"a\":\"\\x\"}", 7, "expected an escape, found `x`"),
            ("{\"a\":01}", 6, "expected `,` or `}`, found `1`"),
            ("{\"a\":1.}", 7, "expected a digit, found `}`"),
            ("{}é", 2, "expected the end of the record, found `é`"),
            ("{\"a\":\"\\ud800\"}", 6, "`\\ud800` is half of a surrogate pair"),
        ] {
            let fault = check(text.as_bytes()).expect_err(text);
            assert_eq!((fault.byte, fault.message.as_str()), (byte, message), "{text}");
        }
    }

    #[test]
    fn compact_json_keeps_everything_but_space() {
        let mut out = Vec::new();
        push_compact(b"{ \"a b\" : [ 1.50 , \"x \\\" y\" ],\n \"c\":null }", &mut out);
        assert_eq!(out, b"{\"a b\":[1.50,\"x \\\" y\"],\"c\":null}");
    }
}
