//! Guesses of how CSV is written: made for any bytes, and good to read them with.

use transmog::frame::dialect::{Dialect, DialectOptions};
use transmog::{
    Conversion, Error, ErrorKind, Framing, Header, InputFormat, OnError, OutputFormat, Sign,
    Summary,
};

use super::{conversion, is_utf_16, run};

/// Guesses, whether there is more behind or not, and reads the bytes by the guess.
pub fn sniff(data: &[u8]) {
    let nothing = DialectOptions::default();
    for whole in [false, true] {
        let dialect = nothing.sniff(data, whole);
        check_dialect(&dialect, data);
        assert_eq!(dialect, nothing.sniff(data, whole));
        let _ = nothing.finds_columns(data, whole);
    }
    // what is given stands, whatever else there is, and is guessed for nothing else
    if let Some(delimiter) = data.first().filter(|sign| sign.is_ascii_graphic()) {
        let given = DialectOptions { delimiter: Some(*delimiter), ..nothing };
        check_dialect(&given.sniff(data, true), data);
        let given = DialectOptions { quote: Some(Sign::Byte(*delimiter)), ..nothing };
        check_dialect(&given.sniff(data, true), data);
        let given = DialectOptions { comment: Some(Sign::Byte(*delimiter)), ..nothing };
        check_dialect(&given.sniff(data, true), data);
    }
    if let [delimiter, quote, comment, ..] = data
        && delimiter != quote
        && quote != comment
        && comment != delimiter
        && [delimiter, quote, comment].iter().all(|sign| sign.is_ascii_graphic())
    {
        let given = DialectOptions {
            delimiter: Some(*delimiter),
            quote: Some(Sign::Byte(*quote)),
            comment: Some(Sign::Byte(*comment)),
            ..nothing
        };
        let dialect = given.sniff(data, true);
        assert_eq!((dialect.delimiter, dialect.quote), (*delimiter, Some(*quote)));
        assert_eq!(dialect.comment, Some(*comment));
        check_dialect(&dialect, data);
    }
    if !is_utf_16(data) {
        check_run(data);
    }
}

fn check_dialect(dialect: &Dialect, data: &[u8]) {
    let Dialect { delimiter, quote, escape, comment, skip_lines, .. } = *dialect;
    let signs = [Some(delimiter), quote, escape, comment];
    for (place, sign) in signs.iter().enumerate() {
        assert!(!matches!(sign, Some(b'\n' | b'\r')), "{dialect}");
        assert!(sign.is_none() || !signs[..place].contains(sign), "{dialect}");
    }
    let line_ends = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(skip_lines <= line_ends as u64, "{dialect}");
}

/// What was guessed reads the same rows when it is given.
fn check_run(data: &[u8]) {
    let (guessed, rows) = match convert(data, &|_| {}) {
        Ok(done) => done,
        Err(error) => {
            let kind = error.kind();
            let is_clean =
                matches!(kind, ErrorKind::Input | ErrorKind::Compression | ErrorKind::Record(_));
            return assert!(is_clean, "{error:?}");
        }
    };
    let Some(found) = guessed.dialects.first() else { return };
    let dialect = found.dialect;
    check_dialect(&dialect, data);
    if dialect.comment_is_guess {
        return;
    }
    let given = |sign: Option<u8>| sign.map_or(Sign::None, Sign::Byte);
    let (again, same) = convert(data, &|conversion| {
        conversion.csv_input.dialect = DialectOptions {
            delimiter: Some(dialect.delimiter),
            quote: Some(given(dialect.quote)),
            escape: Some(given(dialect.escape)),
            comment: Some(given(dialect.comment)),
            header: Some(if dialect.header { Header::Present } else { Header::Absent }),
            skip_lines: Some(dialect.skip_lines),
        };
    })
    .unwrap();
    assert_eq!(rows, same, "{dialect}");
    assert_eq!(guessed.records, again.records);
    assert_eq!(guessed.rejects, again.rejects);
}

fn convert(data: &[u8], set: &dyn Fn(&mut Conversion)) -> Result<(Summary, Vec<u8>), Error> {
    let mut conversion = conversion(data, InputFormat::Csv, OutputFormat::Jsonl);
    conversion.on_error = OnError::Skip;
    set(&mut conversion);
    run(conversion, Framing::One)
}
