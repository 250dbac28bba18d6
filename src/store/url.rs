//! Names with a scheme: objects in stores, and what HTTP servers give.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::sink::names::printable;

/// Which service a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `s3://bucket/key`: Amazon S3 and what speaks its protocol.
    S3,
    /// `gs://bucket/key`: Google Cloud Storage.
    Gs,
    /// `az://container/key`, `abfs[s]://container@account.dfs.core.windows.net/key`: Azure Blob
    /// Storage.
    Az,
    /// `http://…`, `https://…`: any web server, to read from.
    Http,
}

/// The schemes that names may have, each with what it stands for; nothing for files.
const SCHEMES: [(&str, Option<Scheme>); 10] = [
    ("s3", Some(Scheme::S3)),
    ("s3a", Some(Scheme::S3)),
    ("gs", Some(Scheme::Gs)),
    ("az", Some(Scheme::Az)),
    ("azure", Some(Scheme::Az)),
    ("abfs", Some(Scheme::Az)),
    ("abfss", Some(Scheme::Az)),
    ("http", Some(Scheme::Http)),
    ("https", Some(Scheme::Http)),
    ("file", None),
];

/// Where an object is, or a prefix of objects.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreUrl {
    scheme: Scheme,
    /// The bucket or container; for Azure perhaps with its account, for HTTP all of the URL.
    store: String,
    /// The key, as it stands; empty for the whole store, and for HTTP.
    key: String,
    shown: String,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A file or directory.
    Path(PathBuf),
    /// Something in a store.
    Url(StoreUrl),
}

impl Name {
    /// Tells a path from a URL; `file://` URLs are paths.
    ///
    /// - Errors: `Usage` for a scheme that is not known, a URL without a bucket, one with a password.
    pub fn parse(name: &Path) -> Result<Name, Error> {
        let path = || Name::Path(name.to_owned());
        let Some(text) = name.to_str() else { return Ok(path()) };
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(path()) };
        let is_scheme = |text: &str| {
            let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
            text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
        };
        if !is_scheme(scheme) {
            return Ok(path());
        }
        let lower = scheme.to_ascii_lowercase();
        let Some((_, known)) = SCHEMES.iter().find(|(known, _)| *known == lower) else {
            let message = format!("`{}://`: expected a known scheme", printable(scheme));
            return Err(Error::usage(message).with_hint(
                "`s3://`, `gs://`, `az://`, `abfss://`, `http://`, `https://` and `file://` are known",
            ));
        };
        match known {
            None => file_path(rest).map(Name::Path),
            Some(Scheme::Http) => http(text, rest).map(Name::Url),
            Some(scheme) => object(*scheme, &lower, rest).map(Name::Url),
        }
    }
}

/// Returns the path of a `file://` URL.
fn file_path(rest: &str) -> Result<PathBuf, Error> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        let message = format!("`file://{}`: expected an absolute path", printable(rest));
        return Err(Error::usage(message).with_hint("three slashes: `file:///data/orders.jsonl`"));
    }
    Ok(PathBuf::from(decoded(path)))
}

/// Replaces `%20` and the like, where that is UTF-8.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let hex = (first == b'%').then(|| behind.get(..2)).flatten();
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn object(scheme: Scheme, written: &str, rest: &str) -> Result<StoreUrl, Error> {
    let (store, key) = rest.split_once('/').unwrap_or((rest, ""));
    let container = written.starts_with("abfs");
    // a password may have a slash, and then its end is in the key
    let has_password = store.contains(':') || (store.contains('@') && !container);
    if store.is_empty() || has_password {
        let what = if scheme == Scheme::Az { "container" } else { "bucket" };
        let message = format!("`{written}://`: expected a {what}, found `{}`", printable(store));
        let hint = match has_password {
            true => "keys and passwords have no place in a URL: set them in the environment",
            false => "such as `s3://bucket/folder/orders.jsonl`",
        };
        let message = if has_password { message_without(&message, store) } else { message };
        return Err(Error::usage(message).with_hint(hint));
    }
    let shown = printable(&format!("{written}://{store}/{key}"));
    Ok(StoreUrl { scheme, store: store.to_owned(), key: key.to_owned(), shown })
}

/// Leaves out of a message what may be a secret.
fn message_without(message: &str, store: &str) -> String {
    message.replace(&printable(store), "…@…")
}

fn http(text: &str, rest: &str) -> Result<StoreUrl, Error> {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    // a password may have a slash, and then its end is in the path
    if host.contains('@') || !port.is_none_or(is_port) {
        let message = "`http(s)://`: expected a URL without user and password, found `…@…`";
        return Err(Error::usage(message)
            .with_hint("others can see arguments: fetch it with `curl --netrc` and pipe it in"));
    }
    if host.is_empty() {
        return Err(Error::usage("`http(s)://`: expected a host, found nothing")
            .with_hint("such as `https://example.org/orders.jsonl`"));
    }
    let text = text.split('#').next().unwrap_or_default();
    let (plain, query) = match text.split_once('?') {
        Some((plain, query)) => (plain, Some(query)),
        None => (text, None),
    };
    let mut shown = plain.to_owned();
    for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, value)) if is_harmless(name, value) => shown.push_str(pair),
            Some((name, _)) => shown.push_str(&format!("{name}=…")),
            None => shown.push('…'),
        }
    }
    let (store, shown) = (text.to_owned(), printable(&shown));
    Ok(StoreUrl { scheme: Scheme::Http, store, key: String::new(), shown })
}

/// Returns whether a value of a query may be shown: numbers and dates, under a name that speaks of
/// nothing secret. Signed URLs are passwords.
fn is_harmless(name: &str, value: &str) -> bool {
    const SECRET: [&str; 8] = ["key", "sig", "token", "secret", "pass", "auth", "cred", "code"];
    let name = name.to_ascii_lowercase();
    let is_plain = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T' | b'Z');
    let is_number = value.len() <= 20 && value.bytes().all(is_plain);
    (is_number || matches!(value, "true" | "false"))
        && !SECRET.iter().any(|secret| name.contains(secret))
}

impl StoreUrl {
    /// Returns which service it is for.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the bucket or container, for Azure perhaps as `container@host`; for HTTP the URL.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Returns the key; empty for the store as a whole.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns how messages and summaries write it: without control characters, and without what
    /// may be a secret in a query.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns whether it can only be a prefix: its key is empty or ends with `/`.
    pub fn is_prefix(&self) -> bool {
        self.scheme != Scheme::Http && (self.key.is_empty() || self.key.ends_with('/'))
    }

    /// Returns the last step of its path.
    pub fn file_name(&self) -> &str {
        let path = match self.scheme {
            Scheme::Http => {
                let path = self.store.split('?').next().unwrap_or_default();
                let host = path.find("://").map_or(0, |at| at + 3);
                path[host..].find('/').map_or("", |at| &path[host + at..])
            }
            _ => &self.key,
        };
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns whether another URL leads to the same place.
    pub fn is_same(&self, other: &StoreUrl) -> bool {
        (self.scheme, &self.store, &self.key) == (other.scheme, &other.store, &other.key)
    }

    /// Returns whether another URL is in the same bucket or container.
    pub fn is_in_store_of(&self, other: &StoreUrl) -> bool {
        (self.scheme, &self.store) == (other.scheme, &other.store)
    }

    /// Returns the URL of another key in the same store.
    #[must_use]
    pub fn with_key(&self, key: &str) -> StoreUrl {
        let written = self.shown.split("://").next().unwrap_or_default();
        let shown = printable(&format!("{written}://{}/{key}", self.store));
        StoreUrl { key: key.to_owned(), shown, ..self.clone() }
    }

    /// Returns the URL of a name below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> StoreUrl {
        match self.is_prefix() {
            true => self.with_key(&format!("{}{name}", self.key)),
            false => self.with_key(&format!("{}/{name}", self.key)),
        }
    }

    /// Returns the prefix that it lies in.
    #[must_use]
    pub fn parent(&self) -> StoreUrl {
        self.with_key(self.key.rfind('/').map_or("", |at| &self.key[..=at]))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Shows what messages show: the query of an HTTP URL may hold secrets.
impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreUrl").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(name: &str) -> StoreUrl {
        match Name::parse(Path::new(name)).unwrap() {
            Name::Url(url) => url,
            Name::Path(path) => panic!("a path: {path:?}"),
        }
    }

    #[test]
    fn names_without_a_scheme_are_paths() {
        for name in ["a.jsonl", "a:b", "./s3:/x", "1s3://b/k", "a b://c", "://x", ""] {
            assert_eq!(Name::parse(Path::new(name)).unwrap(), Name::Path(name.into()), "{name}");
        }
        let path = |name: &str| Name::parse(Path::new(name)).unwrap();
        assert_eq!(path("file:///a%20b/c%zz"), Name::Path("/a b/c%zz".into()));
        assert_eq!(path("file://localhost/x"), Name::Path("/x".into()));
        assert!(Name::parse(Path::new("file://x")).is_err());
    }

    #[test]
    fn keys_stand_as_they_are() {
        let found = url("S3://bucket/a b/%20?#*.jsonl");
        assert_eq!((found.store(), found.key()), ("bucket", "a b/%20?#*.jsonl"));
        assert_eq!(found.file_name(), "%20?#*.jsonl");
        assert_eq!(url("s3a://b/k").scheme(), Scheme::S3);
        let azure = url("abfss://box@acc.dfs.core.windows.net/a/b");
        assert_eq!((azure.store(), azure.key()), ("box@acc.dfs.core.windows.net", "a/b"));
        assert_eq!(azure.parent().shown(), "abfss://box@acc.dfs.core.windows.net/a/");
        assert_eq!(url("gs://b").shown(), "gs://b/");
        assert_eq!(url("s3://b/out").join("x.csv"), url("s3://b/out/x.csv"));
        assert_eq!(url("s3://b/out/").join("x.csv"), url("s3://b/out/x.csv"));
        assert_eq!(url("s3://b").join("x.csv"), url("s3://b/x.csv"));
        assert!(url("s3://b").is_prefix() && url("s3://b/x/").is_prefix());
        assert!(!url("s3://b/x").is_prefix() && !url("http://h/").is_prefix());
    }

    #[test]
    fn queries_are_shown_without_secrets() {
        let check = |name: &str, shown: &str| assert_eq!(url(name).shown(), shown);
        check(
            "https://h/a.json?page=12&from=2024-01-01",
            "https://h/a.json?page=12&from=2024-01-01",
        );
        check("https://h/a?sig=12&x=abc&flag#frag", "https://h/a?sig=…&x=…&…");
        check("https://h/a?X-Amz-Date=20240101T000000Z", "https://h/a?X-Amz-Date=20240101T000000Z");
        assert_eq!(format!("{:?}", url("https://h/a?t=abc")), "StoreUrl(\"https://h/a?t=…\")");
        assert_eq!(url("https://h/x/a.json?b=/c").file_name(), "a.json");
        assert_eq!(url("https://h?b").file_name(), "");
        assert_eq!(url("https://h/a?t=abc").store(), "https://h/a?t=abc");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_its_secrets() {
        let cases = [
            ("s4://b/k", "known scheme"),
            ("s3:///k", "expected a bucket"),
            ("az://", "expected a container"),
            ("s3://user:hunter2@b/k", "expected a bucket"),
            ("s3://user:hunter2/more@b/k", "expected a bucket"),
            ("abfss://user:hunter2/more@b/k", "expected a container"),
            ("https://user:hunter2@h/k", "without user"),
            ("https://user:hunter2/more@h/k", "without user"),
            ("http:///k", "expected a host"),
        ];
        for (name, text) in cases {
            let error = Name::parse(Path::new(name)).unwrap_err();
            let shown = format!("{error} {:?}", error.hint());
            assert!(shown.contains(text) && !shown.contains("hunter2"), "{name}: {shown}");
        }
    }
}
