//! A TCP port that serves one page over HTTP, in a thread of its own.
//!
//! Clients are few, bounded in number, in the length of what they send and in time. Who connects
//! and says nothing, or reads nothing, loses its place to the next: it holds nobody up.

use crate::net::{ListenerPlan, NetError};
use crate::sys;
use crate::units::Nanos;
use crate::wire::{PageForm, PageRefusal, PageRequest, page_head, read_page_request};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// Most connections at a time; one more ends the one that has been open for the longest time.
const MOST: usize = 32;
/// Connections accepted in one turn, so that those that are open get theirs.
const ACCEPTED_AT_ONCE: usize = 16;
/// The longest request, in bytes.
const LONGEST: usize = 8 << 10;
/// How long a request may take, and how long the answer.
const REQUEST: Nanos = Nanos::from_secs(5);
const ANSWER: Nanos = Nanos::from_secs(10);
/// How long, after the answer, the client is awaited to close, and how much of what it still sends
/// is read: a connection that is closed before would be reset, and the answer with it.
const LINGER: Nanos = Nanos::from_secs(1);
const LEFTOVER: usize = 64 << 10;
/// How long to wait where no descriptor is left for a connection.
const NO_ROOM: Nanos = Nanos::from_millis(100);

/// A page in one of its forms: its media type and its bytes.
pub type Page = (&'static str, Vec<u8>);

/// Makes the page.
pub type Render = Box<dyn Fn(PageForm) -> Page + Send>;

/// An open port whose page is not served yet.
#[derive(Debug)]
pub struct PagePort {
    listener: TcpListener,
    local: SocketAddr,
    poll: Poll,
    waker: Arc<Waker>,
}

/// A port that is served. Dropping it ends that.
#[derive(Debug)]
pub struct RunningPage {
    waker: Arc<Waker>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PagePort {
    /// Opens the port, and all else that takes privileges.
    pub fn open(bind: SocketAddr) -> Result<Self, NetError> {
        let mut listener = ListenerPlan { bind, dual_stack: false }.open()?;
        let failed = |source| NetError::Bind { addr: bind.into(), source };
        let local = listener.local_addr().map_err(failed)?;
        let poll = Poll::new().map_err(failed)?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE).map_err(failed)?;
        let waker = Arc::new(Waker::new(registry, WAKER).map_err(failed)?);
        Ok(Self { listener, local, poll, waker })
    }

    /// The address, with the port that the kernel chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Begins to serve the page.
    pub fn serve(self, render: Render) -> io::Result<RunningPage> {
        let Self { listener, poll, waker, .. } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let mut server = PageServer {
            listener,
            poll,
            render,
            stop: Arc::clone(&stop),
            clients: BTreeMap::new(),
            next: 0,
            accept_at: None,
        };
        let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            // A poll fails on a closed descriptor only.
            let _ = server.run();
        })?;
        Ok(RunningPage { waker, stop, thread: Some(thread) })
    }
}

impl Drop for RunningPage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A waker fails only when its descriptor is closed, and then the thread has ended too.
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What serves the page.
struct PageServer {
    listener: TcpListener,
    poll: Poll,
    render: Render,
    stop: Arc<AtomicBool>,
    /// By the order in which they came.
    clients: BTreeMap<usize, Client>,
    next: usize,
    /// When to accept connections again; `None` until the kernel tells of one.
    accept_at: Option<Nanos>,
}

/// A connection.
struct Client {
    stream: TcpStream,
    stage: Stage,
    /// When it is ended whatever its stage.
    until: Nanos,
}

/// How far a connection is.
enum Stage {
    /// So much of its request came.
    Asking(Vec<u8>),
    /// So many bytes of its answer were written.
    Answered(Vec<u8>, usize),
    /// All was written; so many bytes came since.
    Closing(usize),
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Then {
    Wait,
    Close,
}

impl PageServer {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(MOST + 2);
        while !self.stop.load(Ordering::Acquire) {
            let now = sys::monotonic_now();
            let ends = self.clients.values().map(|client| client.until);
            let next = ends.chain(self.accept_at).min();
            // One more millisecond, as a poll may return that much too early.
            let wait = next.map(|at| Duration::from_nanos((at - now).0 + 1_000_000));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let now = sys::monotonic_now();
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept_at = Some(now),
                    Token(number) => self.advance(number, now),
                }
            }
            self.end_late(now);
            if self.accept_at.is_some_and(|at| at <= now) {
                self.accept_at = self.accept(now);
            }
        }
        Ok(())
    }

    /// Accepts what waits; returns when to do so again, if something may be left.
    fn accept(&mut self, now: Nanos) -> Option<Nanos> {
        for _ in 0..ACCEPTED_AT_ONCE {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    return match error.kind() {
                        io::ErrorKind::WouldBlock => None,
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => Some(now),
                        _ => Some(now + NO_ROOM),
                    };
                }
            };
            if self.clients.len() >= MOST {
                self.clients.pop_first();
            }
            let number = self.next;
            self.next = (self.next + 1) % WAKER.0;
            let both = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(number), both).is_ok() {
                let (stage, until) = (Stage::Asking(Vec::new()), now + REQUEST);
                self.clients.insert(number, Client { stream, stage, until });
                self.advance(number, now);
            }
        }
        Some(now)
    }

    /// Does for a connection what can be done.
    fn advance(&mut self, number: usize, now: Nanos) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        // An error is the client's: it has gone.
        if client.advance(now, &self.render).unwrap_or(Then::Close) == Then::Close {
            self.clients.remove(&number);
        }
    }

    /// Ends what takes too long; who has not asked is told.
    fn end_late(&mut self, now: Nanos) {
        let late = self.clients.iter().filter(|(_, client)| client.until <= now);
        let late: Vec<usize> = late.map(|(number, _)| *number).collect();
        for number in late {
            let Some(client) = self.clients.get_mut(&number) else { continue };
            if matches!(client.stage, Stage::Asking(_)) {
                client.answer(now, refusal(PageRefusal::TimedOut));
                self.advance(number, now);
            } else {
                self.clients.remove(&number);
            }
        }
    }
}

impl Client {
    fn advance(&mut self, now: Nanos, render: &Render) -> io::Result<Then> {
        if let Some(request) = self.read_request()? {
            let answer = match request {
                Err(wrong) => refusal(wrong),
                Ok(request) => {
                    let (content_type, body) = render(request.form);
                    let mut answer = page_head("200 OK", content_type, body.len());
                    if !request.head_only {
                        answer.extend(body);
                    }
                    answer
                }
            };
            self.answer(now, answer);
        }
        self.write(now)?;
        self.read_leftover()
    }

    /// Reads on; the request once it is complete, or cannot be one any more.
    fn read_request(&mut self) -> io::Result<Option<Result<PageRequest, PageRefusal>>> {
        let Stage::Asking(request) = &mut self.stage else { return Ok(None) };
        let mut bytes = [0; 2048];
        loop {
            let room = (LONGEST - request.len()).min(bytes.len());
            if room == 0 {
                return Ok(Some(Err(PageRefusal::TooLarge)));
            }
            match self.stream.read(&mut bytes[..room]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => request.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Some(read) = read_page_request(request) {
                return Ok(Some(read));
            }
        }
    }

    fn answer(&mut self, now: Nanos, answer: Vec<u8>) {
        (self.stage, self.until) = (Stage::Answered(answer, 0), now + ANSWER);
    }

    fn write(&mut self, now: Nanos) -> io::Result<()> {
        let Stage::Answered(answer, written) = &mut self.stage else { return Ok(()) };
        while *written < answer.len() {
            match self.stream.write(&answer[*written..]) {
                Ok(more) => *written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.shutdown(Shutdown::Write)?;
        (self.stage, self.until) = (Stage::Closing(0), now + LINGER);
        Ok(())
    }

    /// Reads what the client sends behind its request, until it closes.
    fn read_leftover(&mut self) -> io::Result<Then> {
        let Stage::Closing(came) = &mut self.stage else { return Ok(Then::Wait) };
        let mut bytes = [0; 2048];
        while *came < LEFTOVER {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(Then::Close),
                Ok(read) => *came += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Then::Wait),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Then::Close)
    }
}

/// The answer to who gets no page.
fn refusal(why: PageRefusal) -> Vec<u8> {
    let body = format!("{}\n", why.status());
    let mut answer = page_head(why.status(), "text/plain; charset=utf-8", body.len());
    answer.extend(body.into_bytes());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Connection;
    use std::time::Instant;

    fn served() -> (SocketAddr, RunningPage) {
        let port = PagePort::open(([127, 0, 0, 1], 0).into()).unwrap();
        let at = port.local_addr();
        let render = |form: PageForm| ("text/plain", format!("{form:?}\n").into_bytes());
        (at, port.serve(Box::new(render)).unwrap())
    }

    fn connect(at: SocketAddr) -> Connection {
        let connection = Connection::connect(at).unwrap();
        connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        connection
    }

    fn rest(mut connection: Connection) -> String {
        let mut text = Vec::new();
        // A reset behind the answer does not undo it.
        let _ = connection.read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn ask(at: SocketAddr, request: &str) -> String {
        let mut connection = connect(at);
        connection.write_all(request.as_bytes()).unwrap();
        rest(connection)
    }

    const GET: &str = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn a_page_is_served_whole_and_its_head_alone() {
        let (at, _running) = served();
        let page = ask(at, GET);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\nText\n"));
        let head = ask(at, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.contains("Content-Length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn who_asks_for_something_else_is_told() {
        let (at, _running) = served();
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", "404 "),
            ("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 "),
            ("\u{0}\u{1}\u{2}\r\n\r\n", "400 "),
            (&format!("GET /metrics HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(9 << 10)), "431 "),
        ] {
            let answer = ask(at, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:.40}: {answer}");
        }
    }

    #[test]
    fn silent_clients_hold_nobody_up_and_lose_their_places() {
        let (at, _running) = served();
        let silent: Vec<_> = (0..1_000)
            .map(|number| {
                let mut one = connect(at);
                if number % 2 == 0 {
                    one.write_all(b"GET /met").unwrap();
                }
                one
            })
            .collect();
        let asked = Instant::now();
        assert!(ask(at, GET).ends_with("Text\n"));
        assert!(asked.elapsed() < Duration::from_secs(30));
        // The first were ended for the last.
        let mut first = silent.into_iter().next().unwrap();
        assert!(first.read(&mut [0]).is_ok_and(|read| read == 0) || first.take_error().is_ok());
    }

    #[test]
    fn who_asks_too_slowly_is_told_and_ended() {
        let (at, _running) = served();
        let mut slow = connect(at);
        slow.write_all(b"GET /metrics HTT").unwrap();
        assert!(rest(slow).starts_with("HTTP/1.1 408 "));
    }

    #[test]
    fn the_port_is_free_once_it_is_not_served_any_more() {
        let (at, running) = served();
        assert!(PagePort::open(at).is_err_and(|error| error.is_in_use()));
        let _open = connect(at);
        drop(running);
        assert!(PagePort::open(at).is_ok());
    }
}
