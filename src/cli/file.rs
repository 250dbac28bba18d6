//! Settings from a TOML file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use transmog::Error;

use super::layers::{Given, Origin};
use super::settings::{Kind, Setting, Settings};

/// More of a value than this is not shown.
const SHOWN_CHARS: usize = 40;

/// Reads settings from `text`; `name` is that of the file, for messages.
///
/// All that is wrong goes to `problems`, in the order of lines.
pub fn parse(settings: &Settings, name: &str, text: &str, problems: &mut Vec<Error>) -> Vec<Given> {
    let mut reading = Reading { settings, name, text, given: Vec::new(), problems: Vec::new() };
    let (table, wrong) = DeTable::parse_recoverable(text);
    let mut entries = Vec::new();
    flatten(table.get_ref(), "", settings, &mut entries);
    entries.sort_by_key(|entry| entry.at.start);
    // what stands behind a fault of syntax may be taken for something else
    let (twice, syntax): (Vec<_>, Vec<_>) =
        wrong.iter().partition(|wrong| wrong.message().starts_with("duplicate key"));
    for wrong in &twice {
        reading.twice(wrong.span().unwrap_or_default(), &entries);
    }
    for wrong in &syntax {
        reading.syntax(wrong);
    }
    if syntax.is_empty() {
        entries.iter().for_each(|entry| reading.entry(entry));
    }
    reading.problems.sort_by_key(|(byte, _)| *byte);
    problems.extend(reading.problems.into_iter().map(|(_, error)| error));
    reading.given
}

/// A key and its value.
struct Entry<'a> {
    /// With dots between tables.
    key: String,
    /// Where the key stands.
    at: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
}

fn flatten<'a>(
    table: &'a DeTable<'a>,
    above: &str,
    settings: &Settings,
    entries: &mut Vec<Entry<'a>>,
) {
    for (key, value) in table {
        let dot = if above.is_empty() { "" } else { "." };
        let path = format!("{above}{dot}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(inner, &path, settings, entries),
            DeValue::Table(_) if settings.has_below(&path) => {}
            _ => entries.push(Entry { key: path, at: key.span(), value }),
        }
    }
}

struct Reading<'a> {
    settings: &'a Settings,
    name: &'a str,
    text: &'a str,
    given: Vec<Given>,
    /// Each with the byte that it is about.
    problems: Vec<(usize, Error)>,
}

impl Reading<'_> {
    fn origin(&self, byte: usize) -> Origin {
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        let line_number = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Origin::File { name: self.name.to_owned(), line_number }
    }

    fn problem(&mut self, byte: usize, key: &str, error: Error) {
        let error = self.origin(byte).at_key(key, error);
        self.problems.push((byte, error));
    }

    fn syntax(&mut self, wrong: &toml::de::Error) {
        let byte = wrong.span().map_or(self.text.len(), |span| span.start);
        let line_start = self.text[..byte].rfind('\n').map_or(0, |end| end + 1);
        let column = self.text[line_start..byte].chars().count() + 1;
        let said = wrong.message().replace('\n', ", ");
        let message = format!("{}:{column}: expected TOML: {said}", self.origin(byte));
        let hint = "text, times and sizes stand in quotes, as in `batch_timeout = \"30s\"`";
        self.problems.push((byte, Error::usage(message).with_hint(hint)));
    }

    /// Says that a key, as TOML has it, stands there a second time.
    fn twice(&mut self, at: Range<usize>, entries: &[Entry<'_>]) {
        let key = self.text.get(at.clone()).unwrap_or_default();
        let ends_so = |entry: &&Entry<'_>| {
            entry.at.start < at.start && self.text.get(entry.at.clone()) == Some(key)
        };
        let is_below = |entry: &&Entry<'_>| {
            entry.at.start < at.start && entry.key.starts_with(&format!("{key}."))
        };
        let first = entries.iter().rfind(ends_so).or_else(|| entries.iter().find(is_below));
        let first = first.map(|entry| self.origin(entry.at.start));
        let also = first.map(|first| format!(", first in {first}")).unwrap_or_default();
        let key = key.to_owned();
        self.problem(at.start, &key, Error::usage(format!("given twice{also}")));
    }

    fn entry(&mut self, Entry { key, at, value }: &Entry<'_>) {
        let settings = self.settings;
        let Some(setting) = settings.find(key) else {
            let error = match settings.nearest(key) {
                _ if settings.has_below(key) => {
                    let found = self.shown(value);
                    Error::usage(format!("expected a table, found `{found}`"))
                }
                (near, distance) if distance < key.chars().count() => {
                    let hint = format!("did you mean `{near}`?");
                    Error::usage("there is no such setting").with_hint(hint)
                }
                _ => Error::usage("there is no such setting")
                    .with_hint("`transmog config` shows all settings"),
            };
            return self.problem(at.start, key, error);
        };
        let origin = self.origin(at.start);
        if let Some(first) = self.given.iter().find(|given| given.key == setting.key) {
            let message = format!("given twice, first in {}", first.origin);
            return self.problem(at.start, key, Error::usage(message));
        }
        let mut values = Vec::new();
        let elements = match value.get_ref() {
            DeValue::Array(elements) if setting.kind == Kind::List => elements.iter().collect(),
            _ => vec![*value],
        };
        for element in elements {
            let read = self.value(setting, element);
            let checked = read.and_then(|value| settings.check(setting, &value).map(|()| value));
            match checked {
                Ok(value) => values.push(value),
                Err(error) => self.problem(element.span().start, key, error),
            }
        }
        self.given.push(Given { key: setting.key.clone(), values, origin });
    }

    /// Returns a value as its flag takes it.
    fn value(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<String, Error> {
        match (setting.kind, value.get_ref()) {
            (Kind::Switch | Kind::Bool | Kind::TextOrTrue, DeValue::Boolean(is_on)) => {
                Ok(is_on.to_string())
            }
            (Kind::Integer, DeValue::Integer(number)) => {
                let read = u64::from_str_radix(number.as_str(), number.radix());
                Ok(read.map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()))
            }
            (Kind::Text | Kind::TextOrTrue | Kind::List, DeValue::String(text)) => {
                Ok(text.to_string())
            }
            _ => Err(self.wrong_type(setting, value)),
        }
    }

    /// Returns the start of a value as it stands in the file.
    fn shown(&self, value: &Spanned<DeValue<'_>>) -> String {
        let raw = self.text.get(value.span()).unwrap_or_default();
        let mut shown: String = raw.chars().take(SHOWN_CHARS).collect();
        if shown.len() < raw.len() {
            shown.push('…');
        }
        shown
    }

    fn wrong_type(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Error {
        let raw = self.text.get(value.span()).unwrap_or_default();
        let found = self.shown(value);
        let key = &setting.key;
        let is_number = matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_));
        let example = match setting.value_name.as_str() {
            "TIME" => Some("30s"),
            "SIZE" => Some("64MiB"),
            "P%" => Some("5%"),
            _ => None,
        };
        match (setting.kind, example) {
            (Kind::Switch | Kind::Bool, _) => {
                Error::usage(format!("expected `true` or `false`, found `{found}`"))
            }
            (Kind::Integer, _) => {
                let range = setting.accepts.trim_start_matches('N');
                let error =
                    Error::usage(format!("expected a whole number{range}, found `{found}`"));
                let text = value.get_ref().as_str().filter(|text| text.parse::<u64>().is_ok());
                match text {
                    Some(number) => error.with_hint(format!(
                        "numbers stand without quotes, as in `{key} = {number}`"
                    )),
                    None => error,
                }
            }
            (_, Some(example)) if is_number => {
                let wrong = self.settings.check(setting, raw).err();
                let said = wrong.map(|error| without_flag(setting, &error));
                Error::usage(said.unwrap_or_else(|| format!("expected text, found `{found}`")))
                    .with_hint(format!("write it with its unit, as in `{key} = \"{example}\"`"))
            }
            (Kind::List, _) => Error::usage(format!(
                "expected text in quotes, or a list of texts, found `{found}`"
            )),
            _ if is_number && self.settings.check(setting, raw).is_ok() => {
                Error::usage(format!("expected text in quotes, found `{found}`"))
                    .with_hint(format!("write `{key} = \"{raw}\"`"))
            }
            _ => Error::usage(format!("expected text in quotes, found `{found}`")),
        }
    }
}

/// Returns what is wrong with a value, without the flag that it would be.
fn without_flag(setting: &Setting, error: &Error) -> String {
    let said = error.to_string();
    said.strip_prefix(&format!("`--{}`: ", setting.long)).unwrap_or(&said).to_owned()
}
