//! Rows and cells of CSV beside those of the `csv` crate.
//!
//! Known differences: what follows a closing quote, which the crate takes and we reject; blank
//! lines of one column, which are rows to us; characters behind an escape other than a quote; an empty
//! cell behind the last one, which we pass over as programs end rows with a delimiter.

use ::csv::ByteRecord;
use serde_json::{Map, Value};
use transmog::{
    CellOptions, Conversion, Error, ErrorKind, FaultCode, Framing, Header, InputFormat, Nulls,
    OnError, OutputFormat, Sign, Summary,
};

use super::unpack::is_packed;
use super::{Piecewise, conversion, is_utf_16, run};

/// How an input is written, by its first byte.
struct Written {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
}

impl Written {
    fn of(mode: u8) -> Written {
        let (delimiter, quote, escape) = match mode.wrapping_sub(b'0') % 5 {
            0 => (b',', Some(b'"'), None),
            1 => (b';', Some(b'"'), None),
            2 => (b'\t', Some(b'\''), None),
            3 => (b'|', None, None),
            _ => (b',', Some(b'"'), Some(b'\\')),
        };
        Written { delimiter, quote, escape }
    }

    fn reader<'a>(&self, text: &'a [u8]) -> csv::Reader<&'a [u8]> {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).comment(Some(COMMENT));
        builder.delimiter(self.delimiter).escape(self.escape);
        builder.quoting(self.quote.is_some()).quote(self.quote.unwrap_or(b'"'));
        builder.from_reader(text)
    }

    fn set(&self, conversion: &mut Conversion) {
        let dialect = &mut conversion.csv_input.dialect;
        dialect.delimiter = Some(self.delimiter);
        dialect.quote = Some(self.quote.map_or(Sign::None, Sign::Byte));
        dialect.escape = Some(self.escape.map_or(Sign::None, Sign::Byte));
        dialect.header = Some(Header::Absent);
        dialect.comment = Some(Sign::Byte(COMMENT));
        dialect.skip_lines = Some(0);
    }
}

/// Taken out of all inputs, as both end such lines differently.
const COMMENT: u8 = b'%';

/// Columns beyond which cells go elsewhere.
const WIDTH_MAX: usize = 4000;

/// Reads the bytes behind the first, which says how they are written.
pub fn csv(data: &[u8]) {
    let Some((mode, text)) = data.split_first() else { return };
    let written = Written::of(*mode);
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != COMMENT).collect();
    if is_utf_16(&text) || is_escaped_oddly(&text, &written) {
        return;
    }
    let whole = convert(&text, &written, usize::MAX, None);
    let cut = convert(&text, &written, 1, Some(16));
    let (summary, rows) = match (whole, cut) {
        (Ok(whole), Ok(cut)) => {
            assert_eq!(whole.1, cut.1, "rows depend on how the input is read");
            assert_eq!(whole.0.rejects, cut.0.rejects, "rejects depend on how the input is read");
            whole
        }
        (Err(whole), Err(cut)) => {
            assert_eq!(whole.kind(), cut.kind());
            // how much was read of what is packed depends on reads
            if whole.kind() != ErrorKind::Compression {
                assert_eq!(whole.to_string(), cut.to_string());
            }
            let is_clean = match whole.kind() {
                ErrorKind::Input | ErrorKind::Compression => true,
                // the first row says what the columns are
                ErrorKind::Record(FaultCode::CsvQuote | FaultCode::EncodingInvalid) => true,
                _ => false,
            };
            assert!(is_clean, "{whole:?}");
            return;
        }
        (one, other) => panic!("whole: {one:?}\ncut: {other:?}"),
    };
    // the crate unpacks nothing
    if !is_packed(&text) {
        compare(&text, &written, &summary, &rows);
    }
}

/// Returns whether the crate would read an escape in another way, or not take it for one.
fn is_escaped_oddly(text: &[u8], written: &Written) -> bool {
    let Some(escape) = written.escape else {
        // nobody can say that there is no escape, and this looks like one
        return text.windows(2).any(|two| two[0] == b'\\' && Some(two[1]) == written.quote);
    };
    let mut at = 0;
    while at < text.len() {
        if text[at] == escape {
            at += 1;
            if text.get(at).is_none_or(|next| *next != escape && Some(*next) != written.quote) {
                return true;
            }
        }
        at += 1;
    }
    false
}

fn convert(
    text: &[u8],
    written: &Written,
    most: usize,
    chunk_bytes: Option<usize>,
) -> Result<(Summary, Vec<u8>), Error> {
    let mut conversion = conversion(&[], InputFormat::Csv, OutputFormat::Jsonl);
    let reader = Box::new(Piecewise::new(text, most));
    conversion.inputs = vec![transmog::Input::Reader { name: "in".to_owned(), reader }];
    conversion.on_error = OnError::Skip;
    conversion.chunk_bytes = chunk_bytes;
    conversion.flatten.all_text = true;
    conversion.nulls = Nulls::Keep;
    conversion.csv_input.cells = CellOptions::default();
    written.set(&mut conversion);
    run(conversion, Framing::One)
}

/// Compares rows up to the first that the crate reads in its own way.
fn compare(text: &[u8], written: &Written, summary: &Summary, rows: &[u8]) {
    let mut reader = written.reader(text);
    let rows_read: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    let start = |row: &ByteRecord| row.position().unwrap().byte() as usize;
    // the crate puts bytes behind a closing quote together with those before, maybe to a character
    let is_text: Vec<bool> = (0..rows_read.len())
        .map(|index| {
            let end = rows_read.get(index + 1).map_or(text.len(), start);
            std::str::from_utf8(&text[start(&rows_read[index])..end]).is_ok()
        })
        .collect();
    let expected: Vec<Vec<Vec<u8>>> =
        rows_read.iter().map(|row| row.iter().map(<[u8]>::to_vec).collect()).collect();
    let width = expected.first().map_or(0, Vec::len);
    if width > WIDTH_MAX {
        return;
    }
    let rows = rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut rows = rows.map(|line| {
        let row: Map<String, Value> = serde_json::from_slice(line).unwrap();
        row.values().map(|cell| cell.as_str().unwrap_or("").as_bytes().to_vec()).collect::<Vec<_>>()
    });
    // one empty cell too many may be a delimiter at the end, or quotes, which the crate does not tell
    let has_more = |row: &Vec<Vec<u8>>| row.len() == width + 1 && row[width].is_empty();
    let is_blank = |row: &Vec<Vec<u8>>| width == 1 && row[0].is_empty();
    let quotes = summary.rejects.by_code.iter().find(|code| code.code == FaultCode::CsvQuote);
    if width == 1 {
        // blank lines are rows here, so numbers say nothing
        if quotes.is_none() && !expected.iter().any(has_more) {
            let expected = expected
                .into_iter()
                .zip(is_text)
                .filter(|(row, is_text)| *is_text && row.len() == 1 && !row[0].is_empty());
            let expected: Vec<_> = expected.map(|(row, _)| row).collect();
            let found: Vec<_> = rows.filter(|row| !is_blank(row)).collect();
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
        }
        return;
    }
    let rejected = |number: u64| summary.rejects.indices.contains(&number);
    let compared = quotes.map_or(u64::MAX, |quotes| quotes.first.record - 1);
    let mut count = 0;
    for ((number, row), is_text) in (0..compared).zip(&expected).zip(is_text) {
        let is_fine = is_text && (row.len() == width || (has_more(row) && !rejected(number)));
        assert_eq!(is_fine, !rejected(number), "row {number}: {row:?}, {:?}", summary.rejects);
        if is_fine {
            assert_eq!(rows.next().as_deref(), Some(&row[..width]), "row {number}");
        }
        count += 1;
    }
    if quotes.is_none() {
        assert_eq!(rows.next(), None);
        assert_eq!(summary.records + summary.rejects.count, count);
    }
}
