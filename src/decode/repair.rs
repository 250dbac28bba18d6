//! The slow, exact look at a record in which a key stands twice.

use std::collections::HashMap;

use super::json::{DuplicateKeys, Parser};
use crate::error::{Fault, FaultCode};
use crate::flatten::path::{Step, pointer};

/// A member that is to be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duplicate {
    /// Byte in the record at which its key begins.
    pub byte: usize,
    /// The key.
    pub key: String,
    /// JSON Pointer to it, array elements as `*`.
    pub path: String,
}

/// Finds the members to leave out so that every key stands once; nothing in a record that is not
/// JSON, which the decoder will say itself.
pub(super) fn duplicates(record: &str, policy: DuplicateKeys) -> Vec<Duplicate> {
    let mut finder = Finder { parser: Parser::new(record), policy, found: Vec::new() };
    finder.parser.space();
    let mut path = Vec::new();
    match finder.value(&mut path) {
        Some(()) => finder.found,
        None => Vec::new(),
    }
}

impl Duplicate {
    /// Says that a record must not have it; `offset` is where the text looked at begins.
    pub(super) fn fault(&self, offset: usize) -> Fault {
        let message = format!("key `{}` stands twice in one object", self.key);
        let mut fault = Fault::new(FaultCode::DuplicateKey, offset + self.byte, message);
        fault.path = self.path.clone();
        fault
    }
}

/// Writes JSON without white space and without the members found.
pub(super) fn without(json: &str, found: &[Duplicate]) -> Vec<u8> {
    let mut skips: Vec<usize> = found.iter().map(|duplicate| duplicate.byte).collect();
    skips.sort_unstable();
    let mut writer = Writer { parser: Parser::new(json), skips, out: Vec::new() };
    writer.parser.space();
    match writer.value() {
        Some(()) => writer.out,
        None => json.as_bytes().to_vec(),
    }
}

struct Writer<'a> {
    parser: Parser<'a>,
    skips: Vec<usize>,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self) -> Option<()> {
        let closer = match self.parser.peek() {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            _ => {
                let start = self.parser.at;
                self.parser.skip_value().ok()?;
                let source = self.parser.source.as_bytes();
                self.out.extend_from_slice(&source[start..self.parser.at]);
                return Some(());
            }
        };
        self.out.push(if closer == b'}' { b'{' } else { b'[' });
        self.parser.at += 1;
        self.parser.space();
        let mut is_first = true;
        while self.parser.peek() != Some(closer) {
            let start = self.parser.at;
            if closer == b'}' {
                self.parser.string().ok()?;
                let key = &self.parser.source[start..self.parser.at];
                self.parser.colon().ok()?;
                if self.skips.binary_search(&start).is_ok() {
                    self.parser.skip_value().ok()?;
                } else {
                    self.out.extend_from_slice(if is_first { b"" } else { b"," });
                    self.out.extend_from_slice(key.as_bytes());
                    self.out.push(b':');
                    is_first = false;
                    self.value()?;
                }
            } else {
                self.out.extend_from_slice(if is_first { b"" } else { b"," });
                is_first = false;
                self.value()?;
            }
            self.parser.space();
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
                self.parser.space();
            }
        }
        self.out.push(closer);
        self.parser.at += 1;
        Some(())
    }
}

struct Finder<'a> {
    parser: Parser<'a>,
    policy: DuplicateKeys,
    found: Vec<Duplicate>,
}

impl Finder<'_> {
    fn value(&mut self, path: &mut Vec<Step>) -> Option<()> {
        match self.parser.peek() {
            Some(b'{') if path.len() < crate::limits::PARSE_DEPTH_MAX => self.object(path),
            Some(b'[') if path.len() < crate::limits::PARSE_DEPTH_MAX => self.array(path),
            _ => self.parser.skip_value().ok().map(|_| ()),
        }
    }

    fn object(&mut self, path: &mut Vec<Step>) -> Option<()> {
        let mut keys: HashMap<String, usize> = HashMap::new();
        self.parser.at += 1;
        self.parser.space();
        while self.parser.peek() != Some(b'}') {
            let byte = self.parser.at;
            self.parser.peek().filter(|&byte| byte == b'"')?;
            let key = self.parser.string().ok()?.resolve(&self.parser).to_owned();
            self.parser.colon().ok()?;
            path.push(Step::Key(key.as_str().into()));
            let found_before = self.found.len();
            self.value(path)?;
            if let Some(first) = keys.get_mut(&key) {
                let left_out = match self.policy {
                    DuplicateKeys::Last => std::mem::replace(first, byte),
                    DuplicateKeys::First | DuplicateKeys::Reject => byte,
                };
                // What stands twice inside a member that goes as a whole goes with it.
                if left_out == byte {
                    self.found.truncate(found_before);
                }
                let path = pointer(path);
                self.found.push(Duplicate { byte: left_out, key, path });
            } else {
                keys.insert(key, byte);
            }
            path.pop();
            self.parser.space();
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
                self.parser.space();
            }
        }
        self.parser.at += 1;
        Some(())
    }

    fn array(&mut self, path: &mut Vec<Step>) -> Option<()> {
        self.parser.at += 1;
        self.parser.space();
        path.push(Step::Element);
        while self.parser.peek() != Some(b']') {
            self.value(path)?;
            self.parser.space();
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
                self.parser.space();
            }
        }
        path.pop();
        self.parser.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, policy: DuplicateKeys, expected: &[(usize, &str)]) {
        let found = duplicates(record, policy);
        let found: Vec<_> = found.iter().map(|d| (d.byte, d.path.as_str())).collect();
        assert_eq!(found, expected, "{record}");
    }

    #[test]
    fn members_to_leave_out_are_found() {
        use DuplicateKeys::*;
        check(r#"{"a":1,"b":2}"#, Last, &[]);
        check(r#"{"a":1,"a":2}"#, Last, &[(1, "/a")]);
        check(r#"{"a":1,"a":2}"#, First, &[(7, "/a")]);
        check(r#"{"a":1,"\u0061":2,"a":3}"#, Last, &[(1, "/a"), (7, "/a")]);
        check(r#"{"x":[{"a":1,"a":2}]}"#, Last, &[(7, "/x/*/a")]);
        check(r#"{"a":1"#, Last, &[]);
    }
}
