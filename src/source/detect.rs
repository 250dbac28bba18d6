//! First bytes → how records are told apart, or what the input is instead.
//!
//! Whatever is JSON is read as JSON; what is other text with delimiters in it is CSV.

use std::fmt;

use serde_json::Value;
use serde_json::error::Category;

use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;
use crate::frame::Framing;
use crate::frame::dialect::DialectOptions;

/// What an input is that is none of the formats it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    looks_like: &'static str,
    hint: &'static str,
}

/// What Parquet starts with, and what Arrow files and streams do.
const PARQUET: &[u8] = b"PAR1";
const ARROW_FILE: &[u8] = b"ARROW1";
const ARROW_STREAM: &[u8] = b"\xFF\xFF\xFF\xFF";

/// Tells Parquet and Arrow from their first bytes; nothing for anything else.
pub fn columns(first: &[u8]) -> Option<InputFormat> {
    if first.starts_with(PARQUET) {
        return Some(InputFormat::Parquet);
    }
    let is_arrow = first.starts_with(ARROW_FILE) || first.starts_with(ARROW_STREAM);
    is_arrow.then_some(InputFormat::Arrow)
}

/// Returns whether [`columns`] says the same whatever follows.
pub fn columns_are_certain(first: &[u8]) -> bool {
    [PARQUET, ARROW_FILE, ARROW_STREAM].iter().all(|magic| !magic.starts_with(first))
        || columns(first).is_some()
}

/// Says what an input is that should be Parquet or Arrow and does not start so.
pub fn no_columns(expected: InputFormat, first: &[u8], name: &str) -> Error {
    let found = match (columns(first), magic(first)) {
        (_, Some(reason)) => reason.looks_like,
        _ if first.is_empty() => "an empty file",
        _ => "something else",
    };
    let what = match expected {
        InputFormat::Arrow => "an Arrow file or stream",
        _ => "a Parquet file",
    };
    let hint = match first.is_empty() {
        true => "the input is cut off: write, copy or download it again; nothing was written",
        false => "leave `--from` out, and the first bytes of each input tell what it is",
    };
    Error::new(ErrorKind::Input, format!("{name}: expected {what}, found {found}")).with_hint(hint)
}

impl Reason {
    const fn new(looks_like: &'static str, hint: &'static str) -> Self {
        Reason { looks_like, hint }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> &'static str {
        self.hint
    }

    /// Builds the error for the input called `name`.
    pub fn into_error(self, name: &str) -> Error {
        Error::new(ErrorKind::Input, format!("{name}: {self}")).with_hint(self.hint)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected JSON, CSV, Parquet or Arrow, found {}", self.looks_like)
    }
}

/// Returns how the records of an input are told apart, as the user says or as [`detect`] finds.
pub fn framing_for(
    format: InputFormat,
    first: &[u8],
    whole: bool,
    hint: Option<InputFormat>,
    rows: &DialectOptions,
) -> Result<Framing, Reason> {
    let magic = || magic(first).or_else(|| wide_text(first));
    match format {
        InputFormat::Json => Ok(Framing::Values),
        InputFormat::Jsonl | InputFormat::Rejects => Ok(Framing::Lines),
        InputFormat::Csv => magic().map_or(Ok(Framing::Rows(rows.sniff(first, whole))), Err),
        InputFormat::Tsv => {
            let rows = DialectOptions { delimiter: Some(b'\t'), ..*rows };
            magic().map_or(Ok(Framing::Rows(rows.sniff(first, whole))), Err)
        }
        // They are told before, and have no text to be cut.
        InputFormat::Parquet | InputFormat::Arrow => {
            Err(magic().unwrap_or(Reason::new("text", "leave `--from` out")))
        }
        InputFormat::Auto => detect(first, whole, hint, rows),
    }
}

/// Tells from its first bytes how the records of an input are told apart.
///
/// The content decides; `hint`, from the file extension, only where both would do.
///
/// - Units: `first` holds up to [`DETECT_BYTES`](crate::limits::DETECT_BYTES);
///   `whole` if there is nothing behind.
///   `rows` is what the user says of CSV, which makes any text that is not JSON CSV.
/// - Errors: what the input looks like, if that is neither JSON, JSONL nor CSV.
pub fn detect(
    first: &[u8],
    whole: bool,
    hint: Option<InputFormat>,
    rows: &DialectOptions,
) -> Result<Framing, Reason> {
    if let Some(reason) = magic(first).or_else(|| wide_text(first)) {
        return Err(reason);
    }
    let text = skip_blank(first);
    let text = Text { first, bytes: text, whole, hint, line: first_line(text), rows };
    match text.bytes.first() {
        None if whole || hint == Some(InputFormat::Jsonl) => Ok(Framing::Lines),
        // all blank so far; back-to-back values are the reading that fits any JSON
        None => Ok(Framing::Values),
        // JSON text sequence, RFC 7464
        Some(0x1E) => Ok(Framing::Values),
        Some(b'{' | b'[') if text.may_be_rows() && !text.is_json() => text.no_json(text.bytes),
        Some(b'{') => text.object(),
        Some(b'[') => Ok(text.array()),
        Some(_) => text.scalar(),
    }
}

/// Returns whether [`detect`] says the same whatever follows: the first line is a whole object.
pub fn is_certain(first: &[u8]) -> bool {
    let text = skip_blank(first);
    text.first() == Some(&b'{')
        && first_line(text).is_some_and(|line| line.len() < text.len() && is_whole(line))
        && magic(first).is_none()
}

/// The input from its first byte that is not blank.
struct Text<'a> {
    /// All of it.
    first: &'a [u8],
    bytes: &'a [u8],
    whole: bool,
    hint: Option<InputFormat>,
    /// The first line, if it ends in the bytes at hand.
    line: Option<&'a [u8]>,
    /// What the user says of CSV.
    rows: &'a DialectOptions,
}

/// What bytes are as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Json {
    /// One value.
    Whole,
    /// Several values.
    Several,
    /// The start of a value.
    Start,
    /// No JSON from this byte on.
    Broken(usize),
}

impl Text<'_> {
    /// Tells from a first line that starts with `{`.
    fn object(&self) -> Result<Framing, Reason> {
        let Some(line) = self.first_line() else { return Ok(self.by_hint()) };
        match read(line) {
            Json::Whole => Ok(Framing::Lines),
            Json::Several => Ok(Framing::Values),
            Json::Start => Ok(self.open_line()),
            Json::Broken(at) if is_whole(&line[..at]) && line.get(at) == Some(&b',') => {
                match skip_blank(&line[at + 1..]).first() {
                    // the framer says that brackets are missing
                    Some(b'{') => Ok(Framing::Values),
                    None => Ok(Framing::Lines),
                    Some(_) => Ok(self.rows()),
                }
            }
            // the bad record gets a message of its own
            Json::Broken(_) => match self.next_line().first() {
                None | Some(b'{') => Ok(Framing::Lines),
                Some(_) => Ok(self.by_hint()),
            },
        }
    }

    /// Tells from a first line that starts with `[`.
    fn array(&self) -> Framing {
        // Lines that are arrays of scalars hold no records, so one alone is an array of records.
        let Some(line) = self.first_line() else { return Framing::Values };
        let has_next = !self.next_line().is_empty();
        match read(line) {
            Json::Start => self.open_line(),
            _ if self.hint == Some(InputFormat::Jsonl) && has_next => Framing::Lines,
            Json::Whole if self.next_line().first() == Some(&b'[') => match self.holds_records() {
                true => Framing::Values,
                false => Framing::Lines,
            },
            _ => Framing::Values,
        }
    }

    /// Returns whether the first of the arrays that is not empty starts with an object, as pages of
    /// an API do.
    fn holds_records(&self) -> bool {
        let mut rest = self.bytes;
        while let Some((b'[', inside)) = rest.split_first() {
            match skip_blank(inside).split_first() {
                Some((b']', behind)) => rest = skip_blank(behind),
                first => return matches!(first, Some((b'{', _))),
            }
        }
        false
    }

    /// Tells from a first line that starts with anything else.
    fn scalar(&self) -> Result<Framing, Reason> {
        let for_json = match self.hint {
            Some(InputFormat::Json) => Framing::Values,
            _ => Framing::Lines,
        };
        let Some(line) = self.first_line() else {
            return match read(self.bytes) {
                Json::Broken(_) => self.no_json(self.bytes),
                _ if self.may_be_rows() => self.no_json(self.bytes),
                _ => Ok(for_json),
            };
        };
        match read(line) {
            _ if self.may_be_rows() => self.no_json(line),
            Json::Whole => Ok(for_json),
            Json::Several => Ok(Framing::Values),
            // one bad line before a good one
            _ if self.next_line().starts_with(b"{")
                && first_line(self.next_line()).is_some_and(is_whole) =>
            {
                Ok(Framing::Lines)
            }
            _ => self.no_json(line),
        }
    }

    /// Tells from a first line that is no JSON: CSV, or what else it looks like.
    fn no_json(&self, line: &[u8]) -> Result<Framing, Reason> {
        const FORCE: &str =
            "if it is JSON, JSONL or CSV all the same, say so with `--from json|jsonl|csv`";
        let line = &line[..line.len().min(1024)];
        let is_text = line.iter().all(|&byte| byte >= 0x20 || byte.is_ascii_whitespace());
        if !is_text {
            return Err(Reason::new("binary data", FORCE));
        }
        if line.first() == Some(&b'<') && !self.may_be_rows() {
            let hint = "convert it to JSON first";
            return Err(Reason::new("text that looks like XML or HTML", hint));
        }
        let is_parted = line.iter().any(|byte| matches!(byte, b',' | b';' | b'\t' | b'|'));
        if is_parted || self.may_be_rows() || self.rows.finds_columns(self.first, self.whole) {
            return Ok(self.rows());
        }
        Err(Reason::new("other text", FORCE))
    }

    fn rows(&self) -> Framing {
        let tabs = self.hint == Some(InputFormat::Tsv) && self.rows.delimiter.is_none();
        let rows = match tabs {
            true => DialectOptions { delimiter: Some(b'\t'), ..*self.rows },
            false => *self.rows,
        };
        Framing::Rows(rows.sniff(self.first, self.whole))
    }

    /// Returns whether something besides the content says that this is CSV.
    fn may_be_rows(&self) -> bool {
        self.hint.is_some_and(InputFormat::is_rows) || *self.rows != DialectOptions::default()
    }

    /// Returns whether what starts like JSON goes on so.
    fn is_json(&self) -> bool {
        let line = self.first_line().map(read);
        matches!(line, Some(Json::Whole | Json::Several))
            || !matches!(read(self.bytes), Json::Broken(_))
    }

    /// Returns the first line, if its end is known.
    fn first_line(&self) -> Option<&[u8]> {
        self.line.or(self.whole.then_some(self.bytes))
    }

    /// Returns what follows the first line, from its first byte that is not blank.
    fn next_line(&self) -> &[u8] {
        self.line.map_or(&[][..], |line| skip_blank(&self.bytes[line.len()..]))
    }

    /// Both would do, as in a first line longer than the bytes at hand.
    fn by_hint(&self) -> Framing {
        match self.hint {
            Some(InputFormat::Jsonl) => Framing::Lines,
            _ => Framing::Values,
        }
    }

    /// A value that is still open at the end of the first line: laid out over several lines, or a
    /// broken record, if it is the line end that breaks it.
    fn open_line(&self) -> Framing {
        if self.next_line().is_empty() {
            return self.by_hint();
        }
        let next_line = self.bytes.len() - self.next_line().len();
        match read(self.bytes) {
            Json::Broken(at) if at <= next_line => Framing::Lines,
            _ => Framing::Values,
        }
    }
}

/// Reads JSON values back to back.
fn read(bytes: &[u8]) -> Json {
    let mut count = 0;
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value {
            Ok(_) => count += 1,
            Err(error) if error.classify() == Category::Eof => return Json::Start,
            // no verdict on what is nested too deep for the parser used here
            Err(error) if error.to_string().starts_with("recursion limit") => return Json::Whole,
            Err(error) => return Json::Broken(offset(bytes, error.line(), error.column())),
        }
    }
    if count > 1 { Json::Several } else { Json::Whole }
}

/// Returns whether `bytes` are one value.
fn is_whole(bytes: &[u8]) -> bool {
    read(bytes) == Json::Whole
}

/// Returns the byte at a line and column, both from 1; column 0 is the line end before.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let ends = memchr::memchr_iter(b'\n', bytes);
    let start = match line.checked_sub(2) {
        Some(before) => ends.map(|end| end + 1).nth(before).unwrap_or(bytes.len()),
        None => 0,
    };
    (start + column).saturating_sub(1).min(bytes.len())
}

/// Returns the line that `text` starts with, without its end, if that is there.
fn first_line(text: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'\n', text).or_else(|| {
        // a CR ends lines only in an input without LF
        memchr::memchr(b'\r', text)
    })?;
    Some(&text[..end])
}

/// Skips byte order mark and white space.
fn skip_blank(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    bytes.trim_ascii_start()
}

/// Knows other formats by their first bytes.
fn magic(first: &[u8]) -> Option<Reason> {
    const READ: &str = "leave `--from` out: it is read as what it is";
    const FORMATS: [(&[u8], Reason); 14] = [
        (
            b"PK\x03\x04",
            Reason::new("a ZIP archive", "unpack it: `unzip -p FILE | transmog convert --to …`"),
        ),
        (PARQUET, Reason::new("a Parquet file", READ)),
        (b"PARE", Reason::new("an encrypted Parquet file", "write it again without encryption")),
        (
            b"SQLite format 3\0",
            Reason::new("a SQLite database", "export a table: `sqlite3 -json FILE 'select …'`"),
        ),
        (b"%PDF-", Reason::new("a PDF document", "give a JSON or JSONL file")),
        (b"\x89PNG", Reason::new("a PNG image", "give a JSON or JSONL file")),
        (b"\x7FELF", Reason::new("an ELF program", "give a JSON or JSONL file")),
        (ARROW_FILE, Reason::new("an Arrow IPC file", READ)),
        (ARROW_STREAM, Reason::new("an Arrow IPC stream", READ)),
        (
            b"FEA1",
            Reason::new("a Feather file of version 1", "write it again, as version 2 or Parquet"),
        ),
        (b"Obj\x01", Reason::new("an Avro file", "export it as JSON: `avro-tools tojson FILE`")),
        (b"ORC", Reason::new("an ORC file", "export it as JSONL first")),
        (b"\xFF\xFE\0\0", UTF_32),
        (b"\0\0\xFE\xFF", UTF_32),
    ];
    if first.get(257..262) == Some(b"ustar") {
        let hint = "unpack it: `tar -xOf FILE NAME | transmog convert --to …`";
        return Some(Reason::new("a tar archive", hint));
    }
    let (_, reason) = FORMATS.iter().find(|(magic, _)| first.starts_with(magic))?;
    if reason.looks_like == "a ZIP archive" && memchr::memmem::find(first, b"xl/").is_some() {
        return Some(Reason::new("an Excel workbook", "save the sheet as JSON or JSONL first"));
    }
    Some(reason.clone())
}

const UTF_16_LE: Reason =
    Reason::new("UTF-16LE text without a byte order mark", "say so with `--encoding utf-16le`");

const UTF_16_BE: Reason =
    Reason::new("UTF-16BE text without a byte order mark", "say so with `--encoding utf-16be`");

const UTF_32: Reason = Reason::new(
    "UTF-32 text",
    "change it to UTF-8: `iconv -f UTF-32 -t UTF-8 FILE | transmog convert --to …`",
);

/// Knows UTF-16 and UTF-32 without byte order mark by where their NUL bytes are.
fn wide_text(first: &[u8]) -> Option<Reason> {
    let start = &first[..first.len().min(64) & !3];
    let nul_at = |places: &[usize], width: usize| {
        let fits = |unit: &[u8]| {
            unit.iter().enumerate().all(|(at, &byte)| (byte == 0) == places.contains(&at))
        };
        // most, since names may hold characters beyond ASCII
        let count = start.chunks_exact(width).filter(|unit| fits(unit)).count();
        !start.is_empty() && 4 * count >= 3 * (start.len() / width)
    };
    if nul_at(&[1, 2, 3], 4) || nul_at(&[0, 1, 2], 4) {
        return Some(UTF_32);
    }
    if nul_at(&[1], 2) {
        return Some(UTF_16_LE);
    }
    nul_at(&[0], 2).then_some(UTF_16_BE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::DETECT_BYTES;

    fn check(text: &[u8], hint: Option<InputFormat>, expected: Result<Framing, &str>) {
        let found = detect(text, true, hint, &DialectOptions::default());
        let found = found.as_ref().copied().map_err(|reason| reason.looks_like);
        let shown = String::from_utf8_lossy(text);
        assert_eq!(found, expected, "{shown}");
        for cut in 0..text.len() {
            if is_certain(&text[..cut]) {
                assert_eq!(found, Ok(Framing::Lines), "{shown}");
            }
        }
    }

    const LINES: Result<Framing, &str> = Ok(Framing::Lines);
    const VALUES: Result<Framing, &str> = Ok(Framing::Values);
    const ROWS: DialectOptions = DialectOptions {
        delimiter: None,
        quote: None,
        escape: None,
        comment: None,
        header: None,
        skip_lines: None,
    };
    const JSON: Option<InputFormat> = Some(InputFormat::Json);
    const JSONL: Option<InputFormat> = Some(InputFormat::Jsonl);

    #[test]
    fn one_object_a_line_is_lines() {
        for text in [
            "{}",
            "{\"a\":1}\n",
            "\n \n{\"a\":1}\n{\"b\":2}\n",
            "\u{feff}{\"a\":1}\r\n{",
            "{\"a\":1}\r{\"a\":2}\r",
            "{\"a\":oops}\n{\"a\":1}\n",
            "{\"a\":oops}\n",
            "{\"a\":1}}\n{\"a\":1}\n",
            "{\"a\":\"\\ud800\"}\n{\"a\":1}\n",
            "{\"a\":\"x\n{\"b\":1}\n",
            "{\"a\":{\"b\":1}\n{\"c\":2}\n",
            "{\"a\":1},\n{\"a\":2},\n",
        ] {
            for hint in [None, JSON, JSONL] {
                check(text.as_bytes(), hint, LINES);
            }
        }
        check(
            format!("{{\"a\":{}{}}}\n{{}}", "[".repeat(500), "]".repeat(500)).as_bytes(),
            None,
            LINES,
        );
        check(b"{\"a\":\"\xFF\"}\n{}\n", None, LINES);
    }

    #[test]
    fn objects_over_several_lines_are_values() {
        for text in [
            "{\n \"a\": 1\n}\n",
            "{\"a\": [\n{\"b\": 1},\n{\"b\": oops}\n]}",
            "{\"a\": 1,\n\"b\": 2}\n{\"a\": 1,\n\"b\": 2}\n",
            "{}{}\n",
            "{\"a\":1},{\"a\":2}\n",
            "\u{1e}{}\n\u{1e}{}\n",
            "{\n\n",
        ] {
            check(text.as_bytes(), None, VALUES);
            check(text.as_bytes(), JSON, VALUES);
        }
        check(b"{ a: 1,\n b: 2 }\n", None, VALUES);
        check(b"{ a: 1,\n b: 2 }\n", JSONL, LINES);
        check(b"{\"a\":1,\"b", None, VALUES);
        check(b"{\"a\":1,\"b", JSONL, LINES);
    }

    #[test]
    fn arrays_hold_records_unless_each_line_is_one() {
        check(b"[]", None, VALUES);
        check(b"[{\"a\":1},{\"a\":2}]\n", None, VALUES);
        check(b"[{\"a\":1},{\"a\":2}]\n", JSONL, VALUES);
        check(b"[\n{},\n{}\n]", None, VALUES);
        check(b"[\n{},\n{}\n]", JSONL, VALUES);
        check(b"[1,2]\n\n[3,4]\n", None, LINES);
        check(b"[]\n[]\n", None, LINES);
        check(b"[[{}]]\n[[{}]]\n", None, LINES);
        check(b"[{\"a\":1}]\n[{\"a\":2}]\n", None, VALUES);
        check(b"[{\"a\":1}]\n[{\"a\":2}]\n", JSON, VALUES);
        check(b"[{\"a\":1}]\n[{\"a\":2}]\n", JSONL, LINES);
        check(b"[ ]\n\n[ {\"a\":2}]\n", None, VALUES);
        check(b"[{\"a\":1}][{\"a\":2}]\n", JSONL, VALUES);
        check(b"[1,2] [3]\n", None, VALUES);
        check(b"[oops, 1]\n", None, VALUES);
    }

    #[test]
    fn blank_input_has_no_records() {
        for text in ["", " ", "\n\n", "\u{feff}", "\u{feff} \r\n"] {
            check(text.as_bytes(), None, LINES);
            check(text.as_bytes(), JSON, LINES);
        }
        let blank = [b' '; DETECT_BYTES];
        assert_eq!(detect(&blank, false, None, &ROWS), Ok(Framing::Values));
        assert_eq!(detect(&blank, false, JSONL, &ROWS), Ok(Framing::Lines));
    }

    #[test]
    fn scalars_are_lines_unless_the_file_is_called_json() {
        for text in ["1\n2\n", "null", "\"a,b\"\n", "-1.5e3\n\"x\"\n"] {
            check(text.as_bytes(), None, LINES);
            check(text.as_bytes(), JSONL, LINES);
            check(text.as_bytes(), JSON, VALUES);
        }
        check(b"1 2 3\n", None, VALUES);
        check(b"oops\n{\"a\":1}\n", None, LINES);
    }

    #[test]
    fn a_first_line_beyond_the_window_is_values() {
        let long =
            |text: &str| text.repeat(DETECT_BYTES / text.len() + 1)[..DETECT_BYTES].to_owned();
        for (text, no_hint, jsonl_hint) in [
            ("{\"a\":\"".to_owned() + &long("x"), VALUES, LINES),
            ("[".to_owned() + &long("{\"a\":1},"), VALUES, VALUES),
            ("\"".to_owned() + &long("é"), LINES, LINES),
        ] {
            let first = &text.as_bytes()[..DETECT_BYTES];
            assert_eq!(detect(first, false, None, &ROWS).map_err(|_| ""), no_hint);
            assert_eq!(detect(first, false, JSONL, &ROWS).map_err(|_| ""), jsonl_hint);
        }
    }

    #[test]
    fn other_formats_are_named() {
        let utf_16 =
            |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let utf_16_be =
            |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let utf_32 =
            |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<_>>();
        let tar = [&b"a.json"[..], &[0; 251], b"ustar\x0000"].concat();
        let cases: [(&[u8], &str); 19] = [
            (&tar, "a tar archive"),
            (b"PK\x03\x04\x14\0a.json", "a ZIP archive"),
            (b"PK\x03\x04\x14\0xl/workbook.xml", "an Excel workbook"),
            (b"PAR1\x15\x04", "a Parquet file"),
            (b"SQLite format 3\0\x10", "a SQLite database"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"\x89PNG\r\n\x1A\n", "a PNG image"),
            (b"\x7FELF\x02", "an ELF program"),
            (b"ARROW1\0\0", "an Arrow IPC file"),
            (b"\xFF\xFF\xFF\xFF\x10\0\0\0", "an Arrow IPC stream"),
            (b"Obj\x01\x04", "an Avro file"),
            (b"ORC\x08", "an ORC file"),
            (b"\xFF\xFE\0\0{\0\0\0", "UTF-32 text"),
            (&utf_16("{\"名\":1,\"size\":2}"), "UTF-16LE text without a byte order mark"),
            (&utf_16_be("{\"a\":1}"), "UTF-16BE text without a byte order mark"),
            (&utf_32("{\"a\":1}"), "UTF-32 text"),
            (b"<html>", "text that looks like XML or HTML"),
            (b"hello\nworld\n", "other text"),
            (b"\0\x01\x02\x03\x04\x05\x06\x07", "binary data"),
        ];
        for (text, looks_like) in cases {
            check(text, None, Err(looks_like));
            check(text, JSONL, Err(looks_like));
        }
    }

    #[test]
    fn text_with_delimiters_is_csv() {
        let check_rows = |text: &str, hint, expected: &str| {
            let found = detect(text.as_bytes(), true, hint, &ROWS);
            let Ok(Framing::Rows(dialect)) = found else { panic!("{text}: {found:?}") };
            assert_eq!(dialect.to_string(), expected, "{text}");
        };
        let (csv, tsv) = (Some(InputFormat::Csv), Some(InputFormat::Tsv));
        const COMMA: &str = "delimiter `,`, quote `\"`, a header";
        for hint in [None, JSON, JSONL, csv] {
            check_rows("id,name\n1,a\n", hint, COMMA);
            check_rows("{\"a\":1},x\n{\"a\":2},y\n", hint, COMMA);
            check_rows("\"id\",\"name\"\n", hint, COMMA);
            check_rows("1,2,3\n", hint, "delimiter `,`, quote `\"`, no header");
            check_rows("\"i\nd\",name\n1,a\n", hint, COMMA);
            let left_out = "delimiter `;`, quote `\"`, a header, 1 line before it left out";
            check_rows("A report\na;b\n1;2\n", hint, left_out);
        }
        check_rows("id\n1\n", csv, COMMA);
        check_rows("1\n2\n", csv, "delimiter `,`, quote `\"`, no header");
        check_rows("{a},b\n{c},d\n", csv, COMMA);
        check_rows("[a],b\n[c],d\n", csv, COMMA);
        check_rows("a,b\tc\n", tsv, "delimiter `\\t`, quote `\"`, a header");
        check(b"{\"a\":1}\n", csv, LINES);
        check(b"[{\"a\":1}]\n", csv, VALUES);
        check(b"{\"a\":\n1}\n", csv, VALUES);
        check(b"a\0b,c\n", csv, Err("binary data"));
        let given = DialectOptions { delimiter: Some(b':'), ..ROWS };
        let found = detect(b"root:x:0\n", true, None, &given);
        assert!(matches!(found, Ok(Framing::Rows(dialect)) if dialect.delimiter == b':'));
    }

    #[test]
    fn the_user_decides() {
        for text in [&b"{}\n{}"[..], b"[\n{}]", b"", b"oops"] {
            assert_eq!(
                framing_for(InputFormat::Json, text, true, JSONL, &ROWS),
                Ok(Framing::Values)
            );
            assert_eq!(
                framing_for(InputFormat::Jsonl, text, true, JSON, &ROWS),
                Ok(Framing::Lines)
            );
        }
        assert_eq!(framing_for(InputFormat::Auto, b"[]", true, JSONL, &ROWS), Ok(Framing::Values));
    }
}
