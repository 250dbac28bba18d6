//! Random records, options and damage through the library and through a slow flattener: the tables
//! are equal, cell by cell, and the same records are rejected. Files say the same however many rows wait
//! in memory before they are written.
//!
//! `TRANSMOG_MODEL_RECORDS` says how many records, `TRANSMOG_MODEL_SEED` from which seed. A failure
//! names its seed, and shows the smallest input that it could be cut down to.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod flattener;
mod random;
mod room;
mod values;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use flattener::{Arrays, Links, Options, Tables, Tree, Twice, flatten, pointer};
use random::{Random, Style};
use transmog::{
    ArrayMode, Batch, BatchStrategy, Conversion, DateMode, Destination, DuplicateKeys, Error,
    Input, InputFormat, LayoutColumn, NonObjects, NumberMode, OutputFormat, RejectTarget,
    StreamingWriter, TableEnd,
};

/// Records of one run.
const RUN_RECORDS: usize = 400;

/// A line of the input and what it says; nothing where it is no JSON.
type Line = (String, Option<Tree>);

/// How the library is asked to go about it, which must not change anything.
#[derive(Debug, Clone, Copy)]
struct Way {
    threads: usize,
    chunk_bytes: Option<usize>,
    batch: usize,
    piece: usize,
}

/// Tables as the library gives them, by name.
type Found = BTreeMap<String, FoundTable>;

#[derive(Debug, Default)]
struct FoundTable {
    batches: Vec<RecordBatch>,
    columns: Vec<LayoutColumn>,
    rows: u64,
}

struct Collector {
    found: Arc<Mutex<Found>>,
}

impl StreamingWriter for Collector {
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        let arrow = batch.to_arrow()?;
        let mut found = self.found.lock().unwrap();
        found.entry(batch.table().to_owned()).or_default().batches.push(arrow);
        Ok(())
    }

    fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
        let mut found = self.found.lock().unwrap();
        let table = found.entry(end.table().to_owned()).or_default();
        (table.columns, table.rows) = (end.columns().to_vec(), end.rows());
        Ok(())
    }
}

/// Gives a text in pieces.
struct Pieces {
    text: Vec<u8>,
    at: usize,
    piece: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.piece).min(self.text.len() - self.at);
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn mode(arrays: Arrays) -> ArrayMode {
    match arrays {
        Arrays::Smart => ArrayMode::Smart,
        Arrays::Separate => ArrayMode::Separate,
        Arrays::Inline => ArrayMode::Inline,
        Arrays::Skip => ArrayMode::Skip,
    }
}

fn conversion(
    lines: &[Line],
    options: &Options,
    way: Way,
    to: OutputFormat,
) -> Result<Conversion, Error> {
    let text: String = lines.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
    let reader = Box::new(Pieces { text: text.into_bytes(), at: 0, piece: way.piece });
    let input = Input::Reader { name: "in".to_owned(), reader };
    let mut conversion = Conversion::new(vec![input], to);
    conversion.from = InputFormat::Jsonl;
    conversion.name = Some("main".to_owned());
    conversion.rejects = RejectTarget::Nowhere;
    conversion.arrays = Some(mode(options.arrays));
    let flatten = &mut conversion.flatten;
    for (pattern, arrays) in &options.arrays_at {
        flatten.arrays_at.push((pattern.parse()?, mode(*arrays)));
    }
    flatten.maps = options.maps.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    flatten.selection.drop =
        options.drop.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    // the caps are not modelled
    (flatten.max_columns, flatten.max_tables) = (1 << 20, 1 << 16);
    flatten.max_run_columns = 1 << 20;
    flatten.max_depth = options.max_depth as u32;
    flatten.all_text = options.all_text;
    conversion.numbers = if options.number_text { NumberMode::Text } else { NumberMode::Double };
    conversion.dates = if options.dates { DateMode::Auto } else { DateMode::Off };
    conversion.non_objects = if options.wrap { NonObjects::Wrap } else { NonObjects::Reject };
    conversion.duplicate_keys = match options.twice {
        Twice::First => DuplicateKeys::First,
        Twice::Last => DuplicateKeys::Last,
        Twice::Reject => DuplicateKeys::Reject,
    };
    conversion.threads = NonZeroUsize::new(way.threads);
    conversion.chunk_bytes = way.chunk_bytes;
    if let BatchStrategy::FixedSize { size, .. } = &mut conversion.batches {
        *size = NonZeroUsize::new(way.batch).unwrap();
    }
    Ok(conversion)
}

fn convert(lines: &[Line], options: &Options, way: Way) -> Result<(Found, Vec<u64>), Error> {
    let found: Arc<Mutex<Found>> = Arc::default();
    let mut conversion = conversion(lines, options, way, OutputFormat::Parquet)?;
    let collect = Arc::clone(&found);
    conversion.destination = Destination::Tables(Box::new(move |_| {
        Ok(Box::new(Collector { found: Arc::clone(&collect) }))
    }));
    let summary = conversion.run()?;
    if summary.records + summary.rejects.count != lines.len() as u64 {
        let message = format!("{} records and {:?}", summary.records, summary.rejects.indices);
        return Err(Error::usage(message));
    }
    let found = std::mem::take(&mut *found.lock().unwrap());
    Ok((found, summary.rejects.indices))
}

/// Says where the library and the flattener differ first.
fn difference(lines: &[Line], options: &Options, way: Way) -> Option<String> {
    let records: Vec<_> = lines.iter().map(|(_, tree)| tree.clone()).collect();
    let (tables, rejected) = flatten(&records, options);
    let (mut found, found_rejected) = match convert(lines, options, way) {
        Ok(done) => done,
        Err(error) => return Some(format!("the run failed: {error}")),
    };
    if rejected != found_rejected {
        return Some(format!("expected rejects {rejected:?}, found {found_rejected:?}"));
    }
    for (index, name) in tables.table_names("main").iter().enumerate() {
        let Some(table) = found.remove(name) else {
            return Some(format!("expected a table `{name}`, found {:?}", found.keys()));
        };
        if let Some(text) = table_difference(&tables, index, &table) {
            return Some(format!("table `{name}`: {text}"));
        }
    }
    (!found.is_empty()).then(|| format!("expected no more tables, found {:?}", found.keys()))
}

fn table_difference(tables: &Tables<'_>, index: usize, found: &FoundTable) -> Option<String> {
    let table = &tables.tables[index];
    if table.rows.len() as u64 != found.rows {
        return Some(format!("expected {} rows, found {}", table.rows.len(), found.rows));
    }
    let links = match (index, table.parent) {
        (0, _) => vec!["_tm_id"],
        (_, 0) => vec!["_tm_id", "_tm_parent_id", "_tm_index"],
        _ => vec!["_tm_id", "_tm_parent_id", "_tm_root_id", "_tm_index"],
    };
    let keys = table.has_keys.then_some("_tm_key");
    let links: Vec<_> = links.into_iter().chain(keys).map(str::to_owned).collect();
    let columns = tables.columns(index);
    let link_types = links.iter().map(|link| match link.as_str() {
        "_tm_key" => (link.clone(), "text".to_owned(), None),
        _ => (link.clone(), "int64".to_owned(), None),
    });
    let data =
        columns.iter().map(|(name, of, c)| (name.clone(), of.clone(), Some(pointer(&c.path))));
    let expected: Vec<_> = link_types.chain(data).collect();
    let columns_found = found.columns.iter();
    let layout: Vec<_> = columns_found
        .map(|c| (c.name.clone(), c.column_type.to_string(), c.path.clone()))
        .collect();
    if expected != layout {
        return Some(format!("expected columns {expected:?}, found {layout:?}"));
    }
    let mut row = 0;
    for batch in &found.batches {
        for at in 0..batch.num_rows() {
            let wanted = &table.rows[row];
            if *wanted != links_of(batch, at, wanted, &links) {
                return Some(format!("row {row}: expected links {wanted:?}, found others"));
            }
            for (place, (name, column_type, column)) in columns.iter().enumerate() {
                let array = batch.column(links.len() + place);
                let cell = column.cells.get(&row);
                if !values::is_cell(cell, array, at, column_type) {
                    let found = array.slice(at, 1);
                    return Some(format!(
                        "row {row}, `{name}`: expected {cell:?}, found {found:?}"
                    ));
                }
            }
            row += 1;
        }
    }
    (row != table.rows.len())
        .then(|| format!("expected {} rows in batches, found {row}", found.rows))
}

/// Reads the link columns of a row; what the table has not is as wanted.
fn links_of(batch: &RecordBatch, row: usize, wanted: &Links, names: &[String]) -> Links {
    let mut links = wanted.clone();
    for (place, name) in names.iter().enumerate() {
        let array = batch.column(place);
        let number = || array.as_primitive::<Int64Type>().value(row);
        match name.as_str() {
            "_tm_id" => links.id = number(),
            "_tm_parent_id" => links.parent = number(),
            "_tm_root_id" => links.root = number(),
            // members of a map count as elements do
            "_tm_index" => links.index = number(),
            _ => {
                let key = array.as_string::<i32>();
                links.key = (!array.is_null(row)).then(|| key.value(row).to_owned());
            }
        }
    }
    links
}

/// Leaves lines out for as long as there is a difference.
fn cut_down(mut lines: Vec<Line>, options: &Options, way: Way) -> (Vec<Line>, String) {
    let mut size = lines.len() / 2;
    let mut text =
        difference(&lines, options, way).unwrap_or_else(|| "it comes and goes".to_owned());
    while size > 0 {
        let mut at = 0;
        while at < lines.len() {
            let mut fewer = lines.clone();
            fewer.drain(at..(at + size).min(lines.len()));
            match difference(&fewer, options, way) {
                Some(found) => (lines, text) = (fewer, found),
                None => at += size,
            }
        }
        size /= 2;
    }
    (lines, text)
}

/// Everything that a seed decides.
fn case(seed: u64, records: usize) -> (Random, Vec<Line>, Options, Way) {
    let mut random = Random::new(seed);
    let options = random::options(&mut random);
    let style = Style::new(&mut random);
    let way = way(&mut random);
    let is_damaged = random.one_in(3);
    let lines = (0..records).map(|_| {
        let record = style.record(&mut random);
        let mut line = String::new();
        random::write(&record, &mut random, &mut line);
        let damaged = match is_damaged && random.one_in(15) {
            true => random::damage(&mut line, &mut random),
            false => None,
        };
        (line, damaged.unwrap_or(Some(record)))
    });
    let lines = lines.collect();
    (random, lines, options, way)
}

fn way(random: &mut Random) -> Way {
    Way {
        threads: 1 + random.below(3),
        chunk_bytes: *random.pick(&[None, None, Some(1), Some(300), Some(5_000)]),
        batch: *random.pick(&[1, 7, 100, 10_000, 10_000]),
        piece: match random.below(40) {
            0 => 1,
            1 => 7,
            2..10 => 4_096,
            _ => usize::MAX,
        },
    }
}

fn run(seed: u64, records: usize) {
    let (_, lines, options, way) = case(seed, records);
    if difference(&lines, &options, way).is_some() {
        let (lines, text) = cut_down(lines, &options, way);
        let shown: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
        panic!("seed {seed}: {text}\n{options:?}\n{way:?}\n{shown}");
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn tables_are_those_of_the_slow_flattener() {
    let records = setting("TRANSMOG_MODEL_RECORDS", 100_000);
    let first = setting("TRANSMOG_MODEL_SEED", 1);
    let runs = records.div_ceil(RUN_RECORDS as u64);
    for seed in first..first + runs {
        run(seed, RUN_RECORDS);
    }
}

#[test]
fn files_say_the_same_whatever_waits_in_memory() {
    let records = setting("TRANSMOG_MODEL_RECORDS", 100_000) / 2;
    let first = setting("TRANSMOG_MODEL_SEED", 1);
    for seed in first..first + records.div_ceil(RUN_RECORDS as u64) {
        room::compare(seed, RUN_RECORDS);
    }
}
