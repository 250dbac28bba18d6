//! Keys and tokens appear nowhere, whatever a server says.

use std::fs;
use std::path::Path;

use crate::lab::{Lab, ORDERS, lines};
use crate::servers::credentials::{ACCESS_KEY, SECRET_KEY};
use crate::servers::faults::{Fault, Faults, When};
use crate::{Done, Folder};

const KEY: &str = "AKIAQ7Z3XW9VJ2TELLNOONE";
const SECRET: &str = "wJq8Zr4/Kx1mTn7+Yv2pLb9Hs6Dc3Gf0Ae5Ui8Ow";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEPz//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==";

/// How much of a secret is as good as all of it.
const SLICE_BYTES: usize = 12;

#[track_caller]
fn is_silent(text: &[u8], place: &str) {
    for secret in [KEY, SECRET, TOKEN] {
        is_silent_about(secret, text, place);
    }
}

#[track_caller]
fn is_silent_about(secret: &str, text: &[u8], place: &str) {
    for slice in secret.as_bytes().windows(SLICE_BYTES) {
        let told = text.windows(SLICE_BYTES).any(|part| part == slice);
        assert!(!told, "{place} tells {}", String::from_utf8_lossy(slice));
    }
}

#[track_caller]
fn files_are_silent(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files_are_silent(&entry.path()),
            false => is_silent(&fs::read(entry.path()).unwrap(), &entry.path().to_string_lossy()),
        }
    }
}

#[track_caller]
fn tells_nothing(done: &Done) {
    is_silent(&done.stdout, "standard output");
    is_silent(done.stderr.as_bytes(), "standard error");
}

#[test]
fn a_server_that_echoes_secrets_is_not_quoted() {
    let read = "s3://tests/in.jsonl --to csv -o local";
    let list = "s3://tests/* --to csv -o local";
    let write = "in.jsonl --to csv -o s3://tests/out/";
    let logs = [
        "",
        "--summary json",
        "--summary json=summary.json",
        "--summary github",
        "--log-format json",
        "--log-format text",
        "--metrics metrics.prom",
        "--fail-fast=false",
    ];
    for (args, log) in [read, list, write].into_iter().flat_map(|args| logs.map(|log| (args, log)))
    {
        let lab = Lab::new(Faults::none().with(Fault::EchoSecrets, When::always()));
        lab.write("in.jsonl", ORDERS);
        let done = lab
            .convert(&format!("{args} {log}"))
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", TOKEN)
            .run();
        assert_eq!(done.status, 1, "{args} {log}: {}", done.stderr);
        assert!(done.stderr.contains("403"), "{args} {log}: {}", done.stderr);
        let sent = lab.server.requests().pop().unwrap();
        assert!(sent.header("authorization").unwrap().contains(KEY));
        assert_eq!(sent.header("x-amz-security-token"), Some(TOKEN));
        tells_nothing(&done);
        files_are_silent(lab.folder.path());
        lab.is_tidy();
    }
}

#[test]
fn a_server_that_echoes_secrets_late_is_not_quoted() {
    // when a part is uploaded, and when a table is written
    for content in [format!("{ORDERS}{{broken\n"), lines(9, 1_000_000)] {
        let lab = Lab::new(Faults::none().with(Fault::EchoSecrets, When::method("PUT")));
        lab.write("in.jsonl", content);
        for more in ["", "--rejects r.jsonl", "--summary json --metrics m", "--log-format json"] {
            let done = lab.convert(&format!("in.jsonl --to csv -o s3://tests/out/ {more}")).run();
            assert_eq!(done.status, 1, "{}", done.stderr);
            assert!(done.stderr.contains("SignatureDoesNotMatch"), "{}", done.stderr);
            for secret in [ACCESS_KEY, SECRET_KEY] {
                is_silent_about(secret, done.stderr.as_bytes(), "standard error");
                is_silent_about(secret, &done.stdout, "standard output");
            }
            lab.is_tidy();
        }
        assert!(lab.count("PUT", "") > 0);
    }
}

/// Settings whose values would be secrets, each with the name of its key.
fn secret_settings() -> Vec<String> {
    let keys = [
        "secret_access_key",
        "access_key_id",
        "aws_secret_access_key",
        "AWS_SESSION_TOKEN",
        "token",
        "account_key",
        "azure_storage_sas_token",
        "client_secret",
        "google_service_account_key",
        "no_such_key",
    ];
    keys.map(|key| format!("{key}={SECRET}")).into()
}

#[test]
fn settings_that_are_secrets_are_refused_and_not_echoed() {
    let lab = Lab::new(Faults::none());
    lab.write("in.jsonl", ORDERS);
    for setting in secret_settings() {
        let key = setting.split('=').next().unwrap().to_ascii_lowercase();
        let refused = |done: Done| {
            assert_eq!(done.status, 2, "{setting}: {}", done.stderr);
            assert!(done.stderr.contains(&key), "{setting}: {}", done.stderr);
            tells_nothing(&done);
        };
        refused(lab.bare("in.jsonl --to csv -o out").option(&setting).run());
        let variable = lab.bare("in.jsonl --to csv -o out");
        refused(variable.env("TRANSMOG_STORE_OPTION", &setting).run());
        lab.write("t.toml", format!("store_option = [\"{setting}\"]\n"));
        refused(lab.bare("in.jsonl --to csv -o out --config t.toml").run());
        fs::remove_file(lab.folder.path().join("t.toml")).unwrap();
    }
    for setting in [format!("endpoint=https://me:{SECRET}@minio"), SECRET.to_owned()] {
        let done = lab.convert("in.jsonl --to csv -o out").option(&setting).run();
        assert_eq!(done.status, 2, "{}", done.stderr);
        tells_nothing(&done);
    }
    let url = format!("s3://{KEY}:{SECRET}@tests/a.jsonl");
    let done = lab.convert("--to csv -o out").arg(&url).run();
    assert_eq!(done.status, 2, "{}", done.stderr);
    tells_nothing(&done);
    assert!(!lab.has("out"));
}

#[test]
fn settings_that_are_secrets_are_not_shown_by_config() {
    let folder = Folder::new();
    for setting in secret_settings() {
        fs::write(folder.path().join("t.toml"), format!("store_option = [\"{setting}\"]\n"))
            .unwrap();
        for args in
            [&["config"][..], &["config", "--check", "t.toml"], &["config", "--config", "t.toml"]]
        {
            for variables in [&[("TRANSMOG_STORE_OPTION", setting.as_str())][..], &[]] {
                let done = folder.run(args, variables);
                tells_nothing(&done);
                let is_given = args.len() > 1 || !variables.is_empty();
                assert_eq!(done.status == 2, is_given, "{args:?}: {}", done.stderr);
            }
        }
    }
    let keys = [("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)];
    tells_nothing(&folder.run(&["config"], &keys));
}
