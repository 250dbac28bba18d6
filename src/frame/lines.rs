//! One record a line: JSONL, NDJSON.

use memchr::{memchr, memchr2};

use super::blocks::{self, BLOCK};
use super::values::Brackets;
use super::{Cut, Gap, RunBounds, Span, Step, skip_gap};

/// Finds records that end where their line does.
///
/// A line ends at LF or CR LF. Where the first record ends at a CR alone, so may all others.
/// White space before a record is no part of it; blank lines, byte order marks and record
/// separators (RFC 7464) at the start of a line are skipped.
#[derive(Debug, Default)]
pub(super) struct Lines {
    breaks: Breaks,
    /// What was looked at of the first record ends in a closing bracket, white space aside.
    is_closed: bool,
}

/// What ends a line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    /// No line has ended yet.
    #[default]
    Unknown,
    /// LF, with or without a CR before.
    Lf,
    /// CR or LF.
    CrOrLf,
}

/// Where a line ends in the bytes looked at.
enum Break {
    /// At this byte.
    At(usize),
    /// Not before this byte.
    NotBefore(usize),
}

impl Lines {
    /// Looks for the end of the next record.
    pub(super) fn step(&mut self, data: &[u8], ended: bool, cut: &mut Cut) -> Step {
        let start = match cut.record {
            Some(start) => start,
            None => match skip_gap(data, ended, &mut cut.pos) {
                Gap::Value(_) => {
                    self.is_closed = false;
                    *cut.record.insert(cut.pos)
                }
                Gap::More => return Step::More,
                Gap::End => return Step::End,
            },
        };
        let (end, truncated) = match self.find_break(data, cut.pos) {
            Break::At(end) => {
                cut.pos = end + 1;
                (end, false)
            }
            Break::NotBefore(pos) if !ended => {
                cut.pos = pos;
                return Step::More;
            }
            Break::NotBefore(_) => {
                cut.pos = data.len();
                (data.len(), Brackets::are_open(&data[start..]))
            }
        };
        let line = &data[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Step::Record { end: start + line.len(), truncated }
    }

    /// Adds records from the start of a line on, `pos`, and moves it behind them: those that stand
    /// whole in `data` without anything before them in their line.
    pub(super) fn add_plain(
        &self,
        data: &[u8],
        pos: &mut usize,
        bounds: &RunBounds,
        records: &mut Vec<Span>,
    ) {
        if self.breaks != Breaks::Lf {
            return;
        }
        let mut at = *pos;
        while let Some(block) = data.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            let mut breaks = blocks::equal(block, b'\n');
            while breaks != 0 {
                let (start, end) = (*pos, at + breaks.trailing_zeros() as usize);
                // White space, separators and the first byte of a byte order mark may be no part of it.
                let is_plain = data[start] > b' ' && data[start] != 0xEF;
                if !is_plain || !bounds.fit(start, end, records.len()) {
                    return;
                }
                let is_crlf = data[end - 1] == b'\r';
                let end = end - usize::from(is_crlf);
                records.push(Span { start: start as u32, end: end as u32 });
                *pos = end + usize::from(is_crlf) + 1;
                breaks &= breaks - 1;
            }
            at += BLOCK;
        }
    }

    /// Finds the end of the line, from `pos` on.
    fn find_break(&mut self, data: &[u8], pos: usize) -> Break {
        let found = match self.breaks {
            Breaks::Lf => memchr(b'\n', &data[pos..]),
            Breaks::CrOrLf => memchr2(b'\r', b'\n', &data[pos..]),
            Breaks::Unknown => return self.find_first_break(data, pos),
        };
        found.map_or(Break::NotBefore(data.len()), |at| Break::At(pos + at))
    }

    /// Finds the end of the first line, and with it what ends lines.
    ///
    /// A CR alone is white space inside a record, unless the record looks whole before it and
    /// another one follows. Its start need not be there any more.
    fn find_first_break(&mut self, data: &[u8], mut pos: usize) -> Break {
        while let Some(at) = memchr2(b'\r', b'\n', &data[pos..]) {
            let at = pos + at;
            if data[at] == b'\n' {
                self.breaks = Breaks::Lf;
                return Break::At(at);
            }
            self.look_at(&data[pos..at]);
            match data.get(at + 1) {
                None => return Break::NotBefore(at),
                Some(b'{' | b'[' | b'\r') if self.is_closed => {
                    self.breaks = Breaks::CrOrLf;
                    return Break::At(at);
                }
                Some(_) => pos = at + 1,
            }
        }
        self.look_at(&data[pos..]);
        Break::NotBefore(data.len())
    }

    /// Remembers how the next bytes of the first record end.
    fn look_at(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.trim_ascii_end().last() {
            self.is_closed = matches!(last, b'}' | b']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Random, check, check_error, frame, options};
    use crate::frame::Framing::Lines;
    use crate::frame::{FrameOptions, OnLost};

    #[test]
    fn records_end_with_their_line() {
        check(Lines, b"", &[]);
        check(Lines, b" \n\t\r\n\n", &[]);
        check(Lines, b"{}\n", &["1:1:0 {}"]);
        check(Lines, b"{}", &["1:1:0 {}"]);
        check(Lines, b"{\"a\":1}\n{\"a\":2}\n", &["1:1:0 {\"a\":1}", "2:1:8 {\"a\":2}"]);
        check(Lines, b"{} {}\n[1]\noops\n", &["1:1:0 {} {}", "2:1:6 [1]", "3:1:10 oops"]);
    }

    #[test]
    fn lines_found_together_are_those_found_one_by_one() {
        const LINES: [&str; 12] = [
            "{}",
            "[1]",
            " {}",
            "",
            "\t",
            "{}\r",
            "\r",
            "\u{feff}{}",
            "\u{1e}{}",
            "\"é\"",
            "x\ry",
            "{} ",
        ];
        let mut random = Random(7);
        for _ in 0..50 {
            let mut text = "{}\n".to_owned();
            for _ in 0..random.below(60) {
                text.push_str(random.pick(LINES));
                text.push_str(&" ".repeat(random.pick([0, 0, 0, 1, 90])));
                text.push('\n');
            }
            // compares chunks of a line with such of many
            let (all, error) = frame(text.as_bytes(), &options(Lines));
            assert_eq!(error, None);
            for count in [1, 2, 7, 30] {
                let limited = FrameOptions { records_max: Some(count as u64), ..options(Lines) };
                let (first, _) = frame(text.as_bytes(), &limited);
                assert_eq!(first, all[..all.len().min(count)], "{text:?}");
            }
        }
    }

    #[test]
    fn blank_lines_and_indents_are_skipped_but_counted() {
        check(Lines, b"\n\n {}\n \n\t{} \n", &["3:2:3 {}", "5:2:9 {} "]);
    }

    #[test]
    fn crlf_is_one_line_end() {
        check(Lines, b"{}\r\n\r\n[]\r\n", &["1:1:0 {}", "3:1:6 []"]);
        check(Lines, b"{}\r\r\n{}\r", &["1:1:0 {}", "2:1:5 {}"]);
    }

    #[test]
    fn cr_alone_ends_lines_where_the_first_record_says_so() {
        check(Lines, b"{}\r{}\r{}", &["1:1:0 {}", "1:4:3 {}", "1:7:6 {}"]);
        check(Lines, b"{}\r{}\r", &["1:1:0 {}", "1:4:3 {}"]);
        check(Lines, b"{\"a\":\r1}\n{}\r {}\n", &["1:1:0 {\"a\":\r1}", "2:1:9 {}\r {}"]);
        check(Lines, b"{}\n{\"a\":1\r}\n", &["1:1:0 {}", "2:1:3 {\"a\":1\r}"]);
    }

    #[test]
    fn cr_alone_ends_a_line_that_is_too_long_however_it_is_read() {
        let mut options = options(Lines);
        (options.record_bytes_max, options.on_lost) = (9, OnLost::Reject);
        let (records, error) = frame(b"{\"a\":12345} \t \r{}\r{}", &options);
        let expected = ["1:1:0 {\"a\":1234", "1:16:15 {}", "1:19:18 {}"];
        assert_eq!((records, error), (expected.map(str::to_owned).to_vec(), None));
    }

    #[test]
    fn byte_order_marks_at_line_starts_are_skipped() {
        check(Lines, b"\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}\n", &["1:1:3 {}", "2:1:9 {}"]);
        check(Lines, b"\xEF\xBB\xBF", &[]);
        check(Lines, b"{\"a\":\"\xEF\xBB\xBF\"}", &["1:1:0 {\"a\":\"\u{feff}\"}"]);
        check(Lines, b"\xEF\xBB\n", &["1:1:0 \u{fffd}"]);
    }

    #[test]
    fn unicode_spaces_and_control_bytes_do_not_end_records() {
        check(Lines, b"{}\xE2\x80\xA8{}\x0B\x0C\xC2\x85\n", &["1:1:0 {}\u{2028}{}\x0B\x0C\u{85}"]);
        check(Lines, b"\0\0\0\n{}", &["1:1:0 \0\0\0", "2:1:4 {}"]);
    }

    #[test]
    fn a_broken_line_costs_itself_only() {
        check(Lines, b"{\"a\":\"x\n{\"b\":1}\n", &["1:1:0 {\"a\":\"x", "2:1:8 {\"b\":1}"]);
    }

    #[test]
    fn a_last_line_that_is_cut_is_marked() {
        check(Lines, b"{}\n{\"a\":{}", &["1:1:0 {}", "2:1:3 {\"a\":{} (cut)"]);
        check(Lines, b"{}\n{\"a\":\"}", &["1:1:0 {}", "2:1:3 {\"a\":\"} (cut)"]);
        check(Lines, b"{}\n{\"a\":1}", &["1:1:0 {}", "2:1:3 {\"a\":1}"]);
        check(Lines, b"{}\n{\"a\":\n", &["1:1:0 {}", "2:1:3 {\"a\":"]);
    }

    #[test]
    fn a_line_that_just_fits_is_taken() {
        for text in ["{}\n{\"a\":1}\n", "{}\r\n{\"a\":1}\r\n", "\n\n      {}\n   {\"a\":1}"] {
            let mut options = options(Lines);
            options.record_bytes_max = 7;
            let (records, error) = frame(text.as_bytes(), &options);
            assert_eq!((records.len(), error), (2, None), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_an_error() {
        let message =
            "x: record 2, byte 5: longer than 6 bytes (raise it with `--max-record-bytes`)";
        for text in ["{}\n\n {\"a\":1}\n", "{}\r\n {\"a\":1}\r\n", "{}\n\n {\"a\":1"] {
            check_error(Lines, 6, format!("{text}{text}").as_bytes(), 1, message);
        }
    }
}
