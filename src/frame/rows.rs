//! Rows of CSV: they end at a line end outside quotes.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::{memchr, memchr2, memchr3};
use wide::u8x16;

use super::blocks::{BLOCK, equal, parity};
use super::dialect::Dialect;
use super::header::RowHead;
use super::{BOM, Cut, Failure, RunBounds, Span, Step};
use crate::error::FaultCode;

/// Finds rows.
///
/// A row ends at LF, CR LF or CR outside quotes. A quote opens a cell only as its first byte, and
/// closes it where it is not doubled. Blank lines are skipped, except that each is a row where rows
/// have a single cell.
#[derive(Debug)]
pub(super) struct Rows {
    dialect: Dialect,
    /// Lines to leave out yet.
    skip_lines: u64,
    /// The scan stands in a line that is left out.
    in_left_out: bool,
    /// Nothing of the input was looked at yet.
    is_start: bool,
    /// The last line ended at a CR, so that an LF belongs to it.
    after_cr: bool,
    /// The scan stands inside quotes.
    in_quotes: bool,
    /// What the first row said.
    head: Option<Arc<RowHead>>,
    /// Lines left out as comments.
    pub(super) comments: u64,
}

/// Where a row ends in the bytes looked at.
enum End {
    /// At this byte.
    At(usize),
    /// Not before this byte.
    NotBefore(usize),
}

/// What a block of bytes says of rows.
struct Found {
    /// A bit for each byte that ends a line outside quotes.
    ends: u64,
    /// How many of its bytes were understood; none where a quote stands where it should not.
    known: usize,
    /// Whether the first byte behind those stands inside quotes.
    in_quotes: bool,
}

impl Rows {
    pub(super) fn new(dialect: Dialect) -> Self {
        Rows {
            dialect,
            skip_lines: dialect.skip_lines,
            in_left_out: false,
            is_start: true,
            after_cr: false,
            in_quotes: false,
            head: None,
            comments: 0,
        }
    }

    /// Returns what the first row said, once it was found.
    pub(super) fn head(&self) -> Option<&Arc<RowHead>> {
        self.head.as_ref()
    }

    /// Looks for the end of the next row.
    pub(super) fn step(&mut self, data: &[u8], ended: bool, cut: &mut Cut) -> Step {
        loop {
            let start = match cut.record {
                Some(start) => start,
                None => match self.begin(data, ended, &mut cut.pos) {
                    Some(step) => return step,
                    None => *cut.record.insert(cut.pos),
                },
            };
            let (end, truncated) = match self.find_end(data, ended, start, cut.pos) {
                End::At(end) => {
                    cut.pos = end + 1;
                    self.after_cr = data[end] == b'\r';
                    (end, false)
                }
                End::NotBefore(pos) if !ended => {
                    cut.pos = pos;
                    return Step::More;
                }
                End::NotBefore(_) => {
                    cut.pos = data.len();
                    (data.len(), std::mem::take(&mut self.in_quotes))
                }
            };
            if self.head.is_none() && !cut.is_tail {
                match self.read_head(&data[start..end]) {
                    Err(failure) => {
                        cut.pos = start + failure.0;
                        return Step::Fail(failure.1);
                    }
                    Ok(true) => {
                        cut.record = None;
                        continue;
                    }
                    Ok(false) => {}
                }
            }
            if !cut.is_tail && self.is_comment(&data[start..end]) {
                self.comments += 1;
                cut.record = None;
                continue;
            }
            return Step::Record { end, truncated };
        }
    }

    /// Moves `pos` to the start of the next row; returns a step where that is not in sight, or a
    /// row without a byte.
    fn begin(&mut self, data: &[u8], ended: bool, pos: &mut usize) -> Option<Step> {
        let wait = || Some(if ended { Step::End } else { Step::More });
        if self.is_start {
            if !ended && data.len() < BOM.len() && BOM.starts_with(data) {
                return Some(Step::More);
            }
            *pos += if data.starts_with(BOM) { BOM.len() } else { 0 };
            self.is_start = false;
        }
        while let Some(&byte) = data.get(*pos) {
            if byte == b'\n' && std::mem::take(&mut self.after_cr) {
                *pos += 1;
                continue;
            }
            self.after_cr = false;
            if !self.in_left_out && self.skip_lines == 0 {
                self.in_left_out = self.dialect.comment == Some(byte) && !self.may_be_row();
                self.comments += u64::from(self.in_left_out);
            }
            self.in_left_out |= self.skip_lines > 0;
            if self.in_left_out {
                let Some(end) = memchr2(b'\r', b'\n', &data[*pos..]) else {
                    *pos = data.len();
                    return wait();
                };
                *pos += end + 1;
                self.after_cr = data[*pos - 1] == b'\r';
                self.skip_lines = self.skip_lines.saturating_sub(1);
                self.in_left_out = false;
                continue;
            }
            let is_line_end = matches!(byte, b'\r' | b'\n');
            let is_single = self.head.as_ref().is_some_and(|head| head.names.len() == 1);
            if !is_line_end || is_single {
                return None;
            }
            self.after_cr = byte == b'\r';
            *pos += 1;
        }
        wait()
    }

    /// Returns whether a row that starts like a comment may be one all the same.
    fn may_be_row(&self) -> bool {
        self.dialect.comment_is_guess && self.head.is_some()
    }

    /// Returns whether a row is left out that starts with what was guessed to start comments: it
    /// stays where it has all cells.
    fn is_comment(&self, row: &[u8]) -> bool {
        let Some(head) = self.head.as_ref().filter(|_| self.dialect.comment_is_guess) else {
            return false;
        };
        self.dialect.comment == row.first().copied()
            && !row.is_empty()
            && RawCells::of(row, 0, &self.dialect).count() != head.names.len()
    }

    /// Finds the end of the row that starts at `start`, from `pos` on.
    fn find_end(&mut self, data: &[u8], ended: bool, start: usize, mut pos: usize) -> End {
        let Some(quote) = self.dialect.quote else {
            let found = memchr2(b'\r', b'\n', &data[pos..]);
            return found.map_or(End::NotBefore(data.len()), |at| End::At(pos + at));
        };
        let (delimiter, escape) = (self.dialect.delimiter, self.dialect.escape);
        loop {
            if !self.in_quotes {
                let Some(at) = memchr3(quote, b'\r', b'\n', &data[pos..]) else {
                    return End::NotBefore(data.len());
                };
                let at = pos + at;
                if data[at] != quote {
                    return End::At(at);
                }
                pos = at + 1;
                if at > start && data[at - 1] != delimiter {
                    continue;
                }
                self.in_quotes = true;
            }
            let Some(at) = find_quote(data, pos, quote, escape) else {
                return End::NotBefore(data.len());
            };
            let Some(&next) = data.get(at + 1) else {
                if ended && data[at] == quote {
                    self.in_quotes = false;
                    return End::NotBefore(data.len());
                }
                return End::NotBefore(if ended { data.len() } else { at });
            };
            if data[at] != quote || next == quote {
                pos = at + 2;
            } else if next == delimiter && data.get(at + 2) == Some(&quote) {
                // The next cell is quoted, too.
                pos = at + 3;
            } else {
                self.in_quotes = false;
                pos = at + 1;
                // So is the last one, as it seems.
                if matches!(next, b'\r' | b'\n') {
                    return End::At(pos);
                }
            }
        }
    }

    /// Adds rows from the start of one on, `pos`, and moves it behind them: those that stand whole in
    /// `data`, as long as quotes stand where they should.
    pub(super) fn add_plain(
        &mut self,
        data: &[u8],
        pos: &mut usize,
        bounds: &RunBounds,
        records: &mut Vec<Span>,
    ) {
        if self.head.is_none() || self.in_left_out || self.dialect.escape.is_some() {
            return;
        }
        let Some(first) = data.get(*pos) else { return };
        *pos += usize::from(std::mem::take(&mut self.after_cr) && *first == b'\n');
        let (mut at, mut in_quotes) = (*pos, false);
        while let Some(block) = data.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            let may_open = at == *pos || data[at - 1] == self.dialect.delimiter;
            let found = self.look_at(block, in_quotes, may_open);
            let mut ends = found.ends;
            while ends != 0 {
                let (start, end) = (*pos, at + ends.trailing_zeros() as usize);
                ends &= ends - 1;
                // the LF behind a CR
                if end < start {
                    continue;
                }
                let is_plain = end > start && self.dialect.comment != Some(data[start]);
                let Some(next) =
                    data.get(end + 1).filter(|_| is_plain && bounds.fit(start, end, records.len()))
                else {
                    return;
                };
                records.push(Span { start: start as u32, end: end as u32 });
                *pos = end + 1 + usize::from(data[end] == b'\r' && *next == b'\n');
            }
            if found.known == 0 {
                return;
            }
            in_quotes = found.in_quotes;
            at += found.known;
        }
    }

    /// Looks at a block that starts inside quotes or not, or where a quote may open a cell.
    #[inline(always)]
    fn look_at(&self, block: &[u8; BLOCK], in_quotes: bool, may_open: bool) -> Found {
        let quotes = self.dialect.quote.map_or(0, |quote| equal(block, quote));
        let line_ends = equal(block, b'\n') | equal(block, b'\r');
        if quotes == 0 {
            let ends = if in_quotes { 0 } else { line_ends };
            return Found { ends, known: BLOCK, in_quotes };
        }
        // From an opening quote up to the closing one; a doubled quote closes and opens.
        let inside = parity(quotes) ^ if in_quotes { u64::MAX } else { 0 };
        let before = equal(block, self.dialect.delimiter) | quotes | line_ends;
        let odd = quotes & inside & !(before << 1 | u64::from(may_open));
        let ends = line_ends & !inside;
        if odd != 0 {
            let ends = ends & ((1 << odd.trailing_zeros()) - 1);
            return Found { ends, known: 0, in_quotes };
        }
        // Whether a quote at the end is doubled is for the next block to tell.
        let known = BLOCK - quotes.leading_ones() as usize;
        let in_quotes = known > 0 && inside >> (known - 1) & 1 == 1;
        Found { ends, known, in_quotes }
    }

    /// Reads the first row; returns whether it holds names, or what is wrong with them and where.
    fn read_head(&mut self, row: &[u8]) -> Result<bool, (usize, Failure)> {
        let head = RowHead::read(row, &self.dialect).map_err(|(at, code, message)| {
            let hint = (code == FaultCode::CsvQuote).then_some(
                "this row names the columns; mend it, or say how the rest is written with \
                 `--quote`, `--skip-rows` or `--no-header`",
            );
            (at, Failure { code, message, place: None, hint, is_fatal: true })
        })?;
        self.head = Some(Arc::new(head));
        Ok(self.dialect.header)
    }

    /// Returns where the quotes opened that are still open at the end of `row`.
    pub(super) fn open_quote(&self, row: &[u8]) -> Option<usize> {
        RawCells::of(row, 0, &self.dialect).skipped().open_quote
    }

    /// Builds the failure for quotes that do not close within the longest record.
    pub(super) fn never_closes(longest: &str) -> Failure {
        Failure {
            code: FaultCode::CsvQuote,
            message: format!("expected a closing quote within {longest}, found none"),
            place: None,
            hint: Some(
                "mend the quote, say `--quote none` if quotes mean nothing here, or raise \
                 `--max-record-bytes`",
            ),
            is_fatal: false,
        }
    }
}

/// Finds the next quote or escape.
#[inline]
pub(crate) fn find_quote(data: &[u8], pos: usize, quote: u8, escape: Option<u8>) -> Option<usize> {
    if let Some(escape) = escape {
        return memchr2(quote, escape, data.get(pos..)?).map(|at| pos + at);
    }
    // Cells are mostly short.
    if let Some(block) = data.get(pos..).and_then(<[u8]>::first_chunk::<16>) {
        let found = u8x16::new(*block).simd_eq(u8x16::splat(quote)).to_bitmask();
        if found != 0 {
            return Some(pos + found.trailing_zeros() as usize);
        }
        return memchr(quote, &data[pos + 16..]).map(|at| pos + 16 + at);
    }
    memchr(quote, data.get(pos..)?).map(|at| pos + at)
}

/// A row, cell by cell: the slow way, for guesses, headers and messages.
#[derive(Debug)]
pub struct RawRow {
    /// Its cells; there is always one.
    pub cells: Vec<Cell>,
    /// Where it ends: at its line end, or that of the data.
    pub end: usize,
    /// First byte behind a closing quote that can not stand there.
    pub fault: Option<usize>,
    /// The quote that does not close.
    pub open_quote: Option<usize>,
}

/// Where a cell's content lies, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// It stood in quotes.
    pub quoted: bool,
}

impl Cell {
    /// Returns the text of the cell, without doubled quotes and escapes.
    pub fn text<'a>(&self, data: &'a [u8], dialect: &Dialect) -> Cow<'a, str> {
        let raw = String::from_utf8_lossy(&data[self.start..self.end]);
        let Some(quote) = dialect.quote.filter(|_| self.quoted) else { return raw };
        let (quote, escape) = (char::from(quote), dialect.escape.map(char::from));
        if !raw.contains([quote, escape.unwrap_or(quote)]) {
            return raw;
        }
        let mut text = String::with_capacity(raw.len());
        let mut chars = raw.chars().peekable();
        while let Some(char) = chars.next() {
            let is_quote = char == quote && chars.peek() == Some(&quote);
            let escapes = |next: &char| *next == quote || Some(*next) == escape;
            let is_escape = Some(char) == escape && chars.peek().is_some_and(escapes);
            text.push(if is_quote || is_escape { chars.next().unwrap_or(char) } else { char });
        }
        Cow::Owned(text)
    }
}

/// The cells of a row, one after the other: of hostile ones there are too many to be held.
#[derive(Debug)]
pub struct RawCells<'a> {
    data: &'a [u8],
    dialect: &'a Dialect,
    /// Where the next cell starts, if there is one.
    next: Option<usize>,
    end: usize,
    fault: Option<usize>,
    open_quote: Option<usize>,
}

impl<'a> RawCells<'a> {
    /// Goes over the row that starts at `start`.
    pub fn of(data: &'a [u8], start: usize, dialect: &'a Dialect) -> Self {
        let (next, end) = (Some(start), data.len());
        RawCells { data, dialect, next, end, fault: None, open_quote: None }
    }

    /// Goes to the end of the row; returns the row with those of its cells that nobody has taken.
    pub fn rest(mut self) -> RawRow {
        let cells = self.by_ref().collect();
        RawRow { cells, end: self.end, fault: self.fault, open_quote: self.open_quote }
    }

    /// Goes to the end of the row and takes its cells; returns the row without them.
    pub fn skipped(mut self) -> RawRow {
        self.by_ref().for_each(drop);
        self.rest()
    }
}

impl Iterator for RawCells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        let (data, dialect) = (self.data, self.dialect);
        let mut at = self.next?;
        let mut cell = Cell { start: at, end: at, quoted: false };
        if dialect.quote.is_some() && data.get(at).copied() == dialect.quote {
            cell = Cell { start: at + 1, end: data.len(), quoted: true };
            match closing_quote(data, at + 1, dialect) {
                Some(close) => {
                    cell.end = close;
                    at = close + 1;
                }
                None => {
                    self.open_quote = Some(at);
                    at = data.len();
                }
            }
        }
        let rest = data[at..].iter();
        let is_end = |byte: &u8| *byte == dialect.delimiter || matches!(byte, b'\r' | b'\n');
        let end = at + rest.take_while(|byte| !is_end(byte)).count();
        match cell.quoted {
            true if end > at => self.fault = self.fault.or(Some(at)),
            true => {}
            false => cell.end = end,
        }
        self.next = data.get(end).filter(|byte| **byte == dialect.delimiter).map(|_| end + 1);
        if self.next.is_none() {
            self.end = end;
        }
        Some(cell)
    }
}

/// Reads the row that starts at `start`.
pub fn read_row(data: &[u8], start: usize, dialect: &Dialect) -> RawRow {
    RawCells::of(data, start, dialect).rest()
}

/// Returns the quote that closes a cell whose content starts at `at`.
fn closing_quote(data: &[u8], mut at: usize, dialect: &Dialect) -> Option<usize> {
    let quote = dialect.quote?;
    while at < data.len() {
        if data[at] == quote {
            if data.get(at + 1) != Some(&quote) {
                return Some(at);
            }
            at += 1;
        } else if Some(data[at]) == dialect.escape {
            at += 1;
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Random, check, check_error, frame, options};
    use super::*;
    use crate::frame::{FrameOptions, Framing};

    fn headless() -> Dialect {
        Dialect { header: false, ..Dialect::default() }
    }

    /// Frames `text` without a header.
    fn check_rows(text: &str, expected: &[&str]) {
        check(Framing::Rows(headless()), text.as_bytes(), expected);
    }

    #[test]
    fn rows_end_at_line_ends_outside_quotes() {
        check_rows("", &[]);
        check_rows("a,b", &["1:1:0 a,b"]);
        check_rows("a,b\nc,d\n", &["1:1:0 a,b", "2:1:4 c,d"]);
        check_rows("a,b\r\nc,d\r\n", &["1:1:0 a,b", "2:1:5 c,d"]);
        check_rows("a,b\rc,d\r", &["1:1:0 a,b", "1:5:4 c,d"]);
        check_rows("a,b\rc,d\ne,f\r\n", &["1:1:0 a,b", "1:5:4 c,d", "2:1:8 e,f"]);
        check_rows("\"a\nb\",c\nd,e\n", &["1:1:0 \"a\nb\",c", "3:1:8 d,e"]);
        check_rows("\"a\r\nb\",\"c\r\"\nd,e", &["1:1:0 \"a\r\nb\",\"c\r\"", "3:1:12 d,e"]);
        check_rows("\"a\"\"\n\",b\n", &["1:1:0 \"a\"\"\n\",b"]);
        check_rows("\"\"\"\n\"\"\",b\n", &["1:1:0 \"\"\"\n\"\"\",b"]);
        check_rows("\"\",b\n\"\",d", &["1:1:0 \"\",b", "2:1:5 \"\",d"]);
    }

    #[test]
    fn quotes_count_at_the_start_of_a_cell_alone() {
        check_rows("5\" x,b\nc,d\n", &["1:1:0 5\" x,b", "2:1:7 c,d"]);
        check_rows("a, \"b\nc,d\"\n", &["1:1:0 a, \"b", "2:1:6 c,d\""]);
        check_rows("\"a\"b\"\nc,d\n", &["1:1:0 \"a\"b\"", "2:1:6 c,d"]);
        check_rows("a,\"b\nc\",d\n", &["1:1:0 a,\"b\nc\",d"]);
    }

    #[test]
    fn blank_lines_are_rows_where_rows_have_one_cell() {
        check_rows("\n\r\na,b\n\n\nc,d\n\n", &["3:1:3 a,b", "6:1:9 c,d"]);
        check_rows("a\n\nb\n", &["1:1:0 a", "2:1:2 ", "3:1:3 b"]);
        check_rows("a\r\n\r\nb", &["1:1:0 a", "2:1:3 ", "3:1:5 b"]);
        check_rows("a\r\rb", &["1:1:0 a", "1:3:2 ", "1:4:3 b"]);
        check_rows("\n\na\n", &["3:1:2 a"]);
    }

    #[test]
    fn headers_marks_and_lines_left_out_are_no_rows() {
        check(Framing::Rows(Dialect::default()), b"\xEF\xBB\xBFa,b\n1,2\n", &["2:1:7 1,2"]);
        check(Framing::Rows(Dialect::default()), b"a,b\n", &[]);
        let skipping = Dialect { skip_lines: 2, ..headless() };
        check(Framing::Rows(skipping), b"x \"y\r\n\r\na,b\n", &["3:1:8 a,b"]);
        check(Framing::Rows(skipping), b"x\ry\ra,b\n", &["1:5:4 a,b"]);
        check(Framing::Rows(skipping), b"x", &[]);
        let comments = Dialect { comment: Some(b'#'), ..headless() };
        let text = b"#\"x\na,b\n#,y\n#z\r\nc,#d\n#";
        check(Framing::Rows(comments), text, &["2:1:4 a,b", "5:1:16 c,#d"]);
    }

    #[test]
    fn guessed_comments_do_not_cost_whole_rows() {
        let comment = Some(b'#');
        let dialect = Dialect { comment, comment_is_guess: true, ..headless() };
        check(Framing::Rows(dialect), b"a,b\n#x\n#1,2\n", &["1:1:0 a,b", "3:1:7 #1,2"]);
    }

    #[test]
    fn other_dialects() {
        let escaping = Dialect { escape: Some(b'\\'), ..headless() };
        let text = b"\"a\\\"\n\",b\n\"c\\\\\",d\n";
        check(Framing::Rows(escaping), text, &["1:1:0 \"a\\\"\n\",b", "3:1:9 \"c\\\\\",d"]);
        let unquoted = Dialect { quote: None, ..headless() };
        check(Framing::Rows(unquoted), b"\"a\nb\",c\n", &["1:1:0 \"a", "2:1:3 b\",c"]);
    }

    #[test]
    fn a_quote_that_never_closes_is_found() {
        check_rows("a,b\nc,\"d\n\n", &["1:1:0 a,b", "2:1:4 c,\"d\n\n (cut)"]);
        let message = "x:2:3: expected a closing quote within 8 bytes, found none (csv.quote)";
        let text = b"a,b\nc,\"d\n,,,\n,,,,,\n,,,,,,,\n";
        check_error(Framing::Rows(headless()), 8, text, 1, message);
        let message = "x:2:3: expected a closing quote within 8 bytes, found none (csv.quote)";
        let text = b"a,b\nc,\"d\n,,,\n,,,,,\n,,,,\"\n";
        check_error(Framing::Rows(headless()), 8, text, 1, message);
        let message =
            "x: record 2, byte 4: longer than 8 bytes (raise it with `--max-record-bytes`)";
        check_error(Framing::Rows(headless()), 8, b"a,b\n\"c\",ddddd\n", 1, message);
    }

    #[test]
    fn bad_headers_end_the_run() {
        let dialect = Framing::Rows(Dialect::default());
        let message = "x:1:3: expected a closing quote, found the end of the input";
        check_error(dialect, 100, b"a,\"b\n1,2\n", 0, message);
        let message = "x:1:6: expected a delimiter or a line end behind the closing quote";
        check_error(dialect, 100, b"a,\"b\"c\n1,2\n", 0, message);
    }

    #[test]
    fn rows_found_together_are_those_found_one_by_one() {
        const ROWS: [&str; 12] = [
            "1,2",
            "",
            "#c",
            "#c,d",
            "\"a\nb\",c",
            "\"#\",\"\"\"\"",
            "5\",6",
            "a, \"b",
            "\"x\",y\r",
            "x,\"\r\"",
            "é,#",
            "a long cell so that a block of 64 bytes does not hold the row,b",
        ];
        let mut random = Random(13);
        for round in 0..200 {
            let comment = (round % 2 == 0).then_some(b'#');
            let line_end = random.pick(["\n", "\n", "\r\n", "\r"]);
            let dialect =
                Dialect { comment, comment_is_guess: round % 4 == 0, ..Dialect::default() };
            let head = if round % 5 == 0 { "one" } else { "x,y" };
            let mut text = format!("{head}{line_end}");
            for _ in 0..random.below(60) {
                text.push_str(random.pick(ROWS));
                text.push_str(line_end);
            }
            // compares chunks of a row with such of many
            let framing = Framing::Rows(dialect);
            let (all, error) = frame(text.as_bytes(), &options(framing));
            assert_eq!(error, None);
            for count in [1, 2, 7, 30] {
                let limited = FrameOptions { records_max: Some(count as u64), ..options(framing) };
                let (first, _) = frame(text.as_bytes(), &limited);
                assert_eq!(first, all[..all.len().min(count)], "{text:?}");
            }
        }
    }

    #[test]
    fn random_rows_are_those_of_the_slow_way() {
        let mut random = Random(11);
        for round in 0..600 {
            let escape = (round % 3 == 0).then_some(b'\\');
            let dialect = Dialect { escape, ..headless() };
            // Wild ones, and rows as they are, but for a quote now and then.
            const WILD: [&str; 12] = [
                "\"",
                "\"",
                "\"",
                ",",
                ",",
                "\n",
                "\n",
                "\r",
                "\\",
                "a",
                "aaaaaaaa",
                "aaaaaaaaaaaaa",
            ];
            const TAME: [&str; 12] = [
                "abc,",
                "abc,",
                ",",
                "\"a,b\",",
                "\"\",",
                "\"a\"\"b\",",
                "\"\"\"\"\"\",",
                "\"a\nb\"\n",
                "x\n",
                "\"y\"\r\n",
                "a long cell without a quote,",
                "5\",",
            ];
            let mut text = b"x,y\n".to_vec();
            for _ in 0..random.below(150) {
                let piece = random.pick(if round % 2 == 0 { WILD } else { TAME });
                text.extend_from_slice(piece.as_bytes());
            }
            let (rows, _) = frame(&text, &options(Framing::Rows(dialect)));
            let mut expected = Vec::new();
            let mut at = 0;
            while at < text.len() {
                if matches!(text[at], b'\r' | b'\n') {
                    at += 1;
                    continue;
                }
                let end = read_row(&text, at, &dialect).end;
                expected.push(String::from_utf8(text[at..end].to_vec()).unwrap());
                at = end;
            }
            let rows =
                rows.iter().map(|row| row.split_once(' ').unwrap().1.trim_end_matches(" (cut)"));
            assert_eq!(rows.collect::<Vec<_>>(), expected, "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
