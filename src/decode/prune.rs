//! Leaves values out of a subtree that is kept as JSON text.

use super::json::Parser;
use crate::flatten::selection::Pruner;
use crate::flatten::{Flattener, Target};

/// Returns `text`, a value without white space in which no key stands twice and which goes to
/// `target`, less what is not selected; nothing where that is all of it.
///
/// Elements that are left out shift those behind them; empty objects and arrays stay.
pub(super) fn kept(text: Vec<u8>, target: &Target, flattener: &mut Flattener) -> Option<Vec<u8>> {
    let Some(mut pruner) = flattener.pruner(target) else { return Some(text) };
    let text = std::str::from_utf8(&text).expect("JSON text is UTF-8");
    let mut writer = Writer { parser: Parser::new(text), out: Vec::with_capacity(text.len()) };
    // a text that was checked before can be read again
    writer.value(&mut pruner).filter(|kept| *kept).map(|_| writer.out)
}

struct Writer<'a> {
    parser: Parser<'a>,
    out: Vec<u8>,
}

impl Writer<'_> {
    /// Writes the value at hand as far as it is kept; returns whether anything of it is.
    fn value(&mut self, pruner: &mut Pruner<'_>) -> Option<bool> {
        let closer = match self.parser.peek() {
            Some(b'{') if pruner.goes_inside() => b'}',
            Some(b'[') if pruner.goes_inside() => b']',
            _ => {
                let start = self.parser.at;
                self.parser.skip_value().ok()?;
                let is_kept = pruner.keeps_value();
                match is_kept {
                    true => {
                        let source = self.parser.source.as_bytes();
                        self.out.extend_from_slice(&source[start..self.parser.at]);
                    }
                    false => pruner.leave_out(),
                }
                return Some(is_kept);
            }
        };
        self.out.push(self.parser.peek()?);
        self.parser.at += 1;
        let inside = self.out.len();
        while self.parser.peek() != Some(closer) {
            let before = self.out.len();
            if before > inside {
                self.out.push(b',');
            }
            let key = if closer == b'}' { Some(self.key()?) } else { None };
            let kept = pruner.inside(key.as_deref(), |pruner| self.value(pruner))?;
            if !kept {
                self.out.truncate(before);
            }
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
            }
        }
        self.out.push(closer);
        self.parser.at += 1;
        Some(true)
    }

    /// Writes the key at hand and its colon; returns it unescaped.
    fn key(&mut self) -> Option<String> {
        let start = self.parser.at;
        let key = self.parser.string().ok()?.resolve(&self.parser).to_owned();
        self.parser.colon().ok()?;
        self.out.extend_from_slice(&self.parser.source.as_bytes()[start..self.parser.at]);
        Some(key)
    }
}
