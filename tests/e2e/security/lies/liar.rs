//! A relay between client and server that forwards everything unchanged, except the server's counts
//! of a run.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A running relay on loopback.
pub struct Liar {
    port: u16,
    over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Liar {
    /// A relay to the server's port that gives these keys of a status other values.
    pub fn start(server: u16, lies: &[(&str, &str)]) -> Self {
        let lies: Vec<_> =
            lies.iter().map(|(key, lie)| (format!("211-{key}="), (*lie).to_owned())).collect();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
        let port = socket.local_addr().expect("loopback has sockets").port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || carry(&socket, server, &lies, &ended));
        Self { port, over, thread }
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it; returns how many datagrams it changed.
    pub fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the relay did not panic")
    }
}

fn carry(front: &UdpSocket, server: u16, lies: &[(String, String)], over: &AtomicBool) -> u64 {
    let mut told = 0;
    let mut ways: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let mut buffer = [0; 2_000];
    front.set_read_timeout(Some(Duration::from_micros(200))).expect("loopback has sockets");
    while !over.load(Ordering::Relaxed) {
        if let Ok((len, client)) = front.recv_from(&mut buffer) {
            let way = ways.entry(client).or_insert_with(|| {
                let way = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
                way.connect((Ipv4Addr::LOCALHOST, server)).expect("loopback has sockets");
                way.set_nonblocking(true).expect("loopback has sockets");
                way
            });
            let _ = way.send(&buffer[..len]);
        }
        for (client, way) in &ways {
            while let Ok(len) = way.recv(&mut buffer) {
                let changed = lie(&buffer[..len], lies);
                told += u64::from(changed.is_some());
                let _ = front.send_to(changed.as_deref().unwrap_or(&buffer[..len]), client);
            }
        }
    }
    told
}

/// The status with the false values; `None` if it has none of these keys.
fn lie(bytes: &[u8], lies: &[(String, String)]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains(" 211-"))?;
    let mut changed = false;
    let lines = text.split_inclusive("\r\n").map(|line| {
        let told = lies.iter().find_map(|(key, lie)| Some((line.find(key)? + key.len(), lie)));
        match told {
            Some((at, lie)) => {
                changed = true;
                format!("{}{lie}\r\n", &line[..at])
            }
            None => line.to_owned(),
        }
    });
    let text: String = lines.collect();
    changed.then(|| text.into_bytes())
}
