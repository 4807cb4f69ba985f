//! A second, longer way that is chosen flow by flow, between clients and a server on loopback. The
//! impairments of `udpkit relay` are of a direction as a whole, as those of a link are.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// It is running.
pub struct SlowerFlows {
    port: u16,
    over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl SlowerFlows {
    /// Forwards to the server's port, and holds back what every other client socket sends for so
    /// long. Answers are never held back.
    pub fn start(server: u16, hold: Duration) -> Self {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
        let port = front.local_addr().expect("loopback has sockets").port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || carry(&front, server, hold, &ended));
        Self { port, over, thread }
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it: how many datagrams were held back.
    pub fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it did not panic")
    }
}

/// A client's socket on the other side.
struct Client {
    socket: UdpSocket,
    is_held: bool,
}

fn carry(front: &UdpSocket, server: u16, hold: Duration, over: &AtomicBool) -> u64 {
    let mut count = 0;
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
            if known.is_held {
                count += 1;
                held.push_back((Instant::now() + hold, client, buffer[..len].to_vec()));
            } else {
                let _ = known.socket.send(&buffer[..len]);
            }
        }
        while held.front().is_some_and(|(due, ..)| *due <= Instant::now()) {
            let Some((_, client, bytes)) = held.pop_front() else { break };
            let _ = behind[&client].socket.send(&bytes);
        }
        for (client, Client { socket, .. }) in &behind {
            while let Ok(len) = socket.recv(&mut buffer) {
                let _ = front.send_to(&buffer[..len], client);
            }
        }
    }
    count
}
