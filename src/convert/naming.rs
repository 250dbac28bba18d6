//! What the main table is called, and who chose that.

use std::path::Path;

use super::Conversion;
use crate::format::InputFormat;
use crate::sink::Destination;
use crate::source::{Compression, Input};

impl Conversion {
    /// Returns the name of the main table.
    pub(super) fn root_name(&self) -> String {
        let stem = |path: &Path| path.file_name().map(|name| main_stem(&name.to_string_lossy()));
        let stem_of = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
        let from_output = match &self.destination {
            Destination::File(path) => stem_of(path),
            Destination::Object(url) => stem_of(url.file_name().as_ref()),
            _ => None,
        };
        let from_input = self.inputs.iter().find_map(|input| match input {
            Input::File(path) => stem(path),
            Input::Url(input) => Some(main_stem(input.url.file_name())),
            Input::Stdin | Input::Reader { .. } => None,
        });
        let main = self.contract.as_ref().and_then(|contract| contract.tables.first());
        let from_contract = main.and_then(|main| main.name.clone());
        let name = self.name.clone().or(from_output).or(from_contract).or(from_input);
        // A reject file is named after the table.
        let name = name.map(|name| match name.strip_suffix(".rejects") {
            Some(stem) if self.from == InputFormat::Rejects => stem.to_owned(),
            _ => name,
        });
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "records".to_owned())
    }

    /// Returns whether the name of the main table is that of an input, as nobody chose one.
    pub(super) fn is_named_by_input(&self) -> bool {
        let is_named_by_output =
            matches!(self.destination, Destination::File(_) | Destination::Object(_));
        let main = self.contract.as_ref().and_then(|contract| {
            let name = contract.tables.first()?.name.as_ref();
            name.filter(|_| !contract.is_named_by_input)
        });
        self.name.is_none() && !is_named_by_output && main.is_none()
    }
}

/// Returns a file name without its format and compression endings.
fn main_stem(name: &str) -> String {
    let cut = |name: &str, known: &dyn Fn(&str) -> bool| match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && known(&ending.to_ascii_lowercase()) => {
            stem.to_owned()
        }
        _ => name.to_owned(),
    };
    let name = cut(name, &|ending| Compression::from_extension(ending.as_ref()).is_some());
    cut(&name, &|ending| {
        InputFormat::from_extension(ending).is_some() || matches!(ending, "csv" | "tsv" | "txt")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lose_format_and_compression_endings() {
        for (name, stem) in [
            ("orders.jsonl", "orders"),
            ("orders.json.gz", "orders"),
            ("orders.jsonl.ZST", "orders"),
            ("orders.bz2", "orders"),
            (".gz", ".gz"),
            ("orders.v2.ndjson", "orders.v2"),
            ("orders.csv", "orders"),
            ("orders.TSV.gz", "orders"),
            ("orders", "orders"),
            ("orders.data", "orders.data"),
            (".jsonl", ".jsonl"),
        ] {
            assert_eq!(main_stem(name), stem, "{name}");
        }
    }
}
