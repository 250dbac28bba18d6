//! JSON → values, in one pass and without a tree.
//!
//! - Source: RFC 8259, strictly: what it does not allow is a fault at the first byte that is wrong.

use std::borrow::Cow;

use crate::decode::csv::CellOptions;
use crate::decode::number;
use crate::decode::scan::{self, Short};
use crate::decode::strings::Str;
use crate::error::{Fault, FaultCode};
use crate::flatten::{
    self, Array, ArrayContent, Flattener, Halt, List, MapRows, Member, Members, Object, Place,
    Rows, Target,
};
use crate::limits::PARSE_DEPTH_MAX;
use crate::table::{Excerpt, Number};

/// How records are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecodeOptions {
    /// Which value stands where a key stands twice.
    pub duplicate_keys: DuplicateKeys,
    /// Take a record that is not an object as `{"value": …}`.
    pub wrap_values: bool,
    /// How the cells of CSV are read.
    pub cells: CellOptions,
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

/// Decodes one record, the first `length` bytes of `text`, into `flattener`; `place` is its own.
///
/// What follows the record in `text` is not part of it; it lets short strings and keys be read in
/// blocks that reach beyond its end.
///
/// `skips` are bytes in the record, rising, at which members begin that are to be left out.
///
/// - Units: returns the bytes that the record's own row holds.
#[inline]
pub fn record(
    text: &str,
    length: usize,
    flattener: &mut Flattener,
    place: Place,
    options: &DecodeOptions,
    skips: &[usize],
) -> Result<u32, Halt> {
    let mut bytes = 0;
    let bytes_of_record = &text.as_bytes()[..length];
    let policy = options.duplicate_keys;
    let mut parser = Parser { bytes: bytes_of_record, skips, policy, ..Parser::new(text) };
    parser.space();
    if parser.peek() == Some(b'{') {
        let members = flattener.members(place);
        parser.members(flattener, members, &mut bytes)?;
    } else if options.wrap_values {
        let mut members = flattener.members(place);
        match flattener.key(&mut members, "value")? {
            Member::At(place) => parser.value(flattener, place, &mut bytes)?,
            Member::Whole(target) => parser.whole(flattener, target, &mut bytes)?,
        }
    } else {
        let start = parser.at;
        let found = parser.skip_value()?;
        parser.end()?;
        let message = format!("expected an object, found {found}");
        return Err(Fault::new(FaultCode::RecordNotObject, start, message).into());
    }
    parser.end()?;
    Ok(bytes)
}

/// Decodes a cell that is one JSON text and pushes it at `place`; `skips` are members to leave out.
pub(super) fn cell(
    text: &str,
    flattener: &mut Flattener,
    place: Place,
    policy: DuplicateKeys,
    skips: &[usize],
    bytes: &mut u32,
) -> Result<(), Halt> {
    let mut parser = Parser { skips, policy, ..Parser::new(text) };
    parser.space();
    parser.value(flattener, place, bytes)?;
    parser.end()
}

/// Decodes a text that is JSON and pushes it whole.
pub(super) fn whole(
    text: &str,
    flattener: &mut Flattener,
    target: Target,
    policy: DuplicateKeys,
    bytes: &mut u32,
) -> Result<(), Halt> {
    let mut parser = Parser { policy, ..Parser::new(text) };
    parser.space();
    parser.whole(flattener, target, bytes)?;
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
        Halt::Fault(fault) => *fault,
        Halt::DuplicateKey | Halt::CapReached => Fault::new(FaultCode::JsonSyntax, 0, "not JSON"),
    })
}

/// Reads the object that `text` starts with: calls `each` with the name of every member, and its value
/// as it stands. Returns what follows, or nothing where there is no such object.
pub fn members<'t>(text: &'t str, mut each: impl FnMut(&str, &'t str)) -> Option<&'t str> {
    let mut parser = Parser::new(text);
    if parser.peek() != Some(b'{') {
        return None;
    }
    if parser.begin_container(b'}').ok()? {
        loop {
            if parser.peek() != Some(b'"') {
                return None;
            }
            let name = parser.string().ok()?;
            parser.colon().ok()?;
            let start = parser.at;
            // the text of a name with escapes lies where that of a value would
            let name = match name {
                Str::Plain(start, end) => Cow::Borrowed(&text[start..end]),
                Str::Escaped => Cow::Owned(parser.text.clone()),
            };
            parser.skip_value().ok()?;
            each(&name, &text[start..parser.at]);
            if !parser.goes_on(b'}').ok()? {
                break;
            }
        }
    }
    Some(&text[parser.at..])
}

/// Returns whether faults of this kind are found by the flattener, in a value it is given.
fn is_of_value(code: FaultCode) -> bool {
    matches!(code, FaultCode::ValueType | FaultCode::SchemaViolation)
}

/// Where the fast way through an object ends.
enum Stop {
    /// At a key that was not likely.
    Key,
    /// Behind a key that was, at a value that wants a closer look.
    Value(Place),
    /// Behind a value.
    Behind,
}

pub(super) struct Parser<'a> {
    /// The record and what follows it.
    pub(super) source: &'a str,
    /// The record.
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Unescaped text of the last string that held an escape.
    pub(super) text: String,
    pub(super) skips: &'a [usize],
    /// What is done about keys that stand twice inside text kept as JSON.
    pub(super) policy: DuplicateKeys,
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

    pub(super) fn deeper(&mut self) -> Result<(), Halt> {
        self.depth += 1;
        if self.depth <= PARSE_DEPTH_MAX {
            return Ok(());
        }
        let message = format!("nested deeper than {PARSE_DEPTH_MAX} levels");
        Err(Fault::new(FaultCode::DepthExceeded, self.at, message).into())
    }

    /// Reads the value at hand and pushes it; `bytes` are those of the row.
    #[inline(always)]
    fn value(
        &mut self,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let start = self.at;
        let pushed = match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                flattener.string(place, text.excerpt(self), bytes)
            }
            Some(b'-' | b'0'..=b'9') => match self.short_number() {
                Some((Short::Int(value), end)) => {
                    self.at = end;
                    flattener.int(place, value, Excerpt::new(self.source, start, end), bytes)
                }
                Some((Short::Float(value), end)) => {
                    self.at = end;
                    flattener.float(place, value, Excerpt::new(self.source, start, end), bytes)
                }
                None => {
                    let (number, text) = self.long_number()?;
                    flattener.number(place, number, text.text(), bytes)
                }
            },
            Some(b'{') => return self.object(flattener, place, bytes),
            Some(b'[') => return self.array(flattener, place, bytes),
            Some(b't') => {
                self.word("true")?;
                flattener.bool(place, true, bytes)
            }
            Some(b'f') => {
                self.word("false")?;
                flattener.bool(place, false, bytes)
            }
            Some(b'n') => {
                self.word("null")?;
                flattener.null(place)
            }
            _ => return Err(self.expected("a value")),
        };
        pushed.map_err(|halt| halt.at_byte(start))
    }

    /// Returns whether the object at hand has no member.
    fn is_empty_object(&self) -> bool {
        let inside = &self.bytes[self.at + 1..];
        let first = inside.iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        first == Some(&b'}')
    }

    #[inline(never)]
    fn object(
        &mut self,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if let Some(members) = flattener.usual_members(place) {
            return self.members(flattener, members, bytes);
        }
        let start = self.at;
        let (is_empty, is_hollow) = (|| self.is_empty_object(), || self.is_hollow_object());
        let object = flattener.begin_object(place, is_empty, is_hollow);
        match object.map_err(|halt| halt.at_byte(start))? {
            Object::Members(members) => self.members(flattener, members, bytes),
            Object::Map(map) => self.map(flattener, map),
            Object::Json(target) => self.whole(flattener, target, bytes),
            Object::Skip => self.skip_value().map(|_| ()),
        }
    }

    /// Reads the object at hand.
    fn members(
        &mut self,
        flattener: &mut Flattener,
        mut members: Members,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if self.begin_container(b'}')? {
            loop {
                let stop = match self.skips {
                    [] => self.likely_members(flattener, &mut members, bytes),
                    _ => Stop::Key,
                };
                let place = match stop {
                    Stop::Key => self.key(flattener, &mut members, bytes)?,
                    Stop::Value(place) => {
                        self.space();
                        Some(place)
                    }
                    Stop::Behind => None,
                };
                if let Some(place) = place {
                    self.value(flattener, place, bytes)?;
                }
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        flattener.end_object(&members);
        Ok(())
    }

    /// Reads members as long as each has the key that was likely, a short scalar behind it, and
    /// a column for that.
    ///
    /// This is the loop in which a conversion spends its time: what it works with stays in
    /// registers, everything short is inlined, and whatever is out of the ordinary is left to
    /// others, with `at` where they go on.
    #[inline(always)]
    fn likely_members(
        &mut self,
        flattener: &mut Flattener,
        members: &mut Members,
        bytes: &mut u32,
    ) -> Stop {
        let source = self.source.as_bytes();
        let end = self.bytes.len();
        let (mut at, mut sum) = (self.at, *bytes);
        let stop = loop {
            let Some(likely) = flattener.predicted(members, source, at) else { break Stop::Key };
            at += likely.length;
            at += usize::from(source.get(at) == Some(&b' '));
            let Some((column, row)) = flattener.column(&likely) else {
                break Stop::Value(likely.place);
            };
            match source.get(at) {
                Some(b'"') => {
                    let close = scan::plain_end(source, at + 1);
                    if close >= end || source[close] != b'"' {
                        break Stop::Value(likely.place);
                    }
                    let text = Excerpt::new(self.source, at + 1, close);
                    column.push_string(row, text);
                    sum = sum.saturating_add(flatten::string_bytes(text.len()));
                    at = close + 1;
                }
                Some(b'-' | b'0'..=b'9') => {
                    match scan::short_number(source, at).filter(|(_, close)| *close <= end) {
                        Some((Short::Int(value), close)) => {
                            column.push_int(row, value);
                            at = close;
                        }
                        Some((Short::Float(value), close)) => {
                            column.push_float(row, value);
                            at = close;
                        }
                        None => break Stop::Value(likely.place),
                    }
                    sum = sum.saturating_add(flatten::NUMBER_BYTES);
                }
                Some(b't') if source[at..].starts_with(b"true") && at + 4 <= end => {
                    column.push_bool(row, true);
                    sum = sum.saturating_add(flatten::BOOL_BYTES);
                    at += 4;
                }
                Some(b'f') if source[at..].starts_with(b"false") && at + 5 <= end => {
                    column.push_bool(row, false);
                    sum = sum.saturating_add(flatten::BOOL_BYTES);
                    at += 5;
                }
                // A null leaves no trace where a column takes scalars.
                Some(b'n') if source[at..].starts_with(b"null") && at + 4 <= end => at += 4,
                _ => break Stop::Value(likely.place),
            }
            match source.get(at..at + 3) {
                Some([b',', b'"', _]) if at < end => at += 1,
                Some(b", \"") if at < end => at += 2,
                _ => break Stop::Behind,
            }
        };
        (self.at, *bytes) = (at, sum);
        stop
    }

    /// Reads the key at hand, and its colon; says where its value goes, or reads over a value that
    /// goes nowhere or whole.
    #[inline(never)]
    fn key(
        &mut self,
        flattener: &mut Flattener,
        members: &mut Members,
        bytes: &mut u32,
    ) -> Result<Option<Place>, Halt> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let start = self.at;
        let key = self.string()?;
        if self.skips.binary_search(&start).is_ok() {
            flattener.note_duplicate(members, key.resolve(self));
            self.colon()?;
            self.skip_value()?;
            return Ok(None);
        }
        let member = flattener.key(members, key.resolve(self))?;
        self.colon()?;
        match member {
            Member::At(place) => Ok(Some(place)),
            Member::Whole(target) => self.whole(flattener, target, bytes).map(|()| None),
        }
    }

    fn map(&mut self, flattener: &mut Flattener, mut map: MapRows) -> Result<(), Halt> {
        if !self.begin_container(b'}')? {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in quotes"));
            }
            let start = self.at;
            let key = self.string()?;
            if self.skips.binary_search(&start).is_ok() {
                flattener.note_duplicate_row(&map, key.resolve(self));
                self.colon()?;
                self.skip_value()?;
            } else {
                let mut bytes = 0;
                let place = flattener.map_key(&mut map, key.resolve(self), &mut bytes)?;
                self.colon()?;
                self.value(flattener, place, &mut bytes)?;
                flattener.end_row(map.table(), bytes);
            }
            if !self.goes_on(b'}')? {
                return Ok(());
            }
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

    #[inline(never)]
    fn array(
        &mut self,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let next = self.bytes.get(self.at + 1);
        if next == Some(&b'{')
            && let Some(rows) = flattener.usual_rows(place)
        {
            return self.rows(flattener, rows);
        }
        let is_empty = next == Some(&b']') && self.depth < PARSE_DEPTH_MAX;
        if is_empty && flattener.usual_empty_array(place, bytes) {
            self.at += 2;
            return Ok(());
        }
        let start = self.at;
        let array = flattener.begin_array(place, || self.look_ahead());
        match array.map_err(|halt| halt.at_byte(start))? {
            Array::List(list) => self.list(flattener, list, bytes),
            Array::Rows(rows) => self.rows(flattener, rows),
            Array::Json(target) => self.whole(flattener, target, bytes),
            Array::Skip => self.skip_value().map(|_| ()),
        }
    }

    fn rows(&mut self, flattener: &mut Flattener, mut rows: Rows) -> Result<(), Halt> {
        if !self.begin_container(b']')? {
            return Ok(());
        }
        loop {
            let mut bytes = 0;
            let place = flattener.add_element(&mut rows);
            self.value(flattener, place, &mut bytes)?;
            flattener.end_row(rows.table(), bytes);
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    fn list(
        &mut self,
        flattener: &mut Flattener,
        mut list: List,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if self.begin_container(b']')? {
            loop {
                let start = self.at;
                self.element(flattener, &mut list, bytes).map_err(|halt| match halt {
                    // What the flattener refuses has no place yet.
                    Halt::Fault(fault) if is_of_value(fault.code) => {
                        Halt::Fault(fault).at_byte(start)
                    }
                    other => other,
                })?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        flattener.end_list(&list, bytes);
        Ok(())
    }

    /// Reads an element of an array that holds no container before its first bracket.
    #[inline]
    fn element(
        &mut self,
        flattener: &mut Flattener,
        list: &mut List,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                flattener.list_string(list, text.excerpt(self), bytes)
            }
            Some(b'-' | b'0'..=b'9') => {
                let (number, text) = self.number()?;
                flattener.list_number(list, number, text, bytes)
            }
            Some(b't') => {
                self.word("true")?;
                flattener.list_bool(list, true, bytes)
            }
            Some(b'f') => {
                self.word("false")?;
                flattener.list_bool(list, false, bytes)
            }
            Some(b'n') => {
                self.word("null")?;
                flattener.list_null(list);
                Ok(())
            }
            _ => Err(self.expected("a value")),
        }
    }

    /// Steps into the object or array at hand; returns whether it has something in it.
    #[inline]
    fn begin_container(&mut self, closer: u8) -> Result<bool, Halt> {
        self.deeper()?;
        self.at += 1;
        self.space();
        if self.peek() != Some(closer) {
            return Ok(true);
        }
        self.at += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// Steps over what follows a member or an element; returns whether another one comes.
    #[inline(always)]
    fn goes_on(&mut self, closer: u8) -> Result<bool, Halt> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(byte) if byte == closer => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ if closer == b'}' => Err(self.expected("`,` or `}`")),
            _ => Err(self.expected("`,` or `]`")),
        }
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

    #[inline]
    pub(super) fn word(&mut self, word: &str) -> Result<(), Halt> {
        for &byte in word.as_bytes() {
            if self.peek() != Some(byte) {
                return Err(self.expected(&format!("`{word}`")));
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<(Number<'a>, Excerpt<'a>), Halt> {
        let start = self.at;
        let (number, end) = match self.short_number() {
            Some((Short::Int(value), end)) => (Number::Int(value), end),
            Some((Short::Float(value), end)) => (Number::Float { value, exact: true }, end),
            None => return self.long_number(),
        };
        self.at = end;
        Ok((number, Excerpt::new(self.source, start, end)))
    }

    #[inline(always)]
    fn short_number(&self) -> Option<(Short, usize)> {
        let found = scan::short_number(self.source.as_bytes(), self.at)?;
        (found.1 <= self.bytes.len()).then_some(found)
    }

    #[inline(never)]
    fn long_number(&mut self) -> Result<(Number<'a>, Excerpt<'a>), Halt> {
        let start = self.at;
        let scanned = match number::scan(self.bytes, start) {
            Ok(scanned) => scanned,
            Err(at) => {
                self.at = at;
                return Err(self.expected("a digit"));
            }
        };
        self.at = scanned.end;
        let text = Excerpt::new(self.source, start, scanned.end);
        let number = match scanned.is_int {
            true => number::parse(text.text()),
            false => number::parse_float(text.text()),
        };
        Ok((number, text))
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
}
