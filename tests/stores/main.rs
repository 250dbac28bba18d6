//! Object stores and HTTP, against servers on this machine that fail on command.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod failures;
mod faults;
mod http_server;
mod lab;
mod profiles;
mod reading;
mod s3_server;
mod secrets;
mod servers;
mod web;
mod writing;

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An empty directory to run in.
struct Folder(TempDir);

/// What a run left behind.
struct Done {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs here with nothing on standard input; `variables` is all of the environment beside
    /// `PATH` and a `HOME` that is this folder.
    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Done {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transmog"));
        command.current_dir(self.path()).args(args).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path()).envs(variables.iter().copied());
        let output = command.output().unwrap();
        Done {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn a_run_sees_no_settings_but_those_it_is_given() {
    let folder = Folder::new();
    let version = folder.run(&["--version"], &[]);
    assert_eq!((version.status, version.stderr.as_str()), (0, ""));
    assert!(version.stdout.starts_with(b"transmog"));

    let told = folder.run(&["config"], &[("TRANSMOG_BATCH_SIZE", "many")]);
    assert!(told.stderr.contains("TRANSMOG_BATCH_SIZE"), "{}", told.stderr);
    assert_eq!(told.status, 2);
}
