//! What goes wrong, and for which requests.
//!
//! A fault is decided by the seed and by how many requests its [`When`] has matched so far, in the
//! order in which they arrive: with one request at a time the same run fails the same way.

use std::sync::Mutex;
use std::time::Duration;

use hyper::{HeaderMap, Method, Uri};

/// The faults of one server, in the order in which they are asked.
///
/// A request can be delayed by one fault and cut by another; of those that replace the answer, the
/// first that strikes wins.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    seed: u64,
    rules: Vec<(Fault, When)>,
}

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers 503 (`SlowDown`), 500 (`InternalError`), 429 (`TooManyRequests`) or another status,
    /// with an error of S3 in the body.
    Status(u16),
    /// Answers 200 with an error in the body, as S3 does where an upload fails while it is
    /// completed.
    ErrorWithOk,
    /// Waits before the request is looked at.
    Delay(Duration),
    /// Carries the request out at once, then waits before it is answered.
    LateAnswer(Duration),
    /// Carries the request out, then closes the connection after so many bytes of the answer's
    /// body; longer than the body is no cut.
    CutAnswer(Bytes, Closing),
    /// Closes the connection after so many bytes of the request's body have arrived, without an
    /// answer; longer than the body is no cut.
    CutUpload(Bytes),
    /// Carries the request out, then closes the connection without a byte of the answer.
    LoseAnswer,
    /// Takes the request's body and never answers.
    Stall,
    /// Answers with `ExpiredToken` under this status: 400 at AWS, 403 at some others.
    ExpiredToken(u16),
    /// Answers 301 `PermanentRedirect` without a `Location` to whatever is not signed for this
    /// region, which `x-amz-bucket-region` names.
    PermanentRedirect(&'static str),
    /// Answers 400 `AuthorizationHeaderMalformed` to whatever is not signed for this region, which
    /// the body names.
    AuthorizationHeaderMalformed(&'static str),
    /// Answers 403 `SignatureDoesNotMatch` with the request's `Authorization`, token and
    /// `StringToSign` in the body, which clients must not print.
    EchoSecrets,
}

/// A count of bytes.
#[derive(Debug, Clone)]
pub enum Bytes {
    /// The same each time.
    At(u64),
    /// Drawn from the seed, less than this.
    Below(u64),
    /// One after the other; nothing is cut once they are used up.
    Each(&'static [u64]),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// With FIN, after what was written has been sent.
    Orderly,
    /// With RST, which may overtake what was written.
    Reset,
}

/// Which requests a fault strikes; all of them unless narrowed.
#[derive(Debug, Clone)]
pub struct When {
    method: Option<&'static str>,
    path: &'static str,
    query: &'static str,
    after: u64,
    at_most: u64,
    chance: f64,
}

impl Faults {
    /// Returns faults of which there are none.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Returns no faults yet, whose random numbers will come from `seed`.
    pub fn seeded(seed: u64) -> Faults {
        Faults { seed, rules: Vec::new() }
    }

    /// Adds a fault.
    pub fn with(mut self, fault: Fault, when: When) -> Faults {
        self.rules.push((fault, when));
        self
    }
}

impl When {
    /// Matches every request.
    pub fn always() -> When {
        When { method: None, path: "", query: "", after: 0, at_most: u64::MAX, chance: 1.0 }
    }

    /// Matches requests of this method alone.
    pub fn method(method: &'static str) -> When {
        When { method: Some(method), ..When::always() }
    }

    /// Matches paths that contain `part` alone.
    pub fn path(self, part: &'static str) -> When {
        When { path: part, ..self }
    }

    /// Matches queries that contain `part` alone, such as `partNumber=` (parts that are uploaded),
    /// `uploadId=` with POST (completed), `uploads` with POST (begun), `list-type=`.
    pub fn query(self, part: &'static str) -> When {
        When { query: part, ..self }
    }

    /// Spares the first `count` requests that match.
    pub fn after(self, count: u64) -> When {
        When { after: count, ..self }
    }

    /// Strikes `count` times and then no more.
    pub fn at_most(self, count: u64) -> When {
        When { at_most: count, ..self }
    }

    /// Strikes with this probability.
    pub fn chance(self, probability: f64) -> When {
        When { chance: probability, ..self }
    }

    fn matches(&self, method: &Method, uri: &Uri) -> bool {
        self.method.is_none_or(|wanted| method == wanted)
            && uri.path().contains(self.path)
            && uri.query().unwrap_or_default().contains(self.query)
    }
}

/// The faults of a server that runs, with how often each has matched and struck.
pub struct Running {
    faults: Faults,
    counts: Mutex<Vec<Counts>>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    matched: u64,
    struck: u64,
}

/// What happens to one request.
#[derive(Debug, Default)]
pub struct Plan {
    /// How long it waits.
    pub delay: Duration,
    /// How long its answer waits.
    pub late: Duration,
    /// What it is answered instead.
    pub instead: Option<Instead>,
    /// After how many bytes of its body the connection is closed.
    pub cut_upload: Option<u64>,
    /// After how many bytes of the answer's body it is closed, and how.
    pub cut_answer: Option<(u64, Closing)>,
    /// Whether the answer gets lost.
    pub lose_answer: bool,
}

/// What stands in place of an answer.
#[derive(Debug)]
pub enum Instead {
    /// Nothing, for ever.
    Nothing,
    /// An error.
    Error(Error),
}

/// An error in the words of S3.
#[derive(Debug)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// What follows `<?xml?>`.
    pub body: String,
    /// `x-amz-bucket-region`.
    pub region: Option<&'static str>,
}

impl Running {
    /// Starts to count.
    pub fn new(faults: Faults) -> Running {
        let counts = Mutex::new(vec![Counts::default(); faults.rules.len()]);
        Running { faults, counts }
    }

    /// Decides what happens to the next request.
    pub fn plan(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Plan {
        let mut plan = Plan::default();
        let mut counts = self.counts.lock().unwrap();
        for (index, ((fault, when), counts)) in
            self.faults.rules.iter().zip(counts.iter_mut()).enumerate()
        {
            if !when.matches(method, uri) || is_signed_for(fault, headers) {
                continue;
            }
            let nth = counts.matched;
            counts.matched += 1;
            let draw = random(self.faults.seed, index as u64, nth);
            let in_turn = nth >= when.after && counts.struck < when.at_most;
            let lucky = (draw as f64) < when.chance * u64::MAX as f64;
            if plan.instead.is_some() || !in_turn || !lucky {
                continue;
            }
            let draw = random(self.faults.seed, !(index as u64), nth);
            plan.add(fault, draw, counts.struck, headers);
            counts.struck += 1;
        }
        plan
    }
}

impl Plan {
    fn add(&mut self, fault: &Fault, draw: u64, nth: u64, headers: &HeaderMap) {
        let error = match fault {
            Fault::Delay(delay) => return self.delay += *delay,
            Fault::LateAnswer(late) => return self.late += *late,
            Fault::CutAnswer(bytes, closing) => {
                self.cut_answer = bytes.pick(draw, nth).map(|bytes| (bytes, *closing));
                return;
            }
            Fault::CutUpload(bytes) => return self.cut_upload = bytes.pick(draw, nth),
            Fault::LoseAnswer => return self.lose_answer = true,
            Fault::Stall => return self.instead = Some(Instead::Nothing),
            Fault::Status(status) => Error::new(*status, code(*status), ""),
            Fault::ErrorWithOk => Error::new(200, "InternalError", ""),
            Fault::ExpiredToken(status) => Error::new(*status, "ExpiredToken", ""),
            Fault::PermanentRedirect(region) => Error {
                region: Some(region),
                ..Error::new(301, "PermanentRedirect", "<Endpoint>s3.test</Endpoint>")
            },
            Fault::AuthorizationHeaderMalformed(region) => {
                let more = format!("<Region>{region}</Region>");
                Error::new(400, "AuthorizationHeaderMalformed", &more)
            }
            Fault::EchoSecrets => Error::new(403, "SignatureDoesNotMatch", &secrets(headers)),
        };
        self.instead = Some(Instead::Error(error));
    }
}

impl Error {
    /// Returns an error with this code, and `more` beside its message.
    pub fn new(status: u16, code: &str, more: &str) -> Error {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>a fault that was asked for</Message>{more}</Error>"
        );
        Error { status, body, region: None }
    }
}

impl Bytes {
    fn pick(&self, draw: u64, nth: u64) -> Option<u64> {
        match self {
            Bytes::At(bytes) => Some(*bytes),
            Bytes::Below(bytes) => Some(draw % bytes),
            Bytes::Each(list) => list.get(nth as usize).copied(),
        }
    }
}

/// Tells whether `fault` asks for a region, and the request is signed for it.
fn is_signed_for(fault: &Fault, headers: &HeaderMap) -> bool {
    let (Fault::PermanentRedirect(region) | Fault::AuthorizationHeaderMalformed(region)) = fault
    else {
        return false;
    };
    text(headers, "authorization").contains(&format!("/{region}/"))
}

fn code(status: u16) -> &'static str {
    match status {
        400 => "InvalidRequest",
        401 => "Unauthorized",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        405 => "MethodNotAllowed",
        409 => "BucketNotEmpty",
        411 => "MissingContentLength",
        429 => "TooManyRequests",
        501 => "NotImplemented",
        503 => "SlowDown",
        _ => "InternalError",
    }
}

fn secrets(headers: &HeaderMap) -> String {
    let authorization = text(headers, "authorization");
    let token = text(headers, "x-amz-security-token");
    let date = text(headers, "x-amz-date");
    format!(
        "<Authorization>{authorization}</Authorization><Token>{token}</Token>\
         <StringToSign>AWS4-HMAC-SHA256 {date} {authorization}</StringToSign>\
         <CanonicalRequest>x-amz-security-token:{token}</CanonicalRequest>"
    )
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns a number that depends on all three, by SplitMix64.
fn random(seed: u64, rule: u64, nth: u64) -> u64 {
    [seed, rule, nth].into_iter().fold(0, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}
