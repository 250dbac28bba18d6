//! Subtrees that nothing is made of: read over, or kept whole as text.

use super::json::{DuplicateKeys, Parser};
use super::{prune, repair};
use crate::flatten::{Flattener, Halt, Target};
use crate::limits::PARSE_DEPTH_MAX;

impl Parser<'_> {
    /// Checks a subtree and hands it over whole.
    pub(super) fn whole(
        &mut self,
        flattener: &mut Flattener,
        target: Target,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let start = self.at;
        self.skip_value()?;
        let source = &self.source[start..self.at];
        let found = repair::duplicates(source, self.policy);
        let mut text = Vec::new();
        match found.first() {
            None => push_compact(source.as_bytes(), &mut text),
            Some(first) if self.policy == DuplicateKeys::Reject => {
                return Err(first.fault(start).into());
            }
            Some(_) => {
                text = repair::without(source, &found);
                flattener.note_duplicates_inside(&target, found.iter().map(|found| &*found.path));
            }
        }
        if let Some(kept) = prune::kept(text, &target, flattener) {
            flattener.json(target, &kept, bytes);
        }
        Ok(())
    }

    /// Returns whether the object at hand holds nothing but such objects and empty arrays.
    pub(super) fn is_hollow_object(&self) -> bool {
        let mut scan = Parser { at: self.at, ..Parser::new(self.source) };
        scan.bytes = self.bytes;
        scan.skip_hollow().is_some()
    }

    /// Reads over an object without a value in it; nothing where it has one.
    fn skip_hollow(&mut self) -> Option<()> {
        let mut open = 0;
        loop {
            match self.peek()? {
                b'{' if open < PARSE_DEPTH_MAX => open += 1,
                b'[' => {
                    self.at += 1;
                    self.space();
                    self.word("]").ok()?;
                    self.at -= 1;
                }
                _ => return None,
            }
            let is_object = self.peek()? == b'{';
            self.at += 1;
            self.space();
            let mut goes_on = is_object && self.peek()? != b'}';
            while !goes_on && open > 0 {
                match self.peek()? {
                    b'}' => open -= 1,
                    b',' => goes_on = true,
                    _ => return None,
                }
                self.at += 1;
                self.space();
            }
            if open == 0 {
                return Some(());
            }
            self.string().ok()?;
            self.colon().ok()?;
        }
    }

    /// Checks a value without pushing anything; returns what it is.
    pub(super) fn skip_value(&mut self) -> Result<&'static str, Halt> {
        let base = self.depth;
        // a bit for each open level: whether it is an object
        let mut objects = [0_u64; PARSE_DEPTH_MAX / 64];
        let mut kind = None;
        loop {
            let found = match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    "a string"
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    "a number"
                }
                Some(b't') => self.word("true").map(|()| "`true`")?,
                Some(b'f') => self.word("false").map(|()| "`false`")?,
                Some(b'n') => self.word("null").map(|()| "null")?,
                Some(open @ (b'{' | b'[')) => {
                    self.deeper()?;
                    self.at += 1;
                    self.space();
                    let closer = if open == b'{' { b'}' } else { b']' };
                    let found = if open == b'{' { "an object" } else { "an array" };
                    kind.get_or_insert(found);
                    let level = self.depth - base - 1;
                    objects[level / 64] &= !(1 << (level % 64));
                    objects[level / 64] |= u64::from(open == b'{') << (level % 64);
                    if self.peek() != Some(closer) {
                        if open == b'{' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    found
                }
                _ => return Err(self.expected("a value")),
            };
            let kind = *kind.get_or_insert(found);
            loop {
                if self.depth == base {
                    return Ok(kind);
                }
                let level = self.depth - base - 1;
                let is_object = objects[level / 64] >> (level % 64) & 1 == 1;
                let closer = if is_object { b'}' } else { b']' };
                self.space();
                match self.peek() {
                    Some(byte) if byte == closer => {
                        self.at += 1;
                        self.depth -= 1;
                    }
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if closer == b'}' {
                            self.skip_key()?;
                        }
                        break;
                    }
                    _ if closer == b'}' => return Err(self.expected("`,` or `}`")),
                    _ => return Err(self.expected("`,` or `]`")),
                }
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Halt> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        self.string()?;
        self.colon()
    }
}

/// Returns a JSON text without white space between its tokens; nothing where it is none.
pub(super) fn compacted(text: &str) -> Option<Vec<u8>> {
    super::json::check(text.as_bytes()).ok()?;
    let mut out = Vec::with_capacity(text.len());
    push_compact(text.as_bytes(), &mut out);
    Some(out)
}

/// Appends JSON without the white space between its tokens, and otherwise byte for byte.
fn push_compact(json: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'"' => {
                let start = at;
                at += 1;
                while at < json.len() && json[at] != b'"' {
                    at += if json[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(json.len());
                out.extend_from_slice(&json[start..at]);
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_keeps_everything_but_space() {
        let mut out = Vec::new();
        push_compact(b"{ \"a b\" : [ 1.50 , \"x \\\" y\" ],\n \"c\":null }", &mut out);
        assert_eq!(out, b"{\"a b\":[1.50,\"x \\\" y\"],\"c\":null}");
    }
}
