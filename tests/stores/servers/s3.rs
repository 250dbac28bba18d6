//! An S3 server: buckets in memory, path-style, with signatures that are checked.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Bytes;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};

use super::backend::{Backend, Object};
use super::credentials::Keys;
use super::faults::{Error, Faults};
use super::front::{Body, Front, Request, Site};

/// An S3 server that runs until it is dropped.
pub struct S3Server {
    front: Front,
    backend: Backend,
}

impl S3Server {
    /// Starts a server without buckets that accepts [`Keys::fixed`] for any region.
    pub fn start(faults: Faults) -> S3Server {
        S3Server::start_with_keys(faults, &Keys::fixed())
    }

    /// Starts a server that accepts `keys`, as they are issued and expire.
    pub fn start_with_keys(faults: Faults, keys: &Keys) -> S3Server {
        let backend = Backend::default();
        let mut service = S3ServiceBuilder::new(backend.clone());
        service.set_auth(Auth(keys.clone()));
        let site = Buckets { service: service.build(), keys: keys.clone() };
        S3Server { front: Front::start(site, faults), backend }
    }

    /// Returns `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        self.front.endpoint()
    }

    /// Adds an empty bucket.
    pub fn create_bucket(&self, name: &str) {
        assert!(s3s::path::check_bucket_name(name), "S3 would not name a bucket `{name}`");
        self.backend.state().buckets.insert(name.to_string(), Default::default());
    }

    /// Writes an object past all faults; it does not appear in [`S3Server::order_of_completion`].
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        let mut state = self.backend.state();
        let objects = state.buckets.get_mut(bucket).expect("the bucket was created");
        objects.insert(key.to_string(), Object::new(bytes.into()));
    }

    /// Reads an object past all faults.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let state = self.backend.state();
        state.buckets.get(bucket)?.get(key).map(|object| object.bytes.to_vec())
    }

    /// Returns the keys of a bucket, sorted.
    pub fn list(&self, bucket: &str) -> Vec<String> {
        self.backend.state().buckets[bucket].keys().cloned().collect()
    }

    /// Has an object turn into `bytes` once it has been read `reads` more times, by GET or HEAD.
    pub fn replace_after(&self, bucket: &str, key: &str, reads: u64, bytes: impl Into<Bytes>) {
        let place = (bucket.to_string(), key.to_string());
        self.backend.state().replacements.insert(place, (reads, bytes.into()));
    }

    /// Sets how many keys a page of a listing has at most; 1000 before.
    pub fn set_page_keys(&self, keys: usize) {
        self.backend.state().page_keys = keys;
    }

    /// Sets the smallest size of parts that are not the last; 5 MiB before.
    pub fn set_part_bytes_min(&self, bytes: usize) {
        self.backend.state().part_bytes_min = bytes;
    }

    /// Counts the uploads that were begun and neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.backend.state().uploads.len()
    }

    /// Returns the keys of objects in the order in which clients made them visible; one that was
    /// written twice stands there twice.
    pub fn order_of_completion(&self) -> Vec<String> {
        self.backend.state().completed.clone()
    }

    /// Returns the requests so far, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.front.requests()
    }
}

/// Tells `s3s` the secrets that signatures are checked with.
struct Auth(Keys);

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.secret(access_key);
        secret.map(SecretKey::from).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}

struct Buckets {
    service: S3Service,
    keys: Keys,
}

impl Site for Buckets {
    async fn answer(&self, request: hyper::Request<Bytes>) -> Response<Body> {
        if let Err(code) = self.keys.check_token(request.headers()) {
            return Error::new(400, code, "").into_response();
        }
        match self.service.call(request.map(s3s::Body::from)).await {
            Ok(response) => response.map(|body| body.map_err(std::io::Error::other).boxed_unsync()),
            Err(_) => Error::new(500, "InternalError", "").into_response(),
        }
    }
}
