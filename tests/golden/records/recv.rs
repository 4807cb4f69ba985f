//! Golden files of `recv`.

use super::plain::received;
use crate::hold;
use udpkit::batch::RxCall;
use udpkit::record::RecvSummary;
use udpkit::report::recv_text;

#[test]
fn reports() {
    let full = received();
    let coalesced = RecvSummary { io: RxCall::Gro, coalesced: true, drops: 7, ..received() };
    for (name, summary) in [
        ("recv.full", full),
        ("recv.coalesced", coalesced),
        ("recv.nothing", RecvSummary { datagrams: 0, bytes: 0, ..RecvSummary::default() }),
    ] {
        hold(name, "recv", &summary, |page| recv_text(&summary, page));
    }
}
