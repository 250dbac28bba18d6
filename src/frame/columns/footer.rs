//! How deep the schema of a Parquet file nests, before a library goes down into it.
//!
//! Libraries follow a schema by recursion, and its depth is up to whoever wrote the file: a footer of
//! a few kilobytes can overflow the stack.

/// What a footer ends with: its length, and the format's name.
pub(super) const TAIL_BYTES: usize = 8;

/// Returns how long the footer is that a file ends with, if its tail is that of a plain one.
pub(super) fn footer_bytes(tail: &[u8]) -> Option<usize> {
    let (length, magic) = tail.split_first_chunk::<4>()?;
    (magic == b"PAR1").then_some(u32::from_le_bytes(*length) as usize)
}

/// Returns how many levels of columns a footer's schema has; nothing where it makes no sense, which
/// is for the library to say.
///
/// - Source: `FileMetaData` in parquet.thrift, in Thrift's compact protocol.
pub(super) fn depth(footer: &[u8]) -> Option<usize> {
    const SCHEMA: i64 = 2;
    let mut at = Compact { bytes: footer };
    let (mut id, mut deepest) = (0, 0);
    while let Some(kind) = at.field(&mut id)? {
        match id {
            // A later one would take the place of an earlier one.
            SCHEMA => deepest = deepest.max(at.schema()?),
            _ => at.skip(kind, 0)?,
        }
    }
    Some(deepest)
}

/// Levels of what is skipped: more than any footer has, and than the library takes.
const SKIP_DEPTH_MAX: usize = 80;

/// Kinds of values, as the protocol numbers them.
const BOOLS: [u8; 2] = [1, 2];
const BYTE: u8 = 3;
const INTS: [u8; 3] = [4, 5, 6];
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LISTS: [u8; 2] = [9, 10];
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Bytes that are left.
struct Compact<'a> {
    bytes: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Returns the kind of a structure's next field, whose number replaces `id`; nothing inside at
    /// the end of the structure.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let head = self.byte()?;
        if head & 0x0F == 0 {
            return Some(None);
        }
        *id = match head >> 4 {
            0 => self.signed()?,
            more => *id + i64::from(more),
        };
        Some(Some(head & 0x0F))
    }

    /// Returns how many elements a list has, and their kind.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => count.into(),
        };
        Some((count, head & 0x0F))
    }

    /// Reads the elements of a schema, each of which says how many of those behind it are its own.
    fn schema(&mut self) -> Option<usize> {
        const CHILDREN: i64 = 5;
        let (count, _) = self.list()?;
        let (mut open, mut deepest): (Vec<i64>, usize) = (Vec::new(), 0);
        for _ in 0..count {
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            deepest = deepest.max(open.len());
            let (mut id, mut children) = (0, 0);
            while let Some(kind) = self.field(&mut id)? {
                match id {
                    CHILDREN => children = self.signed()?,
                    _ => self.skip(kind, 0)?,
                }
            }
            if children > 0 {
                open.push(children);
            }
        }
        Some(deepest)
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > SKIP_DEPTH_MAX {
            return None;
        }
        match kind {
            kind if BOOLS.contains(&kind) => Some(()),
            BYTE => self.pass(1),
            kind if INTS.contains(&kind) => self.unsigned().map(|_| ()),
            DOUBLE => self.pass(8),
            BINARY => {
                let count = self.unsigned()?;
                self.pass(count)
            }
            UUID => self.pass(16),
            kind if LISTS.contains(&kind) => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, depth))
            }
            MAP => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip_element(kinds >> 4, depth)?;
                    self.skip_element(kinds & 0x0F, depth)
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Skips an element; a truth value has a byte of its own there.
    fn skip_element(&mut self, kind: u8, depth: usize) -> Option<()> {
        if BOOLS.contains(&kind) {
            return self.pass(1);
        }
        self.skip(kind, depth + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer whose root has `children`, each as nested as it says, with a leaf inside.
    fn footer(children: &[usize]) -> Vec<u8> {
        let mut elements = vec![vec![0x48, 1, b'm', 0x15, 2 * children.len() as u8, 0]];
        for &levels in children {
            for _ in 1..levels {
                elements.push(vec![0x35, 2, 0x18, 1, b'g', 0x15, 2, 0]);
            }
            elements.push(vec![0x15, 2, 0x25, 2, 0x18, 1, b'x', 0]);
        }
        // a version, a list of structures, a count of rows, no row groups
        let mut out = vec![0x15, 2, 0x19, 0xFC];
        out.extend([(elements.len() & 0x7F) as u8 | 0x80, (elements.len() >> 7) as u8]);
        out.extend(elements.concat());
        out.extend([0x16, 0, 0x19, 0x0C, 0]);
        out
    }

    #[test]
    fn levels_are_those_of_the_deepest_column() {
        for (children, expected) in [
            (&[][..], 0),
            (&[1], 1),
            (&[1, 1, 1], 1),
            (&[3], 3),
            (&[2, 5, 1], 5),
            (&[1_000, 1], 1_000),
        ] {
            let footer = footer(children);
            assert_eq!(depth(&footer), Some(expected), "{children:?}");
            for cut in 0..footer.len() {
                assert_eq!(depth(&footer[..cut]), None, "{children:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_left_to_others() {
        assert_eq!(depth(&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]), None);
        assert_eq!(depth(&[0x1C; 1_000]), None);
        assert_eq!(depth(&[0x3F]), None);
        assert_eq!(footer_bytes(b"\x10\0\0\0PAR1"), Some(16));
        assert_eq!(footer_bytes(b"\x10\0\0\0PARE"), None);
        assert_eq!(footer_bytes(b"PAR1"), None);
    }
}
