//! What the sizes of a path come to without a helper.

use super::super::words::{add_traffic, control_words, own_refusal};
use super::{BareFacts, HEADERS_V4, HEADERS_V6};
use crate::record::probe::{KnownBy, MtuDirection, MtuLimit, MtuReport, Verdict};
use std::net::SocketAddr;

/// The report; `why` there is no helper stands beside it.
pub fn bare_report(target: SocketAddr, tries: u32, why: &str, facts: &BareFacts) -> MtuReport {
    let headers = if target.is_ipv4() { HEADERS_V4 } else { HEADERS_V6 };
    let answered = facts.answered.map(|(packet, _)| packet);
    let reached_all = answered.is_some() && answered == facts.unopposed;
    // Where answers are cut on a way that must not cut them, so may be what goes out.
    let packet = answered.filter(|_| facts.answer_fragment.is_none());
    let limit = match (reached_all, facts.routers.is_empty()) {
        (false, _) => None,
        (true, true) => Some(MtuLimit::Interface),
        (true, false) => Some(MtuLimit::Router),
    };
    let out = MtuDirection {
        packet_bytes: packet,
        payload_bytes: packet.map(|packet| packet - headers),
        too_large_bytes: facts.too_large.map(|(size, _)| size),
        too_large_sent: facts.too_large.map_or(0, |(_, sent)| sent),
        limit,
        routers: facts.routers.clone(),
        ..MtuDirection::default()
    };
    let mut report = MtuReport {
        target,
        header_bytes: headers,
        tries,
        interface_mtu: facts.interface_mtu,
        far_interface_mtu: None,
        out,
        back: MtuDirection::default(),
        known_by: facts.answered.map_or(KnownBy::Silence, |(_, by)| by),
        no_helper: Some(why.to_owned()),
        traffic: facts.traffic.clone(),
        interrupted: facts.interrupted,
        duration_ns: 0,
        verdict: Verdict::default(),
    };
    report.verdict = judge(facts, &report);
    report
}

fn judge(facts: &BareFacts, report: &MtuReport) -> Verdict {
    let routers: Vec<String> =
        facts.routers.iter().filter_map(|word| Some(word.router?.to_string())).collect();
    let limit = match report.out.limit {
        Some(MtuLimit::Router) => format!(", the limit of {}", routers.join(", ")),
        Some(MtuLimit::Interface) => ", all of this host's interface".to_owned(),
        _ => String::new(),
    };
    let size =
        |packet: u32| format!("{packet} bytes ({} of payload)", packet - report.header_bytes);
    let unopposed = facts.unopposed.map_or_else(|| "-".to_owned(), size);
    let whole = match facts.answer_fragment {
        Some(_) => ", whether in one piece is not known",
        None => "",
    };
    let sentence = match facts.answered {
        _ if facts.traffic.sent == 0 => own_refusal(&facts.traffic, report.target)
            .unwrap_or_else(|| "nothing was sent".to_owned()),
        Some((packet, KnownBy::Answers)) if Some(packet) == facts.unopposed => {
            format!("packets of {} get there and are answered{limit}{whole}", size(packet))
        }
        Some((packet, KnownBy::Answers)) if facts.too_large.is_some() => format!(
            "packets of up to {} get there and are answered, larger ones are not{whole}",
            size(packet)
        ),
        Some((packet, KnownBy::Answers)) => {
            let why = facts
                .traffic
                .control_loss()
                .map(|one| crate::record::Worded::text(&one))
                .unwrap_or_else(|| "it was ended".to_owned());
            let size = size(packet);
            format!(
                "packets of {size} get there and are answered{whole}, larger ones are not told ({why})"
            )
        }
        Some((packet, _)) if Some(packet) == facts.unopposed => {
            format!("packets of {} get there, where ICMP refuses them{limit}", size(packet))
        }
        Some(_) => format!("packets of {unopposed} get no answer, and no router objects to them"),
        None if facts.interrupted => "not told: interrupted before an answer came".to_owned(),
        None if routers.is_empty() => {
            format!("nobody answers, and no router objects to packets of {unopposed}")
        }
        None => format!(
            "nobody answers; {} lets no more than {unopposed} pass",
            routers.last().map_or("a router", String::as_str)
        ),
    };
    let mut verdict = Verdict::new(format!("without a helper: {sentence}"));
    for word in &facts.routers {
        let who = word.router.map_or_else(|| "a router".to_owned(), |router| router.to_string());
        let named = word.mtu_bytes.map_or_else(String::new, |mtu| format!(" (MTU {mtu})"));
        verdict.evidence.push(format!("out: {who} says that packets are too big{named}"));
    }
    if let Some(fragment) = facts.answer_fragment {
        let line = format!("back: answers came in pieces of up to {fragment} bytes");
        verdict.evidence.push(line);
    }
    if let Some((too_large, sent)) = facts.too_large {
        let line = format!("{sent} of {sent} packets of {too_large} bytes were not answered");
        verdict.evidence.push(line);
        verdict.evidence.extend(control_words(&facts.traffic));
        verdict.could_also_be.push(
            "the answers, which are as long, are lost on the way back rather than what goes out"
                .to_owned(),
        );
    }
    let open = facts.answered.is_none_or(|(packet, _)| Some(packet) != facts.unopposed);
    if open && !facts.searched && facts.traffic.sent > 0 {
        verdict.could_also_be.push("a black hole: a hop that drops and does not tell".to_owned());
        verdict.could_also_be.push(
            "the target has no answer to datagrams of this size, although they arrive".to_owned(),
        );
    }
    verdict.doubt.push("what the way back carries is known by a helper alone".to_owned());
    if facts.traffic.sent > 0 {
        add_traffic(&mut verdict, &facts.traffic, report.target);
    }
    verdict
}
