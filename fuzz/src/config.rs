//! Configuration files: settings, or an error that says where.
//!
//! The modules that read them belong to the binary, so they are compiled once more here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::LazyLock;

use toml::de::DeTable;
use transmog::ErrorKind;

#[path = "../../src/cli"]
#[allow(dead_code, reason = "the part of the command line that reads settings")]
mod cli {
    pub mod args;
    pub mod batching;
    pub mod checks;
    pub mod color;
    pub mod environment;
    pub mod file;
    pub mod layers;
    pub mod message;
    pub mod plan;
    pub mod presets;
    pub mod settings;
    pub mod values;
}

use cli::layers::{self, Given, Origin, Sources};
use cli::plan::Scope;
use cli::settings::{Kind, Settings};

static SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::new);

/// Reads the bytes as a configuration file, writes what is set anew, and reads that.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let settings = &*SETTINGS;
    let mut problems = Vec::new();
    let given = cli::file::parse(settings, "t.toml", text, &mut problems);
    let lines = text.split('\n').count();
    let mut last = 1;
    for problem in &problems {
        assert_eq!(problem.kind(), ErrorKind::Usage);
        let said = problem.to_string();
        let place = said.strip_prefix("t.toml:").and_then(|rest| rest.split(':').next());
        let line: usize = place.and_then(|line| line.parse().ok()).expect("a line");
        assert!((last..=lines).contains(&line), "{said}");
        last = line;
    }
    let (_, wrong) = DeTable::parse_recoverable(text);
    assert!(wrong.is_empty() || !problems.is_empty(), "{wrong:?}");
    if !problems.is_empty() {
        return;
    }
    let anew: String = given.iter().map(|one| written(settings, one)).collect();
    let same = cli::file::parse(settings, "t.toml", &anew, &mut problems);
    assert!(problems.is_empty(), "{problems:?}\n{anew}");
    let by_key = |given: &[Given]| -> BTreeMap<String, Vec<String>> {
        given.iter().map(|one| (one.key.clone(), one.values.clone())).collect()
    };
    assert_eq!(by_key(&given), by_key(&same), "{anew}");
    check_settled(settings, text);
}

/// Writes a setting as a line of a file.
fn written(settings: &Settings, given: &Given) -> String {
    let setting = settings.find(&given.key).expect("a key that was found");
    assert!(matches!(given.origin, Origin::File { .. }));
    let quoted = |text: &String| toml_text(text);
    let value = match (setting.kind, &given.values[..]) {
        (Kind::List, values) => {
            format!("[{}]", values.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        (Kind::Switch | Kind::Bool | Kind::Integer, [value]) => value.clone(),
        (Kind::Text | Kind::TextOrTrue, [value]) => quoted(value),
        (_, values) => panic!("{}: {values:?}", given.key),
    };
    format!("{} = {value}\n", given.key)
}

fn toml_text(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Settings become a command line, or what is wrong with them is said.
fn check_settled(settings: &Settings, text: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.toml");
    std::fs::write(&path, text).unwrap();
    let line: Vec<OsString> = ["transmog", "convert", "in.json"].map(OsString::from).to_vec();
    let matches = settings.parse(&line).unwrap();
    let sources = Sources { variables: Vec::new(), file: Some(path) };
    if let Err(errors) = layers::settle(settings, &line, &matches, sources, Scope::Run) {
        assert!(!errors.is_empty());
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        }
    }
}
