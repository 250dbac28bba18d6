//! Why a request failed: told from what the server said, in words that hold no secrets.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use super::credentials::Trouble;
use super::url::Scheme;
use crate::error::{Error, ErrorKind};
use crate::sink::names::printable;

/// Why a request failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub cause: Cause,
    /// What the server or the system said, as far as it may be shown.
    pub detail: String,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The server gave a status alone, as it does where it is asked for no more than a head.
    pub is_mute: bool,
    /// This try, or one before, may have done what was asked although no answer says so.
    pub may_have_worked: bool,
}

/// What is known of the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no such object or bucket.
    NotFound,
    /// The credentials may not do this.
    Denied,
    /// There are no credentials, or the server does not know them.
    Unknown,
    /// The credentials are no longer valid.
    Expired,
    /// The bucket is in another region, perhaps this one.
    Region(Option<String>),
    /// The object is there already.
    Exists,
    /// The object is not the one whose beginning was read.
    Changed,
    /// The server or the way to it fails for the moment.
    Transient,
    /// A web server sends elsewhere, where nobody should go.
    Redirect,
    /// A server does not prove who it is.
    Certificate,
    /// A web server packs what it sends in a way that is not known.
    Encoding,
    /// Anything else.
    Other,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Failure { cause, detail, retry_after: None, is_mute: false, may_have_worked: false }
    }

    /// The time is up in which a request should have been answered.
    pub(crate) fn late(timeout: Duration) -> Self {
        Failure::new(Cause::Transient, format!("no answer within {timeout:?}"))
    }

    /// An answer broke off.
    pub(super) fn cut(cause: &object_store::Error) -> Self {
        Failure::new(Cause::Transient, masked(&innermost(cause)))
    }

    /// Returns whether the next try may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        self.cause == Cause::Transient
    }

    /// Works out why `object_store` failed; `answer` is the last that the server gave.
    pub(super) fn of(cause: &object_store::Error, answer: Option<Answer>) -> Self {
        use object_store::Error as Its;
        let mut failure = match answer {
            Some(answer) => answer.into_failure(),
            None => Failure::new(Cause::Other, masked(&innermost(cause))),
        };
        match cause {
            _ if failure.cause != Cause::Other => {}
            _ if is_credentials_trouble(cause) => failure.cause = Cause::Transient,
            Its::NotFound { .. } => failure.cause = Cause::NotFound,
            Its::AlreadyExists { .. } => failure.cause = Cause::Exists,
            Its::Precondition { .. } => failure.cause = Cause::Changed,
            Its::PermissionDenied { .. } => failure.cause = Cause::Denied,
            Its::Unauthenticated { .. } => failure.cause = Cause::Unknown,
            _ if is_transport(cause) => failure.cause = Cause::Transient,
            // S3 may say so in an answer that began well.
            Its::Generic { .. } if says_busy(cause) => failure.cause = Cause::Transient,
            _ => {}
        }
        failure
    }

    /// Builds the error that ends the run: "`shown`: `doing` failed: why".
    pub(crate) fn into_error(self, scheme: Scheme, shown: &str, doing: &str) -> Error {
        let mut message = format!("{shown}: {doing} failed");
        if !self.detail.is_empty() {
            message.push_str(": ");
            message.push_str(&self.detail);
        }
        let error = Error::new(ErrorKind::Io, message);
        match self.hint(scheme) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// Returns what users can check.
    fn hint(&self, scheme: Scheme) -> Option<String> {
        let login = match scheme {
            Scheme::S3 => "`AWS_PROFILE`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
            Scheme::Gs => {
                "`GOOGLE_APPLICATION_CREDENTIALS`, or `gcloud auth application-default login`"
            }
            Scheme::Az => {
                "`AZURE_STORAGE_ACCOUNT_NAME` with `AZURE_STORAGE_ACCOUNT_KEY` or \
                 `AZURE_STORAGE_SAS_TOKEN`, or `az login` and `--store-option use_azure_cli=true`"
            }
            Scheme::Http => return self.http_hint(),
        };
        Some(match &self.cause {
            Cause::NotFound => {
                "check the bucket, the key and `--store-option endpoint=…`".to_owned()
            }
            Cause::Denied => format!(
                "check that these credentials may do that, and that the bucket is spelled right \
                 (some stores say so for what is not there); credentials: {login}"
            ),
            Cause::Unknown => format!(
                "check the credentials: {login}; public data: `--store-option skip_signature=true`"
            ),
            Cause::Expired => "log in again, or have longer-lived credentials made".to_owned(),
            Cause::Region(Some(region)) => format!(
                "the bucket is in `{region}`: set `AWS_REGION={region}`, or \
                 `--store-option region={region}`"
            ),
            Cause::Region(None) => {
                "the bucket is in another region: set `AWS_REGION`, or `--store-option region=…`"
                    .to_owned()
            }
            Cause::Changed => {
                "somebody wrote it meanwhile: convert it again when it is at rest".to_owned()
            }
            Cause::Exists => "use `--force` to replace it".to_owned(),
            Cause::Transient => {
                "try again later; `--max-retries` and `--request-timeout` say how patient to be"
                    .to_owned()
            }
            Cause::Certificate => return self.http_hint(),
            Cause::Redirect | Cause::Encoding | Cause::Other => return None,
        })
    }

    fn http_hint(&self) -> Option<String> {
        let hint = match &self.cause {
            Cause::NotFound => "check the address",
            Cause::Denied | Cause::Unknown | Cause::Expired => {
                "the server wants to know who asks: fetch it with `curl` and pipe it in, or have a \
                 signed URL made"
            }
            Cause::Changed => "somebody wrote it meanwhile: convert it again when it is at rest",
            Cause::Transient => {
                "try again later; `--max-retries` and `--request-timeout` say how patient to be"
            }
            Cause::Redirect => "find out with `curl -IL` where it leads, and give that address",
            Cause::Certificate => {
                "where that is known and meant: `--store-option allow_invalid_certificates=true`"
            }
            Cause::Encoding => "fetch it with `curl --compressed` and pipe it in",
            Cause::Region(_) | Cause::Exists | Cause::Other => return None,
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// What a server answered that did not do what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    /// The store's own name for the error, such as `AccessDenied`.
    pub code: String,
    /// Its explanation.
    pub message: String,
    pub region: Option<String>,
    pub retry_after: Option<Duration>,
}

tokio::task_local! {
    /// The last such answer to the request at hand.
    static LAST: RefCell<Option<Answer>>;
}

/// Bytes of an answer that are looked at.
const ANSWER_BYTES: usize = 64 << 10;

/// Bytes of an explanation that are shown.
const MESSAGE_BYTES: usize = 200;

impl Answer {
    /// Reads what is known of an error from a response.
    pub(crate) fn read(status: u16, headers: &http::HeaderMap, body: &[u8]) -> Answer {
        let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let text = String::from_utf8_lossy(&body[..body.len().min(ANSWER_BYTES)]).into_owned();
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once("</").map(|(found, _)| found.to_owned())
        };
        let code = element("Code").or_else(|| header("x-ms-error-code")).unwrap_or_default();
        let message = element("Message").unwrap_or_default();
        Answer {
            status,
            code: masked(&code),
            message: masked(&message),
            region: header("x-amz-bucket-region").or_else(|| element("Region")),
            retry_after: header("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
        }
    }

    /// Remembers it for the request at hand.
    pub(crate) fn note(self) {
        let _ = LAST.try_with(|last| last.replace(Some(self)));
    }

    /// Runs a request; returns the last answer noted meanwhile as well.
    pub(super) async fn during<T>(work: impl Future<Output = T>) -> (T, Option<Answer>) {
        let noting = async {
            let done = work.await;
            (done, LAST.with(RefCell::take))
        };
        LAST.scope(RefCell::new(None), noting).await
    }

    pub(crate) fn into_failure(self) -> Failure {
        const EXPIRED: [&str; 4] =
            ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"];
        const UNKNOWN: [&str; 4] =
            ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthenticationFailed"];
        const REGION: [&str; 3] = [
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
        ];
        const BUSY: [&str; 8] = [
            "ConditionalRequestConflict",
            "OperationAborted",
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
            "ThrottlingException",
            "Throttling",
        ];
        let code = self.code.as_str();
        let cause = match self.status {
            _ if EXPIRED.contains(&code) => Cause::Expired,
            _ if UNKNOWN.contains(&code) => Cause::Unknown,
            _ if REGION.contains(&code) => Cause::Region(self.region),
            300..=399 if self.region.is_some() => Cause::Region(self.region),
            400 if self.region.is_some() => Cause::Region(self.region),
            _ if BUSY.contains(&code) => Cause::Transient,
            401 => Cause::Unknown,
            403 => Cause::Denied,
            404 | 410 => Cause::NotFound,
            412 => Cause::Changed,
            408 | 429 | 500 | 502..=504 | 507..=599 => Cause::Transient,
            _ => Cause::Other,
        };
        let is_mute = self.code.is_empty() && self.message.is_empty();
        let mut detail = format!("the server answered {}", self.status);
        if !self.code.is_empty() {
            detail.push_str(&format!(" {}", self.code));
        }
        if !self.message.is_empty() {
            detail.push_str(&format!(" ({})", self.message));
        }
        Failure { retry_after: self.retry_after, is_mute, ..Failure::new(cause, detail) }
    }
}

/// Writes what a server said so that it may be shown: keys and tokens in it are left out.
pub(crate) fn masked(text: &str) -> String {
    /// The shortest of what could be one: an AWS key id has 20 characters.
    const SECRET_BYTES: usize = 16;
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '%');
    let mut shown = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, shown: &mut String| {
        let has_digit = word.bytes().any(|b| b.is_ascii_digit());
        let is_secret = word.len() >= SECRET_BYTES && (has_digit || word.len() >= 2 * SECRET_BYTES);
        shown.push_str(if is_secret { "…" } else { word });
        word.clear();
    };
    for c in text.chars() {
        if is_part(c) {
            word.push(c);
        } else {
            flush(&mut word, &mut shown);
            shown.push(c);
        }
    }
    flush(&mut word, &mut shown);
    let shown = printable(shown.trim());
    match shown.char_indices().nth(MESSAGE_BYTES) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// Returns the cause of all causes, which says most in fewest words.
pub(super) fn innermost(cause: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = cause;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Returns whether the way to the server failed, which it may not with the next try: before an answer
/// came, or in the middle of one.
fn is_transport(cause: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(cause);
    while let Some(error) = cause {
        if error.is::<object_store::client::HttpError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns whether credentials were not found for the moment.
fn is_credentials_trouble(cause: &object_store::Error) -> bool {
    let source = std::error::Error::source(cause);
    let trouble = source.and_then(|source| source.downcast_ref::<Trouble>());
    trouble.is_some_and(|trouble| trouble.is_transient)
}

fn says_busy(cause: &object_store::Error) -> bool {
    let text = cause.to_string();
    text.contains("SlowDown") || text.contains("InternalError")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str) -> Cause {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        Answer::read(status, &http::HeaderMap::new(), body.as_bytes()).into_failure().cause
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(answer(503, "SlowDown"), Cause::Transient);
        assert_eq!(answer(200, "InternalError"), Cause::Transient);
        assert_eq!(answer(429, ""), Cause::Transient);
        assert_eq!(answer(501, "NotImplemented"), Cause::Other);
        assert_eq!(answer(403, "ExpiredToken"), Cause::Expired);
        assert_eq!(answer(400, "ExpiredToken"), Cause::Expired);
        assert_eq!(answer(403, "AccessDenied"), Cause::Denied);
        assert_eq!(answer(403, "SignatureDoesNotMatch"), Cause::Unknown);
        assert_eq!(answer(404, "NoSuchBucket"), Cause::NotFound);
        assert_eq!(answer(301, "PermanentRedirect"), Cause::Region(None));
        let body = b"<Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>";
        let failure = Answer::read(400, &http::HeaderMap::new(), body).into_failure();
        assert_eq!(failure.cause, Cause::Region(Some("eu-west-1".to_owned())));
        let hint = failure.into_error(Scheme::S3, "s3://b/k", "reading it");
        assert!(hint.hint().unwrap().contains("AWS_REGION=eu-west-1"), "{hint:?}");
    }

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        let check = |text: &str, shown: &str| assert_eq!(masked(text), shown);
        check("The key AKIAIOSFODNN7EXAMPLE is not known.", "The key … is not known.");
        check("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "…");
        check("Authorization=AWS4-HMAC-SHA256Credential", "…");
        check("The specified bucket does not exist", "The specified bucket does not exist");
        check("AuthorizationHeaderMalformed", "AuthorizationHeaderMalformed");
        check("a\u{1b}[31mb", "a\\u{1b}[31mb");
        assert_eq!(masked(&"a b ".repeat(200)).chars().count(), MESSAGE_BYTES + 1);
    }
}
