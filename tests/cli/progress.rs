//! Progress and colour on standard error.

use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::{Done, Folder};

/// Runs on a pipe that gives a record, and nothing more for a while; returns standard error.
fn slow(folder: &Folder, args: &str, wait: Duration) -> String {
    let mut child = folder.command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"a\":1}\n").unwrap();
    stdin.flush().unwrap();
    thread::sleep(wait);
    drop(stdin);
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.status, 0, "{}", done.stderr);
    done.stderr
}

const LONG: Duration = Duration::from_millis(1_500);

#[test]
fn a_bar_is_drawn_and_gone_before_the_summary() {
    let folder = Folder::new();
    let said = slow(&folder, "convert --to csv --progress always", LONG);
    let (drawn, summary) = said.rsplit_once('\r').expect("a bar");
    assert!(drawn.starts_with("8 B, ") && drawn.contains(" records, "), "{said:?}");
    assert!(!drawn.contains(['\n', '\x1b']), "{said:?}");
    assert!(drawn.rsplit('\r').next().is_some_and(|last| last.trim().is_empty()), "{said:?}");
    assert!(summary.starts_with("table "), "{said:?}");
    let quiet = slow(&folder, "convert --to csv --progress always -q", LONG);
    assert!(quiet.ends_with('\r'), "{quiet:?}");
}

#[test]
fn where_nobody_looks_there_is_no_bar() {
    let folder = Folder::new();
    for flags in ["", "--progress auto", "--progress never", "--progress plain"] {
        let said = slow(&folder, &format!("convert --to csv {flags}"), LONG);
        assert!(said.starts_with("table ") && !said.contains('\r'), "{flags}: {said:?}");
    }
    let short = Folder::with_orders().run("convert orders.jsonl --to csv --progress always");
    assert!(short.stderr.starts_with("table "), "half a second is not over: {:?}", short.stderr);
}

#[test]
fn a_setting_draws_it_too() {
    let folder = Folder::new();
    folder.write("t.toml", "progress = \"always\"\n");
    let said = slow(&folder, "convert --to csv --config t.toml", LONG);
    assert!(said.contains('\r'), "{said:?}");
    let settings = folder.run("config --config t.toml").stdout();
    assert!(settings.contains("  progress  "), "{settings}");
    assert!(settings.contains("  t.toml:1  "), "{settings}");
}

#[test]
fn progress_does_not_go_between_the_lines_of_a_log() {
    let folder = Folder::with_orders();
    for name in ["always", "plain"] {
        let args = format!("convert orders.jsonl --to csv --log-format text --progress {name}");
        folder.run(&args).fails(
            2,
            &format!(
                "error: `--log-format` and `--progress {name}` exclude each other\n\
                 hint: the log says what happens: leave `--progress` out\n"
            ),
        );
    }
    let args = "convert orders.jsonl --to csv --log-format json --progress never";
    assert_eq!(folder.run(args).status, 0);
}

#[cfg(unix)]
#[test]
fn a_signal_takes_the_bar_away() {
    let folder = Folder::new();
    let mut command = folder.command("convert --to csv --progress always");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"a\":1}\n").unwrap();
    stdin.flush().unwrap();
    thread::sleep(LONG);
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let done = Done::from(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(done.status, 143, "{}", done.stderr);
    let (drawn, error) = done.stderr.rsplit_once('\r').expect("a bar");
    assert!(drawn.starts_with("8 B, "), "{drawn:?}");
    assert_eq!(error, "error: interrupted by signal 15, nothing was written\n");
}

/// Runs with variables; returns whether standard error has colour.
#[track_caller]
fn check_color(args: &str, variables: &[(&str, &str)], expected: bool) {
    let folder = Folder::with_orders();
    folder.write("color.toml", "color = \"always\"\n");
    folder.write("bad.jsonl", "{\"a\":1}\n{\n");
    let mut command = folder.command(args);
    let done = Done::from(command.envs(variables.iter().copied()).output().unwrap());
    assert!(!done.stderr.is_empty());
    assert_eq!(done.stderr.contains('\x1b'), expected, "{args} {variables:?}: {}", done.stderr);
}

#[test]
fn colors_are_as_flags_and_variables_say() {
    let convert = "convert orders.jsonl --to csv -o out";
    check_color(convert, &[], false);
    check_color(convert, &[("CLICOLOR_FORCE", "1")], true);
    check_color(convert, &[("CLICOLOR_FORCE", "0")], false);
    check_color(convert, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
    check_color(convert, &[("CLICOLOR", "1")], false);
    check_color(convert, &[("TRANSMOG_COLOR", "always"), ("NO_COLOR", "1")], true);
    check_color(&format!("{convert} --config color.toml"), &[], true);
    check_color(&format!("{convert} --config color.toml --color never"), &[], false);
    check_color(&format!("{convert} --color always"), &[("NO_COLOR", "1")], true);
    check_color(&format!("{convert} --color=auto"), &[("TRANSMOG_COLOR", "always")], false);
    check_color(&format!("--color never {convert}"), &[("CLICOLOR_FORCE", "1")], false);
}

#[test]
fn errors_of_every_command_have_colors() {
    for args in ["convert x.jsonl", "convert --no", "config --no", "formats --no", "completions x"]
    {
        check_color(&format!("{args} --color always"), &[], true);
        check_color(args, &[], false);
    }
    let red = "\x1b[1m\x1b[31merror:\x1b[0m x.jsonl: ";
    let done = Folder::new().run("convert x.jsonl --to csv --color always");
    assert!(done.stderr.starts_with(red), "{:?}", done.stderr);
}

#[test]
fn a_summary_in_colors_says_the_same() {
    let folder = Folder::new();
    folder.write("bad.jsonl", "{\"a\":1,\"b\":{}}\n{\n");
    let run = |color: &str| {
        let args = format!("convert bad.jsonl --to csv -o {color} --rejects r --force");
        folder.run(&format!("{args} --color {color}")).stderr
    };
    let (painted, plain) = (run("always"), run("never").replace("never", "always"));
    for label in ["warning:", "note:", "hint:"] {
        assert!(painted.contains(&format!("m{label}\x1b[0m ")), "{label}: {painted:?}");
    }
    let bare: String = painted.split('\x1b').enumerate().fold(String::new(), |bare, (at, text)| {
        bare + if at == 0 { text } else { text.split_once('m').unwrap().1 }
    });
    assert_eq!(super::without_times(&bare), super::without_times(&plain));
}

#[test]
fn help_has_colors_where_they_are_asked_for() {
    let folder = Folder::new();
    for args in ["--help", "convert --help", "-h"] {
        let painted = folder.run(&format!("{args} --color always")).stdout();
        assert!(painted.contains('\x1b'), "{args}");
        assert!(!folder.run(args).stdout().contains('\x1b'), "{args}");
    }
    let done = Done::from(folder.command("").env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(done.stderr.contains("Examples:") && done.stderr.contains('\x1b'), "{}", done.stderr);
}
