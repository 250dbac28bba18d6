//! The end of a run: what is published, what users should know, and what is left where it fails.

use std::sync::Arc;

use crossbeam_channel::RecvTimeoutError;

use super::direct::Direct;
use super::run::{CANCEL_POLL, Run};
use super::stitching::Stitcher;
use super::workers::End;
use super::{Cancel, batches};
use crate::encode::Place;
use crate::error::{Error, ErrorKind};
use crate::flatten::Note;
use crate::report::{Status, Summary, Warning, WarningKind};
use crate::schema::contract::Contract;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, Renamed};
use crate::source::live::Expired;

impl Run {
    /// Takes what is left of the batch at hand; all rows that go out before the end are out then.
    pub(super) fn end_rows(&mut self, cancel: &Cancel) -> Result<(), Error> {
        if self.batches.is_open() || !self.held.is_empty() {
            self.close_batch()?;
        }
        self.rejects.check(self.records)?;
        if self.outputs.direct.is_on() {
            self.write_waiting()?;
            let layouts = |table: usize| self.schema.layout(table).0;
            self.outputs.direct.finish(layouts, cancel)?;
        }
        Ok(())
    }

    /// Ends a run that failed: says in `summary` what was done, and publishes what was rejected
    /// where rows are out, as their records are to be found somewhere.
    pub(super) fn give_up(mut self, error: Error, summary: &mut Summary) -> Error {
        let current = self.rejects.ended_at.map(|(input, _)| input);
        let failing = self.failing_input.or(current).unwrap_or(self.inputs_done);
        self.complete_inputs(failing);
        if let Some(input) = self.inputs.get_mut(failing) {
            input.status = Status::of_error(&error);
            input.error = Some(error.to_string());
            self.watcher.file_complete(input);
        }
        self.batches.fail(&error);
        self.sum_up(summary);
        let Some(out) = self.outputs.direct.what_is_out() else { return error };
        let error = error.rephrased(|text| text.replace("nothing was written", &out));
        let rejects = self.rejects.outputs();
        let path = rejects.sides.first().map(|side| side.side().path().to_owned());
        match self.outputs.abandon(rejects) {
            Ok(()) => {
                summary.kept_rejects = path;
                error
            }
            Err(also) => {
                let hint = error.hint().map_or_else(String::new, |hint| format!("{hint}; "));
                let hint = format!("{hint}rejected records are lost: {also}");
                error.with_hint(hint)
            }
        }
    }

    /// Settles the inputs before the one at `index`: all their records were looked at.
    pub(super) fn complete_inputs(&mut self, index: usize) {
        while self.inputs_done < index.min(self.inputs.len()) {
            let input = &mut self.inputs[self.inputs_done];
            input.status = match input.error {
                Some(_) => Status::Error,
                None => batches::status(input.records, input.rejected),
            };
            self.watcher.file_complete(input);
            self.inputs_done += 1;
        }
    }

    /// Says what was done so far.
    fn sum_up(&self, summary: &mut Summary) {
        summary.rejects = self.rejects.rejects();
        // The last chunk may have ended the run on its way.
        summary.records = self.records.max(self.rejects.seen()) - summary.rejects.count;
        summary.values_left_out = self.left_out;
        summary.inputs.clone_from(&self.inputs);
        summary.dialects.clone_from(&self.dialects);
        summary.batches = self.batches.totals;
        summary.resources.threads = self.workers.count();
        summary.resources.chunks_in_flight_max = self.in_flight_max;
        summary.policy = self.policy;
    }

    /// Publishes what was converted; says in `summary` what that is.
    pub(super) fn finish(
        mut self,
        end: End,
        summary: &mut Summary,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        summary.is_cut = self.pace.expired().is_some();
        // What comes behind the time was not looked at.
        self.complete_inputs(match summary.is_cut {
            true => end.inputs_read.max(self.inputs_done + 1),
            false => self.inputs.len(),
        });
        self.sum_up(summary);
        summary.bytes_in = end.bytes;
        summary.records_left_out = end.left_out;
        summary.resources.buffers_made = end.fresh_buffers;
        if summary.status() == Status::Error && !self.input_failures.is_empty() {
            return Err(self.input_failures.swap_remove(0).1);
        }
        let rejects = self.rejects.outputs();
        for full in self.groups.finish() {
            self.let_wait(full, Place::Last);
        }
        self.encode_waiting()?;
        // What can be told while the workers are at it, is.
        self.tickets.forget_buffers();
        let mut renamed = Vec::new();
        let mut layouts = Vec::new();
        for table in 0..self.schema.tables().len() {
            let known = self.last_layouts.remove(&table);
            let known = known.unwrap_or_else(|| self.schema.layout_now(table));
            renamed.extend_from_slice(&known.renamed);
            layouts.push(Layout::clone(&known.layout));
        }
        let layouts: Arc<[Layout]> = layouts.into();
        let mut warnings = self.warnings(&layouts, renamed);
        warnings.extend(end.notes);
        if self.setup.flatten.terms.is_some() {
            let changes = self.schema.changes(&layouts).into_iter();
            let kind = WarningKind::SchemaEvolved;
            warnings.extend(changes.map(|(path, detail)| Warning { kind, path, count: 1, detail }));
        }
        warnings.sort();
        summary.warnings = warnings;
        let rows: Vec<u64> = self.schema.tables().iter().map(|table| table.rows).collect();
        summary.schema = Contract::of(&self.schema, &layouts);
        let keys = self.keys(&layouts);
        self.outputs.keys.clone_from(&keys);
        while self.encoding.groups > 0 {
            cancel.check()?;
            self.tick();
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(report) => {
                    self.take(report)?;
                    self.outputs.end_complete(&layouts, &self.workers);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
                }
            }
        }
        cancel.check()?;
        let stitcher =
            Stitcher { workers: self.workers, bytes: self.encoding.stitching_bytes, cancel };
        self.outputs.finish(&layouts, &rows, rejects, summary, stitcher)?;
        for profile in &mut summary.profiles {
            self.schema.describe(&layouts, profile, &keys);
        }
        Ok(())
    }

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
            let detail = "what flags say of CSV matched nothing in the input".to_owned();
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
                let near = self.near.of(place).map(|near| format!("; did you mean `{near}`?"));
                let near = near.unwrap_or_default();
                let detail = format!("{option} matched nothing in the input{near}");
                warnings.push(Warning { kind, path, count: 1, detail });
            }
        }
        if self.duplicate_ids > 0 {
            let (kind, path, detail) = (WarningKind::DuplicateId, String::new(), String::new());
            warnings.push(Warning { kind, path, count: self.duplicate_ids, detail });
        }
        for ((note, path), &count) in &self.notes {
            let kind = match note {
                Note::EmptyObject => WarningKind::EmptyObject,
                Note::EmptyArray if is_list_column(layouts, path) => {
                    // Rows that are out do not get the list that a later one has.
                    let count = self.dropped_lists(layouts, path);
                    let (kind, path, detail) =
                        (WarningKind::EmptyArray, path.clone(), String::new());
                    if count > 0 {
                        warnings.push(Warning { kind, path, count, detail });
                    }
                    continue;
                }
                Note::EmptyArray => WarningKind::EmptyArray,
                Note::SkippedArray => WarningKind::ArraySkipped,
                Note::DepthOverflow => WarningKind::DepthOverflow,
                Note::ColumnOverflow => WarningKind::ColumnOverflow,
                Note::TableOverflow => WarningKind::TableOverflow,
                Note::DuplicateKey => WarningKind::DuplicateKey,
                Note::RaggedRow => WarningKind::RowRagged,
                Note::BrokenJson => WarningKind::JsonBroken,
                Note::Binary => WarningKind::BinaryEncoded,
                Note::NotFinite => WarningKind::FloatNotFinite,
                Note::Discarded | Note::DiscardedElement => WarningKind::SchemaDiscarded,
            };
            warnings.push(Warning { kind, path: path.clone(), count, detail: String::new() });
        }
        for (_, error) in &self.input_failures {
            let (kind, path, detail) = (WarningKind::InputFailed, String::new(), error.to_string());
            warnings.push(Warning { kind, path, count: 1, detail });
        }
        if let Some(expired) = self.pace.expired() {
            let detail = match expired {
                Expired::Run => "the time was up (`--timeout`): what comes behind was not read",
                Expired::Idle => {
                    "nothing came any more (`--idle-timeout`): what comes behind was not read"
                }
            };
            let (kind, path, detail) = (WarningKind::TimeUp, String::new(), detail.to_owned());
            warnings.push(Warning { kind, path, count: 1, detail });
        }
        for (path, count, detail) in self.outputs.layouts.changes() {
            let (kind, path, detail) =
                (WarningKind::LayoutChanged, path.to_owned(), detail.to_owned());
            warnings.push(Warning { kind, path, count, detail });
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

impl Run {
    /// Returns how many empty lists at `path` were left out of rows before that was a column.
    fn dropped_lists(&self, layouts: &[Layout], path: &str) -> u64 {
        let Direct::Live(live) = &self.outputs.direct else { return 0 };
        let columns = layouts
            .iter()
            .enumerate()
            .flat_map(|(table, layout)| layout.columns.iter().map(move |column| (table, column)));
        let here = columns.filter(|(_, column)| column.path.as_deref() == Some(path));
        here.map(|(table, column)| live.rows.dropped(table, column.index)).sum()
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
