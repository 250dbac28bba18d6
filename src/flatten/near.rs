//! Paths that were seen, near to those of options that have matched nothing.

use super::options::FlattenOptions;
use super::path::{Step, dotted};
use super::selection::Keep;

/// The nearest path to each option that names one, in the order of
/// [`FlattenOptions::path_options`].
///
/// Joining those of several workers gives the same whatever each of them saw.
#[derive(Debug, Clone, Default)]
pub struct Near(Vec<Option<(usize, String)>>);

impl Near {
    /// Compares a path that is seen for the first time with the options that are not in `used`.
    pub(super) fn see(&mut self, options: &FlattenOptions, used: u128, steps: &[Step], keep: Keep) {
        // what is below a value that is left out is never seen
        let is_closed = matches!(keep, Keep::ForId | Keep::Nothing);
        let mut typed = None;
        for (place, pattern) in options.patterns().enumerate() {
            if used >> place & 1 == 1 {
                continue;
            }
            let typed = typed.get_or_insert_with(|| dotted(steps));
            if let Some(meant) = pattern.meant(steps, typed, is_closed) {
                self.put(place, meant);
            }
        }
    }

    /// Takes over what another has found nearer.
    pub fn join(&mut self, other: Near) {
        for (place, meant) in other.0.into_iter().enumerate() {
            meant.into_iter().for_each(|meant| self.put(place, meant));
        }
    }

    /// Returns the path that an option probably meant.
    pub fn of(&self, place: usize) -> Option<&str> {
        self.0.get(place)?.as_ref().map(|(_, path)| path.as_str())
    }

    fn put(&mut self, place: usize, meant: (usize, String)) {
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        let known = &mut self.0[place];
        if known.as_ref().is_none_or(|known| meant < *known) {
            *known = Some(meant);
        }
    }
}
