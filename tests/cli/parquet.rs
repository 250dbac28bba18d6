//! What flags do to Parquet files, as their footers tell.

use std::fs::File;

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::Folder;

/// Rows of the input.
const ROWS: usize = 5000;

/// Converts records of which every column has its own kind of values.
#[track_caller]
fn convert(args: &str) -> (Folder, ParquetMetaData) {
    let folder = Folder::new();
    let record = |n: usize| {
        let (noise, few) = (n * 7919 % 5003, n * n % 7);
        format!(
            "{{\"n\":{n},\"few\":{few},\"real\":{noise}.5,\"flag\":{},\"name\":\"{noise:x}\",\
             \"link\":\"https://example.org/{noise}\",\"list\":[{noise},{n}]}}\n",
            few > 3
        )
    };
    folder.write("t.jsonl", (0..ROWS).map(record).collect::<String>());
    folder.run(&format!("convert t.jsonl --to parquet -q {args}")).stdout();
    let file = File::open(folder.path().join("t.parquet")).unwrap();
    let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
    (folder, metadata)
}

fn chunks(metadata: &ParquetMetaData) -> impl Iterator<Item = &ColumnChunkMetaData> {
    metadata.row_groups().iter().flat_map(|group| group.columns())
}

/// Returns the encoding of the data pages of a column, by its path.
#[track_caller]
fn encoding(metadata: &ParquetMetaData, column: &str) -> Encoding {
    let mut named = chunks(metadata).filter(|chunk| chunk.column_path().string() == column);
    let chunk = named.next().unwrap();
    let known = [
        Encoding::RLE_DICTIONARY,
        Encoding::DELTA_BINARY_PACKED,
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DELTA_BYTE_ARRAY,
        Encoding::BYTE_STREAM_SPLIT,
        Encoding::PLAIN,
    ];
    let found = |encoding: &Encoding| chunk.encodings().any(|other| other == *encoding);
    known.into_iter().find(found).unwrap_or(Encoding::RLE)
}

#[test]
fn compression_reaches_every_column() {
    let codecs = |args: &str| {
        let (_, metadata) = convert(args);
        let codecs: Vec<_> = chunks(&metadata).map(ColumnChunkMetaData::compression).collect();
        assert!(codecs.iter().all(|codec| codec == &codecs[0]), "{args}: {codecs:?}");
        codecs[0]
    };
    assert_eq!(codecs("--compression none"), Compression::UNCOMPRESSED);
    assert_eq!(codecs("--compression snappy"), Compression::SNAPPY);
    assert_eq!(codecs("--compression lz4"), Compression::LZ4_RAW);
    assert!(matches!(codecs("--compression gzip:9"), Compression::GZIP(_)));
    assert!(matches!(codecs("--compression zstd:1"), Compression::ZSTD(_)));
    assert!(matches!(codecs(""), Compression::ZSTD(_)));
}

#[test]
fn the_level_of_compression_reaches_the_pages() {
    let bytes = |args: &str| -> i64 {
        let (_, metadata) = convert(args);
        chunks(&metadata).map(ColumnChunkMetaData::compressed_size).sum()
    };
    assert!(bytes("--compression zstd:19") < bytes("--compression zstd:1"));
    assert_eq!(bytes(""), bytes("--compression zstd:3"));
}

#[test]
fn row_groups_end_where_flags_say() {
    let rows = |args: &str| -> Vec<i64> {
        let (_, metadata) = convert(args);
        metadata.row_groups().iter().map(|group| group.num_rows()).collect()
    };
    assert_eq!(rows(""), [5000]);
    assert_eq!(rows("--row-group-rows 2000"), [2000, 2000, 1000]);
    let by_bytes = rows("--row-group-bytes 200kB");
    assert!(by_bytes.len() > 1 && by_bytes.iter().sum::<i64>() == 5000, "{by_bytes:?}");
}

#[test]
fn encodings_follow_from_the_values_and_flags() {
    let check = |args: &str, expected: [(&str, Encoding); 7]| {
        let (_, metadata) = convert(args);
        for (column, expected) in expected {
            assert_eq!(encoding(&metadata, column), expected, "{args}: {column}");
        }
    };
    let auto = [
        ("_tm_id", Encoding::DELTA_BINARY_PACKED),
        ("few", Encoding::RLE_DICTIONARY),
        ("real", Encoding::BYTE_STREAM_SPLIT),
        ("flag", Encoding::PLAIN),
        ("name", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("link", Encoding::DELTA_BYTE_ARRAY),
        ("list.list.element", Encoding::DELTA_BINARY_PACKED),
    ];
    check("", auto);
    check("--encoding real=plain --encoding real=auto", auto);
    let given = [
        ("_tm_id", Encoding::BYTE_STREAM_SPLIT),
        ("few", Encoding::PLAIN),
        ("real", Encoding::RLE_DICTIONARY),
        ("flag", Encoding::RLE),
        ("name", Encoding::DELTA_BYTE_ARRAY),
        ("link", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("list.list.element", Encoding::RLE_DICTIONARY),
    ];
    check(
        "--encoding _tm_id=byte-stream-split --encoding few=delta --encoding t.few=plain \
         --encoding real=dictionary --encoding flag=rle --encoding name=delta-byte-array \
         --encoding link=delta-length --encoding list=dictionary",
        given,
    );
}

#[test]
fn old_readers_get_old_encodings_only() {
    let (_, metadata) = convert("--compat");
    let old = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
    assert!(chunks(&metadata).all(|chunk| chunk.encodings().all(|found| old.contains(&found))));
    assert_eq!(encoding(&metadata, "_tm_id"), Encoding::PLAIN);
    assert_eq!(encoding(&metadata, "few"), Encoding::RLE_DICTIONARY);
    assert_eq!(metadata.file_metadata().version(), 1);
}

#[test]
fn an_encoding_holds_for_row_groups_that_had_another_type_at_first() {
    let folder = Folder::new();
    let numbers: String = (0..ROWS).map(|n| format!("{{\"v\":{n}}}\n")).collect();
    folder.write("t.jsonl", format!("{numbers}{{\"v\":\"x\"}}"));
    let args = "--row-group-rows 1000 --encoding v=delta-byte-array";
    folder.run(&format!("convert t.jsonl --to parquet -q {args}")).stdout();
    let file = File::open(folder.path().join("t.parquet")).unwrap();
    let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
    let mut of_v = chunks(&metadata).filter(|chunk| chunk.column_path().string() == "v");
    assert!(of_v.all(|chunk| chunk.encodings().any(|found| found == Encoding::DELTA_BYTE_ARRAY)));
}

/// What the footer says of the chunks is more than is kept in memory until then.
#[test]
fn wide_tables_of_many_row_groups_read_back() {
    const COLUMNS: usize = 800;
    const GROUPS: usize = 80;
    let record = |n: usize| {
        let members: Vec<_> = (0..COLUMNS).map(|c| format!("\"c{c}\":\"{n}.{c}\"")).collect();
        format!("{{{}}}\n", members.join(","))
    };
    let records: String = (0..GROUPS).map(record).collect();
    // with a column that comes last, the file is put together a second time
    for (last, columns) in [("", COLUMNS), ("{\"late\":1}\n", COLUMNS + 1)] {
        let folder = Folder::new();
        folder.write("t.jsonl", format!("{records}{last}"));
        let args = "--row-group-rows 1 --ids none --arrays inline";
        folder.run(&format!("convert t.jsonl --to parquet -q {args}")).stdout();
        let file = File::open(folder.path().join("t.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let groups = reader.metadata().num_row_groups();
        assert_eq!(groups, GROUPS + last.lines().count());
        for (n, row) in reader.get_row_iter(None).unwrap().enumerate().take(GROUPS) {
            let row = row.unwrap();
            assert_eq!(row.len(), columns);
            for (c, (name, value)) in row.get_column_iter().enumerate().take(COLUMNS) {
                assert_eq!(
                    (name.as_str(), value.to_string()),
                    (&*format!("c{c}"), format!("\"{n}.{c}\""))
                );
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
