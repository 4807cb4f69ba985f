//! Something that forwards datagrams between a client and a server by their content, as a relay or
//! a gateway does: it may cut them to its buffer, or rewrite them, with right checksums.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What is done to the datagrams of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deed {
    /// Longer ones are cut to so many bytes.
    pub cut_to: Option<usize>,
    /// The last byte of each such measurement or STAMP datagram of at least 64 bytes is changed.
    pub rewrite_every: Option<u64>,
    /// How long the datagrams of every other client socket are held back on their way out.
    pub hold_others: Duration,
    /// How long every other datagram but those of the dialogue is held back on its way out, as a
    /// second link would that is chosen packet by packet.
    pub spray: Duration,
}

impl Deed {
    /// Nothing.
    pub const NOTHING: Self = Self {
        cut_to: None,
        rewrite_every: None,
        hold_others: Duration::ZERO,
        spray: Duration::ZERO,
    };
}

/// What was forwarded in one direction, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// All datagrams.
    pub datagrams: u64,
    /// Datagrams that were cut.
    pub cut: u64,
    /// Datagrams that were rewritten.
    pub rewritten: u64,
    /// Datagrams that were held back.
    pub held: u64,
    /// Measurement or STAMP datagrams of at least 64 bytes.
    long: u64,
}

/// A running forwarder on loopback.
pub struct Forwarder {
    port: u16,
    over: Arc<AtomicBool>,
    thread: JoinHandle<[Carried; 2]>,
}

impl Forwarder {
    /// Forwards to the server's port, and does these deeds out and back.
    pub fn start(server: u16, deeds: [Deed; 2]) -> Self {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
        let port = front.local_addr().expect("loopback has sockets").port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || carry(&front, server, deeds, &ended));
        Self { port, over, thread }
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it: what was forwarded, out and back.
    pub fn stop(self) -> [Carried; 2] {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the forwarder did not panic")
    }
}

/// A client's socket on the other side.
struct Client {
    socket: UdpSocket,
    is_held: bool,
}

fn carry(front: &UdpSocket, server: u16, deeds: [Deed; 2], over: &AtomicBool) -> [Carried; 2] {
    let mut carried = [Carried::default(); 2];
    let mut behind: HashMap<SocketAddr, Client> = HashMap::new();
    let mut held: VecDeque<(Instant, SocketAddr, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0; 65_536];
    front.set_read_timeout(Some(Duration::from_micros(200))).expect("loopback has sockets");
    while !over.load(Ordering::Relaxed) {
        if let Ok((len, client)) = front.recv_from(&mut buffer) {
            let is_held = behind.len() % 2 == 1;
            let known = behind.entry(client).or_insert_with(|| {
                let socket =
                    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
                socket.connect((Ipv4Addr::LOCALHOST, server)).expect("loopback has sockets");
                socket.set_nonblocking(true).expect("loopback has sockets");
                Client { socket, is_held }
            });
            let is_dialogue = buffer[..len].first().is_none_or(u8::is_ascii_alphanumeric);
            let bytes = deeds[0].apply(&mut buffer[..len], &mut carried[0]);
            let is_sprayed = !is_dialogue && carried[0].datagrams % 2 == 1;
            let hold = match (known.is_held, is_sprayed) {
                (true, _) if deeds[0].hold_others > Duration::ZERO => deeds[0].hold_others,
                (_, true) => deeds[0].spray,
                _ => Duration::ZERO,
            };
            if hold > Duration::ZERO {
                carried[0].held += 1;
                held.push_back((Instant::now() + hold, client, bytes.to_vec()));
            } else {
                let _ = known.socket.send(bytes);
            }
        }
        while held.front().is_some_and(|(due, ..)| *due <= Instant::now()) {
            let Some((_, client, bytes)) = held.pop_front() else { break };
            let _ = behind[&client].socket.send(&bytes);
        }
        for (client, Client { socket, .. }) in &behind {
            while let Ok(len) = socket.recv(&mut buffer) {
                let _ = front.send_to(deeds[1].apply(&mut buffer[..len], &mut carried[1]), client);
            }
        }
    }
    carried
}

impl Deed {
    fn apply<'a>(self, bytes: &'a mut [u8], carried: &mut Carried) -> &'a [u8] {
        carried.datagrams += 1;
        let is_text = bytes.first().is_none_or(u8::is_ascii_alphanumeric);
        if bytes.len() >= 64 && !is_text {
            carried.long += 1;
            if self.rewrite_every.is_some_and(|every| carried.long.is_multiple_of(every)) {
                carried.rewritten += 1;
                let last = bytes.len() - 1;
                bytes[last] = !bytes[last];
            }
        }
        match self.cut_to {
            Some(most) if bytes.len() > most => {
                carried.cut += 1;
                &bytes[..most]
            }
            _ => bytes,
        }
    }
}
