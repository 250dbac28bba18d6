//! Records inside a wrapper: walks to them, checks and forgets what lies around.

use std::fmt;
use std::str::FromStr;

use super::values::skip_space;
use super::{Failure, Gap, Place, skip_gap};
use crate::error::{Error, FaultCode};
use crate::limits;

/// Where the records are inside each top-level value: a JSON Pointer such as `/data/results`.
///
/// - Source: RFC 6901. The empty pointer is the whole value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPointer {
    text: String,
    steps: Vec<String>,
}

impl RecordPointer {
    /// Reads a pointer as users type it.
    ///
    /// - Errors: `Usage` if it is not empty and lacks its first `/`, or a `~` is not `~0` or `~1`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some(path) = text.strip_prefix('/') else {
            if text.is_empty() {
                return Ok(RecordPointer { text: String::new(), steps: Vec::new() });
            }
            let message = format!("expected a JSON Pointer that starts with `/`, found `{text}`");
            let hint = format!("for the member `{text}` write `/{}`", text.replace('.', "/"));
            return Err(Error::usage(message).with_hint(hint));
        };
        let steps = path.split('/').map(|step| {
            let bad = step.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
            if bad {
                let message = format!("expected `~0` or `~1` for each `~`, found `{step}`");
                return Err(Error::usage(message).with_hint("`~0` stands for `~`, `~1` for `/`"));
            }
            Ok(step.replace("~1", "/").replace("~0", "~"))
        });
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(RecordPointer { text: text.to_owned(), steps })
    }

    /// Returns the pointer as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the pointer leads nowhere deeper than the value itself.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for RecordPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RecordPointer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        RecordPointer::parse(text)
    }
}

/// What the walk met.
pub(super) enum Walk {
    /// Nothing more without more bytes.
    More,
    /// Asks which place this is.
    Mark,
    /// The input is over.
    End,
    /// The records begin, with this byte.
    Target(u8),
    /// Not JSON, or nothing where the pointer leads.
    Fail(Failure),
}

/// Walks through top-level values to where their records are.
///
/// - Buffers: one flag for each level of nesting, the start of one key, a few keys for messages.
pub(super) struct Wrapper {
    pointer: RecordPointer,
    expect: Expect,
    /// What is open; the first `on_path` of these lead to the records.
    stack: Vec<Container>,
    on_path: usize,
    /// Place of the current element in the deepest open array on the path.
    element: u64,
    /// The current member is the next step of the path.
    key_fits: bool,
    /// Start of the current key, as it stands in the input, with its first quote.
    key: Vec<u8>,
    found: bool,
    /// Place of the value on the path that begins now.
    marked: Option<Place>,
    reached: Reached,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

/// What the grammar allows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Top,
    Value,
    ElementOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    Text(Role),
    Escape(Role),
    Hex(Role, u8),
    /// What is left of `true`, `false` or `null`.
    Literal(&'static [u8]),
    Number(Number),
}

/// What a string is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

/// What was read last of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

/// The deepest value on the path, for the message when the path ends there.
#[derive(Debug, Default)]
struct Reached {
    place: Option<Place>,
    depth: usize,
    kind: &'static str,
    keys: Vec<String>,
    member_count: u64,
}

/// Keys named when the pointer leads nowhere.
const KEYS_SHOWN: usize = 8;

/// Bytes of a key that are kept at least.
const KEY_BYTES_SHOWN: usize = 64;

impl Wrapper {
    /// Starts before the first top-level value.
    pub(super) fn new(pointer: RecordPointer) -> Self {
        Wrapper {
            pointer,
            expect: Expect::Top,
            stack: Vec::new(),
            on_path: 0,
            element: 0,
            key_fits: false,
            key: Vec::new(),
            found: false,
            marked: None,
            reached: Reached::default(),
        }
    }

    /// Notes the place that was asked for with [`Walk::Mark`].
    pub(super) fn mark(&mut self, place: Place) {
        self.marked = Some(place);
    }

    /// Goes on behind the records.
    pub(super) fn leave_target(&mut self) {
        self.expect = Expect::CommaOrEnd;
    }

    /// Walks until something is to be done.
    pub(super) fn walk(&mut self, data: &[u8], ended: bool, pos: &mut usize) -> Walk {
        loop {
            let walked = match self.expect {
                Expect::Text(role) => self.text(role, data, pos),
                Expect::Escape(_) | Expect::Hex(..) => self.escape(data, pos),
                Expect::Literal(_) | Expect::Number(_) => self.scalar(data, pos),
                _ => self.structure(data, ended, pos),
            };
            match walked {
                Ok(Some(Walk::More)) if ended => {
                    // a number can end with the input
                    if let Expect::Number(number) = self.expect
                        && number.is_whole()
                        && let Some(walk) = self.end_value()
                    {
                        return walk;
                    }
                    return Walk::Fail(self.unexpected(data, *pos));
                }
                Ok(Some(walk)) => return walk,
                Ok(None) => {}
                Err(failure) => return Walk::Fail(failure),
            }
        }
    }

    /// Reads one byte of what is between strings, numbers and literals.
    fn structure(
        &mut self,
        data: &[u8],
        ended: bool,
        pos: &mut usize,
    ) -> Result<Option<Walk>, Failure> {
        let gap = match self.expect {
            Expect::Top => skip_gap(data, ended, pos),
            _ => skip_space(data, ended, pos),
        };
        let byte = match gap {
            Gap::Value(byte) => byte,
            Gap::End if self.expect == Expect::Top => return Ok(Some(Walk::End)),
            Gap::End | Gap::More => return Ok(Some(Walk::More)),
        };
        let top = self.stack.last().copied();
        match (self.expect, byte, top) {
            (Expect::ElementOrEnd | Expect::CommaOrEnd, b']', Some(Container::Array))
            | (Expect::KeyOrEnd | Expect::CommaOrEnd, b'}', Some(Container::Object)) => {
                *pos += 1;
                self.stack.pop();
                if self.on_path > self.stack.len() {
                    self.on_path = self.stack.len();
                    // an array around it has had its element
                    self.element = u64::MAX;
                }
                return Ok(self.end_value());
            }
            (Expect::KeyOrEnd | Expect::Key, b'"', _) => {
                self.key.clear();
                self.key.push(b'"');
                self.expect = Expect::Text(Role::Key);
            }
            (Expect::Colon, b':', _) => self.expect = Expect::Value,
            (Expect::CommaOrEnd, b',', Some(Container::Object)) => self.expect = Expect::Key,
            (Expect::CommaOrEnd, b',', Some(Container::Array)) => {
                let counts = u64::from(self.top_is_on_path());
                self.element = self.element.saturating_add(counts);
                self.expect = Expect::Value;
            }
            (Expect::Top | Expect::Value | Expect::ElementOrEnd, _, _) => {
                return self.value(byte, data, pos);
            }
            _ => return Err(self.unexpected(data, *pos)),
        }
        *pos += 1;
        Ok(None)
    }

    /// Begins a value.
    fn value(&mut self, byte: u8, data: &[u8], pos: &mut usize) -> Result<Option<Walk>, Failure> {
        let fits = self.fits();
        self.found &= self.expect != Expect::Top;
        if fits && self.stack.len() == self.pointer.steps.len() {
            if matches!(byte, b',' | b':' | b']' | b'}') {
                return Err(self.unexpected(data, *pos));
            }
            self.found = true;
            return Ok(Some(Walk::Target(byte)));
        }
        if fits && !self.found && self.marked.is_none() {
            return Ok(Some(Walk::Mark));
        }
        let (expect, kind) = match byte {
            b'{' => (Expect::KeyOrEnd, "object"),
            b'[' => (Expect::ElementOrEnd, "array"),
            b'"' => (Expect::Text(Role::Value), "string"),
            b't' => (Expect::Literal(b"rue"), "boolean"),
            b'f' => (Expect::Literal(b"alse"), "boolean"),
            b'n' => (Expect::Literal(b"ull"), "null"),
            b'-' => (Expect::Number(Number::Minus), "number"),
            b'0' => (Expect::Number(Number::Zero), "number"),
            b'1'..=b'9' => (Expect::Number(Number::Integer), "number"),
            _ => return Err(self.unexpected(data, *pos)),
        };
        if self.stack.len() >= limits::PARSE_DEPTH_MAX && matches!(byte, b'{' | b'[') {
            let message = format!("nested deeper than {} levels", limits::PARSE_DEPTH_MAX);
            let code = FaultCode::DepthExceeded;
            return Err(Failure { code, message, place: None, hint: None, is_fatal: false });
        }
        let depth = self.stack.len();
        match byte {
            b'{' => self.stack.push(Container::Object),
            b'[' => self.stack.push(Container::Array),
            _ => {}
        }
        self.expect = expect;
        if let Some(place) = self.marked.take() {
            self.reached = Reached { place: Some(place), depth, kind, ..Reached::default() };
        }
        if fits && self.stack.len() > depth {
            self.on_path += 1;
            self.element = 0;
        }
        *pos += 1;
        Ok(None)
    }

    /// Returns whether the value that begins here is on the path.
    fn fits(&self) -> bool {
        match self.stack.last() {
            None => true,
            Some(_) if !self.top_is_on_path() => false,
            Some(Container::Object) => self.key_fits,
            Some(Container::Array) => {
                self.step().and_then(|step| element_index(step)) == Some(self.element)
            }
        }
    }

    fn top_is_on_path(&self) -> bool {
        self.on_path == self.stack.len()
    }

    /// Returns the step that leads on from the deepest open container, if that is on the path.
    fn step(&self) -> Option<&String> {
        self.pointer.steps.get(self.on_path.checked_sub(1)?)
    }

    /// Goes on behind a value; reports a top-level one that had no records.
    fn end_value(&mut self) -> Option<Walk> {
        if !self.stack.is_empty() {
            self.expect = Expect::CommaOrEnd;
            return None;
        }
        self.expect = Expect::Top;
        (!self.found).then(|| Walk::Fail(self.nowhere()))
    }

    /// Reads a string up to its end, an escape or the end of the data.
    fn text(&mut self, role: Role, data: &[u8], pos: &mut usize) -> Result<Option<Walk>, Failure> {
        let rest = &data[*pos..];
        let plain = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        let count = plain.unwrap_or(rest.len());
        self.keep_key(role, &rest[..count]);
        *pos += count;
        match rest.get(count) {
            None => return Ok(Some(Walk::More)),
            Some(b'\\') => {
                self.expect = Expect::Escape(role);
                self.keep_key(role, b"\\");
            }
            Some(b'"') if role == Role::Value => {
                *pos += 1;
                return Ok(self.end_value());
            }
            Some(b'"') => {
                self.expect = Expect::Colon;
                self.end_key();
            }
            Some(_) => return Err(self.unexpected(data, *pos)),
        }
        *pos += 1;
        Ok(None)
    }

    /// Reads one byte of an escape.
    fn escape(&mut self, data: &[u8], pos: &mut usize) -> Result<Option<Walk>, Failure> {
        let Some(&byte) = data.get(*pos) else { return Ok(Some(Walk::More)) };
        let (role, next) = match self.expect {
            Expect::Escape(role) => match byte {
                b'u' => (role, Expect::Hex(role, 4)),
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                    (role, Expect::Text(role))
                }
                _ => return Err(self.unexpected(data, *pos)),
            },
            Expect::Hex(role, left) if byte.is_ascii_hexdigit() => match left {
                1 => (role, Expect::Text(role)),
                _ => (role, Expect::Hex(role, left - 1)),
            },
            _ => return Err(self.unexpected(data, *pos)),
        };
        self.expect = next;
        self.keep_key(role, &[byte]);
        *pos += 1;
        Ok(None)
    }

    /// Keeps as much of a key on the path as can matter.
    fn keep_key(&mut self, role: Role, bytes: &[u8]) {
        if role == Role::Key && self.top_is_on_path() {
            // one byte of a key takes at most six as an escape
            let most = 6 * self.step().map_or(0, String::len).max(KEY_BYTES_SHOWN) + 2;
            let room = most.saturating_sub(self.key.len());
            self.key.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Looks whether a key on the path leads on.
    fn end_key(&mut self) {
        self.key_fits = false;
        if !self.top_is_on_path() {
            return;
        }
        self.key.push(b'"');
        let key = serde_json::from_slice::<String>(&self.key);
        self.key_fits = key.as_ref().ok() == self.step();
        if self.reached.depth + 1 == self.on_path {
            self.reached.member_count += 1;
            if self.reached.keys.len() < KEYS_SHOWN {
                let raw = &self.key[1..self.key.len() - 1];
                let shown = key.unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned());
                self.reached.keys.push(shown.chars().take(KEY_BYTES_SHOWN).collect());
            }
        }
    }

    /// Reads one byte of a number or literal, or finds that it is over.
    fn scalar(&mut self, data: &[u8], pos: &mut usize) -> Result<Option<Walk>, Failure> {
        let Some(&byte) = data.get(*pos) else { return Ok(Some(Walk::More)) };
        self.expect = match self.expect {
            Expect::Literal([first, rest @ ..]) if *first == byte => Expect::Literal(rest),
            Expect::Literal([]) => return Ok(self.end_value()),
            Expect::Number(number) => match number.then(byte) {
                Some(next) => Expect::Number(next),
                None if number.is_whole() => return Ok(self.end_value()),
                None => return Err(self.unexpected(data, *pos)),
            },
            _ => return Err(self.unexpected(data, *pos)),
        };
        *pos += 1;
        if self.expect == Expect::Literal(b"") {
            return Ok(self.end_value());
        }
        Ok(None)
    }

    /// Builds the failure for a byte, or an end, that cannot stand here.
    fn unexpected(&self, data: &[u8], pos: usize) -> Failure {
        let what = match self.expect {
            Expect::Top | Expect::Value => "a value",
            Expect::ElementOrEnd => "a value or `]`",
            Expect::KeyOrEnd => "a key or `}`",
            Expect::Key => "a key",
            Expect::Colon => "`:`",
            Expect::CommaOrEnd => match self.stack.last() {
                Some(Container::Object) => "`,` or `}`",
                _ => "`,` or `]`",
            },
            Expect::Text(_) => "`\"`",
            Expect::Escape(_) => "an escape such as `\\n`",
            Expect::Hex(..) => "a hexadecimal digit",
            Expect::Literal(_) => "`true`, `false` or `null`",
            Expect::Number(_) => "a digit",
        };
        Failure::expected(what, data, pos)
    }

    /// Builds the failure for a value in which the pointer leads nowhere.
    fn nowhere(&self) -> Failure {
        let Reached { place, depth, kind, keys, member_count } = &self.reached;
        let at = match self.pointer.text.match_indices('/').nth(*depth) {
            Some((end, _)) if *depth > 0 => format!(" at `{}`", &self.pointer.text[..end]),
            _ => String::new(),
        };
        let holds = match *kind {
            "object" if keys.is_empty() => format!("the object{at} is empty"),
            "object" => {
                let mut names = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
                if *member_count > keys.len() as u64 {
                    names.push("…".to_owned());
                }
                format!("the object{at} has keys {}", names.join(", "))
            }
            "array" => {
                let step = self.pointer.steps.get(*depth).map_or("", String::as_str);
                format!("the value{at} is an array without an element `{step}`")
            }
            "null" => format!("the value{at} is null"),
            kind => format!("the value{at} is a {kind}"),
        };
        let message = format!("nothing at `{}`; {holds}", self.pointer);
        Failure { code: FaultCode::ValueType, message, place: *place, hint: None, is_fatal: true }
    }
}

/// Reads a step that stands for an array element: digits without leading zeros.
fn element_index(step: &str) -> Option<u64> {
    let canonical = step == "0" || step.starts_with(|first| matches!(first, '1'..='9'));
    if canonical { step.parse().ok() } else { None }
}

impl Number {
    /// Returns the state behind `byte`, or `None` where it is no part of the number.
    fn then(self, byte: u8) -> Option<Number> {
        use Number::{Exponent, Fraction, Integer, Minus, Point, Power, Sign, Zero};
        match (self, byte) {
            (Minus, b'0') => Some(Zero),
            (Minus, b'1'..=b'9') | (Integer, b'0'..=b'9') => Some(Integer),
            (Zero | Integer, b'.') => Some(Point),
            (Point | Fraction, b'0'..=b'9') => Some(Fraction),
            (Zero | Integer | Fraction, b'e' | b'E') => Some(Exponent),
            (Exponent, b'+' | b'-') => Some(Sign),
            (Exponent | Sign | Power, b'0'..=b'9') => Some(Power),
            _ => None,
        }
    }

    /// Returns whether the number may end here.
    fn is_whole(self) -> bool {
        matches!(self, Number::Zero | Number::Integer | Number::Fraction | Number::Power)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_at, check_at_error};
    use super::*;

    #[test]
    fn pointers_read_back_or_say_why_not() {
        let steps = |text: &str| RecordPointer::parse(text).unwrap().steps;
        assert!(RecordPointer::parse("").unwrap().is_empty());
        assert_eq!(steps("/"), [""]);
        assert_eq!(steps("/data/results"), ["data", "results"]);
        assert_eq!(steps("/a~1b/m~0n/~01"), ["a/b", "m~n", "~1"]);
        let error = |text: &str| RecordPointer::parse(text).unwrap_err().to_string();
        assert_eq!(error("a.b"), "expected a JSON Pointer that starts with `/`, found `a.b`");
        assert_eq!(error("/a~2"), "expected `~0` or `~1` for each `~`, found `a~2`");
        assert_eq!(error("/a~"), "expected `~0` or `~1` for each `~`, found `a~`");
    }

    #[test]
    fn elements_of_the_array_there_are_records() {
        check_at("/d", br#"{"d":[]}"#, &[]);
        check_at(
            "/d",
            b"{\"x\":[1],\n\"d\":[{\"a\":1}, {}],\"y\":{}}",
            &["2:6:15 {\"a\":1}", "2:15:24 {}"],
        );
        check_at("/d/r", br#"{"r":[0],"d":{"d":1,"r":[{}]}}"#, &["1:26:25 {}"]);
        check_at("/1/0", b"[[7],[[8]],[9],[[6]]]", &["1:8:7 8"]);
        check_at("/2/0", b"[[7],[8],[[{}]],[4]]", &["1:12:11 {}"]);
        check_at("/", br#"{"":[{}]}"#, &["1:6:5 {}"]);
    }

    #[test]
    fn another_value_there_is_one_record() {
        check_at("/d", br#"{"d":{"a":[]}}"#, &[r#"1:6:5 {"a":[]}"#]);
        check_at("/d", br#"{"d":12}"#, &["1:6:5 12"]);
        check_at("/d", br#"{"d":"a\"]","e":0}"#, &[r#"1:6:5 "a\"]""#]);
        check_at("/d", br#"{"d":null}"#, &["1:6:5 null"]);
    }

    #[test]
    fn keys_are_compared_unescaped() {
        check_at("/a~1b", br#"{"a\/b":[{}]}"#, &["1:10:9 {}"]);
        check_at("/d", br#"{"\u0064":[{}]}"#, &["1:12:11 {}"]);
        check_at("/\u{1F600}", br#"{"\ud83d\ude00":[{}]}"#, &["1:18:17 {}"]);
    }

    #[test]
    fn each_page_gives_its_records() {
        check_at(
            "/d",
            b"{\"d\":[{}]}\n{\"d\":[]}{\"d\":[1,2]}\n",
            &["1:7:6 {}", "2:15:25 1", "2:17:27 2"],
        );
        check_at("/d", br#"{"d":[1],"d":[2]}"#, &["1:7:6 1", "1:15:14 2"]);
        check_at("/d", b" \xEF\xBB\xBF\n\x1E", &[]);
    }

    #[test]
    fn a_pointer_that_leads_nowhere_names_the_keys() {
        let cases: [(&str, &str, &str); 11] = [
            ("/d", "{}", "x:1:1: nothing at `/d`; the object is empty"),
            (
                "/d",
                "\n {\"a\":1,\"\\u0062\":[]} 3",
                "x:2:2: nothing at `/d`; the object has keys `a`, `b`",
            ),
            (
                "/d/r",
                r#"{"d":{"s":{"r":1}}}"#,
                "x:1:6: nothing at `/d/r`; the object at `/d` has keys `s`",
            ),
            (
                "/d/r",
                r#"{"a":0,"d":[1]}"#,
                "x:1:12: nothing at `/d/r`; the value at `/d` is an array without an element `r`",
            ),
            (
                "/d/r/s",
                r#"{"d":{"r":"s"}}"#,
                "x:1:11: nothing at `/d/r/s`; the value at `/d/r` is a string",
            ),
            ("/1", "[1]", "x:1:1: nothing at `/1`; the value is an array without an element `1`"),
            (
                "/01",
                "[1,2]",
                "x:1:1: nothing at `/01`; the value is an array without an element `01`",
            ),
            ("/d", " 12", "x:1:2: nothing at `/d`; the value is a number"),
            ("/d", "null ", "x:1:1: nothing at `/d`; the value is null"),
            ("/d", r#"{"\ud800":1}"#, "x:1:1: nothing at `/d`; the object has keys `\\ud800`"),
            (
                "/d",
                r#"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0}"#,
                "x:1:1: nothing at `/d`; the object has keys `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, …",
            ),
        ];
        for (pointer, text, message) in cases {
            check_at_error(pointer, text.as_bytes(), 0, message);
        }
        check_at_error(
            "/d",
            b"{\"d\":[1]}\n{\"e\":1}",
            1,
            "x:2:1: nothing at `/d`; the object has keys `e`",
        );
    }

    #[test]
    fn what_lies_around_is_checked() {
        let cases: [(&str, usize, &str); 26] = [
            ("{\"a\":1", 0, "x:1:7: expected `,` or `}`, found the end of the input"),
            (
                "{\"a\":tru",
                0,
                "x:1:9: expected `true`, `false` or `null`, found the end of the input",
            ),
            ("{\"a\":trux}", 0, "x:1:9: expected `true`, `false` or `null`, found `x`"),
            ("{\"a\":01}", 0, "x:1:7: expected `,` or `}`, found `1`"),
            ("{\"a\":-}", 0, "x:1:7: expected a digit, found `}`"),
            ("{\"a\":1.e}", 0, "x:1:8: expected a digit, found `e`"),
            ("{\"a\":1e+}", 0, "x:1:9: expected a digit, found `}`"),
            ("{\"a\":-0.5E-7,\"b\":0,}", 0, "x:1:20: expected a key, found `}`"),
            ("{,}", 0, "x:1:2: expected a key or `}`, found `,`"),
            ("{\"a\" 1}", 0, "x:1:6: expected `:`, found `1`"),
            ("{\"a\":}", 0, "x:1:6: expected a value, found `}`"),
            ("{\"d\":}", 0, "x:1:6: expected a value, found `}`"),
            ("{\"a\":[1,]}", 0, "x:1:9: expected a value, found `]`"),
            ("{\"a\":[,]}", 0, "x:1:7: expected a value or `]`, found `,`"),
            ("{\"a\":[1}}", 0, "x:1:8: expected `,` or `]`, found `}`"),
            ("{\"a\":{]}", 0, "x:1:7: expected a key or `}`, found `]`"),
            ("{\"a\":\"\n\"}", 0, "x:1:7: expected `\"`, found byte 0x0A"),
            ("{\"a\":\"\\x\"}", 0, "x:1:8: expected an escape such as `\\n`, found `x`"),
            ("{\"a\":\"\\u00g0\"}", 0, "x:1:11: expected a hexadecimal digit, found `g`"),
            ("{\"d\":[{}],", 1, "x:1:11: expected a key, found the end of the input"),
            ("{\"d\":[{},", 1, "x:1:10: expected a record, found the end of the input"),
            ("{\"d\":[{}}", 1, "x:1:9: expected `,` or `]`, found `}`"),
            ("{\"d\":{} 1", 1, "x:1:9: expected `,` or `}`, found `1`"),
            ("{\"d\":1", 1, "x:1:7: expected `,` or `}`, found the end of the input"),
            ("{\"d\":[1]}}", 1, "x:1:10: expected a value, found `}`"),
            ("é", 0, "x:1:1: expected a value, found byte 0xC3"),
        ];
        for (text, count, message) in cases {
            check_at_error("/d", text.as_bytes(), count, message);
        }
    }

    #[test]
    fn a_record_cut_by_the_end_is_handed_over() {
        check_at("/d", br#"{"d":[{},{"a":"#, &["1:7:6 {}", r#"1:10:9 {"a": (cut)"#]);
        check_at("/d", br#"{"d":"ab"#, &[r#"1:6:5 "ab (cut)"#]);
    }

    #[test]
    fn nesting_around_records_is_bounded() {
        let nested = |depth: usize| {
            let around = "[".repeat(depth) + &"]".repeat(depth);
            format!("{{\"a\":{around},\"d\":[{{}}]}}")
        };
        let fits = nested(limits::PARSE_DEPTH_MAX - 1);
        check_at(
            "/d",
            fits.as_bytes(),
            &[&format!("1:{}:{} {{}}", fits.len() - 3, fits.len() - 4)],
        );
        let message = "x:1:1029: nested deeper than 1024 levels";
        check_at_error("/d", nested(limits::PARSE_DEPTH_MAX).as_bytes(), 0, message);
    }
}
