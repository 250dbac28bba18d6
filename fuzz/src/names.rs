//! Names of files, tables and columns from untrusted keys: harmless, distinct, not too long.

use std::collections::{BTreeSet, HashSet};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

use transmog::limits::{FILE_NAME_BYTES_MAX, NAME_BYTES_MAX};
use transmog::sink::names::{FileNames, printable, safe_file_stem};
use transmog::{
    Batch, Destination, Error, Framing, InputFormat, NameStyle, OutputFormat, StreamingWriter,
    TableEnd,
};
use unicode_normalization::UnicodeNormalization;

use super::{conversion, run};

/// Names, so that pairs are few.
const NAMES_MAX: usize = 40;

/// Takes each line as a name; what is no UTF-8 becomes a replacement character.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut seen = HashSet::new();
    let wanted: Vec<&str> =
        text.split('\n').filter(|name| seen.insert(*name)).take(NAMES_MAX).collect();
    for extension in ["parquet", "csv", ""] {
        let mut files = FileNames::new(extension);
        // as the reject file
        files.reserve("in.rejects.jsonl");
        let chosen: Vec<String> = wanted.iter().map(|name| files.choose(name)).collect();
        check_files(chosen.iter().map(String::as_str), extension);
    }
    for name in &wanted {
        for bytes_max in [18, 20, 100] {
            let stem = safe_file_stem(name, bytes_max);
            assert!(stem.len() <= bytes_max, "{stem:?}");
            assert_eq!(stem, safe_file_stem(name, bytes_max));
        }
        let shown = printable(name);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
    check_tables(&wanted);
}

fn check_files<'a>(names: impl Iterator<Item = &'a str>, extension: &str) {
    let mut taken: [BTreeSet<String>; 4] = Default::default();
    for name in names {
        assert!(name.len() <= FILE_NAME_BYTES_MAX, "{name:?}");
        assert!(!name.starts_with(['.', ' ', '-']) && !name.ends_with(['.', ' ']), "{name:?}");
        assert!(!name.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{name:?}");
        let parts: Vec<_> = Path::new(name).components().collect();
        assert!(matches!(parts[..], [Component::Normal(_)]), "{name:?}");
        assert!(extension.is_empty() || name.ends_with(&format!(".{extension}")), "{name:?}");
        // HFS+ and APFS compare decomposed, NTFS in capitals, ext4 with case folding in small letters
        let folds = [
            name.nfd().collect::<String>(),
            name.nfd().flat_map(char::to_lowercase).nfd().collect(),
            name.nfd().flat_map(char::to_uppercase).nfd().collect(),
            name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
        ];
        for (taken, fold) in taken.iter_mut().zip(folds) {
            assert!(taken.insert(fold), "{name:?} is there already");
        }
    }
}

/// The names of tables, each with those of its columns.
type Names = Vec<(String, Vec<String>)>;

/// Collects the names of tables and columns.
struct Collector(Arc<Mutex<Names>>);

impl StreamingWriter for Collector {
    fn write_batch(&mut self, _: Batch) -> Result<(), Error> {
        Ok(())
    }

    fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
        let columns = end.columns().iter().map(|column| column.name.clone()).collect();
        self.0.lock().unwrap().push((end.table().to_owned(), columns));
        Ok(())
    }
}

/// Gives each name to a column, a table, and a column of that.
fn check_tables(wanted: &[&str]) {
    let quoted = |name: &&str| serde_json::Value::from(*name).to_string();
    let record = |name: String| format!("{{{name}:1}}\n{{{name}:[{{{name}:{{{name}:true}}}}]}}\n");
    let input: String = wanted.iter().map(quoted).map(record).collect();
    let new = |to| conversion(input.as_bytes(), InputFormat::Jsonl, to);
    for style in [NameStyle::Verbatim, NameStyle::Snake] {
        let collected: Arc<Mutex<Names>> = Arc::default();
        let mut conversion = new(OutputFormat::Parquet);
        conversion.names = style;
        let shared = Arc::clone(&collected);
        conversion.destination =
            Destination::Tables(Box::new(move |_| Ok(Box::new(Collector(Arc::clone(&shared))))));
        conversion.run().unwrap();
        let tables = collected.lock().unwrap();
        assert_eq!(tables.len(), wanted.len() + 1);
        check_names(tables.iter().map(|(name, _)| name));
        for (_, columns) in &*tables {
            check_names(columns.iter());
        }
    }
    let (_, bytes) = run(new(OutputFormat::Csv), Framing::Tar).unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let paths = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        String::from_utf8(entry.path_bytes().into_owned()).unwrap()
    });
    let paths: Vec<String> = paths.collect();
    assert_eq!(paths.len(), wanted.len() + 1);
    check_files(paths.iter().map(String::as_str), "csv");
}

/// Names in tables differ in more than case.
fn check_names<'a>(names: impl Iterator<Item = &'a String>) {
    let mut taken = BTreeSet::new();
    for name in names {
        // a number to tell it apart may stand behind
        assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX + 24, "{name:?}");
        assert!(taken.insert(name.to_lowercase()), "{name:?} is there already");
    }
}
