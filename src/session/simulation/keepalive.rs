//! Paths that only outbound traffic keeps open (RFC 4787 REQ-6): who receives says something, and
//! a server takes that without a word.

use super::client_and_server::{ClientAndServer, plan, serve, server_address};
use crate::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use crate::machine::{Now, Session};
use crate::netsim::{Fault, runs};
use crate::session::blast::{Direction, TestPlan};
use crate::session::serve::ServePolicy;
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::stun::KEEPALIVE;
use crate::wire::{CONTROL_MAX, Reply};

/// What a run from the server received and lost, and the keepalives of its receivers.
fn run_from_server(seed: u64, direction: Direction, keepalive: Nanos) -> (u64, u64, Vec<u64>) {
    let rate = Rate::Packets(PacketRate(100_000));
    let plan = TestPlan { direction, rate, streams: 2, ..plan(Nanos::from_secs(7)) };
    let mut ends = ClientAndServer::under(seed, plan, &Fault::ForgetfulFirewall.weather());
    ends.keepalive = keepalive;
    let finished = ends.finish(Nanos::from_secs(60));
    assert_eq!(finished.summary.failure, None, "seed {seed}");
    let sent = finished.summary.sent.expect("the server reports").datagrams;
    let firsts = finished.near_received.iter().map(|end| end.received.firsts).sum();
    let strays: u64 = finished.near_received.iter().map(|end| end.received.strays).sum();
    assert_eq!(strays, 0, "seed {seed}");
    let keepalives = finished.near_received.iter().map(|end| end.keepalives).collect();
    (firsts, sent - firsts, keepalives)
}

#[test]
fn a_run_from_the_server_loses_nothing_behind_a_firewall_that_outbound_traffic_renews() {
    for seed in 0..runs(8) {
        let direction = if seed % 2 == 0 { Direction::Down } else { Direction::Both };
        let (received, lost, keepalives) =
            run_from_server(seed, direction, Nanos::from_millis(2_000 - seed % 4 * 300));
        assert_eq!((received > 600, lost), (true, 0), "seed {seed}");
        assert!(
            keepalives.iter().all(|sent| (3..=7).contains(sent)),
            "seed {seed}: {keepalives:?}"
        );
        let (received, lost, keepalives) = run_from_server(seed, direction, Nanos::ZERO);
        // Silence has the receiver claim its stream again, which renews the permission for a while.
        assert!(lost * 5 > received && keepalives == [0, 0], "seed {seed}: {lost} of {received}");
    }
}

#[test]
fn a_server_takes_keepalives_without_an_answer_and_counts_them_apart() {
    let (mut server, _, (commands, _)) = serve(ServePolicy::default(), 1);
    let now = Now { mono: Nanos::from_secs(9), real: Nanos::from_secs(99) };
    let mut told = |payload: &[u8]| {
        let meta = RxMeta { source: server_address(), ..RxEntry::default().meta };
        server.on_datagram(now, &Datagram { payload, true_len: payload.len(), meta });
        let mut out = TxBatch::new(8, 8 * CONTROL_MAX);
        Session::poll_transmit(&mut server, now, &mut out);
        out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        assert!(told(&KEEPALIVE).is_empty() && told(b"").is_empty());
    }
    // Not even by a byte more or less.
    assert!(told(&KEEPALIVE[..19]).is_empty());
    let status = told(format!("{:<200}", "a STAT").as_bytes());
    let status = Reply::decode(&status[0]).expect("a reply");
    let counted = |key| status.params.get(key);
    let expected = (Some("6"), Some("1"), Some("0"));
    assert_eq!((counted("keepalives"), counted("strays"), counted("sessions")), expected);
    assert!(commands.drain().is_empty());
}
