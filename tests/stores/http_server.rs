//! The HTTP server itself, page by page.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;

use crate::s3_server::LETTERS;
use crate::servers::client::{Answer, Call, Ending};
use crate::servers::faults::Faults;
use crate::servers::http::{Gzip, HttpServer, Length, Pace, Page, Ranges, Reply, Tag};

/// A server of one page at `/a`.
fn serve(page: Page) -> HttpServer {
    HttpServer::start([("/a", page)], Faults::none())
}

fn get(server: &HttpServer, headers: &[(&str, &str)]) -> Answer {
    Call { headers, ..Call::get(&server.url("/a")) }.send()
}

fn letters() -> Page {
    Page::of(LETTERS)
}

#[test]
fn a_page_that_behaves() {
    let server = serve(Page { content_type: Some("text/csv"), ..letters() });
    let all = get(&server, &[]);
    assert_eq!((all.status, all.text(), all.ending), (200, LETTERS, Ending::Whole));
    let tag = all.header("etag").unwrap();
    let date = all.header("last-modified").unwrap();
    assert_eq!(all.header("content-length"), Some("26"));
    assert_eq!(all.header("accept-ranges"), Some("bytes"));
    assert_eq!(all.header("content-type"), Some("text/csv"));

    let head = Call { method: "HEAD", ..Call::get(&server.url("/a")) }.send();
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(head.header("content-length"), Some("26"));
    assert_eq!(head.header("etag"), Some(tag));

    let part = get(&server, &[("range", "bytes=3-5"), ("if-match", tag)]);
    assert_eq!((part.status, part.text()), (206, "def"));
    assert_eq!(part.header("content-range"), Some("bytes 3-5/26"));
    assert_eq!(get(&server, &[("range", "bytes=-2"), ("if-range", tag)]).text(), "yz");
    assert_eq!(get(&server, &[("range", "bytes=24-"), ("if-range", "\"x\"")]).text(), LETTERS);
    assert_eq!(get(&server, &[("range", "bytes=26-")]).status, 416);
    assert_eq!(get(&server, &[("if-match", "\"x\"")]).status, 412);
    assert_eq!(get(&server, &[("if-unmodified-since", date)]).status, 200);

    assert_eq!(Call::get(&server.url("/b?c=d")).send().status, 404);
    let request = server.requests().pop().unwrap();
    assert_eq!((request.path.as_str(), request.query.as_str()), ("/b", "c=d"));
    assert_eq!(server.requests()[2].range(), Some("bytes=3-5"));
}

#[test]
fn ranges_that_are_ignored_or_shifted() {
    let asked = [("range", "bytes=3-5")];
    let ignored = get(&serve(Page { ranges: Ranges::Ignored, ..letters() }), &asked);
    assert_eq!((ignored.status, ignored.text()), (200, LETTERS));
    assert_eq!(ignored.header("accept-ranges"), None);
    let shifted = get(&serve(Page { ranges: Ranges::Shifted, ..letters() }), &asked);
    assert_eq!((shifted.status, shifted.text()), (206, "efg"));
    assert_eq!(shifted.header("content-range"), Some("bytes 4-6/26"));
}

#[test]
fn tags_and_dates() {
    let weak = serve(Page { tag: Tag::Weak, ..letters() });
    let tag = get(&weak, &[]).header("etag").unwrap().to_string();
    assert!(tag.starts_with("W/\""));
    assert_eq!(get(&weak, &[("if-match", &tag)]).status, 412);
    let bare = get(&serve(Page { tag: Tag::None, dated: false, ..letters() }), &[]);
    assert_eq!((bare.header("etag"), bare.header("last-modified")), (None, None));

    let changing = serve(Page { change: Some((2, "123".into())), ..letters() });
    let [first, second, third] = [(); 3].map(|()| get(&changing, &[]));
    assert_eq!((first.text(), second.text(), third.text()), (LETTERS, LETTERS, "123"));
    assert_eq!(first.header("etag"), second.header("etag"));
    assert_ne!(second.header("etag"), third.header("etag"));
    assert_ne!(second.header("last-modified"), third.header("last-modified"));
}

#[test]
fn lengths_that_are_missing_or_wrong() {
    let chunked = get(&serve(Page { length: Length::Chunked, ..letters() }), &[]);
    assert_eq!((chunked.text(), chunked.ending), (LETTERS, Ending::Whole));
    assert_eq!(chunked.header("content-length"), None);
    let more = get(&serve(Page { length: Length::Claimed(30), ..letters() }), &[]);
    assert_eq!((more.text(), more.ending), (LETTERS, Ending::Closed));
    let less = get(&serve(Page { length: Length::Claimed(3), ..letters() }), &[]);
    assert_eq!((less.text(), less.ending), ("abc", Ending::Whole));
}

#[test]
fn gzip_on_the_way() {
    let unpacked = |answer: &Answer| {
        let mut text = String::new();
        GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
        text
    };
    let asked = serve(Page { gzip: Gzip::Asked, ..letters() });
    assert_eq!(get(&asked, &[("accept-encoding", "identity")]).text(), LETTERS);
    let packed = get(&asked, &[("accept-encoding", "gzip, br"), ("range", "bytes=3-5")]);
    assert_eq!((packed.status, unpacked(&packed)), (200, LETTERS.to_string()));
    let always = get(&serve(Page { gzip: Gzip::Always, ..letters() }), &[]);
    assert_eq!(always.header("content-encoding"), Some("gzip"));
    assert_eq!(unpacked(&always), LETTERS);
}

#[test]
fn statuses_redirects_and_patience() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Page::reply(Reply::Redirect(status, "file:///x".to_string()));
        let answer = get(&serve(redirect), &[]);
        assert_eq!((answer.status, answer.header("location")), (status, Some("file:///x")));
    }
    assert_eq!(get(&serve(Page::reply(Reply::Status(410))), &[]).status, 410);
    let server = serve(Page { head_status: 405, ..letters() });
    assert_eq!(Call { method: "HEAD", ..Call::get(&server.url("/a")) }.send().status, 405);
    assert_eq!(get(&server, &[]).status, 200);

    let busy = serve(Page { reply: Reply::Busy(503, Some("1"), 2), ..letters() });
    let [first, second, third] = [(); 3].map(|()| get(&busy, &[]));
    assert_eq!((first.status, second.status, third.status), (503, 503, 200));
    assert_eq!((first.header("retry-after"), third.header("retry-after")), (Some("1"), None));
}

#[test]
fn stalls_and_a_trickle() {
    let get_soon = |pace| {
        let server = serve(Page { pace, ..letters() });
        let patience = Duration::from_millis(300);
        Call { patience, ..Call::get(&server.url("/a")) }.send()
    };
    let silent = get_soon(Pace::StallBeforeHeaders);
    assert_eq!((silent.status, silent.ending), (0, Ending::Stalled));
    let stuck = get_soon(Pace::StallAfter(3));
    assert_eq!((stuck.status, stuck.text(), stuck.ending), (200, "abc", Ending::Stalled));

    let every = Duration::from_millis(1);
    let trickle = serve(Page { pace: Pace::EndlessTrickle(every), ..letters() });
    let url = trickle.url("/a");
    let reader = std::thread::spawn(move || Call::get(&url).send());
    std::thread::sleep(Duration::from_millis(300));
    // an answer without end ends with its server
    drop(trickle);
    let answer = reader.join().unwrap();
    assert!(answer.text().starts_with("ab") && answer.ending != Ending::Whole, "{answer:?}");
}
