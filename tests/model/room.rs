//! Rows that wait in memory before they are written: however many, the files say the same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_ipc::reader::FileReader;
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use transmog::{
    Conversion, CsvOptions, Destination, Error, Input, InputFormat, Nulls, NumberMode, OutputFormat,
};

use super::flattener::Options;
use super::random::Random;
use super::{Line, Way, case, conversion, way};

/// Rows that wait in memory before they are written, which must change nothing but how they are grouped.
#[derive(Debug, Clone, Copy)]
struct Room {
    pending_bytes: Option<usize>,
    row_group_rows: Option<usize>,
}

/// What the flattener does not model.
#[derive(Debug, Clone, Copy)]
struct Spelling {
    to: OutputFormat,
    csv: CsvOptions,
    nulls: Nulls,
    is_decimal: bool,
    max_columns: usize,
    max_run_columns: usize,
    max_tables: usize,
}

impl Spelling {
    fn new(random: &mut Random) -> Self {
        let (max_columns, max_run_columns, max_tables) =
            *random.pick(&[(4096, 4096, 512), (4096, 20, 512), (5, 4096, 512), (9, 30, 3)]);
        Spelling {
            to: *random.pick(&OutputFormat::ALL),
            csv: CsvOptions {
                delimiter: *random.pick(b",,,;|."),
                bom: random.one_in(4),
                formula_guard: random.one_in(4),
            },
            nulls: if random.one_in(3) { Nulls::Keep } else { Nulls::Omit },
            is_decimal: random.one_in(4),
            max_columns,
            max_run_columns,
            max_tables,
        }
    }
}

/// What a file says.
#[derive(Debug, PartialEq)]
enum Content {
    Text(String),
    Rows(RecordBatch),
}

impl Content {
    fn read(path: &Path, format: OutputFormat) -> Self {
        let open = || File::open(path).unwrap();
        let rows = |reader: Box<dyn RecordBatchReader>| {
            let schema = reader.schema();
            let batches: Vec<_> = reader.map(Result::unwrap).collect();
            Content::Rows(concat_batches(&schema, &batches).unwrap())
        };
        match format {
            OutputFormat::Arrow => rows(Box::new(FileReader::try_new(open(), None).unwrap())),
            OutputFormat::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(open()).unwrap();
                rows(Box::new(builder.build().unwrap()))
            }
            _ => Content::Text(fs::read_to_string(path).unwrap()),
        }
    }

    /// Says where two first differ.
    fn difference(&self, other: &Content) -> String {
        match (self, other) {
            (Content::Text(one), Content::Text(two)) => {
                let line = one.lines().zip(two.lines()).position(|(one, two)| one != two);
                format!("line {line:?}")
            }
            (Content::Rows(one), Content::Rows(two)) if one.schema() == two.schema() => {
                let columns = one.columns().iter().zip(two.columns());
                let at = columns.enumerate().find(|(_, (one, two))| one != two);
                at.map_or("rows".to_owned(), |(at, (one, two))| format!("{at}: {one:?}\n{two:?}"))
            }
            _ => "the schema".to_owned(),
        }
    }
}

/// Converts into files; returns what they say, by name.
fn files(
    lines: &[Line],
    options: &Options,
    way: Way,
    spelling: Spelling,
    room: Room,
) -> Result<BTreeMap<String, Content>, Error> {
    let dir = tempfile::tempdir().unwrap();
    let mut conversion: Conversion = conversion(lines, options, way, spelling.to)?;
    (conversion.csv, conversion.nulls) = (spelling.csv, spelling.nulls);
    if spelling.is_decimal {
        conversion.numbers = NumberMode::Decimal;
    }
    conversion.flatten.max_columns = spelling.max_columns;
    conversion.flatten.max_run_columns = spelling.max_run_columns;
    conversion.flatten.max_tables = spelling.max_tables;
    conversion.destination = Destination::Directory(dir.path().to_owned());
    conversion.pending_bytes = room.pending_bytes;
    conversion.row_group_rows = room.row_group_rows;
    conversion.run()?;
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let content = Content::read(&entry.path(), spelling.to);
        (entry.file_name().into_string().unwrap(), content)
    });
    Ok(files.collect())
}

/// Compares files from little memory with those from plenty.
pub fn compare(seed: u64, records: usize) {
    let (mut random, lines, options, _) = case(seed, records);
    let spelling = Spelling::new(&mut random);
    let plain = Way { threads: 1, chunk_bytes: None, batch: 10_000, piece: usize::MAX };
    let roomy = Room { pending_bytes: None, row_group_rows: None };
    let whole = files(&lines, &options, plain, spelling, roomy).unwrap();
    for _ in 0..3 {
        let way = way(&mut random);
        let room = Room {
            pending_bytes: Some(*random.pick(&[1, 300, 3_000, 10_000, 30_000, 100_000])),
            row_group_rows: *random.pick(&[None, None, None, Some(1), Some(7), Some(100)]),
        };
        let found = files(&lines, &options, way, spelling, room).unwrap();
        let shown = format!("seed {seed}, {spelling:?}\n{options:?}\n{way:?}\n{room:?}");
        let names = |files: &BTreeMap<String, Content>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&whole), "{shown}");
        for (name, content) in &whole {
            let is_same = *content == found[name];
            assert!(is_same, "{shown}\n{name} differs at {}", content.difference(&found[name]));
        }
    }
}

/// Rows that were written, and get columns that take far more than their values.
#[test]
fn many_short_rows_become_wide_at_the_end() {
    let narrow = |rows| {
        (0..rows).map(|n| match n % 3 {
            0 => format!("{{\"a\":{n}}}\n"),
            1 => format!("{{\"a\":{n},\"b\":[],\"c\":\"x{}\"}}\n", n % 7),
            _ => "{}\n".to_owned(),
        })
    };
    let members: Vec<_> = (0..1_500).map(|key| format!("\"k{key}\":{key}")).collect();
    let wide = format!("{{\"a\":\"text\",\"b\":[1],{}}}\n", members.join(","));
    let convert = |text: &str, to, nulls, pending_bytes| {
        let dir = tempfile::tempdir().unwrap();
        let input = Input::Reader {
            name: "in".to_owned(),
            reader: Box::new(std::io::Cursor::new(text.to_owned())),
        };
        let mut conversion = Conversion::new(vec![input], to);
        (conversion.from, conversion.nulls) = (InputFormat::Jsonl, nulls);
        conversion.destination = Destination::File(dir.path().join("out"));
        conversion.pending_bytes = pending_bytes;
        conversion.run().unwrap();
        fs::read_to_string(dir.path().join("out")).unwrap()
    };
    for (to, nulls, rows) in [
        (OutputFormat::Csv, Nulls::Omit, 3_200),
        (OutputFormat::Jsonl, Nulls::Keep, 400),
        (OutputFormat::Json, Nulls::Keep, 400),
    ] {
        let text: String = narrow(rows).chain([wide.clone()]).collect();
        let whole = convert(&text, to, nulls, None);
        assert!(whole.len() > 9 << 19, "{} bytes", whole.len());
        let found = convert(&text, to, nulls, Some(2_000));
        let line = whole.lines().zip(found.lines()).position(|(one, two)| one != two);
        assert!(found == whole, "{to:?}: line {line:?}");
    }
}
