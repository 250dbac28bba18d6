//! What all servers share: connections, the log, and the faults around an answer.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::faults::{Closing, Error, Faults, Instead, Plan, Running};

/// A request as it was logged.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `PUT` and so on.
    pub method: String,
    /// The path as it was sent, with its escapes.
    pub path: String,
    /// What follows the `?`.
    pub query: String,
    /// The headers as they were sent.
    pub headers: HeaderMap,
    /// What was answered; `None` where nothing was, or not yet.
    pub status: Option<u16>,
}

impl Request {
    /// Returns the text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the `Range` header.
    pub fn range(&self) -> Option<&str> {
        self.header("range")
    }
}

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Returns a body whose length is known.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Answers requests that no fault has kept away.
pub trait Site: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: hyper::Request<Bytes>)
    -> impl Future<Output = Response<Body>> + Send;
}

/// Beside an answer: the connection ends after so many bytes of its body.
#[derive(Clone)]
pub struct CutAfter(pub u64);

/// A server that runs.
pub struct Front {
    address: SocketAddr,
    log: Log,
    runtime: Option<Runtime>,
}

type Log = Arc<Mutex<Vec<Request>>>;

impl Front {
    /// Starts to answer on a port of the system's choice.
    pub fn start(site: impl Site, faults: Faults) -> Front {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        // not by `block_on`, which a test that is on a runtime itself cannot use
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::default();
        let door = Arc::new(Door { site, faults: Running::new(faults), log: log.clone() });
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                // a client that is gone before it is let in is no reason to stop
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, door.clone()));
                }
            }
        });
        Front { address, log, runtime: Some(runtime) }
    }

    /// Returns `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests so far, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // requests that are stalled are not waited for
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(stream: TcpStream, door: Arc<Door<impl Site>>) {
    let cut = Arc::new(Cut::default());
    let wire = Wire { stream: TokioIo::new(stream), cut: cut.clone() };
    let service = service_fn(|request| {
        let (door, cut) = (door.clone(), cut.clone());
        async move { Ok::<_, Infallible>(door.answer(request, cut).await) }
    });
    let connection = http1::Builder::new().serve_connection(wire, service);
    tokio::select! {
        // errors are those of clients, which go when they like
        _ = connection => {}
        () = cut.closed.notified() => {}
    }
}

/// What a request passes on its way to the site and back.
struct Door<S> {
    site: S,
    faults: Running,
    log: Log,
}

impl<S: Site> Door<S> {
    async fn answer(&self, request: hyper::Request<Incoming>, cut: Arc<Cut>) -> Response<Body> {
        let (number, plan) = self.enter(&request);
        tokio::time::sleep(plan.delay).await;
        let (head, body) = request.into_parts();
        // an answer to a request that is still being sent could be overtaken by a reset
        let body = receive(body, plan.cut_upload, &cut).await;
        let response = match plan.instead {
            Some(Instead::Nothing) => pending().await,
            Some(Instead::Error(error)) => error.into_response(),
            None => self.site.answer(hyper::Request::from_parts(head, body)).await,
        };
        tokio::time::sleep(plan.late).await;
        if plan.lose_answer {
            cut.close(Closing::Orderly);
            pending::<()>().await;
        }
        self.log.lock().unwrap()[number].status = Some(response.status().as_u16());
        let cut_after = response.extensions().get::<CutAfter>();
        match plan.cut_answer.or(cut_after.map(|cut| (cut.0, Closing::Orderly))) {
            Some((left, closing)) => {
                response.map(|inner| Download { inner, left, closing, cut }.boxed_unsync())
            }
            None => response,
        }
    }

    /// Logs a request and decides what happens to it, in one order.
    fn enter(&self, request: &hyper::Request<Incoming>) -> (usize, Plan) {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let mut log = self.log.lock().unwrap();
        log.push(Request {
            method: method.to_string(),
            path: uri.path().to_string(),
            query: uri.query().unwrap_or_default().to_string(),
            headers: headers.clone(),
            status: None,
        });
        (log.len() - 1, self.faults.plan(method, uri, headers))
    }
}

impl Error {
    /// Returns the error as an answer.
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap())
            .header("content-type", "application/xml")
            .header("x-amz-request-id", "0123456789ABCDEF");
        if let Some(region) = self.region {
            response = response.header("x-amz-bucket-region", region);
        }
        response.body(whole(self.body)).unwrap()
    }
}

/// How the connection is told to end.
#[derive(Default)]
struct Cut {
    /// Ends it.
    closed: Notify,
    /// Ends it as soon as all that was written is with the system.
    at_flush: AtomicBool,
    reset: AtomicBool,
}

impl Cut {
    fn close(&self, closing: Closing) {
        self.reset.store(closing == Closing::Reset, Ordering::SeqCst);
        self.closed.notify_one();
    }

    fn close_at_flush(&self, closing: Closing) {
        self.reset.store(closing == Closing::Reset, Ordering::SeqCst);
        self.at_flush.store(true, Ordering::SeqCst);
    }
}

/// Reads the body of a request, and does not return where the connection ends before it: because
/// it is longer than `limit` bytes, or because the client is gone.
async fn receive(mut body: Incoming, limit: Option<u64>, cut: &Cut) -> Bytes {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let gone = frame.is_err();
        if let Ok(frame) = frame {
            bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        if gone || limit.is_some_and(|limit| bytes.len() as u64 > limit) {
            cut.close(Closing::Orderly);
            pending::<()>().await;
        }
    }
    bytes.into()
}

/// The body of an answer, after `left` bytes of which the connection ends.
struct Download {
    inner: Body,
    left: u64,
    closing: Closing,
    cut: Arc<Cut>,
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.cut.at_flush.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let length = data_length(&frame);
        if length <= self.left {
            self.left -= length;
            return Poll::Ready(frame);
        }
        self.cut.close_at_flush(self.closing);
        match frame {
            Some(Ok(frame)) if self.left > 0 => {
                let data = frame.into_data().unwrap_or_default().slice(..self.left as usize);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            _ => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn data_length<E>(frame: &Option<Result<Frame<Bytes>, E>>) -> u64 {
    let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
    data.map_or(0, |data| data.len() as u64)
}

/// A connection that ends where it is told to.
struct Wire {
    stream: TokioIo<TcpStream>,
    cut: Arc<Cut>,
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // hyper flushes when its own buffer is empty
        if self.cut.at_flush.load(Ordering::SeqCst) {
            self.cut.closed.notify_one();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.cut.reset.load(Ordering::SeqCst) {
            let _ = self.stream.inner().set_zero_linger();
        }
    }
}
