//! What users should know of a run that has ended.

use super::run::Run;
use crate::flatten::Note;
use crate::report::{Warning, WarningKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, Renamed};

impl Run {
    pub(super) fn warnings(&self, layouts: &[Layout], renamed: Vec<Renamed>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for name in &self.schema.renamed_tables {
            let detail = format!("`{}`, as `{}` was taken", name.name, name.wanted);
            let path = name.path.clone();
            warnings.push(Warning { kind: WarningKind::TableRenamed, path, count: 1, detail });
        }
        for name in renamed {
            let detail =
                format!("`{}` of `{}`, as `{}` was taken", name.name, name.table, name.wanted);
            let path = name.path;
            warnings.push(Warning { kind: WarningKind::ColumnRenamed, path, count: 1, detail });
        }
        for input in &self.dialects {
            for (wanted, name) in &input.renamed {
                let detail = format!("`{name}`, as `{wanted}` stood before it in `{}`", input.name);
                let (kind, path) = (WarningKind::ColumnRenamed, format!("/{wanted}"));
                warnings.push(Warning { kind, path, count: 1, detail });
            }
        }
        if self.csv_flags && self.dialects.is_empty() {
            let (kind, path) = (WarningKind::PatternUnused, String::new());
            let detail = "what flags say of CSV".to_owned();
            warnings.push(Warning { kind, path, count: 1, detail });
        }
        if self.outputs.drops_digits {
            for (table, layout) in self.schema.tables().iter().zip(layouts) {
                for column in &layout.columns {
                    let count = table.columns[column.index].long_floats;
                    if count > 0 && holds_doubles(&column.column_type) {
                        let path = column.path.clone().unwrap_or_default();
                        let (kind, detail) = (WarningKind::DigitsDropped, String::new());
                        warnings.push(Warning { kind, path, count, detail });
                    }
                }
            }
        }
        for (place, option) in self.setup.flatten.path_options().into_iter().enumerate() {
            if self.records > 0 && place < u128::BITS as usize && self.used >> place & 1 == 0 {
                let (kind, path) = (WarningKind::PatternUnused, String::new());
                warnings.push(Warning { kind, path, count: 1, detail: option });
            }
        }
        if self.duplicate_ids > 0 {
            let (kind, path, detail) = (WarningKind::DuplicateId, String::new(), String::new());
            warnings.push(Warning { kind, path, count: self.duplicate_ids, detail });
        }
        for ((note, path), &count) in &self.notes {
            let kind = match note {
                Note::EmptyObject => WarningKind::EmptyObject,
                Note::EmptyArray if is_list_column(layouts, path) => continue,
                Note::EmptyArray => WarningKind::EmptyArray,
                Note::SkippedArray => WarningKind::ArraySkipped,
                Note::DepthOverflow => WarningKind::DepthOverflow,
                Note::ColumnOverflow => WarningKind::ColumnOverflow,
                Note::TableOverflow => WarningKind::TableOverflow,
                Note::DuplicateKey => WarningKind::DuplicateKey,
                Note::RaggedRow => WarningKind::RowRagged,
                Note::BrokenJson => WarningKind::JsonBroken,
                Note::Discarded | Note::DiscardedElement => WarningKind::SchemaDiscarded,
            };
            warnings.push(Warning { kind, path: path.clone(), count, detail: String::new() });
        }
        for note in self.outputs.notes() {
            let kind = match note.is_settled {
                true => WarningKind::LeftoversSettled,
                false => WarningKind::LeftoversKept,
            };
            let detail = note.text.clone();
            warnings.push(Warning { kind, path: String::new(), count: 1, detail });
        }
        warnings
    }
}

fn holds_doubles(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Double => true,
        ColumnType::List(element) => holds_doubles(element),
        _ => false,
    }
}

/// Returns whether empty arrays at `path` stand in a list column.
fn is_list_column(layouts: &[Layout], path: &str) -> bool {
    layouts.iter().flat_map(|layout| &layout.columns).any(|column| {
        matches!(column.column_type, ColumnType::List(_)) && column.path.as_deref() == Some(path)
    })
}
