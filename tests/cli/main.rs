//! The command line: flags, streams, files, exit statuses, help and completions.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod batches;
mod charset;
mod columnar_input;
mod completions;
mod compressed;
mod config;
mod csv_input;
mod csv_mixed;
mod dry_run;
mod formats;
mod help;
mod inputs;
mod looking;
mod man;
mod manifest;
mod memory;
mod observers;
mod outputs;
mod packaging;
mod parquet;
mod progress;
mod publishing;
#[cfg(unix)]
mod recovery;
mod schema;
mod scripts;
mod selection;
mod signals;
mod streams;
mod torture;
mod typos;
mod usage;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Two records: nesting, a list, and child tables two levels deep.
const ORDERS: &str = concat!(
    r#"{"id":1,"customer":{"name":"Ann"},"tags":["a","b"],"#,
    r#""items":[{"sku":"x","parts":[{"n":5}]},{"sku":"y"}]}"#,
    "\n",
    r#"{"id":2,"customer":{"name":"Bo"},"items":[{"sku":"z"}]}"#,
    "\n",
);

/// Puts `…` where a summary says how long the run took.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once(" in ") {
        Some((records, _)) if records.ends_with(" record") || records.ends_with(" records") => {
            format!("{records} in …\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

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

    /// A folder that holds `orders.jsonl`.
    fn with_orders() -> Folder {
        let folder = Folder::new();
        folder.write("orders.jsonl", ORDERS);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Returns the names below `name`, hidden ones included, sorted and parted by spaces.
    fn names(&self, name: &str) -> String {
        let entries = fs::read_dir(self.path().join(name)).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names.join(" ")
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transmog"));
        command.current_dir(self.path()).args(args.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        without_settings(&mut command);
        command
    }

    /// Runs with nothing on standard input.
    fn run(&self, args: &str) -> Done {
        finish(self.command(args))
    }

    /// Runs with `input` on standard input.
    fn pipe(&self, input: impl AsRef<[u8]>, args: &str) -> Done {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // a run that refuses its flags goes away without reading
        let _ = stdin.write_all(input.as_ref());
        drop(stdin);
        Done::from(child.wait_with_output().unwrap())
    }
}

/// Takes the settings of whoever runs the tests away.
fn without_settings(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    let ours = names.filter(|name| name.to_string_lossy().starts_with("TRANSMOG_"));
    for name in ours {
        command.env_remove(name);
    }
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
}

fn finish(mut command: Command) -> Done {
    Done::from(command.output().unwrap())
}

impl From<std::process::Output> for Done {
    fn from(output: std::process::Output) -> Done {
        Done {
            status: output.status.code().expect("an exit status, not a signal"),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// Asserts status 0; returns standard output.
    #[track_caller]
    fn stdout(self) -> String {
        assert_eq!(self.status, 0, "{}", self.stderr);
        String::from_utf8(self.stdout).unwrap()
    }

    /// Asserts the status, nothing on standard output, and all of standard error.
    #[track_caller]
    fn fails(self, status: i32, stderr: &str) {
        assert_eq!(self.stderr, stderr);
        assert_eq!((self.status, self.stdout.len()), (status, 0));
    }

    /// Asserts the status, nothing on standard output, and how standard error starts.
    #[track_caller]
    fn fails_with(self, status: i32, start: &str) {
        assert!(self.stderr.starts_with(start), "{}", self.stderr);
        assert_eq!((self.status, self.stdout.len()), (status, 0), "{}", self.stderr);
    }
}
