//! A relay between client and server that forwards data unchanged, and every control datagram
//! twice: once at once, and once after its successor.

use socket2::SockRef;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What was forwarded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// Measurement datagrams except end messages, each counted once.
    pub data: u64,
    /// Control datagrams received.
    pub control: u64,
    /// Control datagrams that were sent again later.
    pub copies: u64,
}

/// A running relay on loopback.
pub struct Relay {
    port: u16,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Carried>,
}

/// The path of one client socket: its own socket to the server, and the last control datagram.
struct Way {
    socket: UdpSocket,
    held: [Option<Vec<u8>>; 2],
}

impl Relay {
    /// A relay to the server's port.
    pub fn start(server: u16) -> Self {
        let socket = roomy();
        let port = socket.local_addr().expect("loopback has sockets").port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || carry(&socket, server, &ended));
        Self { port, over, thread }
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it.
    pub fn stop(self) -> Carried {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the relay did not panic")
    }
}

/// A socket that holds all datagrams of a run of the tests, should the machine stand still.
fn roomy() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
    SockRef::from(&socket).set_recv_buffer_size(1 << 20).expect("it is cut to what is allowed");
    socket
}

fn carry(front: &UdpSocket, server: u16, over: &AtomicBool) -> Carried {
    let mut carried = Carried::default();
    let mut ways: HashMap<SocketAddr, Way> = HashMap::new();
    let mut buffer = [0; 2000];
    front.set_read_timeout(Some(Duration::from_micros(200))).expect("loopback has sockets");
    while !over.load(Ordering::Relaxed) {
        if let Ok((len, client)) = front.recv_from(&mut buffer) {
            let way = ways.entry(client).or_insert_with(|| {
                let socket = roomy();
                socket.connect((Ipv4Addr::LOCALHOST, server)).expect("loopback has sockets");
                socket.set_nonblocking(true).expect("loopback has sockets");
                Way { socket, held: [None, None] }
            });
            let Way { socket, held } = way;
            pass(&buffer[..len], &mut held[0], &mut carried, |bytes| {
                let _ = socket.send(bytes);
            });
        }
        for (client, Way { socket, held }) in &mut ways {
            while let Ok(len) = socket.recv(&mut buffer) {
                pass(&buffer[..len], &mut held[1], &mut carried, |bytes| {
                    let _ = front.send_to(bytes, client);
                });
            }
        }
    }
    carried
}

/// Forwards a datagram; a control datagram with a copy, and copies of the one before: 1 1, 2 1 2,
/// 3 2 3.
fn pass(bytes: &[u8], held: &mut Option<Vec<u8>>, carried: &mut Carried, send: impl Fn(&[u8])) {
    send(bytes);
    if bytes.first().is_some_and(u8::is_ascii_alphanumeric) {
        carried.control += 1;
        if let Some(before) = held.replace(bytes.to_vec()) {
            send(&before);
            carried.copies += 1;
        }
        send(bytes);
        carried.copies += 1;
    } else if bytes.get(1) == Some(&0x10) {
        carried.data += 1;
    }
}
