//! What the headers of an answer say of the page: which version it is, how long, how packed.

use std::ops::Range;

use http::{HeaderMap, HeaderName, header};

use crate::sink::names::printable;
use crate::source::Compression;
use crate::store::{Cause, Failure};

/// Which version of a page an answer gives, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Version {
    /// The `ETag`, as it stands.
    tag: Option<String>,
    /// The `Last-Modified`, as it stands.
    date: Option<String>,
    /// It may have been written twice within the second that it is dated.
    is_fresh: bool,
    /// The layers that it is packed in on its way, the outermost last.
    pub codings: Vec<Compression>,
    /// Bytes in all as they are sent, where that is known.
    pub total: Option<u64>,
}

impl Version {
    /// Reads what an answer says; `total` is the length of all, of which it may give a part.
    ///
    /// - Errors: `Encoding` for what cannot be unpacked.
    pub(super) fn of(headers: &HeaderMap, total: Option<u64>) -> Result<Self, Failure> {
        let text = |name| text_of(headers, name).map(str::to_owned);
        let date = text(header::LAST_MODIFIED);
        Ok(Version {
            tag: text(header::ETAG),
            is_fresh: date.is_some() && date == text(header::DATE),
            date,
            codings: codings_of(headers)?,
            total,
        })
    }

    /// Returns what stands for each byte of this version, for `If-Range`.
    ///
    /// A date does only where nothing was packed on the way, and some time after it: dates are no
    /// finer than a second, and servers give the same one with other bytes when they pack.
    pub(super) fn validator(&self) -> Option<&str> {
        match self.tag.as_deref().filter(|tag| tag.starts_with('"')) {
            Some(tag) => Some(tag),
            None => self.date.as_deref().filter(|_| self.codings.is_empty() && !self.is_fresh),
        }
    }

    /// Checks that a later answer gives bytes of the same version.
    ///
    /// Where there is a strong tag, answers need not repeat more than that.
    pub(super) fn check(&self, later: &Version) -> Result<(), Failure> {
        let differs = |name: &str| Err(changed(&format!("its {name} differs")));
        if later.tag != self.tag {
            return differs("`ETag`");
        }
        let has_tag = self.validator().is_some_and(|found| self.tag.as_deref() == Some(found));
        if later.date != self.date && !(has_tag && later.date.is_none()) {
            return differs("`Last-Modified`");
        }
        if later.codings != self.codings {
            return differs("`Content-Encoding`");
        }
        match later.total == self.total || (has_tag && later.total.is_none()) {
            true => Ok(()),
            false => differs("length"),
        }
    }
}

/// Says that a page is no longer the one whose beginning was read.
pub(super) fn changed(how: &str) -> Failure {
    Failure::new(Cause::Changed, format!("it has changed since its beginning was read: {how}"))
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// Returns the length that an answer has, where it says so.
pub(super) fn length_of(headers: &HeaderMap) -> Option<u64> {
    number(text_of(headers, header::CONTENT_LENGTH)?)
}

/// Reads the layers that an answer is packed in, the outermost last.
fn codings_of(headers: &HeaderMap) -> Result<Vec<Compression>, Failure> {
    let mut codings = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for name in String::from_utf8_lossy(value.as_bytes()).split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => codings.push(Compression::Gzip),
                "zstd" => codings.push(Compression::Zstd),
                // how it was uploaded to S3, character sets: nothing is packed
                "" | "identity" | "none" | "binary" | "aws-chunked" | "utf-8" | "utf8" => {}
                other => {
                    let detail = format!(
                        "expected `Content-Encoding: gzip`, `zstd` or none, found `{}`",
                        printable(other)
                    );
                    return Err(Failure::new(Cause::Encoding, detail));
                }
            }
        }
    }
    Ok(codings)
}

/// What a `Content-Range` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The bytes that the answer gives; nothing with 416.
    pub range: Option<Range<u64>>,
    /// Bytes in all, where the server knows.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 0-9/10`, `bytes 0-9/*`, `bytes */10`; nothing where it is neither.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(text_of(headers, header::CONTENT_RANGE)?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.split_at_checked("bytes".len())?;
        // some write `bytes=0-9/10`
        let rest = rest.strip_prefix([' ', '='])?.trim_start();
        let (range, total) = rest.split_once('/')?;
        let total = match total.trim() {
            "*" => None,
            total => Some(number(total)?),
        };
        let range = match range.trim() {
            "*" => None,
            range => {
                let (first, last) = range.split_once('-')?;
                Some(number(first)?..number(last)?.checked_add(1)?)
            }
        };
        let is_range = range.as_ref().is_none_or(|range| {
            range.start < range.end && total.is_none_or(|total| range.end <= total)
        });
        (unit.eq_ignore_ascii_case("bytes") && is_range).then_some(ContentRange { range, total })
    }
}

/// Reads digits, without a sign.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn version(of: &[(&'static str, &'static str)], total: Option<u64>) -> Version {
        Version::of(&headers(of), total).unwrap()
    }

    #[test]
    fn content_ranges_are_read() {
        let of = |range, total| Some(ContentRange { range, total });
        let check = |text: &str, expected| {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        };
        check("bytes 0-9/10", of(Some(0..10), Some(10)));
        check("Bytes 5-5/*", of(Some(5..6), None));
        check("bytes=0-9/10", of(Some(0..10), Some(10)));
        check("bytes */0", of(None, Some(0)));
        check("bytes  1 - 2 / 3", None);
        let wrong = [
            "",
            "bytes",
            "bytes 0-9",
            "bytes 9-0/10",
            "bytes 0-10/10",
            "bytes -1-2/3",
            "bytes +1-2/3",
            "items 0-9/10",
            "bytes 0-18446744073709551615/*",
            "bytes 0-9/99999999999999999999",
            "bytes a-b/c",
            "bytes 0-9/",
            "octet 0-9/10",
            "bytés 0-9/10",
            "bytes0-9/10",
        ];
        for text in wrong {
            check(text, None);
        }
    }

    #[test]
    fn lengths_are_read() {
        assert_eq!(length_of(&headers(&[("content-length", "12")])), Some(12));
        assert_eq!(length_of(&headers(&[("content-length", "-1")])), None);
        assert_eq!(length_of(&headers(&[])), None);
    }

    #[test]
    fn codings_are_told_apart() {
        use Compression::{Gzip, Zstd};
        let check = |text: &'static str, expected: &[Compression]| {
            assert_eq!(version(&[("content-encoding", text)], None).codings, expected, "{text}");
        };
        check("gzip", &[Gzip]);
        check("X-GZIP", &[Gzip]);
        check("zstd , gzip", &[Zstd, Gzip]);
        check("identity", &[]);
        check("aws-chunked,gzip", &[Gzip]);
        check("UTF-8", &[]);
        for text in ["br", "deflate", "gzip, compress", "x\u{7f}y"] {
            let Ok(value) = http::HeaderValue::from_bytes(text.as_bytes()) else { continue };
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, value);
            let failure = Version::of(&headers, None).unwrap_err();
            assert_eq!(failure.cause, Cause::Encoding, "{text}");
        }
    }

    #[test]
    fn what_stands_for_each_byte_is_a_strong_tag_or_a_date() {
        let (tag, weak) = (("etag", "\"a\""), ("etag", "W/\"a\""));
        let date = ("last-modified", "Wed, 01 Jan 2025 00:00:00 GMT");
        let (fresh, gzip) = (("date", date.1), ("content-encoding", "gzip"));
        let check = |of: &[(&'static str, &'static str)], expected| {
            assert_eq!(version(of, None).validator(), expected, "{of:?}");
        };
        check(&[], None);
        check(&[tag], Some("\"a\""));
        check(&[tag, date, gzip], Some("\"a\""));
        check(&[weak], None);
        check(&[weak, date], Some(date.1));
        check(&[date, gzip], None);
        check(&[date, fresh], None);
    }

    #[test]
    fn another_version_is_told() {
        let (tag, other) = (("etag", "\"a\""), ("etag", "\"b\""));
        let date = ("last-modified", "Wed, 01 Jan 2025 00:00:00 GMT");
        let later = ("last-modified", "Thu, 02 Jan 2025 00:00:00 GMT");
        let gzip = ("content-encoding", "gzip");
        let first = version(&[tag, date], Some(9));
        assert!(first.check(&first).is_ok());
        assert!(first.check(&version(&[tag], Some(9))).is_ok());
        let check = |first: &Version, later: Version, name: &str| {
            let failure = first.check(&later).unwrap_err();
            assert_eq!(failure.cause, Cause::Changed);
            assert!(failure.detail.contains(name), "{failure}");
        };
        check(&first, version(&[other, date], Some(9)), "`ETag`");
        check(&first, version(&[date], Some(9)), "`ETag`");
        check(&first, version(&[tag, later], Some(9)), "`Last-Modified`");
        check(&first, version(&[tag, date, gzip], Some(9)), "`Content-Encoding`");
        check(&first, version(&[tag, date], Some(8)), "its length differs");
        let dated = version(&[date], Some(9));
        check(&dated, version(&[], Some(9)), "`Last-Modified`");
        check(&dated, version(&[later], Some(9)), "`Last-Modified`");
    }
}
