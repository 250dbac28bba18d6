//! Keys that S3 servers accept, and the endpoint that hands out new ones.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use hyper::body::Bytes;
use hyper::{HeaderMap, Response};

use super::faults::Faults;
use super::front::{Body, Front, Request, Site, whole};

/// The access key that does not expire.
pub const ACCESS_KEY: &str = "AKIATRANSMOGTESTS000";

/// The secret of [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "secret/that+signs/and-is-never-printed00";

/// The keys that servers accept, shared by all who hold a clone.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<Mutex<Vec<Key>>>);

#[derive(Debug, Clone)]
struct Key {
    access_key: String,
    secret_key: String,
    token: Option<String>,
    expires: Option<SystemTime>,
}

impl Keys {
    /// Returns [`ACCESS_KEY`], which needs no token and does not expire.
    pub fn fixed() -> Keys {
        let key = Key {
            access_key: ACCESS_KEY.to_string(),
            secret_key: SECRET_KEY.to_string(),
            token: None,
            expires: None,
        };
        Keys(Arc::new(Mutex::new(vec![key])))
    }

    /// Returns no keys; what is accepted is what a [`CredentialsServer`] issues.
    pub fn temporary() -> Keys {
        Keys::default()
    }

    /// Ends the life of all keys so far.
    pub fn expire_all(&self) {
        for key in self.0.lock().unwrap().iter_mut() {
            key.expires = Some(SystemTime::now());
        }
    }

    /// Returns the secret of a key, also of one that has expired.
    pub fn secret(&self, access_key: &str) -> Option<String> {
        let keys = self.0.lock().unwrap();
        keys.iter().find(|key| key.access_key == access_key).map(|key| key.secret_key.clone())
    }

    /// Refuses a token that has expired or is not the one of the key, with the code of S3.
    ///
    /// Requests without a key, or with one that is not known, are left to whoever checks their
    /// signature.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let credential = text("authorization").and_then(|header| header.split_once("Credential="));
        let Some((access_key, _)) = credential.and_then(|(_, rest)| rest.split_once('/')) else {
            return Ok(());
        };
        let keys = self.0.lock().unwrap();
        match keys.iter().find(|key| key.access_key == access_key) {
            Some(key) if key.token.as_deref() != text("x-amz-security-token") => {
                Err("InvalidToken")
            }
            Some(key) if key.expires.is_some_and(|end| end <= SystemTime::now()) => {
                Err("ExpiredToken")
            }
            _ => Ok(()),
        }
    }

    /// Adds a key that no server has seen before.
    fn issue(&self, lifetime: Duration) -> Key {
        let mut keys = self.0.lock().unwrap();
        let number = keys.len();
        let key = Key {
            access_key: format!("ASIATRANSMOGTEMP{number:04}"),
            secret_key: format!("temporary/secret+that/is-never-printed{number:02}"),
            token: Some(format!("token/that+is/never-printed{number}==")),
            expires: Some(SystemTime::now() + lifetime),
        };
        keys.push(key.clone());
        key
    }
}

/// What `AWS_CONTAINER_CREDENTIALS_FULL_URI` points to; runs until it is dropped.
pub struct CredentialsServer {
    front: Front,
}

impl CredentialsServer {
    /// Starts to issue a new key with each answer, valid for `lifetime` wherever `keys` are.
    pub fn start(keys: &Keys, lifetime: Duration, faults: Faults) -> CredentialsServer {
        let site = Issuer { keys: keys.clone(), lifetime };
        CredentialsServer { front: Front::start(site, faults) }
    }

    /// Returns the value of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> String {
        format!("{}/v1/credentials", self.front.endpoint())
    }

    /// Returns the requests so far; their `Authorization` is logged and not checked.
    pub fn requests(&self) -> Vec<Request> {
        self.front.requests()
    }
}

struct Issuer {
    keys: Keys,
    lifetime: Duration,
}

impl Site for Issuer {
    async fn answer(&self, _: hyper::Request<Bytes>) -> Response<Body> {
        let key = self.keys.issue(self.lifetime);
        let expires = key.expires.unwrap_or(SystemTime::UNIX_EPOCH);
        let expires = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let expires = DateTime::<Utc>::from_timestamp(expires.as_secs() as i64, 0).unwrap();
        let json = serde_json::json!({
            "AccessKeyId": key.access_key,
            "SecretAccessKey": key.secret_key,
            "Token": key.token,
            "Expiration": expires.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        let response = Response::builder().header("content-type", "application/json");
        response.body(whole(json.to_string())).unwrap()
    }
}
