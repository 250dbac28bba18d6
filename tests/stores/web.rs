//! Pages of web servers as inputs, whatever the servers do.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;

use crate::servers::faults::{Bytes, Closing, Fault, Faults, When};
use crate::servers::http::{Gzip, HttpServer, Length, Pace, Page, Ranges, Reply, Tag};
use crate::{Done, Folder};

/// Two records, and the table that they make.
const SMALL: &str = "{\"n\":1}\n{\"n\":2}\n";
const SMALL_TABLE: &str = "_tm_id,n\n1,1\n2,2\n";

/// Makes parts of pages small: a MiB.
const SMALL_PARTS: &str = "--memory-limit=64MiB";

fn serve(page: Page) -> HttpServer {
    HttpServer::start([("/a.jsonl", page)], Faults::none())
}

fn small() -> Page {
    Page::of(SMALL)
}

/// Converts pages to CSV on standard output, with retries that follow soon.
fn convert(urls: &[&str], more: &[&str]) -> Done {
    let mut args = vec!["convert"];
    args.extend(urls);
    args.extend(["-o", "-", "--to", "csv", "-q", "--retry-backoff", "1ms"]);
    args.extend(more);
    Folder::new().run(&args, &[])
}

/// Converts the one page of a server.
fn fetch(server: &HttpServer, more: &[&str]) -> Done {
    convert(&[&server.url("/a.jsonl")], more)
}

impl Done {
    #[track_caller]
    fn is(self, table: &str) {
        assert_eq!(self.stderr, "");
        assert_eq!(self.status, 0);
        let found = String::from_utf8(self.stdout).unwrap();
        if found != table {
            let same = found.bytes().zip(table.bytes()).take_while(|(a, b)| a == b).count();
            panic!("{} bytes, {} expected; they differ at {same}", found.len(), table.len());
        }
    }

    /// It failed for this reason, and wrote nothing that looks whole.
    #[track_caller]
    fn fails_with(self, texts: &[&str]) {
        for text in texts {
            assert!(self.stderr.contains(text), "expected `{text}`, found `{}`", self.stderr);
        }
        assert_eq!(self.status, 1, "{}", self.stderr);
    }
}

/// Some megabytes of records, no two the same, and their table.
fn big() -> (String, String) {
    let (mut text, mut table) = (String::new(), "_tm_id,n,s\n".to_owned());
    for n in 0..100_000u64 {
        let s = format!("{:016x}{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n * n);
        text.push_str(&format!("{{\"n\":{n},\"s\":\"{s}\"}}\n"));
        table.push_str(&format!("{},{n},{s}\n", n + 1));
    }
    (text, table)
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// How many requests there were, and how many of them for a range.
fn requests(server: &HttpServer) -> (usize, usize) {
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.method == "GET"));
    (requests.len(), requests.iter().filter(|request| request.range().is_some()).count())
}

#[test]
fn small_pages_take_one_request_from_any_server() {
    let pages = [
        small(),
        Page { ranges: Ranges::Ignored, ..small() },
        Page { length: Length::Chunked, ..small() },
        Page { length: Length::Chunked, ranges: Ranges::Ignored, ..small() },
        Page { tag: Tag::Weak, dated: false, ..small() },
        Page { tag: Tag::None, dated: false, ..small() },
        Page { gzip: Gzip::Asked, ..small() },
        Page { gzip: Gzip::Always, length: Length::Chunked, ..small() },
        Page { head_status: 405, ..small() },
    ];
    for page in pages {
        let server = serve(page.clone());
        fetch(&server, &[]).is(SMALL_TABLE);
        assert_eq!(server.requests().len(), 1, "{page:?}");
    }
}

#[test]
fn pages_come_in_parts_where_there_are_ranges() {
    let (text, table) = big();
    let parts = text.len().div_ceil(1 << 20);
    assert!(parts > 4);
    for page in [Page::of(text.clone()), Page { tag: Tag::None, ..Page::of(text.clone()) }] {
        let server = serve(page);
        fetch(&server, &[SMALL_PARTS]).is(&table);
        let requests = server.requests();
        assert_eq!(requests.len(), parts);
        assert!(requests.iter().all(|request| request.range().is_some()));
        assert!(requests.iter().skip(1).all(|request| request.header("if-range").is_some()));
    }
}

#[test]
fn pages_come_as_one_stream_where_ranges_are_of_no_use() {
    let (text, table) = big();
    let page = || Page::of(text.clone());
    let cases = [
        (Page { ranges: Ranges::Ignored, ..page() }, 1),
        (Page { ranges: Ranges::Ignored, length: Length::Chunked, ..page() }, 1),
        // packed or not, nothing tells versions apart
        (Page { tag: Tag::None, dated: false, ..page() }, 3),
        (Page { tag: Tag::Weak, dated: false, ..page() }, 3),
        (Page { ranges: Ranges::Shifted, ..page() }, 3),
        (Page { gzip: Gzip::Asked, ..page() }, 1),
    ];
    for (page, count) in cases {
        let server = serve(page);
        fetch(&server, &[SMALL_PARTS]).is(&table);
        assert_eq!(server.requests().len(), count);
    }
}

#[test]
fn what_is_empty_is_empty() {
    for ranges in [Ranges::Served, Ranges::Ignored] {
        let server = serve(Page { ranges, ..Page::of("") });
        fetch(&server, &[]).is("_tm_id\n");
        assert_eq!(server.requests().len(), 1);
    }
    let server = serve(Page { gzip: Gzip::Always, ..Page::of("") });
    fetch(&server, &[]).is("_tm_id\n");
}

#[test]
fn what_breaks_off_goes_on_where_it_broke() {
    const PLACES: &[u64] = &[0, 100_000, 99, 100_001, 1_500_000, 700_000, 3_000_000];
    let (text, table) = big();
    let ways = [
        (Ranges::Served, Length::Known),
        (Ranges::Served, Length::Chunked),
        (Ranges::Ignored, Length::Known),
        (Ranges::Ignored, Length::Chunked),
    ];
    for (seed, (ranges, length)) in ways.into_iter().enumerate() {
        for closing in [Closing::Orderly, Closing::Reset] {
            let (places, when) = match ranges {
                Ranges::Served => (Bytes::Below(400_000), When::always().chance(0.7)),
                _ => (Bytes::Each(PLACES), When::always()),
            };
            let cuts = Fault::CutAnswer(places, closing);
            let faults = Faults::seeded(seed as u64).with(cuts, when);
            let page = Page { ranges, length, ..Page::of(text.clone()) };
            let server = HttpServer::start([("/a.jsonl", page)], faults);
            fetch(&server, &[SMALL_PARTS]).is(&table);
            assert!(server.requests().len() > 7, "{ranges:?} {length:?}");
        }
    }
}

#[test]
fn servers_that_are_busy_now_and_then_are_asked_again() {
    let (text, table) = big();
    for (seed, ranges) in [(1, Ranges::Served), (2, Ranges::Ignored)] {
        let faults = Faults::seeded(seed)
            .with(Fault::Status(503), When::always().chance(0.2))
            .with(Fault::LoseAnswer, When::always().chance(0.1))
            .with(
                Fault::CutAnswer(Bytes::Below(5_000_000), Closing::Reset),
                When::always().chance(0.1),
            );
        let page = Page { ranges, ..Page::of(text.clone()) };
        let paths: Vec<String> = (0..8).map(|index| format!("/{index}.jsonl")).collect();
        let pages = paths.iter().map(|path| (path.as_str(), page.clone()));
        let server = HttpServer::start(pages, faults);
        let urls: Vec<String> = paths.iter().map(|path| server.url(path)).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let rows = table.lines().skip(1).map(|row| &row[row.find(',').unwrap()..]);
        let rows: Vec<&str> = rows.collect();
        let done = convert(&urls, &[SMALL_PARTS]);
        assert_eq!((done.stderr.as_str(), done.status), ("", 0));
        let found = String::from_utf8(done.stdout).unwrap();
        let found = found.lines().skip(1).map(|row| &row[row.find(',').unwrap()..]);
        assert!(found.eq(rows.repeat(8)), "seed {seed}");
        assert!(server.requests().iter().any(|request| request.status == Some(503)));
    }
}

#[test]
fn what_is_packed_on_its_way_is_unpacked_whatever_it_is() {
    let (text, table) = big();
    let packed = gzip(&text);
    let path = "/a.jsonl.gz";
    let cases = [
        Page::of(packed.clone()),
        // packed twice: the file, and on its way
        Page { gzip: Gzip::Always, ..Page::of(packed.clone()) },
        // as it is, but called packed: so it is packed once
        Page { gzip: Gzip::Always, ..Page::of(text.clone()) },
    ];
    for page in cases {
        for length in [Length::Known, Length::Chunked] {
            let page = Page { length, ..page.clone() };
            let server = HttpServer::start([(path, page)], Faults::none());
            convert(&[&server.url(path)], &[SMALL_PARTS]).is(&table);
            let accepted = server.requests()[0].header("accept-encoding").map(str::to_owned);
            assert_eq!(accepted.as_deref(), Some("identity"));
        }
    }
}

#[test]
fn what_is_packed_on_its_way_and_breaks_off_is_never_short() {
    let (text, table) = big();
    let page = || Page { gzip: Gzip::Always, ..Page::of(text.clone()) };
    let cuts = Fault::CutAnswer(Bytes::Each(&[10_000, 0, 300_000]), Closing::Orderly);
    let faults = Faults::seeded(1).with(cuts, When::always());
    let server = HttpServer::start([("/a.jsonl", page())], faults);
    fetch(&server, &[]).is(&table);
    assert_eq!(requests(&server).0, 4);

    // a server that says it is whole
    let packed = gzip(&text);
    for bytes in [0, 1, 5, 11, packed.len() / 2, packed.len() - 1] {
        let length = Length::Claimed(bytes as u64);
        let server = serve(Page { length, ..page() });
        let done = fetch(&server, &[]);
        match bytes {
            0 => done.is("_tm_id\n"),
            _ => assert!(
                done.status != 0 && done.stderr.contains("found the end of the input"),
                "{bytes}: {}",
                done.stderr
            ),
        }
    }
}

#[test]
fn redirects_are_followed_to_other_pages_alone() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Page::reply(Reply::Redirect(status, "b?sig=hunter2".to_owned()));
        let pages = [("/a.jsonl", redirect), ("/b", small())];
        fetch(&HttpServer::start(pages, Faults::none()), &[]).is(SMALL_TABLE);
    }
    let other = HttpServer::start([("/x/y", small())], Faults::none());
    let redirect = Page::reply(Reply::Redirect(302, other.url("/x/y")));
    fetch(&serve(redirect), &[]).is(SMALL_TABLE);

    let refused = [
        ("file:///etc/passwd", "redirects to `file:`, which is not followed"),
        ("ftp://h/x", "redirects to `ftp:`"),
        ("http://", "redirects to what is no address"),
        ("a.jsonl", "redirects in a loop, back to `127.0.0.1`"),
    ];
    for (location, text) in refused {
        let server = serve(Page::reply(Reply::Redirect(302, location.to_owned())));
        let url = server.url("/a.jsonl");
        fetch(&server, &[]).fails_with(&[&url, text]);
        assert_eq!(server.requests().len(), 1);
    }
    let paths: Vec<String> = (0..12).map(|index| format!("/{index}")).collect();
    let onward = |index: usize| Page::reply(Reply::Redirect(307, format!("/{}", index + 1)));
    let pages = paths.iter().enumerate().map(|(index, path)| (path.as_str(), onward(index)));
    let server = HttpServer::start(pages, Faults::none());
    convert(&[&server.url("/0")], &[]).fails_with(&["redirects more than 10 times"]);
    assert_eq!(server.requests().len(), 11);
    convert(&[&server.url("/12")], &[]).fails_with(&["the server answered 404"]);
}

#[test]
fn parts_come_from_where_the_first_was_found() {
    let (text, table) = big();
    let redirect = Page::reply(Reply::Redirect(302, "/b?sig=hunter2".to_owned()));
    let pages = [("/a.jsonl", redirect), ("/b", Page::of(text))];
    let server = HttpServer::start(pages, Faults::none());
    fetch(&server, &[SMALL_PARTS]).is(&table);
    let to_first = server.requests().iter().filter(|request| request.path == "/a.jsonl").count();
    assert_eq!(to_first, 1);
}

#[test]
fn what_changes_meanwhile_is_never_mixed() {
    let (text, table) = big();
    let other: String = text.replace("\"n\":", "\"m\":");
    let page = Page { change: Some((3, other.clone().into())), ..Page::of(text.clone()) };
    let told = ["it has changed since its beginning was read: its `ETag` differs", "hint:"];
    for tag in [Tag::Strong, Tag::None] {
        let server = serve(Page { tag, ..page.clone() });
        let names = match tag {
            Tag::Strong => told,
            _ => ["`Last-Modified` differs", "at rest"],
        };
        fetch(&server, &[SMALL_PARTS]).fails_with(&names);
    }
    // without ranges: only its bytes tell
    let cut = || {
        let cut = Fault::CutAnswer(Bytes::Each(&[1_000_000]), Closing::Orderly);
        Faults::seeded(1).with(cut, When::always())
    };
    let plain = Page { ranges: Ranges::Ignored, tag: Tag::None, dated: false, ..page };
    let changed = |bytes: String| {
        let page = Page { change: Some((1, bytes.into())), ..plain.clone() };
        HttpServer::start([("/a.jsonl", page)], cut())
    };
    fetch(&changed(other), &[]).fails_with(&["it begins with other bytes"]);
    fetch(&changed(text[..1_000].to_owned()), &[]).fails_with(&["it is shorter"]);
    // one that begins the same is taken for what it is
    let longer = format!("{text}{{\"n\":7,\"s\":\"z\"}}\n");
    fetch(&changed(longer), &[]).is(&format!("{table}100001,7,z\n"));
}

#[test]
fn statuses_are_told_at_once_with_what_to_do() {
    let cases = [
        (404, "the server answered 404", "check the address"),
        (410, "the server answered 410", "check the address"),
        (401, "the server answered 401", "curl"),
        (403, "the server answered 403", "signed URL"),
        (400, "the server answered 400", ""),
        (304, "the server answered 304", ""),
        (202, "the server answered 202", ""),
    ];
    for (status, text, hint) in cases {
        let server = serve(Page::reply(Reply::Status(status)));
        let url = format!("{}?sig=hunter2&page=3", server.url("/a.jsonl"));
        let shown = format!("{}?sig=…&page=3: reading it failed: {text}", server.url("/a.jsonl"));
        let done = convert(&[&url], &[]);
        assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
        done.fails_with(&[&shown, hint]);
        assert_eq!(server.requests().len(), 1);
    }
    for status in [408, 429, 500, 502, 503, 504] {
        let server = serve(Page::reply(Reply::Status(status)));
        let text = format!("the server answered {status}");
        fetch(&server, &["--max-retries", "2"]).fails_with(&[&text, "--max-retries"]);
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn servers_are_left_alone_as_long_as_they_want() {
    let server = serve(Page { reply: Reply::Busy(429, Some("1"), 1), ..small() });
    let start = Instant::now();
    fetch(&server, &[]).is(SMALL_TABLE);
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn servers_that_are_silent_are_given_up() {
    let patient = ["--request-timeout", "300ms", "--max-retries", "1"];
    let server = serve(Page { pace: Pace::StallBeforeHeaders, ..small() });
    fetch(&server, &patient).fails_with(&["no answer within 300ms", "--request-timeout"]);
    assert_eq!(server.requests().len(), 2);
    let server = serve(Page { pace: Pace::StallAfter(3), ranges: Ranges::Ignored, ..small() });
    fetch(&server, &patient).fails_with(&["nothing came for 300ms"]);

    // one that takes a while is waited for
    let delay = Fault::Delay(Duration::from_millis(300));
    let faults = Faults::none().with(delay, When::always());
    let server = HttpServer::start([("/a.jsonl", small())], faults);
    fetch(&server, &["--request-timeout", "20s"]).is(SMALL_TABLE);
    assert_eq!(server.requests().len(), 1);
    // one that is silent once is asked again
    let faults = Faults::none().with(Fault::Stall, When::always().at_most(1));
    let server = HttpServer::start([("/a.jsonl", small())], faults);
    fetch(&server, &["--request-timeout", "300ms"]).is(SMALL_TABLE);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_stall_in_the_middle_is_taken_up_where_it_began() {
    let (text, table) = big();
    let page = Page { pace: Pace::StallAfter(300_000), ..Page::of(text) };
    let server = serve(page);
    fetch(&server, &[SMALL_PARTS, "--request-timeout", "300ms"]).is(&table);
}

#[test]
fn nobody_there_is_said() {
    let url = {
        let server = serve(small());
        server.url("/a.jsonl")
    };
    convert(&[&url], &["--max-retries", "1"])
        .fails_with(&["reading it failed: ", "try again later"]);
}

#[test]
fn pages_and_files_are_read_in_their_order() {
    let folder = Folder::new();
    fs::write(folder.path().join("b.jsonl"), "{\"n\":3}\n").unwrap();
    let pages = [
        ("/a.jsonl", small()),
        ("/c.jsonl", Page { ranges: Ranges::Ignored, ..Page::of("{\"n\":4}\n") }),
        ("/d.csv", Page::of("n\n5\n")),
    ];
    let server = HttpServer::start(pages, Faults::none());
    let (a, c) = (server.url("/a.jsonl"), server.url("/c.jsonl"));
    let secret = format!("{c}?token=hunter2");
    let args = ["convert", &a, "b.jsonl", &secret, "-o", "-", "--to", "csv"];
    let done = folder.run(&[&args[..], &["--source-column"]].concat(), &[]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let expected = format!("_tm_id,_tm_source,n\n1,{a},1\n2,{a},2\n3,b.jsonl,3\n4,{c}?token=…,4\n");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);

    let summary = ["convert", &secret, "-o", "out", "--to", "csv", "--summary", "json"];
    let done = folder.run(&summary, &[]);
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), done.stderr);
    assert_eq!(done.status, 0, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    convert(&[&server.url("/d.csv")], &[]).is("n\n5\n");
}

#[test]
fn whoever_wants_few_records_does_not_wait_for_all() {
    let text = "{\"n\":1}\n".repeat(2_000_000);
    let trickle = || Pace::EndlessTrickle(Duration::from_millis(1));
    let pages = [
        Page::of(text.clone()),
        Page { ranges: Ranges::Ignored, ..Page::of(text.clone()) },
        Page { pace: trickle(), ranges: Ranges::Ignored, ..small() },
        Page { pace: Pace::StallAfter(5_000_000), ranges: Ranges::Ignored, ..Page::of(text) },
    ];
    for page in pages {
        let server = serve(page);
        let start = Instant::now();
        let done = fetch(&server, &["--limit", "10"]);
        assert_eq!((done.stderr.as_str(), done.status), ("", 0));
        assert_eq!(done.stdout.iter().filter(|byte| **byte == b'\n').count(), 11);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    }
}

#[test]
fn a_length_that_is_not_kept_is_no_end() {
    let server = serve(Page {
        length: Length::Claimed(SMALL.len() as u64 + 5),
        ranges: Ranges::Ignored,
        ..small()
    });
    fetch(&server, &["--max-retries", "2"]).fails_with(&["reading it failed: "]);
}

#[test]
fn settings_are_those_of_the_command_line() {
    let server = serve(small());
    fetch(&server, &["--store-option", "user_agent=me/1"]).is(SMALL_TABLE);
    assert_eq!(server.requests()[0].header("user-agent"), Some("me/1"));
    fetch(&server, &[]).is(SMALL_TABLE);
    let agent = server.requests()[1].header("user-agent").map(str::to_owned);
    assert!(agent.unwrap().starts_with("transmog/"));
    // a proxy is asked for all of the address
    let proxy = format!("proxy_url={}", server.url(""));
    convert(&["http://example.invalid/a.jsonl"], &["--store-option", &proxy]).is(SMALL_TABLE);
}

#[test]
fn many_small_pages_are_waited_for_together() {
    let delay = Fault::Delay(Duration::from_millis(300));
    let paths: Vec<String> = (0..24).map(|index| format!("/{index}.jsonl")).collect();
    for ranges in [Ranges::Served, Ranges::Ignored] {
        let faults = Faults::none().with(delay.clone(), When::always());
        let page = |path| (path, Page { ranges, ..small() });
        let server = HttpServer::start(paths.iter().map(|path| page(path.as_str())), faults);
        let urls: Vec<String> = paths.iter().map(|path| server.url(path)).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let start = Instant::now();
        let done = convert(&urls, &[]);
        assert_eq!((done.stderr.as_str(), done.status), ("", 0));
        assert_eq!(done.stdout.iter().filter(|byte| **byte == b'\n').count(), 49);
        // one after the other they take 7.2 seconds
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

/// Answers each request with what `answer` makes of its text; returns the address of a page.
fn answer(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.jsonl", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), Vec::new());
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                request.extend(byte);
            }
            // a client that is gone does not matter
            let _ = stream.write_all(&answer(&String::from_utf8(request).unwrap()));
        }
    });
    url
}

/// An answer with these lines at its head, and the length of its content.
fn lines(head: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let head = head.replace('\n', "\r\n");
    let length = content.len();
    let mut answer =
        format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
            .into_bytes();
    answer.extend(content);
    answer
}

#[test]
fn packings_are_undone_or_named() {
    let zstd = zstd::encode_all(SMALL.as_bytes(), 3).unwrap();
    let cases = [
        ("zstd", zstd.clone()),
        ("zstd, gzip", gzip(&zstd)),
        ("GZIP", gzip(SMALL)),
        ("x-gzip", gzip(SMALL)),
        ("identity", SMALL.into()),
        ("aws-chunked", SMALL.into()),
        // said to be packed, but not
        ("gzip", SMALL.into()),
        ("zstd", SMALL.into()),
        // two members
        ("gzip", [gzip("{\"n\":1}\n"), gzip("{\"n\":2}\n")].concat()),
    ];
    for (coding, bytes) in cases {
        let head = format!("200 OK\ncontent-encoding: {coding}");
        let url = answer(move |_| lines(&head, &bytes));
        convert(&[&url], &[]).is(SMALL_TABLE);
    }
    for coding in ["br", "deflate", "gzip, br"] {
        let head = format!("200 OK\ncontent-encoding: {coding}");
        let url = answer(move |_| lines(&head, "xyz"));
        let found = coding.rsplit(' ').next().unwrap();
        convert(&[&url], &[]).fails_with(&[&format!("found `{found}`"), "curl --compressed"]);
    }
}

#[test]
fn ranges_that_are_packed_one_by_one_are_not_put_together() {
    let url = answer(|request| match request.contains("accept-encoding: gzip") {
        true => {
            let head = "206 Partial Content\ncontent-encoding: gzip\netag: \"a\"\n\
                        content-range: bytes 0-15/16";
            lines(head, gzip(SMALL))
        }
        false => lines("206 Partial Content\ncontent-range: bytes 0-15/16", SMALL),
    });
    convert(&[&url], &[]).is(SMALL_TABLE);
}

#[test]
fn a_server_that_gives_all_where_a_part_was_asked_for_is_read_over() {
    let (text, table) = big();
    let serve = |tag: &'static str| {
        let text = text.clone();
        answer(move |request| match request.contains("range: bytes=0-") {
            true => {
                let head = format!(
                    "206 Partial Content\netag: \"a\"\ncontent-range: bytes 0-999999/{}",
                    text.len()
                );
                lines(&head, &text[..1_000_000])
            }
            false => lines(&format!("200 OK\netag: {tag}"), &text),
        })
    };
    convert(&[&serve("\"a\"")], &[SMALL_PARTS]).is(&table);
    convert(&[&serve("\"b\"")], &[SMALL_PARTS]).fails_with(&["its `ETag` differs"]);
}

#[test]
fn a_place_that_is_good_for_one_request_is_looked_for_again() {
    let (text, table) = big();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let url = answer(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        if path == "/a.jsonl" {
            let nth = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            return lines(&format!("302 Found\nlocation: /once/{nth}"), "");
        }
        let nth: usize = path.rsplit('/').next().unwrap().parse().unwrap();
        let range = request.lines().find_map(|line| line.strip_prefix("range: bytes=")).unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        // some answers in, the first place is no more
        if nth == 0 && start > 0 {
            return lines("403 Forbidden", "");
        }
        let end = (end + 1).min(text.len());
        let head = format!(
            "206 Partial Content\netag: \"a\"\ncontent-range: bytes {start}-{}/{}",
            end - 1,
            text.len()
        );
        lines(&head, &text[start..end])
    });
    convert(&[&url], &[SMALL_PARTS]).is(&table);
}
