//! `--select`, `--drop`: which values become cells.

use super::options::FlattenOptions;
use super::path::{PathPattern, Step};
use super::shape::ROOT_NODE;
use super::{Flattener, Target};

/// Which paths users want.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these paths and what is below them; all where it is empty.
    pub select: Vec<PathPattern>,
    /// Not these paths, nor what is below them, whatever is selected.
    pub drop: Vec<PathPattern>,
}

/// What becomes of the value at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// It is kept, but for what is dropped below it.
    #[default]
    All,
    /// Something below it may be selected; itself it is not.
    Inside,
    /// It is left out, but something below it gives the row its id.
    ForId,
    /// It is left out.
    Nothing,
}

impl Selection {
    /// Returns whether every value is wanted.
    pub fn is_everything(&self) -> bool {
        self.select.is_empty() && self.drop.is_empty()
    }

    /// Returns what becomes of a record itself.
    pub(crate) fn of_record(&self) -> Keep {
        if self.select.is_empty() { Keep::All } else { Keep::Inside }
    }

    /// Returns what becomes of the value at `steps`; `above` is that of the value around it.
    fn of_path(&self, above: Keep, steps: &[Step]) -> Keep {
        if matches!(above, Keep::ForId | Keep::Nothing) || matches_any(&self.drop, steps) {
            return Keep::Nothing;
        }
        if above == Keep::All || matches_any(&self.select, steps) {
            return Keep::All;
        }
        match self.select.iter().any(|pattern| pattern.leads_below(steps)) {
            true => Keep::Inside,
            false => Keep::Nothing,
        }
    }
}

fn matches_any(patterns: &[PathPattern], steps: &[Step]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(steps))
}

impl FlattenOptions {
    /// Returns what becomes of the value at `steps`; `above` is that of the value around it.
    pub(crate) fn keep(&self, above: Keep, steps: &[Step]) -> Keep {
        if self.selection.is_everything() {
            return Keep::All;
        }
        match self.selection.of_path(above, steps) {
            Keep::Nothing if self.ids.leads_below(steps) => Keep::ForId,
            keep => keep,
        }
    }
}

/// Goes along with a decoder through a subtree that is kept as JSON text.
pub struct Pruner<'a> {
    flattener: &'a mut Flattener,
    steps: Vec<Step>,
    keep: Keep,
}

impl Flattener {
    /// Returns what leaves values out of the subtree that goes to `target`; nothing where all of it
    /// is wanted anyway.
    pub fn pruner(&mut self, target: &Target) -> Option<Pruner<'_>> {
        if self.options.selection.is_everything() {
            return None;
        }
        let (keep, steps) = self.keep_and_steps(target);
        Some(Pruner { flattener: self, steps, keep })
    }

    /// Returns what becomes of the subtree that goes to `target`.
    pub(super) fn keep_of(&mut self, target: &Target) -> Keep {
        match self.options.selection.is_everything() {
            true => Keep::All,
            false => self.keep_and_steps(target).0,
        }
    }

    fn keep_and_steps(&mut self, target: &Target) -> (Keep, Vec<Step>) {
        let (place, key) = match target {
            Target::Column(place) | Target::Rest(place) => (place, None),
            Target::Member(place, key) => (place, Some(key)),
        };
        let mut keep = self.shape.node(place.node).keep;
        let mut steps = self.shape.steps(ROOT_NODE, place.node);
        if let Some(key) = key {
            steps.push(Step::Key(key.clone()));
            self.used |= self.options.used(&steps);
            keep = self.options.keep(keep, &steps);
        }
        (keep, steps)
    }

    /// Counts a value that is left out.
    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
    }
}

impl Pruner<'_> {
    /// Returns whether the value at hand is kept, if it is no container.
    pub fn keeps_value(&self) -> bool {
        self.keep == Keep::All
    }

    /// Returns whether the value at hand is to be read: it is kept, or something inside may be.
    pub fn goes_inside(&self) -> bool {
        matches!(self.keep, Keep::All | Keep::Inside)
    }

    /// Counts the value at hand as left out.
    pub fn leave_out(&mut self) {
        self.flattener.leave_out();
    }

    /// Runs `read` one step further down: at a member, or at an element for no key.
    pub fn inside<T>(&mut self, key: Option<&str>, read: impl FnOnce(&mut Self) -> T) -> T {
        let above = self.keep;
        self.steps.push(key.map_or(Step::Element, |key| Step::Key(key.into())));
        self.flattener.used |= self.flattener.options.used(&self.steps);
        self.keep = self.flattener.options.keep(above, &self.steps);
        let done = read(self);
        self.steps.pop();
        self.keep = above;
        done
    }
}
