//! What asks web servers: one client for a run, its redirects and its time limits.

use std::error::Error as _;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use url::Url;

use super::failure::{Answer, Cause, Failure, innermost, masked};
use super::options::StoreOptions;
use super::url::{Scheme, StoreUrl};
use super::{Stores, connect};
use crate::error::Error;

/// Asks web servers; clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct WebClient {
    client: reqwest::Client,
    /// How long until an answer begins, and between two pieces of it.
    timeout: Duration,
}

/// An answer whose content is still to come.
#[derive(Debug)]
pub(crate) struct WebAnswer {
    /// 200, 204, 206 or 416.
    pub status: u16,
    pub headers: HeaderMap,
    /// Where it came from in the end.
    pub url: Url,
    response: reqwest::Response,
    timeout: Duration,
}

/// How often a request is sent elsewhere before that counts as going round in circles.
const REDIRECTS: usize = 10;

/// Bytes of a failed answer that are looked at.
const ANSWER_BYTES: usize = 64 << 10;

impl Stores {
    /// Returns what asks web servers; nothing is sent yet.
    ///
    /// - Errors: `Usage` where settings cannot be; `Io`.
    pub(crate) fn web(&self) -> Result<WebClient, Error> {
        let mut web = self.0.web.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*web {
            return Ok(client.clone());
        }
        // TLS takes what the threads install
        let _inside = self.handle()?.enter();
        let timeout = self.request_timeout();
        let client = client(self.options(), timeout)?;
        Ok(web.insert(WebClient { client, timeout }).clone())
    }
}

fn client(options: &StoreOptions, timeout: Duration) -> Result<reqwest::Client, Error> {
    let refused = |cause: reqwest::Error| {
        let cause = masked(&innermost(&cause.without_url()));
        Error::usage(format!("`http(s)://`: a client could not be made: {cause}"))
            .with_hint("see `--store-option`, and the certificates of the system")
    };
    let mut builder = reqwest::Client::builder()
        .connect_timeout(timeout.min(connect::CONNECT_TIMEOUT))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("transmog/", env!("CARGO_PKG_VERSION")))
        // bytes are counted as they are sent; whoever reads unpacks them
        .no_gzip()
        .no_zstd()
        .no_brotli()
        .no_deflate();
    let (mut proxy, mut excludes) = (None, None);
    for (key, value) in options.settings.iter().filter_map(|one| one.for_service(Scheme::Http)) {
        match key {
            "allow_invalid_certificates" => {
                builder = builder.tls_danger_accept_invalid_certs(value == "true");
            }
            "user_agent" => builder = builder.user_agent(value),
            "proxy_url" => proxy = Some(reqwest::Proxy::all(value).map_err(refused)?),
            "proxy_excludes" => excludes = reqwest::NoProxy::from_string(&value),
            // `allow_http` is said by the URL; others concern object stores
            _ => {}
        }
    }
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy.no_proxy(excludes));
    }
    builder.build().map_err(refused)
}

/// Reads the address of a web page.
///
/// - Errors: `Usage` for one that cannot be.
pub(crate) fn address_of(url: &StoreUrl) -> Result<Url, Error> {
    Url::parse(url.store()).map_err(|cause| {
        Error::usage(format!("{url}: expected an address, found one that cannot be: {cause}"))
            .with_hint("such as `https://example.org/orders.jsonl`")
    })
}

impl WebClient {
    /// Asks once for what is at `url`, and where that sends to.
    pub(crate) async fn get(&self, url: &Url, headers: &HeaderMap) -> Result<WebAnswer, Failure> {
        let mut url = url.clone();
        let mut seen = Vec::new();
        loop {
            let response = self.send(&url, headers).await?;
            match response.status().as_u16() {
                200 | 203 | 204 | 206 | 416 => {
                    return Ok(WebAnswer {
                        status: response.status().as_u16(),
                        headers: response.headers().clone(),
                        url,
                        response,
                        timeout: self.timeout,
                    });
                }
                301 | 302 | 303 | 307 | 308 if response.headers().contains_key("location") => {
                    let next = target(&url, response.headers())?;
                    seen.push(std::mem::replace(&mut url, next));
                    check_way(&seen, &url)?;
                }
                _ => return Err(self.failure(response).await),
            }
        }
    }

    async fn send(&self, url: &Url, headers: &HeaderMap) -> Result<reqwest::Response, Failure> {
        let request = self.client.get(url.clone()).headers(headers.clone()).send();
        match tokio::time::timeout(self.timeout, request).await {
            Ok(sent) => sent.map_err(failure_of),
            Err(_) => Err(Failure::late(self.timeout)),
        }
    }

    /// Says why a request failed, from what was answered.
    async fn failure(&self, mut response: reqwest::Response) -> Failure {
        let mut body = Vec::new();
        // the status says most: what breaks off here is no other failure
        let read = async {
            while body.len() < ANSWER_BYTES
                && let Ok(Some(piece)) = response.chunk().await
            {
                body.extend_from_slice(&piece);
            }
        };
        let _ = tokio::time::timeout(self.timeout, read).await;
        let status = response.status();
        let is_packed = response.headers().contains_key(header::CONTENT_ENCODING);
        let body = if is_packed { &[] } else { body.as_slice() };
        Answer::read(status.as_u16(), response.headers(), body).into_failure()
    }
}

impl WebAnswer {
    /// Waits for the next piece of the content; nothing at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        match tokio::time::timeout(self.timeout, self.response.chunk()).await {
            Ok(piece) => piece.map_err(failure_of),
            Err(_) => {
                Err(Failure::new(Cause::Transient, format!("nothing came for {:?}", self.timeout)))
            }
        }
    }
}

/// Returns where an answer sends to.
fn target(from: &Url, headers: &HeaderMap) -> Result<Url, Failure> {
    let refused =
        |what: &str| Failure::new(Cause::Redirect, format!("the server redirects {what}"));
    let location = headers.get(header::LOCATION).map(|location| location.as_bytes());
    let location = location.and_then(|location| std::str::from_utf8(location).ok());
    let next = location.and_then(|location| from.join(location).ok());
    let next = next.ok_or_else(|| refused("to what is no address"))?;
    match (from.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") if next.has_host() => Ok(next),
        ("https", "http") => {
            let host = masked(next.host_str().unwrap_or_default());
            Err(refused(&format!("from `https` to `http://{host}`, where others can read along")))
        }
        (_, other) => {
            let other = crate::sink::names::printable(other);
            Err(refused(&format!("to `{other}:`, which is not followed")))
        }
    }
}

/// Checks that redirects lead somewhere.
fn check_way(seen: &[Url], next: &Url) -> Result<(), Failure> {
    let host = masked(next.host_str().unwrap_or_default());
    if seen.contains(next) {
        let detail = format!("the server redirects in a loop, back to `{host}`");
        return Err(Failure::new(Cause::Redirect, detail));
    }
    if seen.len() > REDIRECTS {
        let detail =
            format!("the server redirects more than {REDIRECTS} times, at last to `{host}`");
        return Err(Failure::new(Cause::Redirect, detail));
    }
    Ok(())
}

/// Works out why a request, or the answer to it, broke off.
fn failure_of(cause: reqwest::Error) -> Failure {
    let cause = cause.without_url();
    let detail = masked(&innermost(&cause));
    match tls_failure(&cause) {
        _ if cause.is_builder() => Failure::new(Cause::Other, detail),
        Some(cause) => Failure::new(Cause::Certificate, masked(&cause)),
        None => Failure::new(Cause::Transient, detail),
    }
}

/// Returns what is wrong with a certificate, which the next try will not change.
fn tls_failure(cause: &reqwest::Error) -> Option<String> {
    let mut cause = cause.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = match inner {
            Some(inner) => inner.downcast_ref::<rustls::Error>(),
            None => error.downcast_ref::<rustls::Error>(),
        };
        if let Some(tls @ rustls::Error::InvalidCertificate(_)) = tls {
            return Some(tls.to_string());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, location: &str, expected: Result<&str, &str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        let from = Url::parse(from).unwrap();
        match (target(&from, &headers), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.as_str(), expected),
            (Err(found), Err(expected)) => {
                assert_eq!(found.cause, Cause::Redirect);
                assert!(found.detail.contains(expected), "{found}");
            }
            (found, _) => panic!("{location}: {found:?}"),
        }
    }

    #[test]
    fn redirects_lead_to_the_same_or_a_safer_protocol() {
        check("http://h/a/b", "c?d", Ok("http://h/a/c?d"));
        check("http://h/a/b", "/c", Ok("http://h/c"));
        check("https://h/a", "//g/c", Ok("https://g/c"));
        check("http://h/a", "https://g", Ok("https://g/"));
        check("https://h/a", "http://g/?sig=1", Err("from `https` to `http://g`"));
        check("http://h/a", "file:///etc/passwd", Err("to `file:`"));
        check("https://h/a", "data:,x", Err("to `data:`"));
        check("http://h/a", "http://", Err("no address"));
    }

    #[test]
    fn redirects_end() {
        let url = |index: usize| Url::parse(&format!("http://h/{index}")).unwrap();
        let seen: Vec<_> = (0..REDIRECTS).map(url).collect();
        assert!(check_way(&seen, &url(10)).is_ok());
        let error = check_way(&seen, &url(3)).unwrap_err();
        assert_eq!(error.detail, "the server redirects in a loop, back to `h`");
        let seen: Vec<_> = (0..=REDIRECTS).map(url).collect();
        let error = check_way(&seen, &url(11)).unwrap_err();
        assert_eq!(error.detail, "the server redirects more than 10 times, at last to `h`");
    }
}
