//! Objects: what a decoder does with one, and which child each of its keys names.

use std::collections::HashSet;

use super::path::{Step, pointer};
use super::selection::Keep;
use super::shape::{NONE, NodeId, ROOT_NODE};
use super::{DeclaredType, Flattener, Halt, Note, Place, Target, ids};
use crate::table::Column;

/// What a decoder does with the object it is about to read.
#[derive(Debug)]
pub enum Object {
    /// Name each member with [`Flattener::key`] or [`Flattener::predicted`].
    Members(Members),
    /// Start a row for each member with [`Flattener::map_key`].
    Map(MapRows),
    /// Check it and push it whole with [`Flattener::json`].
    Json(Target),
    /// Check it and push nothing.
    Skip,
}

/// What a decoder does with the member whose key it has named.
#[derive(Debug)]
pub enum Member {
    /// Read its value and push it here.
    At(Place),
    /// Check its value and push it whole: there is no room for its path.
    Whole(Target),
}

/// A member whose key came as it was likely to.
#[derive(Debug, Clone, Copy)]
pub struct Likely {
    /// Where its value goes.
    pub place: Place,
    /// Bytes of the key and its colon in the source.
    pub length: usize,
    slot: u32,
}

/// An object being read, whose members go to the row that holds it.
#[derive(Debug)]
pub struct Members {
    node: NodeId,
    row: u32,
    hash: u64,
    /// Marks the keys seen.
    stamp: u64,
    /// Child named last.
    last: NodeId,
    /// Child that is likely to come next.
    guess: NodeId,
    is_empty: bool,
}

/// An object being read, whose members are rows of a child table.
#[derive(Debug)]
pub struct MapRows {
    node: NodeId,
    table: u32,
    row: u32,
    count: u32,
    hash: u64,
    keys: HashSet<Box<str>>,
}

impl MapRows {
    /// Returns the number of the table, for [`Flattener::end_row`].
    pub fn table(&self) -> u32 {
        self.table
    }
}

impl Flattener {
    /// Starts an object; whether `is_empty`, or `is_hollow` as it holds nothing but such objects and
    /// empty arrays, is asked only where the answer decides.
    pub fn begin_object(
        &mut self,
        place: Place,
        is_empty: impl FnOnce() -> bool,
        is_hollow: impl FnOnce() -> bool,
    ) -> Result<Object, Halt> {
        let is_map = self.shape.node(place.node).is_map;
        self.begin_object_as(place, is_map, is_empty, is_hollow)
    }

    /// Starts an object that is read member by member whatever it holds; nothing where something must
    /// be asked first.
    #[inline(always)]
    pub fn usual_members(&mut self, place: Place) -> Option<Members> {
        let takes_members = self.shape.lead(place.node).takes_members;
        takes_members.then(|| self.members(place))
    }

    /// The same, where somebody else says whether the object is a map.
    #[inline(always)]
    pub(super) fn begin_object_as(
        &mut self,
        place: Place,
        is_map: bool,
        is_empty: impl FnOnce() -> bool,
        is_hollow: impl FnOnce() -> bool,
    ) -> Result<Object, Halt> {
        let node = self.shape.node(place.node);
        match node.keep_containers {
            Some(Keep::All) => self.note_container(place, b'{'),
            Some(Keep::Inside) => {}
            None => return self.object_by_terms(place, is_map, is_empty, is_hollow),
            Some(Keep::ForId) if !is_map => return Ok(Object::Members(self.members(place))),
            Some(Keep::ForId | Keep::Nothing) => {
                self.leave_out();
                return Ok(Object::Skip);
            }
        }
        let node = self.shape.node(place.node);
        if node.declared.is_some() {
            if node.declared == Some(DeclaredType::Json) {
                return Ok(Object::Json(Target::Column(place)));
            }
            self.refuse_container(place, "an object")?;
        }
        let node = self.shape.node(place.node);
        if node.depth >= self.options.max_depth {
            self.note(Note::DepthOverflow, place.node);
            return Ok(Object::Json(Target::Column(place)));
        }
        if !is_map {
            return Ok(Object::Members(self.members(place)));
        }
        self.begin_map(place, is_empty)
    }

    #[inline]
    fn begin_map(&mut self, place: Place, is_empty: impl FnOnce() -> bool) -> Result<Object, Halt> {
        // A table arises with its first row, so that caps do not count tables without any.
        if is_empty() {
            self.note(Note::EmptyObject, place.node);
            return Ok(Object::Skip);
        }
        let Some(table) = self.child_table(place.node) else {
            self.note(Note::TableOverflow, place.node);
            return Ok(Object::Json(Target::Column(place)));
        };
        let node = self.shape.node(place.node);
        Ok(Object::Map(MapRows {
            node: node.element,
            table,
            row: place.row,
            count: 0,
            hash: ids::mix(place.hash, node.hash),
            keys: HashSet::new(),
        }))
    }

    /// Starts an object at a path that the schema file knows, or that it closes.
    #[inline(never)]
    fn object_by_terms(
        &mut self,
        place: Place,
        is_map: bool,
        is_empty: impl FnOnce() -> bool,
        is_hollow: impl FnOnce() -> bool,
    ) -> Result<Object, Halt> {
        let node = self.shape.node(place.node);
        let (keep, terms) = (node.keep, node.terms.unwrap_or_default());
        let is_closed = self.options.is_closed();
        let is_json = terms.json && !terms.members && !(is_map && terms.table);
        let has_place = is_json || terms.members || terms.row || (is_map && terms.table);
        // Of what is selected below, each value has its own say.
        if is_closed && !has_place && keep == Keep::All {
            // An empty one holds no value.
            if !is_hollow() {
                self.outside(place.node, "an object")?;
                return Ok(Object::Skip);
            }
            // Whatever is inside, it counts as one empty object, also towards ids.
            self.note(Note::EmptyObject, place.node);
            self.note_container(place, b'{');
            return Ok(Object::Skip);
        }
        if keep == Keep::All {
            self.note_container(place, b'{');
        }
        let is_deep = !is_closed && self.shape.node(place.node).depth >= self.options.max_depth;
        if is_json || is_deep {
            if is_deep {
                self.note(Note::DepthOverflow, place.node);
            }
            return Ok(Object::Json(Target::Column(place)));
        }
        if is_map && (terms.table || !is_closed) {
            return self.begin_map(place, is_empty);
        }
        Ok(Object::Members(self.members(place)))
    }

    /// Starts the members of the object at `place`; of a record's own, without further questions.
    pub fn members(&mut self, place: Place) -> Members {
        self.stamps += 1;
        Members {
            node: place.node,
            row: place.row,
            hash: place.hash,
            stamp: self.stamps,
            last: NONE,
            guess: self.shape.first(place.node),
            is_empty: true,
        }
    }

    /// Looks whether the likely next key stands in `source` at `at`, with its colon and without
    /// white space; returns where the member goes.
    #[inline(always)]
    pub fn predicted(&mut self, members: &mut Members, source: &[u8], at: usize) -> Option<Likely> {
        let (child, length) = self.shape.predicted(members.guess, source, at)?;
        let lead = self.shape.lead_mut(child);
        // A key that stands twice is for `key` to refuse.
        if lead.stamp == members.stamp {
            return None;
        }
        lead.stamp = members.stamp;
        members.last = child;
        members.guess = lead.next;
        members.is_empty = false;
        let slot = lead.slot;
        let place = Place { node: child, row: members.row, hash: members.hash };
        Some(Likely { place, slot, length })
    }

    /// Returns the column that takes scalars at a likely member as they come, and its row; nothing
    /// where there is none yet, or something wants a closer look.
    #[inline(always)]
    pub fn column(&mut self, likely: &Likely) -> Option<(&mut Column, usize)> {
        let column = self.columns.get_mut(likely.slot as usize)?;
        Some((column, likely.place.row as usize))
    }

    /// Names the member of the object that is read next.
    #[inline(never)]
    pub fn key(&mut self, members: &mut Members, key: &str) -> Result<Member, Halt> {
        members.is_empty = false;
        let found = self.shape.child(members.node, key);
        let table = self.shape.node(members.node).table as usize;
        // Ids made of fields must see them, also where there is no room for a column.
        let may_skip = self.tables[table].full && !self.ids.reads_fields();
        if may_skip && !self.is_known(members.node, found, key) {
            return self.unknown_key(members, key);
        }
        let child = match found {
            Some(child) => child,
            None if self.cap_reached => return Err(Halt::CapReached),
            None => self.add_child(members.node, key),
        };
        if may_skip {
            self.shape.teach(child);
        }
        let lead = self.shape.lead_mut(child);
        if lead.stamp == members.stamp {
            return Err(Halt::DuplicateKey);
        }
        lead.stamp = members.stamp;
        self.shape.learn(members.node, members.last, child);
        members.last = child;
        members.guess = self.shape.after(child);
        Ok(Member::At(Place { node: child, row: members.row, hash: members.hash }))
    }

    /// Lets the member of a path that has no room go to the rest column.
    fn unknown_key(&mut self, members: &Members, key: &str) -> Result<Member, Halt> {
        let place = Place { node: members.node, row: members.row, hash: members.hash };
        if !self.unknown_keys.insert((members.stamp, key.into())) {
            return Err(Halt::DuplicateKey);
        }
        Ok(Member::Whole(Target::Member(place, key.into())))
    }

    /// Counts a member of the object being read that is left out, as its key stands twice.
    pub fn note_duplicate(&mut self, members: &Members, key: &str) {
        let mut steps = self.shape.steps(ROOT_NODE, members.node);
        steps.push(Step::Key(key.into()));
        self.undo.is_tainted = true;
        *self.duplicates.entry(pointer(&steps)).or_default() += 1;
    }

    /// Ends an object.
    #[inline]
    pub fn end_object(&mut self, members: &Members) {
        // An empty element still has its row, and an empty record too.
        if members.is_empty && matches!(self.shape.node(members.node).step, Step::Key(_)) {
            self.note(Note::EmptyObject, members.node);
        }
    }

    /// Starts the row of a member of a map; `bytes` are those of that row.
    pub fn map_key(
        &mut self,
        map: &mut MapRows,
        key: &str,
        bytes: &mut u32,
    ) -> Result<Place, Halt> {
        if !map.keys.insert(key.into()) {
            return Err(Halt::DuplicateKey);
        }
        let row = self.add_row(map.table, map.row, map.count);
        let links = &mut self.tables[map.table as usize].batch.links;
        links.keys.get_or_insert_default().push_text(row as usize, key.as_bytes());
        *bytes = bytes.saturating_add(key.len() as u32);
        map.count += 1;
        let hash = ids::mix(map.hash, u64::from(map.count));
        Ok(Place { node: map.node, row, hash })
    }

    /// Counts a member of a map that is left out, as its key stands twice.
    pub fn note_duplicate_row(&mut self, map: &MapRows, key: &str) {
        let mut steps = self.shape.steps(ROOT_NODE, map.node);
        steps.push(Step::Key(key.into()));
        self.undo.is_tainted = true;
        *self.duplicates.entry(pointer(&steps)).or_default() += 1;
    }
}
