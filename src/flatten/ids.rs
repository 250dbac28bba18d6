//! Row and parent ids.
//!
//! In `sequence` mode ids are numbers, and the ordered step gives them out. In every other mode
//! they are text, made here when a record ends: the main row's id from the record, every other
//! from its parent's id, its table and its index.

use std::str::FromStr;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use super::path::{PathPattern, Step};
use super::{Flattener, Halt, Place, Scalar};
use crate::error::{Error, Fault, FaultCode};
use crate::nearest::nearest;

/// What identifies a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IdMode {
    /// As `Sequence` for records of JSON, as `None` for rows of CSV, which nothing is joined to.
    #[default]
    Auto,
    /// The number of the record; in child tables a running number.
    Sequence,
    /// The scalar at a path.
    Field(PathPattern),
    /// A hash of everything in the record that is not left out; the order of keys does not matter
    /// outside text that is kept as JSON. Equal records have equal ids.
    Hash,
    /// A hash of the scalars at some paths.
    HashOf(Vec<PathPattern>),
    /// A random UUID, drawn from this seed.
    Uuid {
        /// Where the randomness comes from; the same seed gives the same ids.
        seed: u64,
    },
    /// No link columns at all.
    None,
}

impl FromStr for IdMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "sequence" => IdMode::Sequence,
            "hash" => IdMode::Hash,
            "uuid" => IdMode::Uuid { seed: 0 },
            "none" => IdMode::None,
            _ => {
                if let Some(path) = text.strip_prefix("field:") {
                    IdMode::Field(path.parse()?)
                } else if let Some(paths) = text.strip_prefix("hash:") {
                    let paths = paths.split(',').map(str::parse).collect::<Result<_, _>>()?;
                    IdMode::HashOf(paths)
                } else {
                    let error = Error::usage(format!(
                        "ids `{text}`: expected `sequence`, `field:PATH`, `hash`, \
                         `hash:PATH,…`, `uuid` or `none`"
                    ));
                    let (name, path) = text.split_at(text.find(':').unwrap_or(text.len()));
                    let near = nearest(name, ["sequence", "field", "hash", "uuid", "none"]);
                    let near = near.map(|near| format!("{near}{path}"));
                    return Err(match near.filter(|near| IdMode::from_str(near).is_ok()) {
                        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                        None => error,
                    });
                }
            }
        })
    }
}

impl IdMode {
    /// Returns whether ids are numbers that the ordered step gives out.
    pub fn is_sequence(&self) -> bool {
        matches!(self, IdMode::Auto | IdMode::Sequence)
    }

    /// Returns whether the value at `steps` is part of a record's id.
    pub(super) fn is_made_of(&self, steps: &[Step]) -> bool {
        match self {
            IdMode::Field(pattern) => pattern.matches(steps),
            IdMode::HashOf(patterns) => patterns.iter().any(|pattern| pattern.matches(steps)),
            _ => false,
        }
    }

    /// Returns whether a value at or below `steps` is part of a record's id.
    pub(super) fn leads_below(&self, steps: &[Step]) -> bool {
        let leads = |pattern: &PathPattern| pattern.matches(steps) || pattern.leads_below(steps);
        match self {
            IdMode::Field(pattern) => leads(pattern),
            IdMode::HashOf(patterns) => patterns.iter().any(leads),
            _ => false,
        }
    }
}

/// What is gathered for the ids of the record being read.
#[derive(Debug)]
pub(super) struct IdState {
    mode: ModeKind,
    seed: u64,
    place: (u32, u64),
    digest: u128,
    values: usize,
    field: Option<Vec<u8>>,
    /// Child tables with rows of this record, parents before children.
    touched: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ModeKind {
    Sequence,
    Field,
    Hash,
    HashOf,
    Uuid,
    None,
}

impl IdState {
    pub(super) fn new(mode: &IdMode) -> Self {
        let (mode, seed) = match mode {
            IdMode::Auto | IdMode::Sequence => (ModeKind::Sequence, 0),
            IdMode::Field(_) => (ModeKind::Field, 0),
            IdMode::Hash => (ModeKind::Hash, 0),
            IdMode::HashOf(_) => (ModeKind::HashOf, 0),
            IdMode::Uuid { seed } => (ModeKind::Uuid, *seed),
            IdMode::None => (ModeKind::None, 0),
        };
        IdState {
            mode,
            seed,
            place: (0, 0),
            digest: 0,
            values: 0,
            field: None,
            touched: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, place: (u32, u64)) {
        self.place = place;
        self.digest = 0;
        self.values = 0;
        self.field = None;
        self.touched.clear();
    }

    /// Returns whether every value of the record counts.
    #[inline]
    pub(super) fn wants_values(&self) -> bool {
        self.mode == ModeKind::Hash
    }

    /// Returns whether ids are made of certain fields.
    #[inline]
    pub(super) fn reads_fields(&self) -> bool {
        matches!(self.mode, ModeKind::Field | ModeKind::HashOf)
    }

    pub(super) fn touch(&mut self, table: u32) {
        if !matches!(self.mode, ModeKind::Sequence | ModeKind::None) {
            self.touched.push(table);
        }
    }

    /// Adds a value to the digest. Sums of hashes, so the order of keys does not matter.
    pub(super) fn add_value(&mut self, place: u64, tag: u8, text: &[u8]) {
        if matches!(self.mode, ModeKind::Hash | ModeKind::HashOf) {
            let value = xxh3_128_with_seed(text, place ^ u64::from(tag));
            self.digest = self.digest.wrapping_add(value);
            self.values += 1;
        }
    }
}

/// Joins a path's hash with a step below it.
pub(super) fn mix(hash: u64, step: u64) -> u64 {
    (hash.rotate_left(5) ^ step).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Hashes a path.
pub(super) fn hash_text(text: &[u8]) -> u64 {
    xxh3_64(text)
}

impl Flattener {
    pub(super) fn note_id_value(&mut self, place: Place, scalar: Scalar<'_>) {
        let node = self.shape.node(place.node);
        match self.ids.mode {
            ModeKind::Hash => {
                let at = self.hash_of(place);
                self.ids.add_value(at, scalar.tag(), scalar.text.as_bytes());
            }
            ModeKind::HashOf => {
                let at = self.hash_of(place);
                self.ids.add_value(at, scalar.tag(), scalar.text.as_bytes());
            }
            ModeKind::Field if node.table == 0 => {
                self.ids.field = Some(scalar.text.as_bytes().to_vec());
            }
            _ => {}
        }
    }

    /// Returns the hash of a value's path, with the array indexes on the way.
    pub(super) fn hash_of(&self, place: Place) -> u64 {
        mix(place.hash, self.shape.node(place.node).hash)
    }

    /// Lets a null or the start of an object or array count in a hash of the whole record.
    #[inline]
    pub(super) fn note_container(&mut self, place: Place, tag: u8) {
        if self.ids.wants_values() {
            let at = self.hash_of(place);
            self.ids.add_value(at, tag, b"");
        }
    }

    /// Makes the ids of the record's rows.
    pub(super) fn finish_ids(&mut self) -> Result<(), Halt> {
        let is_uuid = self.ids.mode == ModeKind::Uuid;
        let id = match self.ids.mode {
            ModeKind::Sequence | ModeKind::None => return Ok(()),
            ModeKind::Hash => hex(self.ids.digest),
            ModeKind::HashOf if self.ids.values > 0 => hex(self.ids.digest),
            ModeKind::Uuid => {
                let (input, byte) = self.ids.place;
                let seed = [input.to_le_bytes().as_slice(), &byte.to_le_bytes()].concat();
                let random = xxh3_128_with_seed(&seed, self.ids.seed);
                uuid::Builder::from_random_bytes(random.to_le_bytes()).into_uuid().to_string()
            }
            ModeKind::Field | ModeKind::HashOf => match self.ids.field.take() {
                Some(text) => String::from_utf8_lossy(&text).into_owned(),
                None => {
                    let message = "expected a scalar in the field of `--ids`, found none";
                    return Err(Fault::new(FaultCode::IdMissing, 0, message).into());
                }
            },
        };
        let main = self.tables[0].batch.links.texts();
        main.ids.push(id.as_bytes());
        for table in std::mem::take(&mut self.ids.touched) {
            self.finish_child_ids(table as usize, &id, is_uuid);
        }
        Ok(())
    }

    fn finish_child_ids(&mut self, table: usize, root: &str, is_uuid: bool) {
        let parent = self.tables[table].parent as usize;
        let pointer = self.paths.pointer(self.tables[table].batch.path);
        let (first, rows) = (self.tables[table].record_row, self.tables[table].rows);
        for row in first as usize..rows as usize {
            let links = &self.tables[table].batch.links;
            let index = links.indexes[row];
            let parent_id = match parent {
                0 => root.as_bytes().to_vec(),
                _ => {
                    let parent_row = links.parents[row] as usize;
                    match &self.tables[parent].batch.links.texts {
                        Some(texts) => texts.ids.get(parent_row).to_vec(),
                        None => Vec::new(),
                    }
                }
            };
            let seed = [&parent_id, &b"\0"[..], pointer.as_bytes(), b"\0", &index.to_le_bytes()];
            let hash = xxh3_128(&seed.concat());
            let id = match is_uuid {
                true => {
                    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().to_string()
                }
                false => hex(hash),
            };
            let texts = self.tables[table].batch.links.texts();
            texts.ids.push(id.as_bytes());
            texts.parents.push(&parent_id);
            texts.roots.push(root.as_bytes());
            self.tables[table].count_bytes(row as u32, 2 * parent_id.len() + id.len());
        }
    }
}

fn hex(value: u128) -> String {
    format!("{value:032x}")
}
