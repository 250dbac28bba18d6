//! Random records, options and damage, the same for the same seed.

use std::fmt::Write as _;

use super::flattener::{Arrays, Options, Tree, Twice};
use super::values::{Leaf, tree_of};

/// A stream of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Returns true once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const KEYS: [&str; 26] = [
    "a", "b", "c", "id", "items", "tags", "value", "A", "a_b", "a_2", "a_list", "a_json", "", "*",
    "~", "x/y", "..", "_tm_id", "_TM_KEY", "_tm_rest", "é", "e\u{301}", "🦀", " ", "\n", "\"",
];

const NUMBERS: [&str; 30] = [
    "0",
    "-0",
    "1",
    "-7",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999",
    "100000000000000000000000000000000000000",
    "0.5",
    "-0.0",
    "0e7",
    "1.50",
    "1e3",
    "1E+3",
    "1E-7",
    "1e400",
    "-1e400",
    "0.1234567890123456789",
    "5e-324",
    "1e-400",
    "100.0",
    "1e22",
    "123456789012345678.5",
    "1.7976931348623157e308",
];

const TEXTS: [&str; 30] = [
    "",
    "x",
    "true",
    "null",
    "007",
    "1",
    "a,b",
    "\"q\"",
    "two\nlines",
    "\u{0}",
    "\u{2028}",
    "🦀",
    "2026-11-21",
    "2024-02-29",
    "2023-02-29",
    "0001-01-01",
    "0000-01-01",
    "9999-12-31",
    "2026-11-21T10:20:30Z",
    "2026-11-21T10:20:31Z",
    "2026-11-21T10:20:30.123Z",
    "2026-11-21 10:20",
    "2026-11-21T24:00:00",
    "2026-11-21T10:20:30+05:30",
    "2026-11-21T10:20:30-0800",
    "1969-12-31T23:59:59.999999",
    "2026-11-21T10:20:60Z",
    " padded ",
    "=1+1",
    "\\u0041",
];

const PATTERNS: [&str; 14] = [
    "a",
    "b",
    "items",
    "tags",
    "*",
    "a.b",
    "items.a",
    "items.*.a",
    "*.a",
    "a.*",
    "items.*",
    "value",
    "c.*.*",
    "*.*",
];

/// What most values of a key are, in one run.
#[derive(Debug, Clone, Copy)]
enum Taste {
    Ints,
    Numbers,
    Texts,
    Times,
    Bools,
    Objects,
    Arrays,
    Lists,
    Any,
}

/// What the records of one run are like.
#[derive(Debug)]
pub struct Style {
    keys: Vec<(&'static str, Taste)>,
    depth: usize,
    /// One value in so many is of any kind.
    surprise: usize,
    has_twice: bool,
}

impl Style {
    pub fn new(random: &mut Random) -> Self {
        use Taste::{Any, Arrays, Bools, Ints, Lists, Numbers, Objects, Texts, Times};
        let tastes = [Ints, Ints, Numbers, Texts, Times, Bools, Objects, Arrays, Lists, Any];
        let count = 2 + random.below(9);
        let keys = (0..count).map(|_| {
            // plain keys are common
            let known = if random.one_in(3) { &KEYS[..] } else { &KEYS[..7] };
            (*random.pick(known), *random.pick(&tastes))
        });
        let keys = keys.collect();
        let surprise = *random.pick(&[3, 20, 500]);
        Style { keys, depth: 1 + random.below(4), surprise, has_twice: random.one_in(6) }
    }

    /// Returns a record, mostly an object.
    pub fn record(&self, random: &mut Random) -> Tree {
        if random.one_in(60) { self.any(random, 1) } else { self.object(random, self.depth) }
    }

    fn object(&self, random: &mut Random, depth: usize) -> Tree {
        let mut members: Vec<(String, Tree)> = Vec::new();
        for _ in 0..random.below(self.keys.len() + 2) {
            let (key, taste) = *random.pick(&self.keys);
            let is_new = !members.iter().any(|(known, _)| known == key);
            if is_new || self.has_twice {
                members.push((key.to_owned(), self.value(random, taste, depth)));
            }
        }
        Tree::Object(members)
    }

    fn value(&self, random: &mut Random, taste: Taste, depth: usize) -> Tree {
        if random.one_in(12) {
            return Tree::Null;
        }
        if random.one_in(self.surprise) {
            return self.any(random, depth);
        }
        let leaf = match taste {
            Taste::Ints => Leaf::Number((random.below(2_000) as i64 - 1_000).to_string()),
            Taste::Numbers => number(random),
            Taste::Texts => Leaf::Text(format!("{}{}", random.pick(&TEXTS[..12]), random.below(9))),
            Taste::Times => time(random),
            Taste::Bools => Leaf::Bool(random.one_in(2)),
            Taste::Lists => {
                let elements = (0..random.below(4)).map(|_| match random.below(5) {
                    0 => Tree::Null,
                    _ => Tree::Leaf(Leaf::Number(random.below(100).to_string())),
                });
                return Tree::Array(elements.collect());
            }
            Taste::Objects if depth > 0 => return self.object(random, depth - 1),
            Taste::Arrays if depth > 0 => {
                let elements = (0..random.below(4)).map(|_| self.object(random, depth - 1));
                return Tree::Array(elements.collect());
            }
            Taste::Objects | Taste::Arrays | Taste::Any => return self.any(random, depth),
        };
        Tree::Leaf(leaf)
    }

    fn any(&self, random: &mut Random, depth: usize) -> Tree {
        match random.below(if depth > 0 { 8 } else { 5 }) {
            0 => Tree::Null,
            1 => Tree::Leaf(Leaf::Bool(random.one_in(2))),
            2 => Tree::Leaf(number(random)),
            3 => Tree::Leaf(time(random)),
            4 => Tree::Leaf(Leaf::Text((*random.pick(&TEXTS)).to_owned())),
            5 => self.object(random, depth - 1),
            _ => {
                let elements = (0..random.below(4)).map(|_| self.any(random, depth - 1));
                Tree::Array(elements.collect())
            }
        }
    }
}

fn number(random: &mut Random) -> Leaf {
    let text = match random.below(4) {
        0 => (*random.pick(&NUMBERS)).to_owned(),
        1 => (random.next() as i64 >> random.below(64)).to_string(),
        2 => format!("{}.{}", random.below(1_000), random.below(1_000)),
        _ => match f64::from_bits(random.next()) {
            value if value.is_finite() => format!("{value:e}"),
            _ => "0.25".to_owned(),
        },
    };
    Leaf::Number(text)
}

/// Returns a time, mostly of one form.
fn time(random: &mut Random) -> Leaf {
    let (month, day) = (1 + random.below(12), 1 + random.below(28));
    Leaf::Text(match random.below(300) {
        0 => (*random.pick(&TEXTS)).to_owned(),
        _ => {
            format!("20{:02}-{month:02}-{day:02}T10:{:02}:00Z", random.below(99), random.below(60))
        }
    })
}

/// Returns what a user may ask for.
pub fn options(random: &mut Random) -> Options {
    const MODES: [Arrays; 4] = [Arrays::Smart, Arrays::Separate, Arrays::Inline, Arrays::Skip];
    let is_rare = |random: &mut Random| random.one_in(8);
    let pattern = |random: &mut Random| (*random.pick(&PATTERNS)).to_owned();
    let arrays = if random.one_in(2) { Arrays::Smart } else { *random.pick(&MODES) };
    let at =
        (0..random.below(5).saturating_sub(2)).map(|_| (pattern(random), *random.pick(&MODES)));
    let arrays_at = at.collect();
    let maps = (0..random.below(5).saturating_sub(3)).map(|_| pattern(random)).collect();
    // what is left out of an array is a column, not its rows
    let drop = (0..random.below(6).saturating_sub(4)).map(|_| pattern(random));
    let drop = drop.filter(|pattern| !pattern.contains('*')).collect();
    let max_depth = if random.one_in(4) { 1 + random.below(4) } else { 32 };
    let twice = *random.pick(&[Twice::Last, Twice::Last, Twice::First, Twice::Reject]);
    Options {
        arrays,
        arrays_at,
        maps,
        drop,
        max_depth,
        twice,
        wrap: is_rare(random),
        dates: !is_rare(random),
        number_text: is_rare(random),
        all_text: is_rare(random),
    }
}

/// Writes a value as JSON, some of its characters as escapes.
pub fn write(tree: &Tree, random: &mut Random, out: &mut String) {
    let comma = |place: usize| if place > 0 { "," } else { "" };
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Leaf(Leaf::Bool(value)) => out.push_str(&value.to_string()),
        Tree::Leaf(Leaf::Number(text)) => out.push_str(text),
        Tree::Leaf(Leaf::Text(text)) => write_text(text, random, out),
        Tree::Array(elements) => {
            out.push('[');
            for (place, element) in elements.iter().enumerate() {
                out.push_str(comma(place));
                write(element, random, out);
            }
            out.push(']');
        }
        Tree::Object(members) => {
            out.push('{');
            for (place, (key, value)) in members.iter().enumerate() {
                out.push_str(comma(place));
                write_text(key, random, out);
                out.push_str(if random.one_in(30) { " : " } else { ":" });
                write(value, random, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, random: &mut Random, out: &mut String) {
    if !random.one_in(20) {
        out.push_str(&serde_json::to_string(text).unwrap());
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        let _ = write!(out, "\\u{unit:04x}");
    }
    out.push('"');
}

/// Changes a line a little; returns what it says now, if it still says something.
pub fn damage(line: &mut String, random: &mut Random) -> Option<Option<Tree>> {
    const BYTES: &[u8] = b"{}[]\",:\\0-e.tnx \x01";
    let mut bytes = line.clone().into_bytes();
    let at = random.below(bytes.len());
    match random.below(3) {
        0 => bytes.truncate(at),
        1 => _ = bytes.remove(at),
        _ => bytes[at] = *random.pick(BYTES),
    }
    let text = String::from_utf8(bytes).ok()?;
    if text.trim().is_empty() {
        return None;
    }
    let parsed = tree_of(&text);
    *line = text;
    Some(parsed)
}
