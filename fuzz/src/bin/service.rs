//! Answers to a scan: each service's parser with arbitrary bytes, and a scan that receives them as
//! an answer, as the quote in an ICMP error and as a datagram from another source.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use udpkit::batch::{Datagram, ErrorOrigin, NetworkError, RxEntry, SendOutcome, TxBatch};
use udpkit::machine::{Now, Session};
use udpkit::session::probe::{ScanPlan, ScanSession};
use udpkit::units::Nanos;
use udpkit::wire::service::{Ask, Service};

/// The seed of the golden bytes, so that these are valid answers here too.
const SEED: u64 = 7;
const TARGET: [u8; 4] = [192, 0, 2, 9];

fuzz_target!(|data: &[u8]| {
    for service in Service::ALL {
        // IKE and RPC depend on the port.
        for port in [53, 500, 2049, 4500] {
            let ask = Ask::new(SEED, (TARGET, port).into());
            if let Some(words) = service.answer(&ask, data) {
                assert!(words.chars().count() <= 60, "{words}");
                assert!(!words.chars().any(char::is_control), "{words:?}");
            }
        }
    }
    scan(data);
});

/// A scan of three ports; each turn brings a datagram or an error made of the next bytes.
fn scan(data: &[u8]) {
    let mut session = ScanSession::new(ScanPlan {
        host: "there".to_owned(),
        target: (TARGET, 0).into(),
        local: None,
        ports: [53, 69, 5000].into_iter().collect(),
        service: None,
        tries: 2,
        wait: Nanos::from_millis(10),
        per_second: 1_000,
        time: Nanos::from_secs(5),
        seed: SEED,
    });
    let mut batch = TxBatch::new(1, 1_200);
    let mut rest = data;
    for turn in 0..64 {
        let at = Nanos::from_millis(1_000 + turn * 5);
        let now = Now { mono: at, real: at };
        batch.clear();
        session.poll_transmit(now, &mut batch);
        let outcome = SendOutcome { accepted: batch.len(), stop: None };
        session.on_sent(now, &batch, &outcome);
        let Some(([kind, code, len], behind)) = rest.split_first_chunk() else { break };
        let (payload, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        let ports = [53, 69, 5000, 40_000];
        let peer = SocketAddr::from((TARGET, ports[usize::from(*kind) % 4]));
        if kind & 0x80 == 0 {
            let mut meta = RxEntry::default().meta;
            meta.source = peer;
            meta.arrival = now.real;
            session.on_datagram(now, &Datagram { payload, true_len: payload.len(), meta });
        } else {
            let origin =
                [ErrorOrigin::Icmp, ErrorOrigin::Icmp6, ErrorOrigin::Local][usize::from(*code) % 3];
            let icmp = (kind >> 2 & 0xF, code >> 2);
            session.on_network_error(now, &NetworkError::new(origin, icmp, 111, peer, payload));
        }
    }
    let end = Nanos::from_secs(10);
    let report = session.finish(Now { mono: end, real: end });
    let told = [report.open, report.closed, report.filtered, report.ttl_exceeded];
    let silent = [report.silent, report.unknown];
    assert_eq!(told.iter().chain(&silent).sum::<u64>(), 3);
}
