//! Strings of JSON: found, checked and unescaped.

use super::Halt;
use super::json::Parser;
use super::scan;
use crate::error::{Fault, FaultCode};
use crate::table::Excerpt;

impl Parser<'_> {
    /// Reads the string at hand; its text lies in the record or, where it has escapes, aside.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Str, Halt> {
        let start = self.at + 1;
        let end = scan::plain_end(self.source.as_bytes(), start);
        if self.bytes.get(end) != Some(&b'"') {
            return self.odd_string(start, end);
        }
        self.at = end + 1;
        Ok(Str::Plain(start, end))
    }

    /// Reads on where a string has something else than plain characters.
    #[inline(never)]
    fn odd_string(&mut self, start: usize, end: usize) -> Result<Str, Halt> {
        if self.bytes.get(end) == Some(&b'\\') {
            return self.escaped_string(start, end);
        }
        self.at = end.min(self.bytes.len());
        Err(self.expected("a character of a string"))
    }

    fn escaped_string(&mut self, start: usize, first: usize) -> Result<Str, Halt> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.push_str(&self.source[start..first]);
        let mut at = first;
        loop {
            let plain = at;
            at = scan::plain_end(self.bytes, at);
            text.push_str(&self.source[plain..at]);
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    self.text = text;
                    return Ok(Str::Escaped);
                }
                Some(b'\\') => at = self.escape(at, &mut text)?,
                _ => {
                    self.at = at;
                    return Err(self.expected("a character of a string"));
                }
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

    /// Returns the text with what surrounds it.
    #[inline]
    pub(super) fn excerpt<'p>(self, parser: &'p Parser<'_>) -> Excerpt<'p> {
        match self {
            Str::Plain(start, end) => Excerpt::new(parser.source, start, end),
            Str::Escaped => Excerpt::whole(&parser.text),
        }
    }
}
