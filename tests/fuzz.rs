//! What must hold for any bytes holds for the seeds of the fuzzer and for what it found.
//!
//! The checks are those of `fuzz/`, where engines run them over inputs without end.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

#[path = "../fuzz/src/lib.rs"]
mod checks;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Returns the files of a folder by name; none where there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs a check over the files of a folder; returns those at which it fails.
fn failing(check: checks::Check, folder: &Path) -> Vec<PathBuf> {
    let mut failing = files(folder);
    failing.retain(|file| {
        let bytes = fs::read(file).unwrap();
        catch_unwind(AssertUnwindSafe(|| check(&bytes))).is_err()
    });
    failing
}

#[test]
fn seeds_and_past_findings_pass_their_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (name, check) in checks::CHECKS {
        wrong.extend(failing(check, &root.join("fuzz/seeds").join(name)));
        wrong.extend(failing(check, &root.join("fixtures/regress").join(name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn seeds_are_few_and_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in checks::CHECKS {
        let seeds = files(&root.join("fuzz/seeds").join(name));
        assert!((5..=60).contains(&seeds.len()), "{name}: {} seeds", seeds.len());
        for seed in seeds {
            assert!(fs::metadata(&seed).unwrap().len() < 4096, "{}", seed.display());
        }
    }
    let folders = files(&root.join("fixtures/regress"));
    let notes = fs::read_to_string(root.join("fixtures/regress/README.md")).unwrap();
    for case in folders.iter().filter(|path| path.is_dir()).flat_map(|folder| files(folder)) {
        let name = case.strip_prefix(root.join("fixtures/regress")).unwrap().to_str().unwrap();
        assert!(notes.contains(&format!("`{name}`")), "{name} is not in README.md");
    }
}
