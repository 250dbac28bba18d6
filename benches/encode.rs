//! Parquet alone: columns of one type to encoded chunks, and the copy of a file whose last row
//! group brought a column. On one thread; inputs come from a fixed seed.
//!
//! `cargo bench --bench encode`

mod support;

use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use support::Random;
use transmog::encode::parquet::{ParquetOptions, ParquetWriter};
use transmog::encode::{Place, RowGroup, TableWriter, do_all};
use transmog::schema::widen::ColumnType;
use transmog::schema::{Layout, LayoutColumn};
use transmog::sink::{Destination, Sink, SinkOptions};
use transmog::table::{Column, Excerpt, Marks};

fn main() {
    divan::main();
}

const ROWS: usize = 500_000;

/// Columns as they come in data: name, type, values of a row.
const COLUMNS: [&str; 8] =
    ["ids", "few_ints", "any_ints", "prices", "doubles", "times", "few_texts", "any_texts"];

/// Returns a column, its type, and the bytes of its values.
fn column(name: &str) -> (Column, ColumnType, usize) {
    let mut random = Random(7);
    let mut column = Column::default();
    let mut bytes = 8 * ROWS;
    let text = |column: &mut Column, row: usize, text: &str| {
        column.push_string(row, Excerpt::new(text, 0, text.len()));
        text.len()
    };
    let column_type = match name {
        "ids" | "few_ints" | "any_ints" => {
            for row in 0..ROWS {
                column.push_int(
                    row,
                    match name {
                        "ids" => row as i64 + 1,
                        "few_ints" => random.below(50) as i64,
                        _ => random.below(u64::from(u32::MAX)) as i64,
                    },
                );
            }
            ColumnType::Int64
        }
        "prices" | "doubles" => {
            for row in 0..ROWS {
                let price = random.below(50_000) as f64 / 100.0;
                column.push_float(row, if name == "prices" { price } else { price.sqrt() });
            }
            ColumnType::Double
        }
        "times" => {
            for row in 0..ROWS {
                let (day, hour, second) = (random.below(28) + 1, row % 24, random.below(60));
                text(&mut column, row, &format!("2026-01-{day:02}T{hour:02}:30:{second:02}Z"));
            }
            ColumnType::Timestamp { utc: true, form: None }
        }
        _ => {
            let most = if name == "few_texts" { 200 } else { 1 << 30 };
            bytes = (0..ROWS)
                .map(|row| text(&mut column, row, &format!("item {:08x}", random.below(most))))
                .sum();
            ColumnType::Text
        }
    };
    (column, column_type, bytes)
}

fn layout(columns: &[(&str, ColumnType)]) -> Arc<Layout> {
    let columns = columns.iter().enumerate().map(|(index, (name, column_type))| LayoutColumn {
        index,
        name: (*name).to_owned(),
        column_type: column_type.clone(),
        path: Some(format!("/{name}")),
        marks: Marks::default(),
    });
    let (table, path) = ("t".to_owned(), String::new());
    Arc::new(Layout { table, path, parent: None, columns: columns.collect() })
}

fn writer(dir: &tempfile::TempDir) -> ParquetWriter {
    let destination = Destination::Directory(dir.path().to_path_buf());
    let mut sink = Sink::open(SinkOptions::new(destination, "parquet")).expect("a directory");
    let staged = sink.create(0, "t", true).expect("a file");
    ParquetWriter::open(staged, ParquetOptions::default()).expect("a file")
}

fn group(columns: &[Column]) -> RowGroup {
    let mut group = RowGroup::default();
    group.push(ROWS, 8 * ROWS, columns.iter().cloned().map(Box::new).enumerate().collect());
    group
}

#[divan::bench(args = COLUMNS, sample_count = 10)]
fn encode(bencher: Bencher<'_, '_>, name: &str) {
    let (column, column_type, bytes) = column(name);
    let layout = layout(&[(name, column_type)]);
    let dir = tempfile::tempdir().expect("a directory");
    bencher
        .counter(BytesCount::new(bytes))
        .with_inputs(|| {
            let group = group(std::slice::from_ref(&column));
            writer(&dir).plan(group, &layout, Place::Last).expect("a plan")
        })
        .bench_local_values(|tasks| {
            divan::black_box(do_all(tasks).expect("chunks"));
        });
}

/// The last row group has a column more, so all others are copied and get one of nulls.
#[divan::bench(sample_count = 10)]
fn stitch(bencher: Bencher<'_, '_>) {
    const GROUPS: usize = 8;
    let columns: Vec<_> = ["any_ints", "any_texts", "doubles", "few_texts"].map(column).into();
    let names = ["any_ints", "any_texts", "doubles", "few_texts"];
    let types: Vec<_> =
        names.iter().zip(&columns).map(|(name, (_, kind, _))| (*name, kind.clone())).collect();
    let values: Vec<Column> = columns.iter().map(|(column, ..)| column.clone()).collect();
    let (early, late) = (layout(&types[..3]), layout(&types));
    let bytes: usize = columns[..3].iter().map(|(.., bytes)| bytes * GROUPS).sum();
    let dir = tempfile::tempdir().expect("a directory");
    bencher
        .counter(BytesCount::new(bytes))
        .with_inputs(|| {
            let mut writer = writer(&dir);
            for place in 0..GROUPS {
                let is_last = place + 1 == GROUPS;
                let (columns, layout) = if is_last { (4, &late) } else { (3, &early) };
                let tasks =
                    writer.plan(group(&values[..columns]), layout, Place::Inner).expect("a plan");
                writer.append(do_all(tasks).expect("chunks")).expect("room on the disk");
            }
            Box::new(writer)
        })
        .bench_local_values(|writer| writer.finish(&late).expect("a file"));
}
