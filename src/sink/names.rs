//! Safe file names for tables whose names come from untrusted keys.
//!
//! The rules are the same on every platform, so that a folder can move between them. What stands in
//! the way is percent-encoded by its UTF-8 bytes (`a/b` becomes `a%2Fb`); as `%` itself is encoded,
//! two tables share a stem only through the prefix, the cut or the case, and [`FileNames`] tells
//! those apart.

use std::collections::HashMap;
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::limits::FILE_NAME_BYTES_MAX;

/// Bytes that end a cut name: `~` and 16 hex digits.
const HASH_BYTES: usize = 17;

/// The file names of one run, distinct ignoring case and Unicode composition.
#[derive(Debug)]
pub struct FileNames {
    extension: &'static str,
    /// By folded name: the last number that was tried to tell another table from it.
    taken: HashMap<String, usize>,
}

/// Room for any format's ending, so that a table's name is cut alike in all of them.
const ENDING_BYTES: usize = ".parquet".len();

impl FileNames {
    /// Starts without any name; `extension` has no dot, and an empty one adds none.
    pub fn new(extension: &'static str) -> Self {
        FileNames { extension, taken: HashMap::new() }
    }

    /// Keeps `file_name` from being chosen; returns whether it was still free.
    pub fn reserve(&mut self, file_name: &str) -> bool {
        let mut is_free = false;
        self.taken.entry(folded(file_name)).or_insert_with(|| {
            is_free = true;
            1
        });
        is_free
    }

    /// Returns the file name `table` gets while no other table wants the same one.
    pub fn plain(&self, table: &str) -> String {
        self.numbered(table, 1)
    }

    /// Chooses and keeps a name for `table`: the plain one, else that with `_2`, `_3` and so on.
    ///
    /// - Units: never longer than `limits::FILE_NAME_BYTES_MAX`, extension included.
    pub fn choose(&mut self, table: &str) -> String {
        let plain = self.plain(table);
        if self.reserve(&plain) {
            return plain;
        }
        // many tables may want one name: go on where the last of them ended
        let key = folded(&plain);
        let mut number = self.taken.get(&key).copied().unwrap_or(1);
        loop {
            number += 1;
            let name = self.numbered(table, number);
            if self.reserve(&name) {
                self.taken.insert(key, number);
                return name;
            }
        }
    }

    fn numbered(&self, table: &str, number: usize) -> String {
        let mut ending = if number == 1 { String::new() } else { format!("_{number}") };
        if !self.extension.is_empty() {
            ending.push('.');
            ending.push_str(self.extension);
        }
        let room = FILE_NAME_BYTES_MAX.saturating_sub(ending.len().max(ENDING_BYTES));
        safe_file_stem(table, room) + &ending
    }
}

/// Encodes a table's name so that it is one harmless file name on every platform.
///
/// - Kept: letters, digits and marks of all scripts, `_ - .`, spaces and punctuation inside.
/// - Percent-encoded: `/ \ : * ? " < > | %`, control characters, characters that reorder or hide
///   text, a leading `-`, and dots and spaces at either end.
/// - Windows device names (`CON`, `nul.csv`, `COM1`), in any case, get a `_` in front.
/// - Empty becomes `_`.
/// - Units: longer than `bytes_max` is cut after a whole character and ends in `~` and 16 hex
///   digits, the XXH3 hash of the whole name; `bytes_max` below 18 counts as 18.
pub fn safe_file_stem(table: &str, bytes_max: usize) -> String {
    if table.is_empty() {
        return "_".to_owned();
    }
    let at_edge = |c: char| matches!(c, '.' | ' ');
    let inner_start = table.len() - table.trim_start_matches(at_edge).len();
    let inner_end = table.trim_end_matches(at_edge).len();
    let bytes_max = bytes_max.max(HASH_BYTES + 1);
    let mut stem = String::new();
    if is_device(table) {
        stem.push('_');
    }
    let mut cut = stem.len();
    for (byte, c) in table.char_indices() {
        let edge = byte < inner_start || byte >= inner_end || (byte == 0 && c == '-');
        if edge || is_unsafe(c) {
            push_encoded(&mut stem, c);
        } else {
            stem.push(c);
        }
        if stem.len() <= bytes_max - HASH_BYTES {
            cut = stem.len();
        }
        if stem.len() > bytes_max {
            stem.truncate(cut);
            // writing to a `String` cannot fail
            let _ = write!(stem, "~{:016x}", xxh3_64(table.as_bytes()));
            break;
        }
    }
    stem
}

/// Escapes what could confuse a terminal, so that a name can stand in a message.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if c.is_control() => shown.extend(c.escape_default()),
            _ if is_hidden(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

fn push_encoded(stem: &mut String, c: char) {
    let mut buffer = [0; 4];
    for byte in c.encode_utf8(&mut buffer).bytes() {
        // writing to a `String` cannot fail
        let _ = write!(stem, "%{byte:02X}");
    }
}

fn is_unsafe(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%')
        || c.is_control()
        || is_hidden(c)
}

/// Tells characters that show nothing or turn the reading direction, so that a name can lie.
///
/// Joiners stay: emoji and several scripts need them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// Tells names that Windows gives to devices, whatever their extension.
fn is_device(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_uppercase();
    if matches!(base.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let number = base.strip_prefix("COM").or_else(|| base.strip_prefix("LPT"));
    let mut digits = number.unwrap_or_default().chars();
    matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}

/// Maps names that some file system takes for the same to one text: case and composition go, and
/// so do the joiners and variation selectors that HFS+ passes over.
fn folded(file_name: &str) -> String {
    let ignored = |c: &char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    // down, up and down: `ẞ` and `ß`, `ß` and `SS`, `ς` and `σ` differ in one of the steps
    let lower = file_name.nfd().filter(|c| !ignored(c)).flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &str, expected: &str) {
        assert_eq!(safe_file_stem(table, 192), expected, "{table:?}");
    }

    /// What must hold for every file name, whatever the table.
    fn assert_harmless(name: &str) {
        assert!(name.len() <= FILE_NAME_BYTES_MAX, "{name:?}");
        assert!(!name.is_empty() && !name.starts_with(['.', ' ', '-']), "{name:?}");
        assert!(!name.ends_with(['.', ' ']), "{name:?}");
        assert!(!name.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{name:?}");
        assert_eq!(std::path::Path::new(name).components().count(), 1, "{name:?}");
        assert!(!is_device(name), "{name:?}");
    }

    #[test]
    fn usual_names_stay() {
        for name in ["orders", "orders_items", "Größe 2", "データ", "a.b-c", "e\u{301}", "👩‍🚀"]
        {
            check(name, name);
        }
    }

    #[test]
    fn separators_and_special_characters_are_encoded() {
        check("../../../evil", "%2E%2E%2F..%2F..%2Fevil");
        check("/abs/evil", "%2Fabs%2Fevil");
        check("C:\\x", "C%3A%5Cx");
        check("\\\\host\\share", "%5C%5Chost%5Cshare");
        check("file:///", "file%3A%2F%2F%2F");
        check("a%2Fb", "a%252Fb");
        check("*?\"<>|", "%2A%3F%22%3C%3E%7C");
        check("nul\0line\nesc\u{1b}del\u{7f}", "nul%00line%0Aesc%1Bdel%7F");
        check("c1\u{85}", "c1%C2%85");
        check("exe\u{202e}vsc", "exe%E2%80%AEvsc");
        check("'; rm -rf `x` $y", "'; rm -rf `x` $y");
    }

    #[test]
    fn dots_spaces_and_dashes_at_the_ends_are_encoded() {
        check("", "_");
        check(".", "%2E");
        check("..", "%2E%2E");
        check("   ", "%20%20%20");
        check(".hidden", "%2Ehidden");
        check("end. .", "end%2E%20%2E");
        check(" in side ", "%20in side%20");
        check("-rf", "%2Drf");
    }

    #[test]
    fn device_names_get_a_prefix() {
        check("CON", "_CON");
        check("nul.csv", "_nul.csv");
        check("Com1", "_Com1");
        check("aux ", "_aux%20");
        check("LPT²", "_LPT²");
        check("com10", "com10");
        check("console", "console");
    }

    #[test]
    fn long_names_are_cut_between_characters_and_end_in_a_hash() {
        for piece in ["a", "é", "漢", "👾", "/", "\u{202e}"] {
            for lead in 0..12 {
                let table = "x".repeat(lead) + &piece.repeat(5000);
                let stem = safe_file_stem(&table, 100);
                assert!((90..=100).contains(&stem.len()), "{stem}");
                let (kept, hash) = stem.rsplit_once('~').expect("cut names hold a `~`");
                assert_eq!(hash.len(), 16);
                let escape = kept.rfind('%').map_or(3, |at| kept.len() - at);
                assert_eq!(escape, 3, "{stem}");
            }
        }
        let long = "k".repeat(1 << 20);
        assert_ne!(safe_file_stem(&(long.clone() + "1"), 200), safe_file_stem(&(long + "2"), 200));
        check(&"a".repeat(192), &"a".repeat(192));
        assert_eq!(safe_file_stem("abcdefghijklmnopqrstuvwxyz", 0).len(), 18);
    }

    #[test]
    fn names_that_some_file_system_confuses_become_distinct() {
        let mut names = FileNames::new("csv");
        let mut choose = |table: &str| names.choose(table);
        assert_eq!(choose("Ab"), "Ab.csv");
        assert_eq!(choose("ab"), "ab_2.csv");
        assert_eq!(choose("ab_2"), "ab_2_2.csv");
        assert_eq!(choose("AB"), "AB_3.csv");
        assert_eq!(choose("é"), "é.csv");
        assert_eq!(choose("E\u{301}"), "E\u{301}_2.csv");
        assert_eq!(choose("ΑΣ"), "ΑΣ.csv");
        assert_eq!(choose("ας"), "ας_2.csv");
        for (first, later) in
            [("weiß", "WEIẞ"), ("weiss", "Weiß"), ("kilo", "\u{212a}ilo"), ("gras", "graſ")]
        {
            let mut names = FileNames::new("csv");
            assert_eq!(names.choose(first), format!("{first}.csv"));
            assert_eq!(names.choose(later), format!("{later}_2.csv"));
        }
        assert_eq!(choose("CON"), "_CON.csv");
        assert_eq!(choose("_CON"), "_CON_2.csv");
        assert_eq!(choose("ab\u{200d}"), "ab\u{200d}_4.csv");
        assert_eq!(choose(""), "_.csv");
        assert_eq!(choose("_"), "__2.csv");
        for table in ["a/b", "a_b", "a%2Fb"] {
            assert!(!choose(table).contains("_2"), "{table} needs no number");
        }
    }

    #[test]
    fn numbered_long_names_stay_within_the_limit() {
        let mut names = FileNames::new("parquet");
        let table = "é".repeat(300);
        for _ in 0..12 {
            assert_harmless(&names.choose(&table));
        }
    }

    #[test]
    fn reserved_names_are_not_chosen() {
        let mut names = FileNames::new("jsonl");
        assert!(names.reserve("orders.rejects.jsonl"));
        assert!(!names.reserve("Orders.Rejects.jsonl"));
        assert_eq!(names.choose("orders.rejects"), "orders.rejects_2.jsonl");
    }

    #[test]
    fn messages_show_no_control_characters() {
        assert_eq!(printable("a\u{1b}[31m\n\u{202e}é"), "a\\u{1b}[31m\\n\\u{202e}é");
    }

    #[test]
    fn naughty_strings_give_harmless_distinct_names() {
        let corpora = std::env::var_os("TRANSMOG_CORPORA").unwrap_or("../shared/corpora".into());
        let path = std::path::Path::new(&corpora).join("blns/blns.json");
        let Ok(text) = std::fs::read(&path) else {
            println!("skipped: no `{}` (set TRANSMOG_CORPORA)", path.display());
            return;
        };
        let naughty: Vec<String> = serde_json::from_slice(&text).expect("blns is a JSON array");
        let mut names = FileNames::new("parquet");
        let folder = tempfile::tempdir().expect("a folder for the files");
        for table in &naughty {
            let name = names.choose(table);
            assert_harmless(&name);
            std::fs::File::create_new(folder.path().join(&name)).expect("a name that works");
        }
        let found = std::fs::read_dir(folder.path()).expect("the folder lists").count();
        assert_eq!(found, naughty.len());
    }
}
