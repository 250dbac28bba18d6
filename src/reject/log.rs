//! Rejected records as JSON lines.
//!
//! - Shape: one object a line, `{"file","record","line","byte","column","offset","code","message",
//!   "path","raw","truncated"}`; `raw_base64` in the place of `raw` where the record is not UTF-8,
//!   `unread_bytes` where it is truncated, and `csv` for rows, which says how they were written.
//!   Rows of Parquet and Arrow have null for `line`, `byte` and `column`, and are JSON in `raw`.
//! - Units: `record`, `line` and `column` count from 1; `byte`, where the record begins in the input,
//!   and `offset`, where the fault lies in the record, from 0.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

use super::Reject;
use crate::frame::RowHead;
use crate::frame::dialect::Dialect;

/// A line of a reject file.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    record: u64,
    line: Option<u64>,
    byte: Option<u64>,
    column: Option<u64>,
    offset: u64,
    code: &'static str,
    message: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<Base64<'a>>,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csv: Option<Rows<'a>>,
}

/// Bytes that are no text.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// What a row of CSV needs to be read again.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows<'a> {
    pub columns: Vec<Cow<'a, str>>,
    pub delimiter: char,
    pub quote: Option<char>,
    pub escape: Option<char>,
}

impl<'a> Rows<'a> {
    fn of(head: &'a RowHead) -> Self {
        let Dialect { delimiter, quote, escape, .. } = head.dialect;
        Rows {
            columns: head.names.iter().map(|name| Cow::Borrowed(&**name)).collect(),
            delimiter: char::from(delimiter),
            quote: quote.map(char::from),
            escape: escape.map(char::from),
        }
    }
}

/// Writes a rejected record as a line.
///
/// - Shape: `raw` are the bytes that were kept of it, `unread_bytes` how many were not.
/// - Buffers: none; the bytes are escaped as they are written.
pub(crate) fn write(
    out: &mut impl Write,
    reject: &Reject,
    raw: &[u8],
    unread_bytes: u64,
    rows: Option<&RowHead>,
) -> io::Result<()> {
    let text = std::str::from_utf8(raw).ok();
    let line = Line {
        file: &reject.file,
        record: reject.record,
        line: reject.has_line().then_some(reject.line),
        byte: reject.has_line().then_some(reject.byte),
        column: reject.has_line().then_some(reject.column),
        offset: reject.offset,
        code: reject.code.as_str(),
        message: &reject.message,
        path: &reject.path,
        raw: text,
        raw_base64: if text.is_none() { Some(Base64(raw)) } else { None },
        truncated: reject.truncated,
        unread_bytes: reject.truncated.then_some(unread_bytes),
        csv: rows.map(Rows::of),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FaultCode;

    fn reject() -> Reject {
        Reject {
            file: "a\"b.jsonl".to_owned(),
            record: 7,
            line: 9,
            byte: 100,
            column: 3,
            fault_line: 9,
            fault_byte: 102,
            offset: 2,
            code: FaultCode::JsonSyntax,
            message: "expected `}`, found `\n`".to_owned(),
            path: "/a~1b".to_owned(),
            truncated: false,
        }
    }

    fn written(raw: &[u8], truncated: bool, rows: Option<&RowHead>) -> String {
        let mut out = Vec::new();
        write(&mut out, &Reject { truncated, ..reject() }, raw, 5, rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    const START: &str = concat!(
        r#"{"file":"a\"b.jsonl","record":7,"line":9,"byte":100,"column":3,"offset":2,"#,
        r#""code":"json.syntax","message":"expected `}`, found `\n`","path":"/a~1b","#
    );

    #[test]
    fn lines_hold_the_record_and_its_place() {
        let check = |raw: &[u8], truncated, expected: &str| {
            assert_eq!(written(raw, truncated, None), format!("{START}{expected}}}\n"));
        };
        check(b"{\"a\":\0\n\xC3\xA9}", false, r#""raw":"{\"a\":\u0000\né}","truncated":false"#);
        check(b"", false, r#""raw":"","truncated":false"#);
        check(b"{\"a\":\xFF", true, r#""raw_base64":"eyJhIjr/","truncated":true,"unread_bytes":5"#);
    }

    #[test]
    fn rows_say_how_they_were_written() {
        let head =
            RowHead::read(b"id;\"a\"\"b\"", &Dialect { delimiter: b';', ..Dialect::default() });
        let expected = concat!(
            r#""raw":"1;2;3","truncated":false,"#,
            r#""csv":{"columns":["id","a\"b"],"delimiter":";","quote":"\"","escape":null}"#
        );
        let found = written(b"1;2;3", false, Some(&head.unwrap()));
        assert_eq!(found, format!("{START}{expected}}}\n"));
    }
}
