//! Signals end a run in order and leave nothing behind.
#![cfg(unix)]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Done, Folder};

/// Starts a run that waits for more input, and waits until it has made its temporary file.
fn started(folder: &Folder) -> (Child, std::process::ChildStdin) {
    let command = &mut with_default_signals(folder);
    command.args(["convert", "-", "--to", "csv", "-o", "out"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"a\":1}\n{\"a\"").unwrap();
    stdin.flush().unwrap();
    let start = Instant::now();
    // a new directory waits beside its place
    while !folder.names(".").starts_with(".transmog-")
        || folder.names(&folder.names(".")).is_empty()
    {
        assert!(start.elapsed() < Duration::from_secs(20), "no temporary file");
        thread::sleep(Duration::from_millis(10));
    }
    (child, stdin)
}

/// Runs the binary as if from a terminal: whoever runs the tests may ignore signals, as `nohup` and
/// background jobs do, and that is inherited.
fn with_default_signals(folder: &Folder) -> Command {
    let binary = env!("CARGO_BIN_EXE_transmog");
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=INT,HUP,TERM,XCPU", binary]);
        command
    } else {
        Command::new(binary)
    };
    command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn kill(child: &Child, signal: &str) {
    let done = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

#[track_caller]
fn check(signal: &str, status: i32) {
    let folder = Folder::new();
    let (child, stdin) = started(&folder);
    assert!(!folder.path().join("out").exists());
    kill(&child, signal);
    let done = Done::from(child.wait_with_output().unwrap());
    drop(stdin);
    done.fails_with(status, "error: interrupted by signal ");
    assert_eq!(folder.names("."), "");
}

#[test]
fn terminate_ends_with_143() {
    check("-TERM", 143);
}

#[test]
fn interrupt_ends_with_130() {
    check("-INT", 130);
}

#[test]
fn hang_up_ends_with_129() {
    check("-HUP", 129);
}

#[test]
fn a_limit_on_processor_time_ends_with_152() {
    check("-XCPU", 152);
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    let folder = Folder::with_orders();
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let run = format!(
        "trap '' HUP; exec {} convert - --to csv --arrays inline -q",
        env!("CARGO_BIN_EXE_transmog")
    );
    let mut child = command.args(["-c", &run]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"a\":1}\n").unwrap();
    thread::sleep(Duration::from_millis(300));
    kill(&child, "-HUP");
    thread::sleep(Duration::from_millis(300));
    drop(stdin);
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!((done.status, done.stdout().as_str()), (0, "_tm_id,a\n1,1\n"));
}
