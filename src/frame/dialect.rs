//! How CSV is written: the delimiter, quotes, header and more, as given or as the start of an
//! input looks.

use std::fmt;

use super::rows::{Cell, read_row};

/// How the rows and cells of one input are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: u8,
    /// Around cells that hold delimiters, quotes or line ends; nothing where no byte does that.
    pub quote: Option<u8>,
    /// Before a quote inside a quoted cell, besides a second quote.
    pub escape: Option<u8>,
    /// Starts rows that are left out.
    pub comment: Option<u8>,
    /// The comment was guessed, so a row that starts with it is kept where it has all cells.
    pub comment_is_guess: bool,
    /// The first row holds names.
    pub header: bool,
    /// Lines before the first row that are left out.
    pub skip_lines: u64,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            comment_is_guess: false,
            header: true,
            skip_lines: 0,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |byte: u8| byte.escape_ascii();
        write!(f, "delimiter `{}`, ", shown(self.delimiter))?;
        match self.quote {
            Some(b'"') => f.write_str("quote `\"`")?,
            Some(quote) => write!(f, "quote `{}`", char::from(quote))?,
            None => f.write_str("no quotes")?,
        }
        if let Some(escape) = self.escape {
            write!(f, ", escape `{}`", char::from(escape))?;
        }
        f.write_str(if self.header { ", a header" } else { ", no header" })?;
        if let Some(comment) = self.comment {
            write!(f, ", comments from `{}`", shown(comment))?;
        }
        match self.skip_lines {
            0 => Ok(()),
            1 => f.write_str(", 1 line before it left out"),
            lines => write!(f, ", {lines} lines before it left out"),
        }
    }
}

/// What users say of a dialect; the rest is told from the start of each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DialectOptions {
    /// Between cells.
    pub delimiter: Option<u8>,
    /// Around cells.
    pub quote: Option<Sign>,
    /// Before a quote inside a quoted cell.
    pub escape: Option<Sign>,
    /// Starts rows that are left out.
    pub comment: Option<Sign>,
    /// Whether the first row holds names.
    pub header: Option<Header>,
    /// Lines at the start that are left out.
    pub skip_lines: Option<u64>,
}

/// What users say of a byte that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// No byte means that.
    None,
    /// This byte.
    Byte(u8),
}

impl Sign {
    /// Returns the byte that means something.
    pub fn byte(self) -> Option<u8> {
        match self {
            Sign::None => None,
            Sign::Byte(byte) => Some(byte),
        }
    }
}

/// Whether the first row holds names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It does.
    Present,
    /// It holds values like all others.
    Absent,
}

impl DialectOptions {
    /// Tells the dialect of an input from its first bytes, as far as it is not given.
    ///
    /// - Units: `sample` holds up to [`DETECT_BYTES`](crate::limits::DETECT_BYTES); `whole` if
    ///   there is nothing behind.
    /// - Source: the delimiter under which most rows have the same number of cells, and the fewest
    ///   cells look as if another one were meant.
    pub fn sniff(&self, sample: &[u8], whole: bool) -> Dialect {
        let (sample, view) = self.view(sample, whole);
        let mut dialect = view.dialect;
        let mut rows = view.rows;
        if self.comment.is_none() && view.width > 1 {
            let marked = rows.iter().filter(|row| row.is_marked).count();
            let is_comment = |row: &Row| row.is_marked && row.cells.len() != view.width;
            let comments = rows.iter().filter(|row| is_comment(row)).count();
            if comments * 2 > marked {
                dialect.comment = Some(b'#');
                dialect.comment_is_guess = true;
                rows.retain(|row| !is_comment(row));
            }
        }
        if self.skip_lines.is_none()
            && let Some(first) = preamble(&rows, view.width)
        {
            dialect.skip_lines = line_count(&sample.bytes[..rows[first].start]);
            rows.drain(..first);
        }
        dialect.header = match self.header {
            Some(header) => header == Header::Present,
            None => has_header(&rows, &sample, &dialect),
        };
        dialect
    }

    /// Returns whether most rows of a sample have several cells.
    pub fn finds_columns(&self, sample: &[u8], whole: bool) -> bool {
        let (_, view) = self.view(sample, whole);
        let table = &view.rows[preamble(&view.rows, view.width).unwrap_or(0)..];
        let fits = table.iter().filter(|row| row.cells.len() == view.width).count();
        view.width > 1 && table.len() > 1 && fits * 10 >= table.len() * 9
    }

    /// Reads the sample in every way that is not ruled out; returns the best.
    fn view<'a>(&self, sample: &'a [u8], whole: bool) -> (Sample<'a>, View) {
        let sample = sample.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(sample);
        let skipped = skip_lines(sample, self.skip_lines.unwrap_or(0));
        let sample = Sample { bytes: &sample[skipped..], whole };
        let given = [self.quote, self.escape, self.comment];
        let is_taken = |sign: &u8| given.contains(&Some(Sign::Byte(*sign)));
        let delimiters = match self.delimiter {
            Some(given) => vec![given],
            None => DELIMITERS.into_iter().filter(|sign| !is_taken(sign)).collect(),
        };
        let mut best: Option<View> = None;
        for delimiter in delimiters {
            let quotings = self.quotings(sample.bytes, delimiter);
            let views = quotings.into_iter().map(|(quote, escape)| {
                let dialect = Dialect {
                    delimiter,
                    quote,
                    escape: escape.filter(|_| escape != quote),
                    comment: self.comment.and_then(Sign::byte),
                    skip_lines: self.skip_lines.unwrap_or(0),
                    ..Dialect::default()
                };
                View::of(&sample, dialect, self.comment.is_none())
            });
            // Quotes that are not the usual ones must be needed: an apostrophe is none.
            let view = views.reduce(|a, b| if b.score > a.score + CLOSE { b } else { a });
            let view = view.expect("there is a quote to try");
            if best.as_ref().is_none_or(|best| view.is_better_than(best)) {
                best = Some(view);
            }
        }
        (sample, best.expect("there is a delimiter to try"))
    }

    /// Returns the quotes and escapes to try; those guessed mean nothing else.
    fn quotings(&self, sample: &[u8], delimiter: u8) -> Vec<(Option<u8>, Option<u8>)> {
        let is_free = |sign: &u8| *sign != delimiter && self.comment != Some(Sign::Byte(*sign));
        let quotes = match self.quote {
            Some(Sign::None) => return vec![(None, None)],
            Some(Sign::Byte(quote)) => vec![quote],
            None if sample.contains(&b'\'') => vec![b'"', b'\''],
            None => vec![b'"'],
        };
        let is_given = self.quote.is_some();
        let quotes: Vec<u8> =
            quotes.into_iter().filter(|quote| is_given || is_free(quote)).collect();
        let may_escape = self.escape.is_none() && is_free(&b'\\');
        let mut found = Vec::new();
        if quotes.is_empty() {
            found.push((None, None));
        }
        for quote in quotes {
            found.push((Some(quote), self.escape.and_then(Sign::byte)));
            if may_escape && memchr::memmem::find(sample, &[b'\\', quote]).is_some() {
                found.push((Some(quote), Some(b'\\')));
            }
        }
        found
    }
}

/// What cells are parted by where nothing is given, the likely first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Scores that differ by no more say nothing; of delimiters, the number of columns decides.
const CLOSE: f64 = 0.03;

/// Preambles are looked for in so many rows.
const PREAMBLE_ROWS_MAX: usize = 64;

struct Sample<'a> {
    bytes: &'a [u8],
    whole: bool,
}

/// A row of the sample.
struct Row {
    start: usize,
    cells: Vec<Cell>,
    is_bad: bool,
    /// It may be a comment, where comments are not given.
    is_marked: bool,
}

/// The sample as one dialect reads it.
struct View {
    dialect: Dialect,
    rows: Vec<Row>,
    /// Cells of most rows.
    width: usize,
    /// How well it fits, up to 1.
    score: f64,
}

impl View {
    fn of(sample: &Sample<'_>, dialect: Dialect, may_have_comments: bool) -> View {
        let bytes = sample.bytes;
        let (mut rows, mut at) = (Vec::new(), 0);
        let signs = [Some(dialect.delimiter), dialect.quote, dialect.escape];
        let may_be_marked = may_have_comments && !signs.contains(&Some(b'#'));
        while at < bytes.len() {
            if matches!(bytes[at], b'\r' | b'\n') {
                at += 1;
                continue;
            }
            if dialect.comment == Some(bytes[at]) {
                at =
                    memchr::memchr2(b'\r', b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                continue;
            }
            let row = read_row(bytes, at, &dialect);
            let is_cut = row.end == bytes.len() && !sample.whole;
            if !is_cut || rows.is_empty() {
                let is_bad = row.fault.is_some() || (row.open_quote.is_some() && !is_cut);
                let is_marked = may_be_marked && bytes[at] == b'#';
                rows.push(Row { start: at, cells: row.cells, is_bad, is_marked });
            }
            at = row.end;
        }
        let width = usual_width(&rows);
        let score = score(&rows, width, sample, &dialect);
        View { dialect, rows, width, score }
    }

    fn is_better_than(&self, other: &View) -> bool {
        let is_table = |view: &View| view.width > 1 && view.score > 0.0;
        match (is_table(self), is_table(other)) {
            (true, false) => true,
            (false, _) => false,
            _ if (self.score - other.score).abs() > CLOSE => self.score > other.score,
            _ => self.width > other.width,
        }
    }
}

/// Returns how many cells most rows have that are no comments; of several numbers the largest.
fn usual_width(rows: &[Row]) -> usize {
    let all_marked = rows.iter().all(|row| row.is_marked);
    let counted = rows.iter().filter(|row| all_marked || !row.is_marked);
    let mut widths: Vec<usize> = counted.map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    let runs = widths.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len()).map_or(1, |run| run[0])
}

/// Returns the share of rows that fit, less what looks as if another dialect were meant.
fn score(rows: &[Row], width: usize, sample: &Sample<'_>, dialect: &Dialect) -> f64 {
    if rows.is_empty() {
        return 0.0;
    }
    let is_comment = |row: &&Row| row.is_marked && row.cells.len() != width;
    let counted: Vec<&Row> = rows.iter().filter(|row| !is_comment(row)).collect();
    let fitting = counted.iter().filter(|row| row.cells.len() == width && !row.is_bad).count();
    let (mut cells, mut odd) = (0, 0usize);
    for cell in counted.iter().flat_map(|row| &row.cells) {
        cells += 1;
        odd += usize::from(!cell.quoted && is_odd(&sample.bytes[cell.start..cell.end], dialect));
    }
    // Of rows and cells, rows say more.
    let clean = 1.0 - odd as f64 / cells.max(1) as f64 / 2.0;
    fitting as f64 / counted.len().max(1) as f64 * clean
}

/// Returns whether a cell without quotes looks as if another delimiter or quote were meant.
fn is_odd(text: &[u8], dialect: &Dialect) -> bool {
    let Some((&first, &last)) = text.first().zip(text.last()) else { return false };
    let is_quoted = matches!(first, b'"' | b'\'') && last == first && text.len() > 1;
    let other = |byte: &u8| *byte != dialect.delimiter && DELIMITERS.contains(byte);
    is_quoted || (text.iter().any(other) && class(text) == Class::Text)
}

/// Returns the first row of the table, where others stand before it.
fn preamble(rows: &[Row], width: usize) -> Option<usize> {
    const ROWS_MIN: usize = 2;
    let first = rows.iter().position(|row| row.cells.len() == width)?;
    let (before, table) = rows.split_at(first);
    let fits = table.iter().filter(|row| row.cells.len() == width).count();
    let is_table = table.len() >= ROWS_MIN && fits * 10 >= table.len() * 9;
    let is_preamble = before.iter().all(|row| row.cells.len() == 1);
    (width > 1 && (1..=PREAMBLE_ROWS_MAX).contains(&first) && is_table && is_preamble)
        .then_some(first)
}

/// Returns whether the first row looks like names.
///
/// It does unless it holds values such as those below it: where a column holds numbers, dates or
/// booleans throughout, its name is none.
fn has_header(rows: &[Row], sample: &Sample<'_>, dialect: &Dialect) -> bool {
    let Some((first, rest)) = rows.split_first() else { return true };
    let class_of = |cell: &Cell| class(cell.text(sample.bytes, dialect).as_bytes());
    let year = |cell: &Cell| {
        let text = &sample.bytes[cell.start..cell.end];
        text.len() == 4 && (text.starts_with(b"19") || text.starts_with(b"20"))
    };
    let mut value_count = 0;
    let mut year_count = 0;
    for (place, name) in first.cells.iter().enumerate() {
        let found = class_of(name);
        let cells = rest.iter().filter_map(|row| row.cells.get(place));
        let mut classes = cells.map(class_of).filter(|class| *class != Class::Empty);
        let below = classes.next().filter(|below| classes.all(|class| class == *below));
        if let Some(below) = below.filter(|below| *below != Class::Text)
            && found != Class::Empty
            && found != below
        {
            return true;
        }
        if !matches!(found, Class::Text | Class::Empty) {
            value_count += 1;
            let cells = rest.iter().filter_map(|row| row.cells.get(place));
            year_count += usize::from(year(name) && !cells.clone().all(year));
        }
    }
    // Years are the numbers that tables have as names.
    value_count == 0 || (value_count > 1 && value_count == year_count)
}

/// What a cell looks like, for a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Empty,
    Number,
    Date,
    Bool,
    Text,
}

fn class(text: &[u8]) -> Class {
    let text = text.trim_ascii();
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    if text.is_empty() {
        return Class::Empty;
    }
    if text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false") {
        return Class::Bool;
    }
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let in_number =
        |byte: &u8| is_digit(byte) || matches!(byte, b'.' | b',' | b'e' | b'E' | b'-' | b'+');
    let in_date = |byte: &u8| is_digit(byte) || b"-/:. TZ+".contains(byte);
    let separators = text.iter().filter(|byte| matches!(byte, b'-' | b'/' | b':' | b'.')).count();
    if !unsigned.iter().any(is_digit)
        || !unsigned.iter().all(|byte| in_number(byte) || in_date(byte))
    {
        return Class::Text;
    }
    let inner_sign = unsigned.iter().position(|byte| matches!(byte, b'-' | b'+'));
    let sign_is_exponent =
        inner_sign.is_none_or(|at| at > 0 && matches!(unsigned[at - 1], b'e' | b'E'));
    let starts = unsigned.first().is_some_and(|byte| is_digit(byte) || matches!(byte, b'.' | b','));
    if starts && unsigned.iter().all(in_number) && sign_is_exponent {
        let points = unsigned.iter().filter(|byte| matches!(byte, b'.' | b',')).count();
        if points <= 1 || separators < 2 {
            return Class::Number;
        }
    }
    if text.iter().all(in_date) && separators >= 2 && is_digit(&text[0]) {
        return Class::Date;
    }
    Class::Text
}

/// Returns where the lines end that are left out.
fn skip_lines(bytes: &[u8], count: u64) -> usize {
    let mut at = 0;
    for _ in 0..count {
        let Some(end) = memchr::memchr2(b'\r', b'\n', &bytes[at..]) else { return bytes.len() };
        at += end + 1;
        if bytes[at - 1] == b'\r' && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
    }
    at
}

fn line_count(bytes: &[u8]) -> u64 {
    let (mut count, mut at) = (0, 0);
    while at < bytes.len() {
        at += skip_lines(&bytes[at..], 1);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(text: &str) -> String {
        DialectOptions::default().sniff(text.as_bytes(), true).to_string()
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(sniff(text), expected, "{text:?}");
    }

    const COMMA: &str = "delimiter `,`, quote `\"`, a header";

    #[test]
    fn delimiters_are_told_by_rows_that_agree() {
        check("a,b\n1,2\n", COMMA);
        check("a;b\n1;2\n", "delimiter `;`, quote `\"`, a header");
        check("a\tb\n1\t2\n", "delimiter `\\t`, quote `\"`, a header");
        check("a|b\n1|2\n", "delimiter `|`, quote `\"`, a header");
        check("a;b\n1,5;2,5\n3,5;4,5\n", "delimiter `;`, quote `\"`, a header");
        check("1,5;2,5\n3,5;4,5\n", "delimiter `;`, quote `\"`, no header");
        check("id,text\n1,\"a;b;c\"\n2,\"d;e;f\"\n", COMMA);
        check("id,text\n1,a|b\n2,c|d\n3,e\n", COMMA);
        check("name\nann\nbob\n", COMMA);
        check("", COMMA);
    }

    #[test]
    fn quotes_and_escapes_are_told_by_cells_that_close() {
        check("a,b\n'x, y','z'\n'u','v, w'\n", "delimiter `,`, quote `'`, a header");
        check("a,b\nit's,that's\n'tis,x\n", COMMA);
        check("a,b\n\"x, the y'\",1\n\"z, 'twas\",2\n\"u, v\",3\n", COMMA);
        check("text\n\"{'a': 1, 'b': 2}\"\n", COMMA);
        check(
            "a,b\n\"x \\\"y\\\", z\",1\n\"u\",2\n",
            "delimiter `,`, quote `\"`, escape `\\`, a header",
        );
        check("a,b\n\"x\"\"y\",1\n", COMMA);
    }

    #[test]
    fn headers_are_names_above_values() {
        check("1,2\n3,4\n", "delimiter `,`, quote `\"`, no header");
        check("ann,5\nbob,6\n", "delimiter `,`, quote `\"`, no header");
        check("name,size\nbob,6\n", COMMA);
        check("name,surname\nbob,x\n", COMMA);
        check("country,1990,1991\nx,1.5,2.5\ny,3.5,4.5\n", COMMA);
        check("name,2020-01-01,2020-02-01\nx,5,6\n", COMMA);
        check("2020-01-01,x\n2020-01-02,y\n", "delimiter `,`, quote `\"`, no header");
        check(",a,b\n0,x,y\n", COMMA);
    }

    #[test]
    fn what_stands_before_the_table_is_left_out() {
        check(
            "A report\n\nof today\na,b\n1,2\n3,4\n",
            "delimiter `,`, quote `\"`, a header, 3 lines before it left out",
        );
        check("# made by x\na,b\n1,2\n# note\n3,4\n", &format!("{COMMA}, comments from `#`"));
        let commented = "# of\n# the file\na;b\n# here, too\n1;2\n# and here\n";
        check(commented, "delimiter `;`, quote `\"`, a header, comments from `#`");
        check("#a,b\n1,2\n3,4\n", COMMA);
        check("a,b\n#1,x\n3,4\n", COMMA);
        // A header with fewer names than cells is no preamble.
        check("a,b\n1,2,3\n4,5,6\n", COMMA);
    }

    #[test]
    fn what_is_given_stands() {
        let options = DialectOptions {
            delimiter: Some(b':'),
            quote: Some(Sign::None),
            header: Some(Header::Absent),
            skip_lines: Some(1),
            comment: Some(Sign::Byte(b'%')),
            escape: None,
        };
        let dialect = options.sniff(b"x;y\na:b,c\n", true);
        let expected =
            "delimiter `:`, no quotes, no header, comments from `%`, 1 line before it left out";
        assert_eq!(dialect.to_string(), expected);
    }

    #[test]
    fn what_is_given_parts_no_cells() {
        let options =
            DialectOptions { comment: Some(Sign::Byte(b',')), ..DialectOptions::default() };
        let dialect = options.sniff(b", of, the, file\na;b\n, here, too\n1;2\n", true);
        let expected = "delimiter `;`, quote `\"`, a header, comments from `,`";
        assert_eq!(dialect.to_string(), expected);
    }

    #[test]
    fn what_is_given_is_guessed_for_nothing_else() {
        let check = |options: DialectOptions, text: &str, expected: &str| {
            let dialect = options.sniff(text.as_bytes(), true);
            assert_eq!(dialect.to_string(), expected, "{text:?}");
        };
        let delimited = |delimiter: u8| DialectOptions {
            delimiter: Some(delimiter),
            ..DialectOptions::default()
        };
        check(delimited(b'"'), "a\"b\n1\"2\n", "delimiter `\\\"`, no quotes, a header");
        let found = "delimiter `\\'`, quote `\"`, a header";
        check(delimited(b'\''), "a'b\n'2\n'3\n", found);
        check(delimited(b'#'), "a#b\n1#2\n#3#4\n", "delimiter `#`, quote `\"`, a header");
        let found = "delimiter `\\\\`, quote `\"`, a header";
        check(delimited(b'\\'), "a\\b\n1\\\"2\"\n", found);
        let escaped = "a,b\n\"x \\\"y\\\", z\",1\n\"u\",2\n";
        let found = "delimiter `,`, quote `\"`, escape `\\`, a header";
        check(DialectOptions::default(), escaped, found);
        check(
            DialectOptions { escape: Some(Sign::None), ..DialectOptions::default() },
            escaped,
            COMMA,
        );
        let commented = "a,b\n# x\n1,2\n";
        check(DialectOptions::default(), commented, &format!("{COMMA}, comments from `#`"));
        let plain = DialectOptions { comment: Some(Sign::None), ..DialectOptions::default() };
        check(plain, commented, COMMA);
        let quoted = DialectOptions { quote: Some(Sign::Byte(b'#')), ..DialectOptions::default() };
        let found = "delimiter `,`, quote `#`, a header";
        check(quoted, "a,b\n#1#,2\n#3,4#\n", found);
    }

    #[test]
    fn a_sample_that_is_cut_leaves_its_last_row_out() {
        let text = "a,b\n1,2\n3,\"x";
        let dialect = DialectOptions::default().sniff(text.as_bytes(), false);
        assert_eq!(dialect.to_string(), COMMA);
    }
}
