//! An HTTP client that shows what arrived, however the connection ended.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A request to be sent: `Call { method: "HEAD", ..Call::get(&url) }.send()`.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// `GET` unless said.
    pub method: &'a str,
    /// `http://host:port/path?query`, sent as it is.
    pub url: &'a str,
    /// Headers beside `Host` and `Content-Length`.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is uploaded.
    pub body: &'a [u8],
    /// How long nothing may arrive.
    pub patience: Duration,
}

/// What arrived.
#[derive(Debug)]
pub struct Answer {
    /// The status, or 0 where the connection ended before it.
    pub status: u16,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as far as it came, out of its chunks.
    pub body: Vec<u8>,
    /// How it ended.
    pub ending: Ending,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Where its length or its last chunk says.
    Whole,
    /// Too early, by a connection that was closed.
    Closed,
    /// Too early, by a reset.
    Reset,
    /// Not at all while the client was patient.
    Stalled,
}

impl<'a> Call<'a> {
    /// Returns a GET without further headers.
    pub fn get(url: &'a str) -> Call<'a> {
        let patience = Duration::from_secs(20);
        Call { method: "GET", url, headers: &[], body: &[], patience }
    }

    /// Sends the request on a connection of its own.
    pub fn send(&self) -> Answer {
        let (host, target) = self.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(self.patience)).unwrap();
        let length = self.body.len();
        let mut head = format!("{} /{target} HTTP/1.1\r\nhost: {host}\r\n", self.method);
        head.push_str(&format!("content-length: {length}\r\n"));
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // a server may hang up while it is being sent something, and that shows when it is read
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(self.body));
        receive(&mut stream, self.method)
    }
}

impl Answer {
    /// Returns the text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn receive(stream: &mut impl Read, method: &str) -> Answer {
    let mut answer =
        Answer { status: 0, headers: Vec::new(), body: Vec::new(), ending: Ending::Whole };
    let result = receive_head(stream, &mut answer).and_then(|()| {
        let empty = method == "HEAD" || matches!(answer.status, 204 | 304);
        if empty { Ok(()) } else { receive_body(stream, &mut answer) }
    });
    answer.ending = match result.map_err(|error| error.kind()) {
        Ok(()) => Ending::Whole,
        Err(io::ErrorKind::UnexpectedEof) => Ending::Closed,
        Err(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ending::Stalled,
        Err(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Ending::Reset,
        Err(other) => panic!("reading an answer: {other}"),
    };
    answer
}

fn receive_head(stream: &mut impl Read, answer: &mut Answer) -> io::Result<()> {
    let status = line(stream)?;
    answer.status = status.split(' ').nth(1).unwrap().parse().unwrap();
    loop {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else { return Ok(()) };
        answer.headers.push((name.to_lowercase(), value.trim().to_string()));
    }
}

fn receive_body(stream: &mut impl Read, answer: &mut Answer) -> io::Result<()> {
    if answer.header("transfer-encoding") != Some("chunked") {
        let length = answer.header("content-length").expect("a length").parse().unwrap();
        return exactly(stream, length, &mut answer.body);
    }
    loop {
        let size = line(stream)?;
        let size = u64::from_str_radix(&size, 16).unwrap();
        exactly(stream, size, &mut answer.body)?;
        line(stream)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// Reads `length` bytes, and keeps those that came where the rest does not.
fn exactly(stream: &mut impl Read, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = stream.take(length);
    stream.read_to_end(body)?;
    if stream.limit() > 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Reads a line, without its end.
fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8(line).unwrap())
}
