//! Finds out whether a reply comes from an unexpected address. A connected socket receives only
//! from its peer, so the request is repeated from an unconnected one.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How often the request is sent.
const TRIES: u32 = 3;
/// Largest reply that is read, in bytes.
const LONGEST: usize = 2048;

/// Sends the request to `to` from `bind` again, three times within `wait`, and returns the first
/// source whose reply `is_answer` accepts; `None` if there is none.
pub fn find_reply_source(
    bind: SocketAddr,
    to: SocketAddr,
    question: &[u8],
    wait: Duration,
    is_answer: impl Fn(&[u8]) -> bool,
) -> io::Result<Option<SocketAddr>> {
    let socket = UdpSocket::bind(bind)?;
    let mut bytes = [0; LONGEST];
    for _ in 0..TRIES {
        socket.send_to(question, to)?;
        let until = Instant::now() + wait / TRIES;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            match socket.recv_from(&mut bytes) {
                Ok((len, from)) if is_answer(&bytes[..len]) => return Ok(Some(from)),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    // On Windows a closed port resets the socket of whoever sent to it.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset => {}
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => break,
                    _ => return Err(error),
                },
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // Wine sends from 127.0.0.1 what is bound to another address of the loopback.
    #[cfg(unix)]
    fn an_answer_from_another_address_is_heard_and_a_strangers_word_is_not() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let asked = UdpSocket::bind(any).unwrap();
        let other = UdpSocket::bind("127.0.0.2:0").unwrap();
        let (to, from) = (asked.local_addr().unwrap(), other.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            let mut bytes = [0; 16];
            let (len, asker) = asked.recv_from(&mut bytes).unwrap();
            assert_eq!(&bytes[..len], b"who?");
            other.send_to(b"noise", asker).unwrap();
            other.send_to(b"me", asker).unwrap();
        });
        let wait = Duration::from_secs(30);
        let found = find_reply_source(any, to, b"who?", wait, |bytes| bytes == b"me").unwrap();
        assert_eq!(found, Some(from));
        answering.join().unwrap();
    }

    #[test]
    fn silence_stays_silence() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let silent = UdpSocket::bind(any).unwrap();
        let to = silent.local_addr().unwrap();
        let found =
            find_reply_source(any, to, b"who?", Duration::from_millis(30), |_| true).unwrap();
        assert_eq!(found, None);
    }
}
