//! The elements of a JSON array, and values back to back.

use memchr::memchr2;
use wide::u8x16;

use super::blocks::{BLOCK, any, equal, parity};
use super::pointer::{RecordPointer, Walk, Wrapper};
use super::{Cut, Failure, Gap, Place, Step, skip_gap};

/// Finds records by their brackets and quotes; what is inside is the decoder's business.
///
/// Where the first value is an array, its elements are the records, and so are those of arrays and
/// any other values behind it. Otherwise each value is a record, arrays too. Between values stands
/// any white space or none.
pub(super) struct Values {
    state: State,
    /// What comes after the record that is open.
    after: State,
    brackets: Brackets,
    /// Walks to the records, where the user said they are inside something.
    wrapper: Option<Wrapper>,
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first value, which decides whether an array holds the records.
    First,
    /// Another value, or the end.
    Between,
    /// Behind `[`.
    ArrayStart,
    /// Behind `,` in the array.
    ArrayValue,
    /// Behind an element.
    ArrayNext,
    /// Behind an array that holds records, or a value behind one.
    AfterArray,
    /// Something around the records.
    Wrapper,
    /// A record that is an object or array.
    Nested,
    /// A record that is a string.
    Text,
    /// A record that is anything else.
    Scalar,
    /// Behind a record that the end of the input cut.
    Cut,
}

impl Values {
    /// Starts before the first value.
    pub(super) fn new(records_at: Option<RecordPointer>) -> Self {
        let state = if records_at.is_some() { State::Wrapper } else { State::First };
        Values {
            state,
            after: State::Between,
            brackets: Brackets::default(),
            wrapper: records_at.map(Wrapper::new),
        }
    }

    /// Notes the place that was asked for with [`Step::Mark`].
    pub(super) fn mark(&mut self, place: Place) {
        if let Some(wrapper) = &mut self.wrapper {
            wrapper.mark(place);
        }
    }

    /// Looks for the end of the next record.
    pub(super) fn step(&mut self, data: &[u8], ended: bool, cut: &mut Cut) -> Step {
        loop {
            let found = match self.state {
                State::Nested => self.brackets.find_end(&data[cut.pos..]),
                State::Text => self.brackets.find_quote(&data[cut.pos..]),
                State::Scalar => find_scalar_end(&data[cut.pos..]),
                _ => match self.between(data, ended, cut) {
                    Some(step) => return step,
                    None => continue,
                },
            };
            cut.pos = found.map_or(data.len(), |end| cut.pos + end);
            if found.is_none() && !ended {
                return Step::More;
            }
            let truncated = found.is_none() && self.state != State::Scalar;
            self.state = if truncated { State::Cut } else { self.after };
            if let (State::Wrapper, Some(wrapper)) = (self.state, &mut self.wrapper) {
                wrapper.leave_target();
            }
            return Step::Record { end: cut.pos, truncated };
        }
    }

    /// Goes through what lies between records; returns `None` where the state changed.
    fn between(&mut self, data: &[u8], ended: bool, cut: &mut Cut) -> Option<Step> {
        match self.state {
            State::Cut => return Some(Step::End),
            State::Wrapper => return self.walk(data, ended, cut),
            _ => {}
        }
        let gap = match self.state {
            State::First | State::Between | State::AfterArray => {
                skip_gap(data, ended, &mut cut.pos)
            }
            _ => skip_space(data, ended, &mut cut.pos),
        };
        let byte = match gap {
            Gap::Value(byte) => byte,
            Gap::More => return Some(Step::More),
            Gap::End => return Some(self.end(data)),
        };
        match (self.state, byte) {
            (State::First | State::AfterArray, b'[') => self.pass(State::ArrayStart, cut),
            (State::ArrayNext, b',') => self.pass(State::ArrayValue, cut),
            (State::ArrayNext | State::ArrayStart, b']') => {
                if let Some(wrapper) = &mut self.wrapper {
                    wrapper.leave_target();
                    return self.pass(State::Wrapper, cut);
                }
                self.pass(State::AfterArray, cut)
            }
            (State::ArrayNext, _) | (_, b',' | b']' | b'}') => {
                Some(Step::Fail(self.unexpected(data, cut.pos)))
            }
            (State::First | State::Between, _) => self.open(byte, State::Between, cut),
            (State::AfterArray, _) => self.open(byte, State::AfterArray, cut),
            _ => self.open(byte, State::ArrayNext, cut),
        }
    }

    /// Steps over one byte into `state`.
    fn pass(&mut self, state: State, cut: &mut Cut) -> Option<Step> {
        self.state = state;
        cut.pos += 1;
        None
    }

    /// Begins the record whose first byte is `byte`.
    fn open(&mut self, byte: u8, after: State, cut: &mut Cut) -> Option<Step> {
        cut.record = Some(cut.pos);
        self.after = after;
        self.brackets = Brackets::default();
        self.state = match byte {
            b'{' | b'[' => State::Nested,
            b'"' => State::Text,
            _ => State::Scalar,
        };
        if self.state != State::Nested {
            cut.pos += 1;
        }
        None
    }

    /// Goes through what is around the records, up to where they are.
    fn walk(&mut self, data: &[u8], ended: bool, cut: &mut Cut) -> Option<Step> {
        let wrapper = self.wrapper.as_mut()?;
        match wrapper.walk(data, ended, &mut cut.pos) {
            Walk::More => Some(Step::More),
            Walk::Mark => Some(Step::Mark),
            Walk::End => Some(Step::End),
            Walk::Fail(failure) => Some(Step::Fail(failure)),
            Walk::Target(b'[') => self.pass(State::ArrayStart, cut),
            Walk::Target(byte) => self.open(byte, State::Wrapper, cut),
        }
    }

    /// Says whether the input may end here.
    fn end(&self, data: &[u8]) -> Step {
        match self.state {
            State::First | State::Between | State::AfterArray => Step::End,
            _ => Step::Fail(self.unexpected(data, data.len())),
        }
    }

    /// Builds the failure for a byte that cannot stand here.
    fn unexpected(&self, data: &[u8], pos: usize) -> Failure {
        let what = match self.state {
            State::ArrayNext => "`,` or `]`",
            State::ArrayStart => "a record or `]`",
            State::AfterArray => "a record or `[`",
            _ => "a record",
        };
        let mut failure = Failure::expected(what, data, pos);
        failure.hint = match (self.state, data.get(pos)) {
            (State::Between, Some(b',')) => {
                Some("records with commas between them need `[` before and `]` behind")
            }
            _ => None,
        };
        failure
    }
}

/// Moves `pos` over JSON white space.
pub(super) fn skip_space(data: &[u8], ended: bool, pos: &mut usize) -> Gap {
    while let Some(&byte) = data.get(*pos) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => *pos += 1,
            byte => return Gap::Value(byte),
        }
    }
    if ended { Gap::End } else { Gap::More }
}

/// Returns where a number, a literal or junk ends: before white space, a separator or a bracket.
fn find_scalar_end(data: &[u8]) -> Option<usize> {
    data.iter().position(|byte| {
        matches!(
            byte,
            b' ' | b'\t' | b'\n' | b'\r' | 0x1E | b',' | b'[' | b']' | b'{' | b'}' | b'"'
        )
    })
}

/// Counts the brackets outside strings; can be fed piece by piece.
///
/// A backslash takes the meaning from a quote behind it wherever it stands, so that the two ways
/// below to read a piece agree on junk, too.
#[derive(Debug, Default, Clone)]
pub(super) struct Brackets {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Brackets {
    /// Returns whether `record` starts with a bracket that it does not close.
    pub(super) fn are_open(record: &[u8]) -> bool {
        matches!(record.first(), Some(b'{' | b'['))
            && Brackets::default().find_end(record).is_none()
    }

    /// Returns one past the bracket that closes the first one, or `None` if it is not in `data`.
    fn find_end(&mut self, data: &[u8]) -> Option<usize> {
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            if let Some(end) = self.block_end(block) {
                return Some(BLOCK * index + end);
            }
        }
        self.rest_end(rest).map(|end| BLOCK * blocks.len() + end)
    }

    /// Does a block at once: a bit for each byte that matters.
    #[inline]
    fn block_end(&mut self, block: &[u8; BLOCK]) -> Option<usize> {
        let Masks { quotes, backslashes, opens, closes } = Masks::of(block);
        let quotes = quotes & !self.escapes(backslashes);
        let strings = parity(quotes) ^ u64::from(self.in_string).wrapping_neg();
        let (opens, mut closes) = (opens & !strings, closes & !strings);
        let before = self.depth + u64::from(opens.count_ones());
        let close_count = u64::from(closes.count_ones());
        if self.depth <= close_count {
            let mut seen = 0;
            while closes != 0 {
                let at = closes.trailing_zeros();
                seen += 1;
                let opened = u64::from((opens & ((1 << at) - 1)).count_ones());
                if self.depth + opened <= seen {
                    return Some(at as usize + 1);
                }
                closes &= closes - 1;
            }
        }
        self.depth = before - close_count;
        self.in_string = strings >> 63 != 0;
        None
    }

    /// Returns a bit for each byte that an odd run of backslashes stands before.
    ///
    /// - Source: Langdale and Lemire, "Parsing Gigabytes of JSON per Second", in the shorter form
    ///   that simdjson uses today.
    #[inline]
    fn escapes(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let carried = u64::from(self.escaped);
        if backslashes == 0 {
            self.escaped = false;
            return carried;
        }
        let starts = backslashes & !carried;
        let series = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
        self.escaped = (series & backslashes) >> 63 != 0;
        series ^ (backslashes | carried)
    }

    /// Does what is left byte by byte.
    fn rest_end(&mut self, rest: &[u8]) -> Option<usize> {
        for (index, &byte) in rest.iter().enumerate() {
            let escaped = std::mem::take(&mut self.escaped);
            match byte {
                b'\\' => self.escaped = !escaped,
                b'"' => self.in_string ^= !escaped,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(index + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Returns one past the quote that ends the string we are in.
    fn find_quote(&mut self, data: &[u8]) -> Option<usize> {
        let mut pos = 0;
        if std::mem::take(&mut self.escaped) {
            pos = usize::from(!data.is_empty());
            self.escaped = data.is_empty();
        }
        while let Some(at) = memchr2(b'"', b'\\', data.get(pos..)?) {
            pos += at + 1;
            if data[pos - 1] == b'"' {
                return Some(pos);
            }
            if pos == data.len() {
                self.escaped = true;
                return None;
            }
            pos += 1;
        }
        None
    }
}

/// Which bytes of a block are what; the first byte is the lowest bit.
struct Masks {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
}

impl Masks {
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Masks {
        // brackets differ from braces in one bit
        let folded =
            |byte| move |lane: u8x16| (lane | u8x16::splat(0x20)).simd_eq(u8x16::splat(byte));
        Masks {
            quotes: equal(block, b'"'),
            backslashes: equal(block, b'\\'),
            opens: any(block, folded(b'{')),
            closes: any(block, folded(b'}')),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::{
        Random, check, check_error, frame, options, options_at, random_json,
    };
    use crate::frame::Framing::Values;

    #[test]
    fn elements_of_an_array_are_records() {
        check(Values, b"[]", &[]);
        check(Values, b" [ \n ] \n", &[]);
        check(Values, b"[{}]", &["1:2:1 {}"]);
        check(Values, b"\xEF\xBB\xBF[\n {\"a\":1} ,\n{}]\n", &["2:2:6 {\"a\":1}", "3:1:16 {}"]);
        check(
            Values,
            b"[1,null,\"a,]\",[2,[3]],-1.5e3]",
            &["1:2:1 1", "1:4:3 null", "1:9:8 \"a,]\"", "1:15:14 [2,[3]]", "1:23:22 -1.5e3"],
        );
    }

    #[test]
    fn values_stand_back_to_back() {
        check(Values, b"", &[]);
        check(Values, b"\xEF\xBB\xBF \n", &[]);
        check(Values, b"{\n \"a\": 1\n}", &["1:1:0 {\n \"a\": 1\n}"]);
        check(
            Values,
            b"{}{}\n[1]\"a\"2 3{}",
            &[
                "1:1:0 {}",
                "1:3:2 {}",
                "2:1:5 [1]",
                "2:4:8 \"a\"",
                "2:7:11 2",
                "2:9:13 3",
                "2:10:14 {}",
            ],
        );
        check(Values, b"12", &["1:1:0 12"]);
        check(Values, b"\x1E{}\n\x1E{}\n", &["1:2:1 {}", "2:2:5 {}"]);
        check(Values, b"{}\n\xEF\xBB\xBF{}", &["1:1:0 {}", "2:1:6 {}"]);
    }

    #[test]
    fn arrays_stand_back_to_back() {
        check(Values, b"[{}][{}]", &["1:2:1 {}", "1:6:5 {}"]);
        check(
            Values,
            b"[{\"a\":1},\n2]\n [ 3 ]\r\n[]",
            &["1:2:1 {\"a\":1}", "2:1:10 2", "3:4:16 3"],
        );
        check(Values, b"[][][{}]", &["1:6:5 {}"]);
        check(Values, b"[[1]][[2],3]", &["1:2:1 [1]", "1:7:6 [2]", "1:11:10 3"]);
        check(Values, b"[{}]\n\xEF\xBB\xBF[{}]\x1E[{}]", &["1:2:1 {}", "2:2:9 {}", "2:7:14 {}"]);
    }

    #[test]
    fn values_follow_arrays() {
        check(
            Values,
            b"[1]{}\n[2]\"a\"3 4[5]",
            &["1:2:1 1", "1:4:3 {}", "2:2:7 2", "2:4:9 \"a\"", "2:7:12 3", "2:9:14 4", "2:11:16 5"],
        );
        check(Values, b"[{}]{\"a\":[1", &["1:2:1 {}", "1:5:4 {\"a\":[1 (cut)"]);
    }

    #[test]
    fn columns_count_characters() {
        let text = "[\"é\", {\"日本\":1}, {}]".as_bytes();
        check(Values, text, &["1:2:1 \"é\"", "1:7:7 {\"日本\":1}", "1:17:21 {}"]);
        check(Values, b"[\"\xFF\xFE\",1]", &["1:2:1 \"\u{fffd}\u{fffd}\"", "1:7:6 1"]);
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        for text in [
            r#"{"a":"]}\"}{["}"#,
            r#"{"a\\":"\\\"","b\"":"{"}"#,
            r#"{"a":"\\"}"#,
            r#"["\\","\\\\","[\""]"#,
        ] {
            let second = format!("1:{}:{} {text}", text.len() + 4, text.len() + 3);
            let both = format!("{{}}{text} {text}");
            check(Values, both.as_bytes(), &["1:1:0 {}", &format!("1:3:2 {text}"), &second]);
        }
    }

    #[test]
    fn broken_arrays_are_errors_behind_their_records() {
        let cases: [(&str, usize, &str); 19] = [
            ("[1 2]", 1, "x:1:4: expected `,` or `]`, found `2`"),
            ("[{}{}]", 1, "x:1:4: expected `,` or `]`, found `{`"),
            ("[{},]", 1, "x:1:5: expected a record, found `]`"),
            ("[,{}]", 0, "x:1:2: expected a record or `]`, found `,`"),
            ("[{},,{}]", 1, "x:1:5: expected a record, found `,`"),
            ("[}", 0, "x:1:2: expected a record or `]`, found `}`"),
            ("[", 0, "x:1:2: expected a record or `]`, found the end of the input"),
            ("[{}", 1, "x:1:4: expected `,` or `]`, found the end of the input"),
            ("[{},\n", 1, "x:2:1: expected a record, found the end of the input"),
            ("[1", 1, "x:1:3: expected `,` or `]`, found the end of the input"),
            ("[1}", 1, "x:1:3: expected `,` or `]`, found `}`"),
            ("[{}]}", 1, "x:1:5: expected a record or `[`, found `}`"),
            ("[{}],[{}]", 1, "x:1:5: expected a record or `[`, found `,`"),
            ("[{}]]", 1, "x:1:5: expected a record or `[`, found `]`"),
            ("[{}] [{} {}]", 2, "x:1:10: expected `,` or `]`, found `{`"),
            ("[{}][{},", 2, "x:1:9: expected a record, found the end of the input"),
            ("[{}\u{1E}]", 1, "x:1:4: expected `,` or `]`, found byte 0x1E"),
            ("{},{}", 1, "x:1:3: expected a record, found `,`"),
            ("{}}", 1, "x:1:3: expected a record, found `}`"),
        ];
        for (text, count, message) in cases {
            check_error(Values, 1 << 20, text.as_bytes(), count, message);
        }
    }

    #[test]
    fn bad_records_are_the_decoders_business() {
        check(Values, b"[oops,{\"a\":},{]]", &["1:2:1 oops", "1:7:6 {\"a\":}", "1:14:13 {]"]);
        check(
            Values,
            b"{\"a\":\xFF} :x tru",
            &["1:1:0 {\"a\":\u{fffd}}", "1:9:8 :x", "1:12:11 tru"],
        );
        check(Values, br#"[{\"a"},{\}]"#, &[r#"1:2:1 {\"a"},{\}] (cut)"#]);
    }

    #[test]
    fn a_record_cut_by_the_end_is_handed_over() {
        check(Values, b"[{},{\"a\":[1", &["1:2:1 {}", "1:5:4 {\"a\":[1 (cut)"]);
        check(Values, b"{} {\"a", &["1:1:0 {}", "1:4:3 {\"a (cut)"]);
        check(Values, b"\"abc\\", &["1:1:0 \"abc\\ (cut)"]);
        check(Values, b"[\"abc\\\"", &["1:2:1 \"abc\\\" (cut)"]);
    }

    #[test]
    fn a_record_that_is_too_long_is_an_error() {
        let message = |number, byte| {
            format!(
                "x: record {number}, byte {byte}: longer than 6 bytes (raise it with `--max-record-bytes`)"
            )
        };
        check_error(Values, 6, b"[{}, {\"a\":1}]", 1, &message(2, 5));
        check_error(Values, 6, b"\"abcdef", 0, &message(1, 0));
        check_error(Values, 6, b"[1, 1234567]", 1, &message(2, 4));
        check_error(Values, 6, br#"[1, {"a":1]"#, 1, &message(2, 4));
    }

    #[test]
    fn any_depth_is_framed() {
        let deep = "[".repeat(20_000) + &"]".repeat(20_000);
        let text = format!("[{deep},{deep}]");
        let (records, error) = frame(text.as_bytes(), &options(Values));
        assert_eq!((records.len(), error), (2, None));
    }

    /// Returns the values that serde_json reads back to back in `text`.
    fn read_by_serde_json(text: &str) -> Vec<String> {
        let mut values = Vec::new();
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let mut start = 0;
        while let Some(value) = stream.next() {
            value.unwrap();
            values.push(text[start..stream.byte_offset()].trim().to_owned());
            start = stream.byte_offset();
        }
        values
    }

    fn frame_bytes(text: &str) -> Vec<String> {
        let (records, error) = frame(text.as_bytes(), &options(Values));
        assert_eq!(error, None, "{text}");
        records.iter().map(|record| record.split_once(' ').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn random_json_is_framed_as_serde_json_reads_it() {
        let mut random = Random(7);
        for _ in 0..150 {
            let mut values = vec!["{}".to_owned()];
            for _ in 0..random.below(8) {
                let mut value = String::new();
                random_json(&mut random, 4, &mut value);
                values.push(value);
            }
            let text = values.join(["\n", " ", "\r\n\t", "\n\n"][random.below(4)]);
            assert_eq!(frame_bytes(&text), read_by_serde_json(&text));
            assert_eq!(frame_bytes(&format!("[{}]", values.join(" ,\n"))), values);
            let cut = random.below(values.len() + 1);
            let (page, next) = values.split_at(cut);
            let pages = format!("[{}]\n[{}]", page.join(","), next.join(", "));
            assert_eq!(frame_bytes(&pages), values);
        }
    }

    #[test]
    fn random_junk_is_framed_alike_however_it_is_cut() {
        let mut random = Random(3);
        for _ in 0..300 {
            let piece = |random: &mut Random| random.pick(*b"{}[]\\\\\"\",: \n1aaaaaaaaaaaa");
            let junk = (0..random.below(300)).map(|_| piece(&mut random)).collect::<Vec<_>>();
            // fails inside where the cuts matter
            frame(&junk, &options(Values));
            frame(&junk, &options(crate::frame::Framing::Lines));
            frame(&junk, &options_at("/a"));
        }
    }
}
