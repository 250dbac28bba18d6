//! Whether what is said to go wrong does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use object_store::ObjectStoreExt;
use object_store::multipart::MultipartStore;
use object_store::path::Path;

use crate::s3_server::{LETTERS, body, bucket, builder, statuses, store};
use crate::servers::client::{Answer, Call, Ending};
use crate::servers::credentials::{ACCESS_KEY, CredentialsServer, Keys, SECRET_KEY};
use crate::servers::faults::{Bytes, Closing, Fault, Faults, When};
use crate::servers::http::{HttpServer, Length, Page};
use crate::servers::s3::S3Server;

/// Asks `count` times for the letters.
fn ask(faults: Faults, count: usize) -> Vec<Answer> {
    let server = HttpServer::start([("/a", Page::of(LETTERS))], faults);
    (0..count).map(|_| Call::get(&server.url("/a")).send()).collect()
}

fn codes(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

#[test]
fn faults_strike_in_their_turn() {
    let busy = |when| Faults::none().with(Fault::Status(503), when);
    let answers = ask(busy(When::always().after(1).at_most(2)), 4);
    assert_eq!(codes(&answers), [200, 503, 503, 200]);
    assert!(answers[1].text().contains("<Code>SlowDown</Code>"));
    assert_eq!(codes(&ask(busy(When::method("PUT")), 1)), [200]);
    assert_eq!(codes(&ask(busy(When::always().path("/b")), 1)), [200]);
    assert_eq!(codes(&ask(busy(When::always().query("x")), 1)), [200]);

    let both = Faults::none()
        .with(Fault::Status(429), When::always().at_most(1))
        .with(Fault::Status(500), When::always().at_most(1));
    assert_eq!(codes(&ask(both, 3)), [429, 500, 200]);
}

#[test]
fn a_seed_decides() {
    let faults = |seed| Faults::seeded(seed).with(Fault::Status(503), When::always().chance(0.5));
    let first = codes(&ask(faults(1), 40));
    assert_eq!(first, codes(&ask(faults(1), 40)));
    assert_ne!(first, codes(&ask(faults(2), 40)));
    let struck = first.iter().filter(|status| **status == 503).count();
    assert!((10..=30).contains(&struck), "{struck}");
}

#[test]
fn answers_are_cut_at_the_byte() {
    let cut = |bytes, closing| {
        let faults = Faults::seeded(3).with(Fault::CutAnswer(bytes, closing), When::always());
        ask(faults, 3)
    };
    let seen = |answers: &[Answer]| {
        let seen = answers.iter().map(|answer| (answer.status, answer.body.len(), answer.ending));
        seen.collect::<Vec<_>>()
    };
    let each = cut(Bytes::Each(&[0, 25, 26]), Closing::Orderly);
    assert_eq!(
        seen(&each),
        [(200, 0, Ending::Closed), (200, 25, Ending::Closed), (200, 26, Ending::Whole)]
    );
    assert_eq!(seen(&cut(Bytes::At(5), Closing::Orderly))[2], (200, 5, Ending::Closed));
    for answer in cut(Bytes::At(5), Closing::Reset) {
        assert_eq!(answer.ending, Ending::Reset);
    }
    let random = seen(&cut(Bytes::Below(26), Closing::Orderly));
    assert_eq!(random, seen(&cut(Bytes::Below(26), Closing::Orderly)));
    assert!(random.iter().all(|(_, length, ending)| *length < 26 && *ending == Ending::Closed));
    assert!(random[0].1 != random[1].1 || random[1].1 != random[2].1, "{random:?}");

    // a body that is larger than what sockets hold, without a length
    let large = Page { length: Length::Chunked, ..Page::of(vec![7; 20_000_000]) };
    let fault = Fault::CutAnswer(Bytes::At(19_999_999), Closing::Orderly);
    let server = HttpServer::start([("/a", large)], Faults::none().with(fault, When::always()));
    let answer = Call::get(&server.url("/a")).send();
    assert_eq!((answer.body.len(), answer.ending), (19_999_999, Ending::Closed));
}

#[test]
fn uploads_are_cut_and_answers_lost() {
    let put = |server: &S3Server| {
        let url = format!("{}/tests/a", server.endpoint());
        let body = vec![7; 1_000_000];
        Call { method: "PUT", body: &body, ..Call::get(&url) }.send()
    };
    let cut = |bytes| Faults::none().with(Fault::CutUpload(Bytes::At(bytes)), When::always());
    let server = bucket(cut(1000));
    assert_eq!(put(&server).status, 0);
    assert_eq!(statuses(&server), [None]);
    assert_eq!(put(&bucket(cut(1_000_000))).status, 403);
}

#[test]
fn uploads_that_clients_break_off_are_not_carried_out() {
    let server = HttpServer::start([("/a", Page::of(LETTERS))], Faults::none());
    let url = server.url("/a");
    let host = url.strip_prefix("http://").and_then(|url| url.strip_suffix("/a")).unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(server.requests()[0].status, None);
}

#[tokio::test]
async fn what_was_done_stays_done_where_the_answer_is_lost() {
    let lost = When::method("PUT").at_most(1);
    let server = bucket(Faults::none().with(Fault::LoseAnswer, lost));
    store(&server, 0).put(&Path::from("a"), body("1")).await.unwrap_err();
    assert_eq!(server.get("tests", "a").unwrap(), b"1");

    let lost = Fault::CutAnswer(Bytes::At(0), Closing::Orderly);
    let server = bucket(Faults::none().with(lost, When::method("POST").query("uploadId=")));
    let (store, path) = (store(&server, 0), Path::from("a"));
    let id = store.create_multipart(&path).await.unwrap();
    let part = store.put_part(&path, &id, 0, body("1")).await.unwrap();
    store.complete_multipart(&path, &id, vec![part]).await.unwrap_err();
    assert_eq!(server.order_of_completion(), ["a"]);
    assert_eq!(server.open_uploads(), 0);
}

#[tokio::test]
async fn clients_that_try_again_get_through() {
    let faults = Faults::none()
        .with(Fault::Status(503), When::always().at_most(1))
        .with(Fault::Status(500), When::always().at_most(1))
        .with(Fault::CutAnswer(Bytes::At(5), Closing::Orderly), When::method("GET").at_most(1));
    let server = bucket(faults);
    let (store, path) = (store(&server, 3), Path::from("a"));
    store.put(&path, body(LETTERS)).await.unwrap();
    assert_eq!(statuses(&server), [Some(503), Some(500), Some(200)]);
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), LETTERS);
    let last = server.requests().pop().unwrap();
    assert_eq!(last.range(), Some("bytes=5-25"));
}

#[tokio::test]
async fn one_part_is_never_answered() {
    let stall = When::method("PUT").query("partNumber=").after(1).at_most(1);
    let server = bucket(Faults::none().with(Fault::Stall, stall));
    let (store, path) = (store(&server, 0), Path::from("a"));
    let id = store.create_multipart(&path).await.unwrap();
    store.put_part(&path, &id, 0, body("1")).await.unwrap();
    let part = store.put_part(&path, &id, 1, body("2"));
    let arrived = async {
        while server.requests().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        answer = part => panic!("{answer:?}"),
        () = arrived => {}
    }
    store.put_part(&path, &id, 2, body("3")).await.unwrap();
    assert_eq!(statuses(&server), [Some(200), Some(200), None, Some(200)]);
    assert_eq!(server.open_uploads(), 1);
}

#[tokio::test]
async fn an_upload_fails_under_status_200() {
    let server = bucket(
        Faults::none().with(Fault::ErrorWithOk, When::method("POST").query("uploadId=").at_most(1)),
    );
    let (store, path) = (store(&server, 1), Path::from("a"));
    let id = store.create_multipart(&path).await.unwrap();
    let part = store.put_part(&path, &id, 0, body("1")).await.unwrap();
    store.complete_multipart(&path, &id, vec![part]).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn regions_are_asked_for() {
    let error_of = async |fault| {
        let server = bucket(Faults::none().with(fault, When::always()));
        server.put("tests", "a", LETTERS);
        let keys = |builder: object_store::aws::AmazonS3Builder| {
            builder.with_access_key_id(ACCESS_KEY).with_secret_access_key(SECRET_KEY)
        };
        let right = keys(builder(&server, 0)).with_region("eu-west-1").build().unwrap();
        right.get(&Path::from("a")).await.unwrap();
        let wrong = keys(builder(&server, 0)).build().unwrap();
        wrong.get(&Path::from("a")).await.unwrap_err().to_string()
    };
    let error = error_of(Fault::AuthorizationHeaderMalformed("eu-west-1")).await;
    assert!(error.contains("<Region>eu-west-1</Region>"), "{error}");
    error_of(Fault::PermanentRedirect("eu-west-1")).await;

    let fault = Fault::PermanentRedirect("eu-west-1");
    let server = bucket(Faults::none().with(fault, When::always()));
    let answer = Call::get(&format!("{}/tests/a", server.endpoint())).send();
    assert_eq!(answer.status, 301);
    assert_eq!(answer.header("x-amz-bucket-region"), Some("eu-west-1"));
    assert_eq!(answer.header("location"), None);
}

#[tokio::test]
async fn secrets_are_echoed() {
    let server = bucket(Faults::none().with(Fault::EchoSecrets, When::always()));
    let keys = builder(&server, 0).with_access_key_id(ACCESS_KEY).with_token("the token");
    let store = keys.with_secret_access_key(SECRET_KEY).build().unwrap();
    let error = store.get(&Path::from("a")).await.unwrap_err().to_string();
    for told in ["<Token>the token<", "Signature=", "<StringToSign>AWS4-HMAC", ACCESS_KEY] {
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn tokens_expire_on_command() {
    let expired = Fault::ExpiredToken(403);
    let server = bucket(Faults::none().with(expired, When::always().after(1)));
    let (store, path) = (store(&server, 0), Path::from("a"));
    store.put(&path, body(LETTERS)).await.unwrap();
    let error = store.get(&path).await.unwrap_err().to_string();
    assert!(error.contains("<Code>ExpiredToken</Code>"), "{error}");
    assert_eq!(statuses(&server), [Some(200), Some(403)]);
}

#[tokio::test]
async fn keys_are_issued_and_expire() {
    let keys = Keys::temporary();
    let issuer = CredentialsServer::start(&keys, Duration::from_secs(3600), Faults::none());
    let server = S3Server::start_with_keys(Faults::none(), &keys);
    server.create_bucket("tests");
    let path = Path::from("a");

    let issued = || {
        let url = issuer.url();
        let answer = Call { headers: &[("authorization", "Bearer x")], ..Call::get(&url) }.send();
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
    };
    let store = |key: &serde_json::Value, token: &str| {
        builder(&server, 0)
            .with_access_key_id(key["AccessKeyId"].as_str().unwrap())
            .with_secret_access_key(key["SecretAccessKey"].as_str().unwrap())
            .with_token(token)
            .build()
            .unwrap()
    };
    let first = issued();
    assert!(first["Expiration"].as_str().unwrap().ends_with('Z'), "{first}");
    let token = first["Token"].as_str().unwrap();
    store(&first, token).put(&path, body("1")).await.unwrap();
    let error = store(&first, "another").put(&path, body("1")).await.unwrap_err().to_string();
    assert!(error.contains("InvalidToken"), "{error}");

    keys.expire_all();
    let error = store(&first, token).put(&path, body("1")).await.unwrap_err().to_string();
    assert!(error.contains("ExpiredToken"), "{error}");
    let second = issued();
    assert_ne!(first["AccessKeyId"], second["AccessKeyId"]);
    store(&second, second["Token"].as_str().unwrap()).put(&path, body("2")).await.unwrap();
    assert_eq!(issuer.requests()[0].header("authorization"), Some("Bearer x"));
}

#[test]
fn answers_are_late() {
    let start = Instant::now();
    let late = Fault::Delay(Duration::from_millis(50));
    assert_eq!(codes(&ask(Faults::none().with(late, When::always()), 2)), [200, 200]);
    assert!(start.elapsed() >= Duration::from_millis(100));
}
