//! A loop that may read later is not woken by each datagram, and reads all of them.

use super::{Loop, LoopConfig, WakePrecision};
use crate::batch::{Datagram, SendOutcome, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::net::SocketPlan;
use crate::units::Nanos;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

const DATAGRAMS: u64 = 2_000;
const SLACK: Nanos = Nanos::from_millis(4);

/// Counts what arrives until all has, and how often the loop turned meanwhile.
#[derive(Default)]
struct Counting {
    received: u64,
    turns: u64,
    first: Option<Nanos>,
    last: Nanos,
}

impl Session for Counting {
    type Summary = Self;

    fn poll_transmit(&mut self, _now: Now, _out: &mut TxBatch) -> Next {
        self.turns += 1;
        if self.received == DATAGRAMS { Next::Done } else { Next::Idle }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, _outcome: &SendOutcome) {}

    fn on_datagram(&mut self, now: Now, _datagram: &Datagram<'_>) {
        self.received += 1;
        self.first.get_or_insert(now.mono);
        self.last = now.mono;
    }

    fn on_stop(&mut self, _now: Now) {}

    fn finish(self, _now: Now) -> Self {
        self
    }
}

/// Sends datagrams 100 µs apart, or together where this host is late.
fn send_steadily(to: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    for number in 0..DATAGRAMS as u32 {
        let at = Duration::from_micros(100) * number;
        thread::sleep(at.saturating_sub(start.elapsed()));
        socket.send_to(&[0; 64], to).unwrap();
    }
}

#[test]
fn what_may_be_read_later_is_read_together() {
    let socket = SocketPlan::new("127.0.0.1:0".parse().unwrap()).open().unwrap();
    let to = socket.local_addr();
    let config = LoopConfig {
        precision: WakePrecision::Millisecond,
        read_slack: SLACK,
        ..LoopConfig::default()
    };
    let receiving = Loop::new(vec![socket], None, config).unwrap();
    let sending = thread::spawn(move || send_steadily(to));
    let counted = receiving.run(Counting::default(), TxBatch::new(1, 64)).unwrap().summary;
    sending.join().unwrap();
    assert_eq!(counted.received, DATAGRAMS);
    // A turn reads, and one more finds what the poll told meanwhile.
    let slept = (counted.last - counted.first.unwrap()).0 / SLACK.0;
    assert!(counted.turns <= 3 * slept + 50, "{} turns in {slept} sleeps", counted.turns);
}
