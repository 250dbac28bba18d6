//! Who asks: profiles of Amazon's tools, and what happens where there is nothing.

use std::time::{Duration, Instant};

use crate::lab::{Lab, ORDERS, Run};
use crate::servers::credentials::{ACCESS_KEY, SECRET_KEY};
use crate::servers::faults::Faults;
use crate::servers::s3::S3Server;

/// A lab whose runs have nothing but what their home holds.
fn lab(credentials: &str, config: &str) -> Lab {
    let lab = Lab::with_server(S3Server::start(Faults::none()), false);
    lab.write("in.jsonl", ORDERS);
    let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    for (name, content) in [("credentials", credentials), ("config", config)] {
        if !content.is_empty() {
            lab.write(&format!(".aws/{name}"), content.replace("KEYS", &keys));
        }
    }
    lab
}

fn write(lab: &Lab) -> Run<'_> {
    lab.convert("in.jsonl --to csv -o s3://tests/out/ --max-retries 0")
}

const NOT_OURS: &str =
    "aws_access_key_id = AKIAOTHER00000000000\naws_secret_access_key = notthisone\n";

#[test]
fn keys_come_from_the_files_of_amazons_tools() {
    let default = lab("[default]\nKEYS\n", "");
    write(&default).succeeds();
    let config = lab("", "[default]\nKEYS\n");
    write(&config).succeeds();
    let named = lab(&format!("[default]\n{NOT_OURS}[ours]\nKEYS\n"), "");
    write(&named).env("AWS_PROFILE", "ours").succeeds();
    let option = lab(&format!("[default]\n{NOT_OURS}[ours]\nKEYS\n"), "");
    write(&option).option("profile=ours").env("AWS_PROFILE", "default").succeeds();
    let elsewhere = lab("", "");
    elsewhere.write(
        "keys",
        format!("[default]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n"),
    );
    let path = elsewhere.folder.path().join("keys");
    write(&elsewhere).env("AWS_SHARED_CREDENTIALS_FILE", &path.to_string_lossy()).succeeds();
}

#[test]
fn a_profile_that_is_named_for_the_run_goes_before_keys_in_the_environment() {
    let lab = lab("[ours]\nKEYS\n", "");
    let run = write(&lab).env("AWS_ACCESS_KEY_ID", "AKIAOTHER00000000000");
    let run = run.env("AWS_SECRET_ACCESS_KEY", "notthisone");
    run.clone().option("profile=ours").succeeds();
    // otherwise they go before profiles, as everywhere
    let told = ["InvalidAccessKeyId", "hint: check the credentials: `AWS_PROFILE`"];
    run.arg("--force").env("AWS_PROFILE", "ours").fails(1, &told);
}

#[test]
fn a_process_gives_keys() {
    let json = format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{ACCESS_KEY}\",\"SecretAccessKey\":\"{SECRET_KEY}\"}}"
    );
    let lab = lab("", "");
    lab.write("keys.json", json);
    let keys = lab.folder.path().join("keys.json");
    lab.write(
        ".aws/config",
        format!("[profile tool]\ncredential_process = cat {}\n", keys.display()),
    );
    write(&lab).env("AWS_PROFILE", "tool").succeeds();
    write(&lab).arg("--force").option("profile=tool").succeeds();
    lab.write(".aws/config", "[profile tool]\ncredential_process = false\n");
    let told = ["finding credentials failed: `credential_process` ended with status 1"];
    write(&lab).arg("--force").option("profile=tool").fails(1, &told);
}

/// The region that requests were signed for.
#[track_caller]
fn region_of(lab: &Lab, run: &Run<'_>) -> String {
    run.succeeds();
    let requests = lab.server.requests();
    let signed = requests.last().unwrap().header("authorization").unwrap().to_owned();
    signed.split('/').nth(2).unwrap().to_owned()
}

#[test]
fn a_region_comes_from_the_profile() {
    let config = "[default]\nregion = eu-west-1\n[profile far]\nregion = ap-south-1\n";
    let lab = lab("[default]\nKEYS\n[far]\nKEYS\n", config);
    // without the option that all others have
    let run = |more: &str| {
        write(&lab).without("region=us-east-1").arg("--force").arg("--summary").arg(more)
    };
    assert_eq!(region_of(&lab, &run("none")), "eu-west-1");
    assert_eq!(region_of(&lab, &run("none").env("AWS_PROFILE", "far")), "ap-south-1");
    assert_eq!(region_of(&lab, &run("none").option("profile=far")), "ap-south-1");
    let variable = run("none").env("AWS_REGION", "eu-north-1").env("AWS_PROFILE", "far");
    assert_eq!(region_of(&lab, &variable), "eu-north-1");
    let option = run("none").env("AWS_REGION", "eu-north-1").option("region=sa-east-1");
    assert_eq!(region_of(&lab, &option), "sa-east-1");
}

#[test]
fn nothing_at_all_is_told_soon() {
    let lab = lab("", "");
    let start = Instant::now();
    let run = lab.convert("in.jsonl --to csv -o s3://tests/out/");
    let told = [
        "finding credentials failed: there are none",
        "hint: check the credentials: `AWS_PROFILE`",
    ];
    run.fails(1, &told);
    lab.convert("s3://tests/in.jsonl --to csv -o out").fails(1, &told);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(lab.server.requests().len(), 0);
    // an instance whose service does not answer
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let start = Instant::now();
    run.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address).fails(1, &told);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn public_data_needs_no_keys() {
    let lab = lab("", "");
    let done =
        lab.convert("s3://tests/in.jsonl --to csv -o out").option("skip_signature=true").run();
    // our server wants a signature
    done.failed(1, &["403"]);
    assert_eq!(lab.server.requests()[0].header("authorization"), None);
}
