//! Both ends of a multicast check under any sequence of datagrams: neither panics, and the remote
//! end never sends more bytes than it received.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::batch::{Datagram, RxEntry, RxMeta, SendOutcome, TxBatch};
use udpkit::machine::{Next, Now, Session};
use udpkit::record::CastCheckVerdict;
use udpkit::session::{
    CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckedInterface, Names,
};
use udpkit::units::Nanos;

fuzz_target!(|data: &[u8]| {
    let group = "239.1.2.3:5000".parse().expect("an address");
    let mut now = Now { mono: Nanos::from_secs(9), real: Nanos::from_secs(5_000_000) };
    let joined = now.mono;
    let mut near = CheckProber::new(
        CheckConfig {
            group,
            ways: vec![CheckedInterface { interface: 3, listens: Some(0) }],
            steps: vec![(0, 1), (1, 2)],
            far: "10.0.0.2:5000".parse().ok(),
            tag: 0xD61C,
            wait: Nanos::from_secs(1),
            hold: Some(Nanos::from_secs(9)),
            membership: Nanos::from_secs(4),
            joined,
            names: Names::default(),
        },
        (),
    );
    let mut far = CheckAnswerer::new(
        CheckAnswererConfig {
            group,
            interfaces: vec![3],
            unicast: 1,
            joined,
            time: None,
            names: Names::default(),
        },
        (),
    );
    let (mut out, mut back) = (TxBatch::new(4, 4096), TxBatch::new(64, 4096));
    let (mut came, mut sent) = (0, 0);
    let mut rest = data;
    for _ in 0..200 {
        let Some(([what, ttl, host, len], behind)) = rest.split_first_chunk::<4>() else { break };
        let (payload, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        now.mono += Nanos(u64::from(*what) * 1_000_000);
        now.real += Nanos(u64::from(*what) * 1_000_000);
        let by_group = what & 1 == 1;
        let meta = RxMeta {
            source: ([10, 0, 0, *host], u16::from(*ttl) * 7).into(),
            destination: Some(if by_group { group.ip() } else { [10, 0, 0, 1].into() }),
            interface: u32::from(what >> 1 & 3),
            ttl: Some(*ttl),
            arrival: now.real,
            socket: usize::from(!by_group),
            ..RxEntry::default().meta
        };
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        came += payload.len();
        far.on_datagram(now, &datagram);
        near.on_datagram(now, &datagram);
        far.poll_transmit(now, &mut back);
        sent += back.slots().iter().map(|slot| slot.len as usize).sum::<usize>();
        assert!(sent <= came, "{sent} bytes for {came}");
        far.on_sent(now, &back, &SendOutcome { accepted: back.len(), stop: None });
        back.clear();
        out.clear();
        if near.poll_transmit(now, &mut out) == Next::Done {
            break;
        }
        near.on_sent(now, &out, &SendOutcome { accepted: out.len(), stop: None });
        near.on_tick(now);
    }
    let mut check = near.finish(now);
    check.judge();
    assert_ne!(check.verdict, CastCheckVerdict::NotJudged);
    let told = far.finish(now);
    assert!(told.answers <= told.group_probes + told.unicast_probes);
});
