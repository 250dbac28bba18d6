//! Stores that fail: what is tried again, what is not, and what is left behind.

use std::time::{Duration, Instant};

use crate::lab::{Lab, ORDERS, lines};
use crate::servers::credentials::{CredentialsServer, Keys};
use crate::servers::faults::{Bytes, Closing, Fault, Faults, When};
use crate::servers::s3::S3Server;

/// A table that goes in two parts, in few records.
fn large() -> String {
    lines(10, 1_000_000)
}

/// Requests that upload a part, and those that complete uploads.
fn parts() -> When {
    When::method("PUT").query("partNumber=")
}

fn completes() -> When {
    When::method("POST").query("uploadId=")
}

/// Requests that write objects at once.
fn puts() -> When {
    When::method("PUT").path("/out/")
}

/// A lab with an object and a file to read.
fn lab(faults: Faults, content: &str) -> Lab {
    let lab = Lab::new(faults);
    lab.put("in.jsonl", content);
    lab.write("in.jsonl", content);
    lab
}

fn one(fault: Fault, when: When) -> Faults {
    Faults::none().with(fault, when)
}

const READ: &str = "s3://tests/in.jsonl --to csv -o local --retry-backoff 1ms --summary json";
const WRITE: &str = "in.jsonl --to csv -o s3://tests/out/ --retry-backoff 1ms --summary json";

/// Reads and writes orders over a server that fails; returns how many requests were made again.
#[track_caller]
fn reads_and_writes(faults: Faults) -> u64 {
    let lab = lab(faults, ORDERS);
    let args = "s3://tests/in.jsonl --to csv -o s3://tests/out/ --retry-backoff 1ms --summary json";
    let summary = lab.convert(args).succeeds().summary();
    assert_eq!(lab.keys(), "in.jsonl out/in.csv out/in_items.csv");
    assert_eq!(lab.get("out/in.csv"), "_tm_id,id\n1,1\n2,2\n");
    summary["retries"].as_u64().unwrap()
}

/// Writes a table in parts over a server that fails.
#[track_caller]
fn writes_large(faults: Faults, more: &str) -> (Lab, u64) {
    let lab = lab(faults, &large());
    let summary = lab.convert(&format!("{WRITE} {more}")).succeeds().summary();
    lab.convert("in.jsonl --to csv -o local").succeeds();
    assert!(lab.get("out/in.csv").as_bytes() == lab.read("local/in.csv"), "they differ");
    (lab, summary["retries"].as_u64().unwrap())
}

#[test]
fn a_server_that_is_busy_now_and_then_costs_nothing_but_time() {
    let mut retries = 0;
    for seed in 0..20 {
        let busy = Faults::seeded(seed).with(Fault::Status(503), When::always().chance(0.2));
        retries += reads_and_writes(busy);
    }
    assert!(retries >= 20, "{retries}");
    for seed in 0..2 {
        let busy = Faults::seeded(seed).with(Fault::Status(503), When::always().chance(0.2));
        writes_large(busy, "");
    }
}

#[test]
fn statuses_that_pass_are_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let twice = one(Fault::Status(status), When::always().at_most(2));
        assert_eq!(reads_and_writes(twice), 2, "{status}");
    }
}

#[test]
fn answers_that_break_off_are_asked_for_again() {
    for closing in [Closing::Orderly, Closing::Reset] {
        // listings, looks, and what is written
        let cut = Fault::CutAnswer(Bytes::At(40), closing);
        let lists = one(cut, When::method("GET").query("list-type").at_most(2));
        let lab = lab(lists, ORDERS);
        let run = lab.convert("s3://tests/* --to csv -o local --retry-backoff 1ms --summary json");
        assert_eq!(run.succeeds().summary()["retries"], 2);
        let begins = When::method("POST").query("uploads").at_most(1);
        // nobody learns the id of that upload
        let lost = one(Fault::CutAnswer(Bytes::At(20), closing), begins);
        let lab = self::lab(lost, &large());
        let done = lab.convert(WRITE).run();
        assert_eq!((done.status, lab.server.open_uploads()), (0, 1), "{}", done.stderr);
    }
}

#[test]
fn uploads_that_fail_while_they_are_completed_are_completed_again() {
    let (_, retries) = writes_large(one(Fault::ErrorWithOk, completes().at_most(2)), "");
    assert_eq!(retries, 2);
    let lab = lab(one(Fault::ErrorWithOk, completes()), &large());
    let run = lab.convert(WRITE).arg("--max-retries").arg("1");
    run.fails(1, &["error: s3://tests/out/in.csv: writing it failed: ", "InternalError"]);
    assert_eq!(lab.count("POST", "uploadId="), 2);
}

#[test]
fn what_was_written_counts_although_the_answer_is_lost() {
    let cut = || Fault::CutAnswer(Bytes::At(0), Closing::Reset);
    for lost in [Fault::LoseAnswer, cut()] {
        let retries = reads_and_writes(one(lost.clone(), puts().at_most(1)));
        assert_eq!(retries, u64::from(matches!(lost, Fault::LoseAnswer)));
        let (_, retries) = writes_large(one(lost, completes().at_most(1)), "");
        assert_eq!(retries, 1);
    }
    // and where nobody tries again
    let args = "in.jsonl --to csv -o s3://tests/out/ --max-retries 0";
    for (content, when) in [(ORDERS.to_owned(), puts()), (large(), completes())] {
        let lab = lab(one(Fault::LoseAnswer, when), &content);
        lab.convert(args).succeeds();
        assert!(lab.keys().starts_with("in.jsonl out/in.csv"), "{}", lab.keys());
    }
}

#[test]
fn an_object_of_somebody_else_is_not_taken_for_ours() {
    // the answer to the first try is lost, and so is what it did
    let ours = lab(Faults::none(), ORDERS);
    ours.convert(WRITE).succeeds();
    let theirs = "x".repeat(ours.get("out/in.csv").len());
    let busy = one(Fault::Status(503), puts().path("/out/in.csv").at_most(1));
    let lab = lab(busy, ORDERS);
    let args = "in.jsonl --to csv -o s3://tests/out/ --retry-backoff 500ms";
    let mut run = lab.convert(args).start();
    run.until(|| lab.server.requests().iter().any(|one| one.status == Some(503)));
    lab.put("out/in.csv", &theirs);
    let done = run.wait();
    done.failed(2, &["error: s3://tests/out/in.csv: exists"]);
    assert_eq!(lab.keys(), "in.jsonl out/in.csv");
    assert_eq!(lab.get("out/in.csv"), theirs);
    lab.is_tidy();
}

#[test]
fn uploads_that_break_off_are_sent_again() {
    for seed in 0..2 {
        let cut = Fault::CutUpload(Bytes::Below(1_000_000));
        let (_, retries) = writes_large(Faults::seeded(seed).with(cut, parts().at_most(3)), "");
        assert_eq!(retries, 3);
    }
    let cut = Fault::CutUpload(Bytes::Below(10));
    assert_eq!(reads_and_writes(Faults::seeded(1).with(cut, puts().at_most(2))), 2);
    let lab = lab(one(Fault::CutUpload(Bytes::At(1000)), parts()), &large());
    let run = lab.convert(WRITE).arg("--max-retries").arg("1");
    run.fails(1, &["error: s3://tests/out/in.csv: uploading it failed", "hint: try again later"]);
}

#[test]
fn a_part_that_is_never_answered_is_sent_again() {
    let (_, retries) = writes_large(one(Fault::Stall, parts().at_most(1)), "--request-timeout 3s");
    assert_eq!(retries, 1);
}

#[test]
fn waiting_for_answers_has_an_end() {
    let limits = "--request-timeout 500ms --max-retries 1";
    let end = |args: &str, when: When, messages: &[&str]| {
        let lab = lab(one(Fault::Stall, when), &large());
        let start = Instant::now();
        lab.convert(&format!("{args} {limits}")).fails(1, messages);
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        assert!(!lab.has("local"));
    };
    let late = ["failed: no answer within 500ms", "hint: try again later; `--max-retries` and"];
    end(WRITE, parts(), &[&["error: s3://tests/out/in.csv: uploading it"][..], &late].concat());
    end(WRITE, When::method("HEAD"), &late);
    end(WRITE, When::method("POST").query("uploads"), &late);
    end(READ, When::method("HEAD"), &late);
    end(
        READ,
        When::method("GET"),
        &[&["error: s3://tests/in.jsonl: reading it"][..], &late].concat(),
    );
}

#[test]
fn a_server_that_stays_busy_ends_the_run() {
    let busy = lab(one(Fault::Status(503), When::always()), ORDERS);
    let message = "failed: the server answered 503";
    busy.convert(&format!("{READ} --max-retries 2")).fails(1, &[message, "hint: try again later"]);
    assert_eq!(busy.server.requests().len(), 3);
    busy.convert("in.jsonl --to csv -o s3://tests/out/ --max-retries 0").fails(1, &[message]);
    assert_eq!(busy.server.requests().len(), 4);
    // reads may be given more
    busy.convert(
        &format!("{READ} --max-retries 0 --source-max-retries 1")
            .replace("--retry", "--source-retry"),
    )
    .fails(1, &[message]);
    assert_eq!(busy.server.requests().len(), 6);
    let writes = lab(one(Fault::Status(503), puts()), ORDERS);
    writes.convert(&format!("{WRITE} --max-retries 2")).fails(1, &["503 SlowDown"]);
    assert!(!busy.has("local"));
}

#[test]
fn summaries_in_files_count_tries_too() {
    let lab = lab(one(Fault::Status(503), When::always().at_most(2)), ORDERS);
    lab.convert(&READ.replace("--summary json", "--summary json=s.json")).succeeds();
    let summary: serde_json::Value = serde_json::from_slice(&lab.read("s.json")).unwrap();
    assert_eq!(summary["retries"], 2);
}

#[test]
fn waits_between_tries_get_longer() {
    let lab = lab(one(Fault::Status(503), When::always()), ORDERS);
    let run = lab.convert("s3://tests/in.jsonl --to csv -o local");
    let run = run.arg("--retry-backoff").arg("200ms").arg("--max-retries").arg("2");
    let start = Instant::now();
    run.fails(1, &["503"]);
    let elapsed = start.elapsed().as_millis();
    assert!((600..3000).contains(&elapsed), "{elapsed}");
}

#[test]
fn statuses_that_stay_are_not_tried_again() {
    for status in [400, 401, 403, 404, 405, 409, 411, 501] {
        let lab = lab(one(Fault::Status(status), When::always()), ORDERS);
        let message = format!("failed: the server answered {status}");
        let message = if status == 404 { "there is no such object" } else { &message };
        lab.convert(READ).fails(1, &["error: s3://tests/in.jsonl: opening it", message]);
        // a look that is refused without a word is explained by a read
        assert!(lab.server.requests().len() <= 2, "{status}: {:?}", lab.server.requests());
        assert!(!lab.has("local"));

        let writes = self::lab(one(Fault::Status(status), puts()), ORDERS);
        let run = writes.convert(WRITE);
        let is_conflict = status == 409;
        let done =
            run.fails(if is_conflict { 2 } else { 1 }, &["error: s3://tests/out/in_items.csv: "]);
        assert_eq!(done.summary()["retries"], 0, "{status}");
    }
}

#[test]
fn a_region_that_is_wrong_is_named() {
    for fault in
        [Fault::PermanentRedirect("eu-west-1"), Fault::AuthorizationHeaderMalformed("eu-west-1")]
    {
        let lab = lab(one(fault, When::always()), ORDERS);
        let hint = "hint: the bucket is in `eu-west-1`: set `AWS_REGION=eu-west-1`";
        lab.convert(READ).fails(1, &["error: s3://tests/in.jsonl: opening it failed", hint]);
        lab.convert("s3://tests/* --to csv -o local").fails(1, &[hint]);
        lab.convert(WRITE).fails(1, &["error: s3://tests/out/in.csv: ", hint]);
        lab.convert(&format!("{WRITE} --force"))
            .fails(1, &["error: s3://tests/out/in.csv: ", hint]);
        assert!(lab.server.requests().len() <= 6, "{}", lab.server.requests().len());
        lab.convert(WRITE).option("region=eu-west-1").succeeds();
    }
}

#[test]
fn credentials_that_expire_end_the_run() {
    let hint = "hint: log in again";
    for status in [400, 403] {
        let expired = || Fault::ExpiredToken(status);
        // from the start, when the first bytes are read, when the tables are written
        let lab = lab(one(expired(), When::always()), ORDERS);
        lab.convert(READ).fails(1, &["error: s3://tests/in.jsonl: opening it", hint]);
        lab.convert(WRITE).fails(1, &["error: s3://tests/out/in.csv: ", hint]);
        let lab = self::lab(one(expired(), When::always().after(1)), ORDERS);
        let told = ["error: s3://tests/in.jsonl: reading it", "ExpiredToken", hint];
        lab.convert(READ).fails(1, &told);
        assert!(!lab.has("local"));
        let lab = self::lab(one(expired(), puts()), ORDERS);
        let told = ["error: s3://tests/out/in_items.csv: writing it", "ExpiredToken", hint];
        lab.convert(WRITE).fails(1, &told);
        let lab = self::lab(one(expired(), parts().after(1)), &large());
        let told = ["error: s3://tests/out/in.csv: uploading it", "ExpiredToken", hint];
        lab.convert(WRITE).fails(1, &told);
    }
}

/// Settings that lead to a server of credentials.
fn container<'a>(run: crate::lab::Run<'a>, issuer: &CredentialsServer) -> crate::lab::Run<'a> {
    run.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &issuer.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

#[test]
fn credentials_of_containers_are_renewed_during_the_run() {
    let keys = Keys::temporary();
    let issuer = CredentialsServer::start(&keys, Duration::from_secs(2), Faults::none());
    let late = one(Fault::Delay(Duration::from_millis(900)), parts());
    let lab = Lab::with_server(S3Server::start_with_keys(late, &keys), false);
    lab.write("in.jsonl", large());
    let args = "in.jsonl --to csv -o s3://tests/out/ --summary json";
    container(lab.convert(args), &issuer).succeeds();
    assert_eq!(lab.keys(), "out/in.csv");
    let asked = issuer.requests();
    assert!(asked.len() > 1, "{}", asked.len());
    assert_eq!(asked[0].header("authorization"), Some("Bearer container"));
}

#[test]
fn credentials_that_live_long_are_asked_for_once() {
    let keys = Keys::temporary();
    let issuer = CredentialsServer::start(&keys, Duration::from_secs(3600), Faults::none());
    let lab = Lab::with_server(S3Server::start_with_keys(Faults::none(), &keys), false);
    lab.write("in.jsonl", ORDERS);
    container(lab.convert("in.jsonl --to csv -o s3://tests/out/"), &issuer).succeeds();
    assert_eq!(issuer.requests().len(), 1);
}

#[test]
fn a_server_of_credentials_that_fails_for_a_moment_is_asked_again() {
    let keys = Keys::temporary();
    let busy = one(Fault::Status(500), When::always().at_most(2));
    let issuer = CredentialsServer::start(&keys, Duration::from_secs(3600), busy);
    let lab = Lab::with_server(S3Server::start_with_keys(Faults::none(), &keys), false);
    lab.write("in.jsonl", ORDERS);
    let args = "in.jsonl --to csv -o s3://tests/out/ --retry-backoff 1ms";
    container(lab.convert(args), &issuer).succeeds();

    let down = one(Fault::Status(500), When::always());
    let issuer = CredentialsServer::start(&keys, Duration::from_secs(3600), down);
    let args = "in.jsonl --to csv -o s3://tests/other/ --retry-backoff 1ms --max-retries 1";
    let told = ["error: s3://tests/other/in.csv: ", "finding credentials failed", "500"];
    container(lab.convert(args), &issuer).fails(1, &told);
}

#[test]
fn a_server_that_is_not_there_ends_the_run() {
    let lab = lab(Faults::none(), ORDERS);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("endpoint=http://{}", listener.local_addr().unwrap());
    drop(listener);
    for args in [READ, WRITE] {
        let run = lab.convert(args).option(&nobody).arg("--max-retries").arg("2");
        let done = run.fails(1, &["Connection refused", "hint: try again later"]);
        assert_eq!(done.summary()["retries"], 2);
    }
    let args = "s3://tests/in.jsonl --to csv -o local --max-retries 0";
    let run = lab.convert(args).option("endpoint=http://no.such.host.invalid");
    run.fails(1, &["error: s3://tests/in.jsonl: opening it failed"]);
    assert_eq!(lab.server.requests().len(), 0);
}

#[test]
fn time_limits_hold_while_a_store_does_not_answer() {
    let lab = lab(one(Fault::Stall, When::method("GET")), ORDERS);
    let start = Instant::now();
    let done = lab.convert(&format!("{READ} --timeout 1s")).run();
    assert_eq!(done.status, 1, "{}", done.stderr);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    lab.is_tidy();
}
