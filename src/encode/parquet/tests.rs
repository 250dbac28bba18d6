use std::sync::Arc;

use bytes::Bytes;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::statistics::Statistics;
use parquet::schema::types::SchemaDescriptor;

use super::cells::Cells;
use super::chunk::{ChunkOptions, descriptor, parquet_type, plan, root};
use super::encoding::{Encoding, choose};
use super::file::MAGIC;
use super::footer::{IndexPlace, Structures};
use super::*;
use crate::encode::do_all;
use crate::table::Number;
use Encoding::*;

const TEXT: ColumnType = ColumnType::Text;
const LOCAL: ColumnType = ColumnType::Timestamp { utc: false, form: None };

fn column(values: impl IntoIterator<Item = Value>) -> Column {
    let mut column = Column::default();
    values.into_iter().enumerate().for_each(|(row, value)| push(&mut column, row, value));
    column
}

#[derive(Debug, Clone)]
enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Big(i128),
    Float(f64),
    Text(String),
    List(Vec<Value>),
}

fn push(column: &mut Column, row: usize, value: Value) {
    match value {
        Value::Null => {}
        Value::Bool(value) => column.push_bool(row, value),
        Value::Int(value) => column.push_int(row, value),
        Value::Big(value) => column.push_number(row, Number::Big(value), ""),
        Value::Float(value) => column.push_number(row, Number::Float { value, exact: true }, ""),
        Value::Text(value) => column.push_text(row, value.as_bytes()),
        Value::List(values) => {
            column.begin_list(row);
            let start = column.lists().ends.last().copied().unwrap_or(0) as usize;
            let count = values.len() as u32;
            for (at, value) in values.into_iter().enumerate() {
                push(&mut column.lists().elements, start + at, value);
            }
            column.end_list(count);
        }
    }
}

/// Encodes one column of `rows` rows in one go.
fn encode(
    column: Option<Column>,
    rows: usize,
    column_type: &ColumnType,
    options: &ChunkOptions,
) -> Result<Chunk, Error> {
    let column = column.unwrap_or_default();
    let cells = Cells::of(&column, column_type)?;
    let plan = plan(&column, &cells, rows, column_type, options)?;
    let pages = plan.write(&cells, 0..plan.page_count())?;
    Ok(Chunk::of(pages, &plan, column_type, options))
}

fn encode_as(
    column: Option<Column>,
    rows: usize,
    column_type: &ColumnType,
    encoding: Option<Encoding>,
) -> Chunk {
    encode(column, rows, column_type, &options(encoding)).unwrap()
}

fn options(encoding: Option<Encoding>) -> ChunkOptions {
    ChunkOptions { codec: Codec::Zstd(3), is_compat: false, encoding }
}

/// A number that looks random, the same in every run.
fn noise(seed: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&seed.to_le_bytes())
}

#[test]
fn values_decide_on_the_encoding() {
    #[track_caller]
    fn check(column_type: &ColumnType, value: impl Fn(u64) -> Value, expected: Encoding) {
        for count in [1000, 100_000] {
            let column = column((0..count).map(&value));
            let cells = Cells::of(&column, column_type).unwrap();
            assert_eq!(choose(&cells, false), expected, "{count} of {column_type}");
            let old = choose(&cells, true);
            assert_eq!(old, if expected == Dictionary { Dictionary } else { Plain }, "{count}");
        }
    }
    let text = |text: String| Value::Text(text);
    check(&ColumnType::Bool, |n| Value::Bool(n.is_multiple_of(3)), Plain);
    check(&ColumnType::Int64, |n| Value::Int(n as i64), Delta);
    check(&ColumnType::Int64, |n| Value::Int(noise(n) as i64), Delta);
    check(&ColumnType::Int64, |n| Value::Int(noise(noise(n) % 50) as i64), Dictionary);
    check(&ColumnType::Double, |n| Value::Float((noise(n) % 100) as f64 / 4.0), Dictionary);
    check(&ColumnType::Double, |n| Value::Float((noise(n) >> 30) as f64 / 100.0), ByteStreamSplit);
    check(&ColumnType::Double, |n| Value::Float((noise(n) as f64).ln()), ByteStreamSplit);
    check(&TEXT, |n| text(format!("{:x}", noise(n))), DeltaLength);
    check(&TEXT, |n| text(format!("{:x}", noise(noise(n) % 50))), Dictionary);
    check(&TEXT, |n| text(format!("https://example.org/{:x}", noise(n))), DeltaByteArray);
}

#[test]
fn doubles_that_come_again_are_written_plain() {
    let price = |n| Value::Float((noise(n) % 200_000) as f64 / 100.0);
    let column = column((0..300_000).map(price));
    let cells = Cells::of(&column, &ColumnType::Double).unwrap();
    assert_eq!(choose(&cells, false), Plain);
}

#[test]
fn few_values_are_written_plain() {
    for count in [0, 1, 2, 31] {
        let column = column((0..count).map(|n| Value::Int(noise(n) as i64)));
        let cells = Cells::of(&column, &ColumnType::Int64).unwrap();
        assert_eq!(choose(&cells, false), Plain, "{count}");
    }
}

/// Makes the value of a row.
type Make = fn(u64) -> Value;

/// Values of each type, some of them at its ends.
fn kinds() -> Vec<(ColumnType, Make)> {
    let decimal = |precision| ColumnType::Decimal { precision, scale: 0 };
    vec![
        (ColumnType::Bool, |n| Value::Bool(noise(n).is_multiple_of(2))),
        (ColumnType::Int64, |n| match n % 5 {
            0 => Value::Int(i64::MIN),
            1 => Value::Int(i64::MAX),
            _ => Value::Int(noise(n) as i64 >> (n % 60)),
        }),
        (ColumnType::Double, |n| Value::Float(noise(n) as f64 / 3.0 - 1e18)),
        (ColumnType::Date, |n| Value::Text(format!("20{:02}-02-28", noise(n) % 100))),
        (LOCAL, |n| Value::Text(format!("2026-11-21T10:{:02}:59.000001", noise(n) % 60))),
        (TEXT, |n| Value::Text("é".repeat(noise(n) as usize % 9))),
        (ColumnType::Json, |n| Value::Text(format!("{{\"a\":{}}}", noise(n)))),
        (decimal(9), |n| Value::Int(noise(n) as i64 >> 35)),
        (decimal(18), |n| Value::Int(noise(n) as i64 >> 5)),
        (decimal(38), |n| match n % 2 {
            0 => Value::Big(-(10i128.pow(38) - 1)),
            _ => Value::Big(i128::from(noise(n)) << 20),
        }),
    ]
}

fn bytes_of(chunk: &Chunk) -> Vec<u8> {
    chunk.bytes.iter().collect::<Vec<_>>().concat()
}

/// Returns a file of one chunk, as it would be written, and what the library reads of its footer.
fn file_of(chunk: &Chunk, rows: usize) -> (Bytes, ParquetMetaData) {
    let leaf = parquet_type("column", &chunk.column_type).unwrap();
    let schema = SchemaDescriptor::new(root(vec![leaf]).unwrap());
    let physical = schema.column(0).physical_type();
    let mut file = [MAGIC, &bytes_of(chunk)].concat();
    let stored = Stored { at: MAGIC.len() as u64, about: chunk.about.clone() };
    let start = file.len() as u64;
    if stored.about.is_bounded() {
        Structures::new(&mut file).page_bounds(&stored.about, physical).unwrap();
    }
    let bounds = file.len() as u64;
    Structures::new(&mut file).page_offsets(&stored, physical).unwrap();
    let footer = file.len();
    let place = IndexPlace {
        bounds: (bounds > start).then_some((start, (bounds - start) as u32)),
        offsets: (bounds, (footer as u64 - bounds) as u32),
    };
    let mut structures = Structures::new(&mut file);
    structures.begin_file(&schema, rows as u64, 1).unwrap();
    structures.row_group(&schema, &[stored], &[place], rows, Some(0)).unwrap();
    structures.end_file(&[("key", "value".to_owned())], "tests", 1).unwrap();
    let length = (file.len() - footer) as u32;
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(MAGIC);
    let file = Bytes::from(file);
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    reader.try_parse(&file).unwrap();
    (file, reader.finish().unwrap())
}

/// Returns the pages of a chunk, as the library reads it.
fn pages(file: Bytes, metadata: &ParquetMetaData, rows: usize) -> Vec<Page> {
    let chunk = metadata.row_group(0).column(0);
    // by the locations: a reader that uses the page index finds the same pages
    let places = metadata.page_index().unwrap().offset_index(0, 0).unwrap().page_locations.clone();
    let reader = Arc::new(file);
    let mut pages = SerializedPageReader::new(reader, chunk, rows, Some(places)).unwrap();
    std::iter::from_fn(|| pages.get_next_page().unwrap()).collect()
}

#[track_caller]
fn check(column: &Column, rows: usize, column_type: &ColumnType, encoding: Option<Encoding>) {
    let context = format!("{rows} rows of {column_type} as {encoding:?}");
    let chunk = encode_as(Some(column.clone()), rows, column_type, encoding);
    let descr = descriptor(column_type).unwrap();
    let back = reread::column(bytes_of(&chunk), &chunk.about, column_type, descr, rows).unwrap();
    let array = |column: &Column| {
        super::super::arrow::to_array(Some(column.clone()), rows, column_type).unwrap()
    };
    assert_eq!(&array(&back), &array(column), "{context}");
    let again = encode_as(Some(back), rows, column_type, encoding);
    assert!(bytes_of(&again) == bytes_of(&chunk), "{context}: encoded again");
    let is_data = |page: &&Page| !matches!(page, Page::DictionaryPage { .. });
    let (file, metadata) = file_of(&chunk, rows);
    let pages = pages(file, &metadata, rows);
    let metadata = metadata.row_group(0).column(0);
    let values: u32 = pages.iter().filter(is_data).map(Page::num_values).sum();
    assert_eq!(i64::from(values), metadata.num_values(), "{context}");
    let nulls = metadata.statistics().and_then(Statistics::null_count_opt);
    let cells = Cells::of(column, column_type).unwrap();
    assert_eq!(nulls, Some(u64::from(values) - cells.len() as u64), "{context}");
    check_bounds(&cells, metadata.statistics().unwrap(), &context);
    let (Some(encoding), 1..) = (encoding, cells.len()) else { return };
    let expected = encoding.of_pages();
    assert!(pages.iter().filter(is_data).all(|page| page.encoding() == expected), "{context}");
}

/// Compares the bounds in the footer with the values.
#[track_caller]
fn check_bounds(cells: &Cells<'_>, statistics: &Statistics, context: &str) {
    let found = (statistics.min_bytes_opt(), statistics.max_bytes_opt());
    let ends = |values: &mut dyn Iterator<Item = i128>| {
        let values: Vec<i128> = values.collect();
        (*values.iter().min().unwrap(), *values.iter().max().unwrap())
    };
    let (least, greatest) = match cells {
        _ if cells.len() == 0 => return assert_eq!(found, (None, None), "{context}"),
        Cells::Bool(values) => ends(&mut values.iter().map(|value| i128::from(*value))),
        Cells::Int32(values) => ends(&mut values.iter().map(|value| i128::from(*value))),
        Cells::Int64(values) => ends(&mut values.iter().map(|value| i128::from(*value))),
        Cells::Fixed(values, _) => ends(&mut values.iter().copied()),
        Cells::Double(values) => {
            let least = values.iter().copied().reduce(f64::min).unwrap();
            let greatest = values.iter().copied().reduce(f64::max).unwrap();
            let expected = (least.to_le_bytes(), greatest.to_le_bytes());
            return assert_eq!(found, (Some(&expected.0[..]), Some(&expected.1[..])), "{context}");
        }
        Cells::Bytes(texts) => {
            let texts = || (0..texts.len()).map(|at| texts.get(at));
            assert_eq!(found, (texts().min(), texts().max()), "{context}");
            return assert!(statistics.min_is_exact() && statistics.max_is_exact());
        }
    };
    let number = |bytes: Option<&[u8]>| {
        let bytes = bytes.unwrap();
        let mut wide = [if is_negative(bytes, statistics) { 0xff } else { 0 }; 16];
        match statistics {
            Statistics::FixedLenByteArray(_) => {
                wide[16 - bytes.len()..].copy_from_slice(bytes);
                i128::from_be_bytes(wide)
            }
            _ => {
                wide[..bytes.len()].copy_from_slice(bytes);
                i128::from_le_bytes(wide)
            }
        }
    };
    assert_eq!((number(found.0), number(found.1)), (least, greatest), "{context}");
}

fn is_negative(bytes: &[u8], statistics: &Statistics) -> bool {
    let highest = match statistics {
        Statistics::FixedLenByteArray(_) => bytes.first(),
        _ => bytes.last(),
    };
    highest.is_some_and(|byte| byte & 0x80 != 0)
}

#[test]
fn every_type_comes_back_from_every_encoding() {
    for (column_type, value) in kinds() {
        let known = Encoding::for_type(&column_type).iter().copied().map(Some);
        for encoding in known.chain([None]) {
            let check = |values: Vec<Value>, rows| {
                check(&column(values), rows, &column_type, encoding);
            };
            check(vec![], 0);
            check(vec![], 100);
            check(vec![value(0)], 1);
            check((0..300).map(value).collect(), 300);
            let sparse = |n| if noise(n).is_multiple_of(40) { value(n) } else { Value::Null };
            check((0..3000).map(sparse).collect(), 3001);
            // a page of nothing but nulls between two with values
            let far = |n| if n % 290_000 < 70 { value(n) } else { Value::Null };
            check((0..290_070).map(far).collect(), 290_070);
        }
    }
}

#[test]
fn lists_of_every_type_come_back_from_every_encoding() {
    for (element, value) in kinds() {
        let column_type = ColumnType::List(Box::new(element));
        let known = Encoding::for_type(&column_type).iter().copied().map(Some);
        for encoding in known.chain([None]) {
            let list = |n| match noise(n) % 4 {
                0 => Value::Null,
                1 => Value::List(vec![]),
                2 => Value::List(vec![Value::Null, value(n)]),
                _ => Value::List((0..n % 5).map(|at| value(n + at)).collect()),
            };
            check(&column((0..20_000).map(list)), 20_003, &column_type, encoding);
            check(&column([]), 5, &column_type, encoding);
            check(&column([Value::List(vec![])]), 1, &column_type, encoding);
        }
    }
}

#[test]
fn chunks_that_compression_would_not_shrink_are_left_as_they_are() {
    let check = |values: Vec<Value>, expected: Codec| {
        let chunk = encode_as(Some(column(values)), 1000, &TEXT, None);
        assert_eq!(chunk.about.codec, expected);
    };
    check(vec![], Codec::None);
    check(vec![Value::Text("x".to_owned())], Codec::None);
    check(vec![Value::Text("x".repeat(100))], Codec::Zstd(3));
    let noise = |n| Value::Text(char::from(noise(n) as u8 & 0x7f).to_string());
    check((0..1000).map(noise).collect(), Codec::Zstd(3));
}

#[test]
fn the_larger_part_of_a_chunk_decides_on_its_level() {
    // indices that look random, into texts for which it pays to look further
    let rows = 1 << 17;
    let mail = |n: u64| format!("{}.{}@mail{}.example.com", n % 61, n * n % 97, n % 7);
    let codec = |distinct: u64, text: fn(String, u64) -> String| {
        let value = |row| noise(row) % distinct;
        let texts = (0..rows).map(|row| Value::Text(text(mail(value(row)), value(row))));
        encode_as(Some(column(texts)), rows as usize, &TEXT, Some(Dictionary)).about.codec
    };
    assert_eq!(codec(1 << 14, |mail, n| format!("{mail}{n}")), Codec::Zstd(3));
    assert_eq!(codec(1 << 12, |_, n| n.to_string()), Codec::Zstd(1));
}

#[test]
fn pages_of_large_chunks_are_written_by_several() {
    let check =
        |values: &Column, rows: usize, column_type: &ColumnType, encoding: Option<Encoding>| {
            let alone = encode_as(Some(values.clone()), rows, column_type, encoding);
            let shared = || {
                let column_type = column_type.clone();
                shared::encode(3, Some(values.clone()), rows, column_type, options(encoding))
                    .unwrap()
            };
            let Encoded::Tasks(mut tasks) = shared() else { panic!("one worker does it all") };
            assert_eq!(tasks.len(), alone.about.pages.len().div_ceil(2), "{encoding:?}");
            let last = tasks.remove(0);
            for task in tasks.into_iter().rev() {
                assert!(matches!(task().unwrap(), Encoded::Part));
            }
            let handed_out = shared();
            let made = do_all(vec![Box::new(move || Ok(handed_out))]).unwrap();
            assert_eq!(made.len(), 1);
            for made in made.into_iter().chain([last().unwrap()]) {
                let Encoded::Chunk(3, chunk) = made else { panic!("no chunk") };
                assert!(bytes_of(&chunk) == bytes_of(&alone), "{encoding:?}");
                assert_eq!(format!("{:?}", chunk.about), format!("{:?}", alone.about));
            }
        };
    let ints = column((0..700_000).map(|n| Value::Int((noise(n) % 900) as i64)));
    for encoding in [Dictionary, Delta, Plain] {
        check(&ints, 700_000, &ColumnType::Int64, Some(encoding));
    }
    let text = |n: u64| match n % 3 {
        0 => Value::Null,
        _ => Value::Text(format!("{:x} ", noise(n)).repeat(2 + n as usize % 9)),
    };
    let texts = column((0..80_000).map(text));
    check(&texts, 80_000, &TEXT, None);
    let lists = column((0..80_000).map(|n| Value::List((n..n + n % 3).map(text).collect())));
    check(&lists, 80_000, &ColumnType::List(Box::new(TEXT)), None);
}

#[test]
fn chunks_of_few_pages_and_other_values_stay_with_one_worker() {
    let check = |values: Column, rows: usize, column_type: ColumnType| {
        let alone = encode_as(Some(values.clone()), rows, &column_type, Some(Plain));
        let made = shared::encode(0, Some(values), rows, column_type, options(Some(Plain)));
        let Encoded::Chunk(0, chunk) = made.unwrap() else { panic!("others are to do it") };
        assert!(bytes_of(&chunk) == bytes_of(&alone));
    };
    let ints = || (0..390_000).map(|n| Value::Int(n as i64));
    check(column(ints()), 390_000, ColumnType::Int64);
    let wide = column(ints().chain(ints()));
    check(wide, 780_000, ColumnType::Decimal { precision: 7, scale: 0 });
}

#[test]
fn every_codec_is_read_back() {
    let codecs = [Codec::None, Codec::Snappy, Codec::Lz4, Codec::Gzip(6), Codec::Zstd(19)];
    let values = column((0..50_000).map(|n| Value::Text(format!("value {}", n / 3))));
    for codec in codecs {
        let options = ChunkOptions { codec, ..options(Some(DeltaLength)) };
        let chunk = encode(Some(values.clone()), 50_000, &TEXT, &options).unwrap();
        assert_eq!(chunk.about.codec, codec);
        let descr = descriptor(&TEXT).unwrap();
        let back = reread::column(bytes_of(&chunk), &chunk.about, &TEXT, descr, 50_000).unwrap();
        assert_eq!(format!("{back:?}"), format!("{values:?}"), "{codec:?}");
    }
}

#[test]
fn a_dictionary_that_grows_too_large_is_given_up() {
    let values = column((0..40_000).map(|n| Value::Text(format!("{:064x}", noise(n)))));
    let chunk = encode_as(Some(values), 40_000, &TEXT, Some(Dictionary));
    assert_eq!(chunk.about.encoding, DeltaByteArray);
}

#[test]
fn pages_say_whether_they_rise_or_fall() {
    use parquet::basic::BoundaryOrder;
    let check = |value: fn(u64) -> Value, expected: BoundaryOrder| {
        let values = column((0..400_000).map(value));
        let chunk = encode_as(Some(values), 400_000, &ColumnType::Int64, None);
        let (_, metadata) = file_of(&chunk, 400_000);
        let index = metadata.page_index().unwrap();
        let places = &index.offset_index(0, 0).unwrap().page_locations;
        assert!(places.len() > 2 && places[0].offset == 4);
        assert_eq!(index.column_index(0, 0).unwrap().get_boundary_order(), Some(expected));
    };
    check(|n| Value::Int(n as i64), BoundaryOrder::ASCENDING);
    check(|n| Value::Int(-(n as i64)), BoundaryOrder::DESCENDING);
    check(|n| Value::Int(noise(n) as i64), BoundaryOrder::UNORDERED);
}
