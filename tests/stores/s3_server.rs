//! The S3 server itself, before anything is blamed on what talks to it.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig,
};

use crate::servers::client::Call;
use crate::servers::credentials::{ACCESS_KEY, SECRET_KEY};
use crate::servers::faults::Faults;
use crate::servers::s3::S3Server;

pub const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

/// A server with a bucket `tests`.
pub fn bucket(faults: Faults) -> S3Server {
    let server = S3Server::start(faults);
    server.create_bucket("tests");
    server
}

/// A client of bucket `tests` that tries again so many times.
pub fn store(server: &S3Server, max_retries: usize) -> AmazonS3 {
    builder(server, max_retries)
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .build()
        .unwrap()
}

pub fn builder(server: &S3Server, max_retries: usize) -> AmazonS3Builder {
    // fails where another test was first
    let _ = rustls::crypto::ring::default_provider().install_default();
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(5),
        base: 2.0,
    };
    let retry = RetryConfig { backoff, max_retries, retry_timeout: Duration::from_secs(10) };
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_bucket_name("tests")
        .with_region("us-east-1")
        .with_allow_http(true)
        .with_retry(retry)
}

pub fn body(text: &str) -> PutPayload {
    PutPayload::from(text.as_bytes().to_vec())
}

pub fn statuses(server: &S3Server) -> Vec<Option<u16>> {
    server.requests().iter().map(|request| request.status).collect()
}

#[tokio::test]
async fn objects_are_put_read_copied_and_deleted() {
    let server = bucket(Faults::none());
    let store = store(&server, 0);
    let path = Path::parse("folder/a b+ü.txt").unwrap();
    store.put(&path, body(LETTERS)).await.unwrap();
    assert_eq!(server.get("tests", "folder/a b+ü.txt").unwrap(), LETTERS.as_bytes());
    assert_eq!(store.head(&path).await.unwrap().size, 26);
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), LETTERS);
    assert_eq!(store.get_range(&path, 3..6).await.unwrap(), "def");

    store.copy(&path, &Path::from("copy")).await.unwrap();
    assert_eq!(server.list("tests"), ["copy", "folder/a b+ü.txt"]);
    assert_eq!(server.order_of_completion(), ["folder/a b+ü.txt", "copy"]);
    store.delete(&path).await.unwrap();
    assert_eq!(server.list("tests"), ["copy"]);
    let error = store.get(&path).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");

    let requests = server.requests();
    let range = requests.iter().filter_map(|request| request.range());
    assert_eq!(range.collect::<Vec<_>>(), ["bytes=3-5"]);
    assert_eq!(requests.last().unwrap().status, Some(404));
}

#[tokio::test]
async fn an_etag_stands_for_the_content() {
    let server = bucket(Faults::none());
    let store = store(&server, 0);
    let path = Path::from("a");
    server.put("tests", "a", LETTERS);
    let first = store.head(&path).await.unwrap().e_tag;
    assert_eq!(store.get(&path).await.unwrap().meta.e_tag, first);
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(listed[0].e_tag, first);

    let if_match = || GetOptions::new().with_if_match(first.clone()).with_range(Some(0..2u64));
    store.get_opts(&path, if_match()).await.unwrap();
    server.replace_after("tests", "a", 1, "another");
    store.get_opts(&path, if_match()).await.unwrap();
    let error = store.get_opts(&path, if_match()).await.unwrap_err();
    assert!(matches!(error, Error::Precondition { .. }), "{error}");
    assert_ne!(store.head(&path).await.unwrap().e_tag, first);
    assert_eq!(server.get("tests", "a").unwrap(), b"another");

    let if_none_match = GetOptions::new().with_if_none_match(Some("*"));
    let error = store.get_opts(&path, if_none_match).await.unwrap_err();
    assert!(matches!(error, Error::NotModified { .. }), "{error}");
}

#[tokio::test]
async fn what_is_there_is_not_created_again() {
    let server = bucket(Faults::none());
    let store = store(&server, 0);
    let path = Path::from("a");
    store.put_opts(&path, body("1"), PutMode::Create.into()).await.unwrap();
    let error = store.put_opts(&path, body("2"), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(server.get("tests", "a").unwrap(), b"1");
    assert_eq!(statuses(&server), [Some(200), Some(412)]);
}

#[tokio::test]
async fn listings_come_in_pages() {
    let server = bucket(Faults::none());
    let store = store(&server, 0);
    for key in ["a", "d/1", "d/2", "d/e/3", "d/e/4", "d/f", "d.x", "z"] {
        server.put("tests", key, key);
    }
    server.set_page_keys(3);
    let prefix = Path::from("d");
    let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.unwrap();
    let keys: Vec<_> = listed.iter().map(|object| object.location.as_ref()).collect();
    assert_eq!(keys, ["d/1", "d/2", "d/e/3", "d/e/4", "d/f"]);
    assert_eq!(server.requests().len(), 2);
    let folder = store.list_with_delimiter(Some(&prefix)).await.unwrap();
    assert_eq!(folder.common_prefixes, [Path::from("d/e")]);
    assert_eq!(folder.objects.len(), 3);

    let found = futures_util::stream::iter(listed).map(|object| Ok(object.location));
    store.delete_stream(found.boxed()).try_collect::<Vec<_>>().await.unwrap();
    let last = server.requests().pop().unwrap();
    assert_eq!((last.method.as_str(), last.query.as_str()), ("POST", "delete"));
    assert_eq!(server.list("tests"), ["a", "d.x", "z"]);
}

#[tokio::test]
async fn uploads_in_parts_are_open_until_they_are_completed_or_aborted() {
    let server = bucket(Faults::none());
    server.set_part_bytes_min(3);
    let store = store(&server, 0);
    let path = Path::from("a");
    let id = store.create_multipart(&path).await.unwrap();
    let other = store.create_multipart(&path).await.unwrap();
    assert_eq!(server.open_uploads(), 2);
    let second = store.put_part(&path, &id, 1, body("de")).await.unwrap();
    let first = store.put_part(&path, &id, 0, body("abc")).await.unwrap();
    assert_eq!(server.get("tests", "a"), None);

    let wrong = PartId { content_id: "\"0\"".to_string() };
    store.complete_multipart(&path, &id, vec![wrong]).await.unwrap_err();
    let parts = vec![first, second];
    store.complete_multipart(&path, &id, parts.clone()).await.unwrap();
    assert_eq!(server.get("tests", "a").unwrap(), b"abcde");
    assert_eq!(server.open_uploads(), 1);
    store.complete_multipart(&path, &id, parts).await.unwrap_err();

    let small = store.put_part(&path, &other, 0, body("ab")).await.unwrap();
    let last = store.put_part(&path, &other, 1, body("c")).await.unwrap();
    store.complete_multipart(&path, &other, vec![small, last]).await.unwrap_err();
    store.abort_multipart(&path, &other).await.unwrap();
    assert_eq!(server.open_uploads(), 0);
    assert_eq!(server.order_of_completion(), ["a"]);
}

#[tokio::test]
async fn signatures_are_checked() {
    let server = bucket(Faults::none());
    server.put("tests", "a", LETTERS);
    let wrong = builder(&server, 0).with_access_key_id(ACCESS_KEY).with_secret_access_key("x");
    let error = wrong.build().unwrap().head(&Path::from("a")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    let unknown = builder(&server, 0).with_access_key_id("x").with_secret_access_key(SECRET_KEY);
    let error = unknown.build().unwrap().get(&Path::from("a")).await.unwrap_err();
    assert!(error.to_string().contains("InvalidAccessKeyId"), "{error}");
    let unsigned = Call::get(&format!("{}/tests/a", server.endpoint())).send();
    assert_eq!(unsigned.status, 403);
}
