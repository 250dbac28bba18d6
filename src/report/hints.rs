//! What to look at in the shape of tables: maps, and keys in two spellings.

use std::collections::{BTreeMap, BTreeSet};

use super::profile::{Role, TableProfile};
use super::text::{counted, shown};
use crate::flatten::path::{Step, parse_pointer};

/// Keys of an object from which on it may be a map.
const MAP_KEYS: usize = 16;

/// Keys that all look like data are fewer.
const DATA_KEYS: usize = 3;

/// Of the objects that have a key, at most one in so many has the same key, where keys are data.
const MAP_RARITY: u64 = 4;

/// Hints of each sort that are given.
const HINTS_SHOWN: usize = 10;

/// What stands below one step of a path.
#[derive(Default)]
struct Node {
    children: BTreeMap<Box<str>, Node>,
    /// Values of the column here, and of those below.
    values: u64,
    /// Paths from here to columns, and the types that these have.
    leaves: BTreeSet<(String, String)>,
}

/// Returns what users may want to do about the shape of `tables`, a sentence each.
pub fn hints(tables: &[TableProfile]) -> Vec<String> {
    let mut root = Node::default();
    for table in tables {
        for column in
            table.columns.iter().filter(|one| !matches!(one.role, Role::Link | Role::Rest))
        {
            let steps = column.path.as_deref().and_then(parse_pointer).unwrap_or_default();
            root.add(&steps, column.values, &column.column_type.to_string());
        }
    }
    let (mut maps, mut spellings) = (Vec::new(), Vec::new());
    root.look(&mut Vec::new(), &mut maps, &mut spellings);
    for hints in [&mut maps, &mut spellings] {
        if let Some(more) = hints.len().checked_sub(HINTS_SHOWN).filter(|more| *more > 0) {
            hints.truncate(HINTS_SHOWN);
            hints.push(format!("{more} more like these"));
        }
    }
    maps.extend(spellings);
    maps
}

impl Node {
    fn add(&mut self, steps: &[Step], values: u64, column_type: &str) {
        let mut below = String::new();
        for step in steps {
            below.push('/');
            below.push_str(&segment(step));
        }
        self.leaves.insert((below, column_type.to_owned()));
        self.values = self.values.max(values);
        if let Some((first, rest)) = steps.split_first() {
            let child = self.children.entry(segment(first).into()).or_default();
            child.add(rest, values, column_type);
        }
    }

    fn look(&self, path: &mut Vec<String>, maps: &mut Vec<String>, spellings: &mut Vec<String>) {
        let keys: Vec<(&str, &Node)> = self
            .children
            .iter()
            .filter(|(key, _)| &***key != ELEMENT)
            .map(|(key, node)| (&**key, node))
            .collect();
        if !path.is_empty() && is_map(&keys) {
            let at = path.join(".");
            let (first, count) = (keys[0].0, counted(keys.len() as u64, "key"));
            let (at, first) = (shown(&at), shown(first));
            maps.push(format!(
                "`{at}` looks like a map, whose {count} such as `{first}` are data: `--map {at}` \
                 makes a table of it"
            ));
            // what is below is the same for each key
            return;
        }
        let mut same: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, _) in &keys {
            same.entry(folded(key)).or_default().push(key);
        }
        for (_, keys) in
            same.into_iter().filter(|(folded, keys)| keys.len() > 1 && !folded.is_empty())
        {
            let named = keys.iter().map(|key| {
                let mut at = path.clone();
                at.push((*key).to_owned());
                format!("`{}`", shown(&at.join(".")))
            });
            let named: Vec<_> = named.collect();
            spellings.push(format!("{} may be one key in several spellings", named.join(" and ")));
        }
        for (key, node) in &self.children {
            path.push(key.to_string());
            node.look(path, maps, spellings);
            path.pop();
        }
    }
}

/// How the elements of arrays are called in patterns.
const ELEMENT: &str = "*";

fn segment(step: &Step) -> String {
    match step {
        Step::Key(key) => key.to_string(),
        Step::Element => ELEMENT.to_owned(),
    }
}

/// Returns whether keys look like data: they have the same below them, and few objects share one.
///
/// Where all of them are numbers, dates or ids it is enough that most have something in common,
/// whatever its type. Else types count, but for those of numbers.
fn is_map(keys: &[(&str, &Node)]) -> bool {
    let is_data = keys.iter().all(|(key, _)| looks_like_data(key));
    if keys.len() < if is_data { DATA_KEYS } else { MAP_KEYS } {
        return false;
    }
    if is_data {
        let mut paths: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, node) in keys {
            let own: BTreeSet<&str> = node.leaves.iter().map(|(path, _)| path.as_str()).collect();
            own.into_iter().for_each(|path| *paths.entry(path).or_default() += 1);
        }
        return paths.values().any(|count| count * 2 > keys.len());
    }
    let mut shapes: BTreeMap<Vec<(&str, &str)>, usize> = BTreeMap::new();
    for (_, node) in keys {
        let shape = node.leaves.iter().map(|(path, name)| (path.as_str(), type_family(name)));
        *shapes.entry(shape.collect()).or_default() += 1;
    }
    let alike = shapes.values().copied().max().unwrap_or(0);
    let all: u64 = keys.iter().map(|(_, node)| node.values).sum();
    let most = keys.iter().map(|(_, node)| node.values).max().unwrap_or(0);
    // nine in ten are alike
    let is_alike = alike * 10 >= keys.len() * 9;
    let is_rare = all >= most.saturating_mul(MAP_RARITY);
    is_alike && is_rare && has_gaps(keys)
}

/// Returns one name for the types that numbers have.
fn type_family(column_type: &str) -> &str {
    match column_type {
        "int64" | "double" => "number",
        other if other.starts_with("decimal") => "number",
        other => other,
    }
}

/// Returns whether keys come in some objects alone, as keys of records do not.
fn has_gaps(keys: &[(&str, &Node)]) -> bool {
    let values: BTreeSet<u64> = keys.iter().map(|(_, node)| node.values).collect();
    values.len() > 1 || values.first() == Some(&1)
}

/// Returns whether a key is a number, a date, or an id.
fn looks_like_data(key: &str) -> bool {
    let has_digit = key.bytes().any(|byte| byte.is_ascii_digit());
    let is_id = key.len() >= 16 && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_number =
        key.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b':' | b'.'));
    has_digit && (is_id || is_number)
}

/// Returns a key without case and signs between its words.
fn folded(key: &str) -> String {
    let letters = key.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
