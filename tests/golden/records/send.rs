//! Golden files of `send`.

use super::plain::sent;
use crate::hold;
use udpkit::record::SendSummary;
use udpkit::report::send_text;

#[test]
fn reports() {
    let one = SendSummary { datagrams: 1, bytes: 5, ..SendSummary::default() };
    for (name, summary) in [("send.full", sent()), ("send.one", one)] {
        hold(name, "send", &summary, |page| send_text(&summary, page));
    }
}
