//! How records become rows: the options.

use std::sync::Arc;

use super::path::{PathPattern, Step};
use super::selection::Selection;
use super::terms::Terms;
use super::{ArrayMode, DeclaredType, IdMode};
use crate::limits;

/// How records become rows.
#[derive(Debug, Clone)]
pub struct FlattenOptions {
    /// What arrays become.
    pub arrays: ArrayMode,
    /// What the arrays at some paths become; the last match counts.
    pub arrays_at: Vec<(PathPattern, ArrayMode)>,
    /// Paths of objects whose keys are data.
    pub maps: Vec<PathPattern>,
    /// Levels of nesting that become columns and tables.
    pub max_depth: u32,
    /// Data columns of one table.
    pub max_columns: usize,
    /// Data columns of all tables together.
    pub max_run_columns: usize,
    /// Tables of the run.
    pub max_tables: usize,
    /// What identifies a row.
    pub ids: IdMode,
    /// Keep the source text of numbers with a fraction or an exponent.
    pub number_text: bool,
    /// Types that the user gave; the last match counts.
    pub types: Vec<(PathPattern, DeclaredType)>,
    /// What a schema file says; [`Conversion::contract`](crate::Conversion::contract) sets it.
    pub terms: Option<Arc<Terms>>,
    /// Every scalar is text, as it stands in the input.
    pub all_text: bool,
    /// Which values become cells.
    pub selection: Selection,
    /// Look whether strings have the form of dates and times.
    pub dates: bool,
    /// Count the values of columns by their kinds; [`Destination::Nowhere`](crate::Destination::Nowhere)
    /// sets it.
    pub count_kinds: bool,
}

impl FlattenOptions {
    /// Returns what each option that names a path looks like, in the order of the bits in
    /// [`Flattened::used`](super::Flattened::used).
    pub fn path_options(&self) -> Vec<String> {
        let arrays = self.arrays_at.iter().map(|(path, _)| format!("`--arrays-at {path}=…`"));
        let maps = self.maps.iter().map(|path| format!("`--map {path}`"));
        let types = self.types.iter().map(|(path, declared)| format!("`--type {path}={declared}`"));
        let select = self.selection.select.iter().map(|path| format!("`--select {path}`"));
        let drop = self.selection.drop.iter().map(|path| format!("`--drop {path}`"));
        arrays.chain(maps).chain(types).chain(select).chain(drop).collect()
    }

    /// Returns the path of each of the first 128 of these options.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &PathPattern> {
        let arrays = self.arrays_at.iter().map(|(path, _)| path);
        let types = self.types.iter().map(|(path, _)| path);
        let selected = self.selection.select.iter().chain(&self.selection.drop);
        arrays.chain(&self.maps).chain(types).chain(selected).take(u128::BITS as usize)
    }

    /// Returns a bit for every option that means the path `steps`.
    pub(super) fn used(&self, steps: &[Step]) -> u128 {
        self.patterns()
            .enumerate()
            .fold(0, |bits, (place, pattern)| bits | (u128::from(pattern.matches(steps)) << place))
    }
}

impl Default for FlattenOptions {
    fn default() -> Self {
        FlattenOptions {
            arrays: ArrayMode::Smart,
            arrays_at: Vec::new(),
            maps: Vec::new(),
            max_depth: limits::FLATTEN_DEPTH_MAX as u32,
            max_columns: limits::COLUMNS_MAX,
            max_run_columns: limits::RUN_COLUMNS_MAX,
            max_tables: limits::TABLES_MAX,
            ids: IdMode::Auto,
            number_text: false,
            types: Vec::new(),
            terms: None,
            all_text: false,
            selection: Selection::default(),
            dates: true,
            count_kinds: false,
        }
    }
}
