//! Paths: interned over the run, written as JSON Pointers, matched against what users type.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use crate::error::Error;
use crate::limits;
use crate::nearest::slips;
use crate::table::PathId;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key of an object.
    Key(Box<str>),
    /// Any element of an array, or any value of a map.
    Element,
}

/// All paths of a run that feed a column or a table, under small numbers.
///
/// The numbers are given out in the order in which workers ask, so they say nothing but identity.
#[derive(Debug)]
pub struct Paths {
    inner: RwLock<Inner>,
    /// Some path is as long as several columns.
    has_long: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    ids: HashMap<(PathId, Step), PathId, foldhash::quality::RandomState>,
    paths: Vec<Arc<PathInfo>>,
}

/// A path and where it hangs.
#[derive(Debug)]
pub struct PathInfo {
    /// The path one step shorter; the root is its own parent.
    pub parent: PathId,
    /// The last step; nothing for the root.
    pub step: Option<Step>,
    /// Bytes of the keys of all its steps.
    bytes: usize,
}

/// The path of the record itself.
pub const ROOT: PathId = 0;

impl Default for Paths {
    fn default() -> Self {
        let root = Arc::new(PathInfo { parent: ROOT, step: None, bytes: 0 });
        let inner = RwLock::new(Inner { ids: HashMap::default(), paths: vec![root] });
        Paths { inner, has_long: AtomicBool::new(false) }
    }
}

impl Paths {
    /// Returns the number of the path `step` below `parent`.
    pub fn intern(&self, parent: PathId, step: &Step) -> PathId {
        let key = (parent, step.clone());
        if let Some(&id) = self.read().ids.get(&key) {
            return id;
        }
        let mut inner = self.inner.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let next = inner.paths.len() as PathId;
        let id = *inner.ids.entry(key).or_insert(next);
        if id == next {
            let own = match step {
                Step::Key(key) => key.len(),
                Step::Element => 0,
            };
            let bytes = inner.paths[parent as usize].bytes + own;
            inner.paths.push(Arc::new(PathInfo { parent, step: Some(step.clone()), bytes }));
            if bytes >= limits::PATH_BYTES {
                self.has_long.store(true, Ordering::Relaxed);
            }
        }
        id
    }

    /// Returns the number of the path `step` below `parent`, if it has one.
    pub fn find(&self, parent: PathId, step: &Step) -> Option<PathId> {
        self.read().ids.get(&(parent, step.clone())).copied()
    }

    /// Returns what is known of a path.
    pub fn get(&self, id: PathId) -> Arc<PathInfo> {
        Arc::clone(&self.read().paths[id as usize])
    }

    /// Returns as how many columns one counts whose values are at a path.
    pub fn weight(&self, id: PathId) -> usize {
        // whoever knows the path knows that it is long
        match self.has_long.load(Ordering::Relaxed) {
            true => 1 + self.get(id).bytes / limits::PATH_BYTES,
            false => 1,
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Returns the steps from `from` (which must lie above) down to `id`.
    pub fn steps(&self, from: PathId, id: PathId) -> Vec<Step> {
        let (inner, mut steps, mut at) = (self.read(), Vec::new(), id);
        while at != from {
            let info = &inner.paths[at as usize];
            steps.extend(info.step.clone());
            at = info.parent;
        }
        steps.reverse();
        steps
    }

    /// Returns the path as a JSON Pointer from the record.
    pub fn pointer(&self, id: PathId) -> String {
        pointer(&self.steps(ROOT, id))
    }
}

/// Writes steps as a JSON Pointer in which `*` is any element, and a key `*` is `~2`.
pub fn pointer(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        out.push('/');
        match step {
            Step::Element => out.push('*'),
            Step::Key(key) if &**key == "*" => out.push_str("~2"),
            Step::Key(key) => {
                for char in key.chars() {
                    match char {
                        '~' => out.push_str("~0"),
                        '/' => out.push_str("~1"),
                        char => out.push(char),
                    }
                }
            }
        }
    }
    out
}

/// Reads steps as [`pointer()`] writes them; nothing where it would write them otherwise.
pub fn parse_pointer(text: &str) -> Option<Vec<Step>> {
    let tokens = text.strip_prefix('/').map(|tokens| tokens.split('/'));
    let steps: Vec<Step> = tokens
        .into_iter()
        .flatten()
        .map(|token| match pointer_step(token) {
            PatternStep::Any => Step::Element,
            PatternStep::Key(key) => Step::Key(key.into()),
        })
        .collect();
    (pointer(&steps) == text).then_some(steps)
}

/// Writes steps as users type them: keys parted by dots, without steps into elements but the last,
/// or a pointer where keys do not allow that.
pub fn dotted(steps: &[Step]) -> String {
    let last = steps.len().saturating_sub(1);
    let is_typed = |(place, step): &(usize, &Step)| *place == last || **step != Step::Element;
    let typed = steps.iter().enumerate().filter(is_typed).map(|(_, step)| step);
    parted_by_dots(typed).unwrap_or_else(|| pointer(steps))
}

/// Writes steps parted by dots, if no key would be taken for something else then.
fn parted_by_dots<'a>(steps: impl Iterator<Item = &'a Step>) -> Option<String> {
    let keys = steps.map(|step| match step {
        Step::Element => Some("*"),
        Step::Key(key) if key.is_empty() || &**key == "*" || key.contains(['.', '/']) => None,
        Step::Key(key) => Some(&**key),
    });
    keys.collect::<Option<Vec<_>>>().map(|keys| keys.join("."))
}

/// A path as users type it: `items.sku`, `items.*.sku`, or a pointer `/items/*/sku`.
///
/// Keys are parted by dots; `*` matches one step of any kind. Steps into array elements may be
/// left out. A path that starts with `/` is a JSON Pointer, for keys that hold dots.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    text: String,
    steps: Vec<PatternStep>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum PatternStep {
    Key(String),
    Any,
}

impl From<&PatternStep> for Step {
    fn from(step: &PatternStep) -> Self {
        match step {
            PatternStep::Key(key) => Step::Key(key.as_str().into()),
            PatternStep::Any => Step::Element,
        }
    }
}

/// More than the slips of any path that is near.
const SLIPS_MAX: usize = 1 << 20;

impl FromStr for PathPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let steps = if let Some(pointer) = text.strip_prefix('/') {
            pointer.split('/').map(pointer_step).collect()
        } else if text.is_empty() || text.split('.').any(str::is_empty) {
            return Err(Error::usage(format!(
                "path `{text}`: expected keys parted by dots, such as `items.sku`"
            ))
            .with_hint("for keys that are empty or hold dots write a pointer, such as `/a.b/c`"));
        } else {
            let step = |key: &str| match key {
                "*" => PatternStep::Any,
                key => PatternStep::Key(key.to_owned()),
            };
            text.split('.').map(step).collect()
        };
        Ok(PathPattern { text: text.to_owned(), steps })
    }
}

fn pointer_step(token: &str) -> PatternStep {
    match token {
        "*" => PatternStep::Any,
        "~2" => PatternStep::Key("*".to_owned()),
        token => PatternStep::Key(token.replace("~1", "/").replace("~0", "~")),
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PathPattern {
    /// Returns whether `steps` is a path that this pattern means.
    pub fn matches(&self, steps: &[Step]) -> bool {
        // The last step is what the pattern is about; it cannot be left out.
        self.reached(steps, steps.len().saturating_sub(1))[self.steps.len()]
    }

    /// Returns whether this pattern means paths below `steps`.
    pub fn leads_below(&self, steps: &[Step]) -> bool {
        self.reached(steps, steps.len())[..self.steps.len()].contains(&true)
    }

    /// Returns the path that was meant if `steps` lead to it, and how far off that is: slips of the
    /// pen first, then keys left out at the start.
    ///
    /// `typed` are the steps as users type them. What is below them is not known where the value
    /// there is closed; the end of the pattern stays as it is then.
    pub(super) fn meant(
        &self,
        steps: &[Step],
        typed: &str,
        is_closed: bool,
    ) -> Option<(usize, String)> {
        let aligned = self.aligned(steps);
        let whole = self.steps.len();
        let spelled = aligned.iter().enumerate().filter_map(|(at, reached)| {
            let (far, begun) = reached.as_ref().filter(|_| at == whole || (is_closed && at > 0))?;
            let meant: Vec<_> = begun.iter().chain(&self.steps[at..]).map(Step::from).collect();
            let parted = parted_by_dots(meant.iter()).filter(|_| !self.text.starts_with('/'));
            Some((*far, parted.unwrap_or_else(|| pointer(&meant))))
        });
        // a key is no slip for the elements of an array, but an index is
        let is_key = |last: &PatternStep| match last {
            PatternStep::Key(key) => !key.bytes().all(|byte| byte.is_ascii_digit()),
            PatternStep::Any => false,
        };
        let is_elements = steps.last() == Some(&Step::Element);
        let is_far = is_elements && self.steps.last().is_some_and(is_key);
        let parted = slips(&self.text, typed).filter(|_| !is_far);
        let parted = parted.map(|far| (far, typed.to_owned()));
        let is_end = || {
            let keys: Vec<_> = steps.iter().filter(|step| **step != Step::Element).collect();
            let from = keys.len().checked_sub(whole).filter(|from| *from > 0)?;
            let fits = |(pattern, step): (&PatternStep, &&Step)| match (pattern, step) {
                (PatternStep::Key(key), Step::Key(found)) => **key == **found,
                _ => false,
            };
            let is_end = self.steps.iter().zip(&keys[from..]).all(fits);
            is_end.then(|| (SLIPS_MAX + from, typed.to_owned()))
        };
        let meant = spelled.chain(parted).filter(|(_, text)| *text != self.text).min();
        meant.or_else(is_end)
    }

    /// Returns for each count of the pattern's steps how they are spelled where they stand for all
    /// of `steps`, and in how many places that differs; nothing where they cannot.
    fn aligned(&self, steps: &[Step]) -> Vec<Option<(usize, Vec<PatternStep>)>> {
        let mut reached = vec![None; self.steps.len() + 1];
        reached[0] = Some((0, Vec::new()));
        for (place, step) in steps.iter().enumerate() {
            let mut next = vec![None; self.steps.len() + 1];
            for (at, pattern) in self.steps.iter().enumerate() {
                let Some((far, begun)) = &reached[at] else { continue };
                let (slips, spelled) = match (pattern, step) {
                    (PatternStep::Any, _) => (0, PatternStep::Any),
                    (PatternStep::Key(_), Step::Element) => continue,
                    (PatternStep::Key(key), Step::Key(found)) => match slips(key, found) {
                        Some(slips) => (slips, PatternStep::Key(found.to_string())),
                        None => continue,
                    },
                };
                next[at + 1] = Some((far + slips, [&begun[..], &[spelled]].concat()));
            }
            if *step == Step::Element && place + 1 < steps.len() {
                for (next, reached) in next.iter_mut().zip(&reached) {
                    let is_nearer = match (&next, reached) {
                        (Some(next), Some(reached)) => reached < next,
                        (None, Some(_)) => true,
                        _ => false,
                    };
                    if is_nearer {
                        next.clone_from(reached);
                    }
                }
            }
            reached = next;
        }
        reached
    }

    /// Returns which counts of the pattern's steps stand for all of `steps`; element steps among
    /// the first `optional` may be left out of the pattern.
    fn reached(&self, steps: &[Step], optional: usize) -> Vec<bool> {
        let fits = |pattern: &PatternStep, step: &Step| match (pattern, step) {
            (PatternStep::Any, _) => true,
            (PatternStep::Key(key), Step::Key(found)) => **key == **found,
            (PatternStep::Key(_), Step::Element) => false,
        };
        // Every element step may be left out of the pattern, so the two are walked like a glob;
        // paths are at most a few dozen steps long.
        let mut reached = vec![false; self.steps.len() + 1];
        reached[0] = true;
        for (place, step) in steps.iter().enumerate() {
            let mut next = vec![false; self.steps.len() + 1];
            for (at, pattern) in self.steps.iter().enumerate() {
                next[at + 1] |= reached[at] && fits(pattern, step);
            }
            if *step == Step::Element && place < optional {
                for (next, reached) in next.iter_mut().zip(&reached) {
                    *next |= reached;
                }
            }
            reached = next;
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pointer: &str) -> Vec<Step> {
        parse_pointer(pointer).expect("a pointer")
    }

    fn check(pattern: &str, path: &str, expected: bool) {
        let parsed: PathPattern = pattern.parse().expect("a path");
        assert_eq!(parsed.matches(&steps(path)), expected, "`{pattern}` on `{path}`");
    }

    #[test]
    fn patterns_match_with_and_without_element_steps() {
        check("items.sku", "/items/*/sku", true);
        check("items.*.sku", "/items/*/sku", true);
        check("/items/*/sku", "/items/*/sku", true);
        check("items.sku", "/items/sku", true);
        check("items.*", "/items/sku", true);
        check("items", "/items/*/sku", false);
        check("items", "/items/*", false);
        check("items.*", "/items/*", true);
        check("*", "/items", true);
        check("/a.b/c", "/a.b/c", true);
        check("a.b.c", "/a.b/c", false);
        check("/~2", "/~2", true);
        check("/~2", "/a", false);
    }

    #[test]
    fn patterns_lead_to_what_is_below() {
        for (pattern, path, expected) in [
            ("a.b", "", true),
            ("a.b", "/a", true),
            ("a.b", "/a/*", true),
            ("a.b", "/a/*/*", true),
            ("a.b", "/a/b", false),
            ("a.b", "/b", false),
            ("*.b", "/x", true),
            ("a.*", "/a/*", true),
            ("a.*", "/a/x", false),
            ("a", "/*", true),
        ] {
            let parsed: PathPattern = pattern.parse().expect("a path");
            assert_eq!(parsed.leads_below(&steps(path)), expected, "`{pattern}` on `{path}`");
        }
    }

    #[test]
    fn paths_near_to_a_pattern_are_found() {
        let check = |pattern: &str, path: &str, is_closed: bool, expected: Option<&str>| {
            let parsed: PathPattern = pattern.parse().expect("a path");
            let steps = steps(path);
            let meant = parsed.meant(&steps, &dotted(&steps), is_closed);
            assert_eq!(meant.map(|(_, path)| path).as_deref(), expected, "{pattern} at {path}");
        };
        check("custmer.name", "/customer/name", false, Some("customer.name"));
        check("customer_name", "/customer/name", false, Some("customer.name"));
        check("Customer.Name", "/customer/name", false, Some("customer.name"));
        check("custmer.name", "/customer", true, Some("customer.name"));
        check("custmer.name", "/customer", false, None);
        check("items.skuu", "/items/*/sku", false, Some("items.sku"));
        check("itms.*.sku", "/items/*/sku", false, Some("items.*.sku"));
        check("*.nmae", "/customer/name", false, Some("*.name"));
        check("/custmer/name", "/customer/name", false, Some("/customer/name"));
        check("sku", "/items/*/sku", false, Some("items.sku"));
        check("tgas.*", "/tags/*", false, Some("tags.*"));
        check("version", "/a.b/version", false, Some("/a.b/version"));
        check("/a.c/x", "/a.b/x", false, Some("/a.b/x"));
        check("name", "/name", false, None);
        check("city", "/customer/name", false, None);
    }

    #[test]
    fn pointers_escape_what_they_must() {
        for text in ["", "/a~1b", "/a~0b/*", "/~2", "/", "/a.b"] {
            let expected = steps(text);
            assert_eq!(pointer(&expected), text);
        }
    }

    #[test]
    fn other_texts_are_no_pointers() {
        for text in ["a", "a/b", "/~", "/~3", "/a~2", "/~02x~"] {
            assert_eq!(parse_pointer(text), None, "{text}");
        }
    }

    #[test]
    fn empty_keys_are_refused_outside_pointers() {
        for text in ["", ".", "a..b", "a."] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
    }
}
