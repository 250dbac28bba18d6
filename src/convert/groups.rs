//! Fitted batches → row groups, cut by rows and bytes of values, never by chunk.
//!
//! A row group ends after the row that fills it. When all tables together hold as much as they may,
//! the largest is written out, at the end of the record that brought it there, then the next, until
//! half is free: else tables that grow slowly would take the room in which a fast one waits, and
//! its row groups would get ever smaller. Both depend on the rows alone, so the cuts are the same
//! however the input was cut into chunks.
//!
//! Text shows no cuts. Once the first rows of a table are on their way to its file, the others follow
//! chunk by chunk, while what was decoded is still in a processor's cache; nothing is gained by keeping
//! them, as a change of the layout now has the file written again.

use crate::encode::{Parts, RowGroup, split_off};
use crate::schema::Fitted;

/// When a row group is full.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimits {
    pub rows: usize,
    pub bytes: usize,
    pub pending_bytes: usize,
    /// In text: bytes of values that go together once the first rows of a table went.
    pub flow_bytes: Option<usize>,
}

/// The rows of all tables that wait to be written.
#[derive(Debug)]
pub(super) struct Groups {
    limits: GroupLimits,
    tables: Vec<Waiting>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    group: RowGroup,
    rows: usize,
    bytes: usize,
    /// Its first rows went.
    is_flowing: bool,
}

/// A table's row group that is full.
#[derive(Debug)]
pub(super) struct FullGroup {
    pub table: usize,
    pub group: RowGroup,
    /// Bytes of its values, or of its rows if that is more.
    pub bytes: usize,
}

impl Groups {
    pub(super) fn new(limits: GroupLimits) -> Self {
        Groups { limits, tables: Vec::new(), bytes: 0 }
    }

    /// Takes the batches of one chunk of `records` records; returns the row groups that filled.
    pub(super) fn add(&mut self, batches: Vec<Fitted>, records: usize) -> Vec<FullGroup> {
        let last = batches.iter().map(|batch| batch.table).max().unwrap_or(0);
        if last >= self.tables.len() {
            self.tables.resize_with(last + 1, Waiting::default);
        }
        if self.has_room(&batches) {
            for batch in batches {
                let bytes = bytes_of(&batch);
                self.push(batch, bytes);
            }
            return self.take_flowing();
        }
        self.add_by_record(batches, records)
    }

    /// Takes the rows that follow those that went.
    fn take_flowing(&mut self) -> Vec<FullGroup> {
        let Some(least) = self.limits.flow_bytes else { return Vec::new() };
        let is_due = |&table: &usize| {
            let waiting = &self.tables[table];
            waiting.is_flowing && waiting.rows > 0 && waiting.bytes >= least
        };
        let due: Vec<usize> = (0..self.tables.len()).filter(is_due).collect();
        due.into_iter().map(|table| self.take(table)).collect()
    }

    fn has_room(&self, batches: &[Fitted]) -> bool {
        let mut all = self.bytes;
        let fits = batches.iter().all(|batch| {
            let waiting = &self.tables[batch.table];
            let bytes = bytes_of(batch);
            all += bytes;
            waiting.rows + batch.rows < self.limits.rows
                && waiting.bytes + bytes < self.limits.bytes
        });
        fits && all < self.limits.pending_bytes
    }

    fn push(&mut self, batch: Fitted, bytes: usize) {
        let waiting = &mut self.tables[batch.table];
        waiting.rows += batch.rows;
        waiting.bytes += bytes;
        self.bytes += bytes;
        waiting.group.push(batch.rows, bytes, batch.columns);
    }

    /// Walks the records one by one to find where row groups end, then cuts there.
    fn add_by_record(&mut self, batches: Vec<Fitted>, records: usize) -> Vec<FullGroup> {
        let mut cursors = vec![0; batches.len()];
        let mut full = Vec::new();
        for record in 0..records as u32 {
            for (at, batch) in batches.iter().enumerate() {
                while batch.row_records.get(cursors[at]) == Some(&record) {
                    let bytes = batch.row_bytes[cursors[at]] as usize;
                    cursors[at] += 1;
                    let waiting = &mut self.tables[batch.table];
                    waiting.rows += 1;
                    waiting.bytes += bytes;
                    self.bytes += bytes;
                    if waiting.rows >= self.limits.rows || waiting.bytes >= self.limits.bytes {
                        full.push((self.take(batch.table), cursors[at]));
                    }
                }
            }
            let is_full = self.bytes >= self.limits.pending_bytes;
            while is_full && self.bytes > self.limits.pending_bytes / 2 {
                let largest = (0..self.tables.len()).rev().max_by_key(|&at| self.tables[at].bytes);
                let Some(table) = largest.filter(|&at| self.tables[at].rows > 0) else { break };
                let at = batches.iter().position(|batch| batch.table == table);
                full.push((self.take(table), at.map_or(0, |at| cursors[at])));
            }
        }
        for batch in batches {
            self.deal_out(batch, &mut full);
        }
        full.into_iter().map(|(group, _)| group).collect()
    }

    /// Cuts a batch into what the full row groups of its table take of it, and the rest, which
    /// waits; the number beside a group is how many rows it and those before it take.
    fn deal_out(&mut self, mut batch: Fitted, full: &mut [(FullGroup, usize)]) {
        let table = batch.table;
        let mut group = &mut self.tables[table].group;
        // From the back, as a cut takes the time of what is behind it.
        for (full, end) in full.iter_mut().rev().filter(|(full, _)| full.table == table) {
            let piece = split_off(&mut batch, *end);
            hand(piece, group);
            group = &mut full.group;
        }
        hand(batch, group);
    }

    fn take(&mut self, table: usize) -> FullGroup {
        let behind = Waiting { is_flowing: true, ..Waiting::default() };
        let waiting = std::mem::replace(&mut self.tables[table], behind);
        self.bytes -= waiting.bytes;
        FullGroup { table, group: waiting.group, bytes: waiting.bytes }
    }

    /// Returns the bytes of values that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what is left of every table.
    pub(super) fn finish(&mut self) -> Vec<FullGroup> {
        let waiting = (0..self.tables.len()).filter(|&table| self.tables[table].rows > 0);
        let waiting: Vec<usize> = waiting.collect();
        waiting.into_iter().map(|table| self.take(table)).collect()
    }
}

impl FullGroup {
    /// Parts it where it has `bytes`, over and over, if it can be parted; a row counts as `row_bytes` at
    /// least.
    pub(super) fn split(self, bytes: usize, row_bytes: usize) -> FullParts {
        FullParts { table: self.table, parts: self.group.split(bytes, row_bytes) }
    }
}

/// A row group that is full, in parts.
#[derive(Debug)]
pub(super) struct FullParts {
    table: usize,
    parts: Parts,
}

impl Iterator for FullParts {
    type Item = FullGroup;

    fn next(&mut self) -> Option<FullGroup> {
        let (group, bytes) = self.parts.next()?;
        Some(FullGroup { table: self.table, group, bytes })
    }
}

fn hand(piece: Fitted, group: &mut RowGroup) {
    if piece.rows > 0 {
        group.push(piece.rows, bytes_of(&piece), piece.columns);
    }
}

fn bytes_of(batch: &Fitted) -> usize {
    batch.row_bytes.iter().map(|&bytes| bytes as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    /// Rows per record of table 0 and table 1, and the bytes of each row.
    fn cuts(
        records: &[(usize, usize)],
        chunk_records: usize,
        limits: GroupLimits,
    ) -> Vec<(usize, usize)> {
        let mut groups = Groups::new(limits);
        let mut found = Vec::new();
        for chunk in records.chunks(chunk_records) {
            let batch = |table: usize| {
                let counts =
                    chunk.iter().map(|record| if table == 0 { record.0 } else { record.1 });
                let row_records: Vec<u32> = counts
                    .enumerate()
                    .flat_map(|(record, count)| std::iter::repeat_n(record as u32, count))
                    .collect();
                let rows = row_records.len();
                let column = Column::of_ints((0..rows as i64).collect());
                Fitted {
                    table,
                    rows,
                    columns: vec![(0, Box::new(column))],
                    row_bytes: vec![10; rows],
                    row_records,
                }
            };
            let full = groups.add(vec![batch(0), batch(1)], chunk.len());
            found.extend(full.iter().map(|full| (full.table, full.group.rows)));
        }
        found.extend(groups.finish().iter().map(|full| (full.table, full.group.rows)));
        found
    }

    #[test]
    fn cuts_do_not_depend_on_chunks() {
        let records: Vec<_> = (0..200).map(|n| (1, n % 7)).collect();
        for limits in [
            GroupLimits { rows: 16, bytes: 1 << 30, pending_bytes: 1 << 30, flow_bytes: None },
            GroupLimits { rows: 1 << 30, bytes: 95, pending_bytes: 1 << 30, flow_bytes: None },
            GroupLimits { rows: 1 << 30, bytes: 1 << 30, pending_bytes: 170, flow_bytes: None },
            GroupLimits { rows: 50, bytes: 300, pending_bytes: 400, flow_bytes: None },
        ] {
            let expected = cuts(&records, 1, limits);
            assert!(expected.len() > 4);
            for chunk_records in [2, 7, 64, 200] {
                assert_eq!(cuts(&records, chunk_records, limits), expected, "{limits:?}");
            }
        }
    }

    #[test]
    fn tables_that_grow_slowly_leave_room_for_others() {
        let limits =
            GroupLimits { rows: 1 << 30, bytes: 1 << 30, pending_bytes: 1000, flow_bytes: None };
        let records: Vec<_> = (0..2000).map(|n| (1, usize::from(n % 10 == 0))).collect();
        let found = cuts(&records, 100, limits);
        let main: Vec<_> = found.iter().filter(|(table, _)| *table == 0).collect();
        assert!(main.iter().rev().skip(1).all(|(_, rows)| *rows >= 50), "{found:?}");
        assert!(found.iter().any(|(table, _)| *table == 1), "{found:?}");
    }

    #[test]
    fn rows_follow_at_once_where_the_first_went() {
        let limits = |flow_bytes| GroupLimits {
            rows: 1 << 30,
            bytes: 1 << 30,
            pending_bytes: 600,
            flow_bytes: Some(flow_bytes),
        };
        // three chunks of 20 rows of 10 bytes fill what may wait, and what is behind them flows
        let records = [(1, 0); 110];
        let found =
            |flow_bytes| cuts(&records, 20, limits(flow_bytes)).into_iter().map(|(_, rows)| rows);
        assert!(found(0).eq([60, 20, 20, 10]));
        assert!(found(300).eq([60, 40, 10]));
        assert!(found(1 << 20).eq([60, 50]));
        // another table has not begun, and waits
        let records: Vec<_> = (0..110).map(|n| (1, usize::from(n % 20 == 0))).collect();
        let found = cuts(&records, 20, limits(0));
        assert_eq!(found.iter().filter(|(table, _)| *table == 1).count(), 1, "{found:?}");
    }

    #[test]
    fn groups_part_between_chunks() {
        let mut groups = Groups::new(GroupLimits {
            rows: 1 << 30,
            bytes: 1 << 30,
            pending_bytes: 1 << 30,
            flow_bytes: None,
        });
        for rows in [3, 1, 5, 2] {
            let fitted = Fitted {
                table: 0,
                rows,
                columns: vec![(0, Box::new(Column::of_ints(vec![0; rows])))],
                row_bytes: vec![10; rows],
                row_records: (0..rows as u32).collect(),
            };
            assert!(groups.add(vec![fitted], rows).is_empty());
        }
        let full = groups.finish().remove(0);
        let parts: Vec<_> =
            full.split(40, 0).map(|part| (part.table, part.group.rows, part.bytes)).collect();
        assert_eq!(parts, [(0, 4, 40), (0, 5, 50), (0, 2, 20)]);
    }

    #[test]
    fn groups_part_between_rows_where_those_count_for_much() {
        let mut groups = Groups::new(GroupLimits {
            rows: 1 << 30,
            bytes: 1 << 30,
            pending_bytes: 1 << 30,
            flow_bytes: None,
        });
        for (first, rows) in [(0, 100), (100, 3), (103, 1), (104, 33)] {
            let mut few = Column::default();
            few.push_int(rows / 2, 7);
            let all = Column::of_ints((first..first + rows as i64).collect());
            let fitted = Fitted {
                table: 0,
                rows,
                columns: vec![(0, Box::new(all)), (2, Box::new(few))],
                row_bytes: vec![8; rows],
                row_records: (0..rows as u32).collect(),
            };
            assert!(groups.add(vec![fitted], rows).is_empty());
        }
        let full = groups.finish().remove(0);
        let parts: Vec<_> = full.split(2_000, 100).collect();
        assert!(
            parts.iter().all(|part| part.bytes <= 2_000 && part.bytes >= 100 * part.group.rows)
        );
        let rows: Vec<_> = parts.iter().map(|part| part.group.rows).collect();
        assert!(rows.iter().sum::<usize>() == 137 && rows.len() < 14, "{rows:?}");
        let (mut first, mut found) = (0, Vec::new());
        for FullGroup { group, .. } in parts {
            let all = group.column(0).expect("a value in each row");
            let expected: Vec<i64> = (first..first + group.rows as i64).collect();
            assert_eq!(format!("{:?}", all.values()), format!("Int({expected:?})"));
            if let Some(few) = group.column(2) {
                few.presence().for_each(|row| found.push(first as usize + row));
            }
            first += group.rows as i64;
        }
        assert_eq!(found, [50, 101, 103, 120]);
    }

    #[test]
    fn row_groups_end_after_the_row_that_fills_them() {
        let limits =
            GroupLimits { rows: 3, bytes: 1 << 30, pending_bytes: 1 << 30, flow_bytes: None };
        assert_eq!(cuts(&[(1, 0); 7], 7, limits), [(0, 3), (0, 3), (0, 1)]);
    }
}
