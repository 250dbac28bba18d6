//! Help and version.

use super::{Folder, ORDERS};

#[test]
fn help_leads_with_examples_that_work() {
    for (args, most) in
        [("--help", 9), ("convert --help", 9), ("-h", 9), ("convert -h", 9), ("config --help", 3)]
    {
        let help = Folder::new().run(args).stdout();
        let (lead, rest) = help.split_once("\nUsage: ").expect("a usage line");
        let (about, examples) = lead.split_once("\nExamples:\n").expect("examples before usage");
        assert!(!about.is_empty() && rest.contains("--help"), "{help}");
        let commands: Vec<_> = examples.lines().filter(|line| line.starts_with("    ")).collect();
        assert!((most - 3..=most).contains(&commands.len()), "{commands:?}");
        for command in commands {
            assert!(command.len() <= 80, "wraps on a terminal: {command}");
            run_in_shell(command.trim());
        }
    }
}

/// Runs an example as pasted, in a folder of its own.
fn run_in_shell(command: &str) {
    if !cfg!(unix) {
        return;
    }
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("fixtures")).unwrap();
    folder.write("fixtures/orders.jsonl", ORDERS);
    folder.write("fixtures/people.csv", include_str!("../../fixtures/people.csv"));
    folder.write("fixtures/transmog.toml", include_str!("../../fixtures/transmog.toml"));
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_transmog"));
    let mut folders = vec![binary.parent().unwrap().to_path_buf()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .env("PATH", std::env::join_paths(folders).unwrap())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {stderr}");
    let has_files = folder.names(".") != "fixtures";
    assert_ne!(has_files, !output.stdout.is_empty(), "{command}");
}

#[test]
fn version_is_that_of_the_package() {
    let expected = concat!("transmog ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(Folder::new().run("-V").stdout(), expected);
    let long = Folder::new().run("--version").stdout();
    let more = long.strip_prefix(expected).expect("the same line first");
    let features = if cfg!(feature = "cloud") { "cli, cloud" } else { "cli" };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    assert!(more.starts_with(&format!("features: {features}\nbuilt for: {os} {arch}")), "{more}");
    assert!(more.ends_with("\nlicence: MIT OR Apache-2.0\n"), "{more}");
}

#[test]
fn no_command_shows_help_on_stderr() {
    let done = Folder::new().run("");
    assert!(done.stderr.contains("Examples:"));
    assert_eq!((done.status, done.stdout.len()), (2, 0));
}

#[test]
fn every_flag_stands_under_a_heading_with_its_meaning() {
    let help = Folder::new().run("convert --help").stdout();
    for heading in
        ["Input:", "Flattening:", "Names:", "Types:", "Output:", "Output formats:", "Running:"]
    {
        assert!(help.contains(&format!("\n{heading}\n")), "{heading}");
    }
    assert!(!help.contains("--chunk-bytes"));
    let under_options = help.split("\nOptions:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(under_options.trim(), "-h, --help  Print help");
}
