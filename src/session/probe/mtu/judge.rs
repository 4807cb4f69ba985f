//! What the sizes come to, in words.

use super::super::words::{add_traffic, control_words, own_refusal};
use crate::record::probe::{FragmentRow, MtuDirection, MtuLimit, MtuReport, Outcome, Verdict};

/// The verdict on the sizes of a path.
pub fn judge(report: &MtuReport) -> Verdict {
    let (out, back) = (&report.out, &report.back);
    let why = report
        .traffic
        .control_loss()
        .map(|one| crate::record::Worded::text(&one))
        .unwrap_or_else(|| "it was ended".to_owned());
    let sizes = match [one_way(out, &why), one_way(back, &why)] {
        [out_words, back_words] if out_words == back_words => format!("each way {out_words}"),
        [out_words, back_words] => format!("out {out_words}; back {back_words}"),
    };
    let mut verdict = Verdict::new(match own_refusal(&report.traffic, report.target) {
        Some(own) if report.traffic.sent == 0 => own,
        _ => format!("{sizes}; {}", fragments(out, back, &why)),
    });
    for (way, direction) in [("out", out), ("back", back)] {
        verdict.evidence.extend(evidence(way, direction));
        verdict.doubt.extend(doubts(way, direction, report.target.is_ipv6()));
    }
    if is_blocked(out) || is_blocked(back) {
        verdict.evidence.extend(control_words(&report.traffic));
    }
    if [out, back].iter().any(|way| way.limit == Some(MtuLimit::BlackHole)) {
        verdict.could_also_be.extend([
            "a firewall that drops large packets, or the ICMP that a router sends about them"
                .to_owned(),
            "a tunnel or switch with a smaller MTU than the router before it knows of".to_owned(),
        ]);
    }
    add_traffic(&mut verdict, &report.traffic, report.target);
    verdict
}

/// Whether silence is said to be no chance on a way.
fn is_blocked(way: &MtuDirection) -> bool {
    let fragments = way.fragments.iter().any(|row| row.outcome == Outcome::Blocked);
    way.limit == Some(MtuLimit::BlackHole) || fragments || !way.holes_bytes.is_empty()
}

/// How far one way goes; `why` larger ones cannot be told where they are not.
fn one_way(way: &MtuDirection, why: &str) -> String {
    let (Some(packet), Some(payload)) = (way.packet_bytes, way.payload_bytes) else {
        return match (way.fragmented_into_bytes, way.too_large_bytes) {
            (Some(piece), _) => {
                format!("nothing passes in one piece, pieces have up to {piece} bytes")
            }
            (None, Some(_)) => "nothing passes".to_owned(),
            (None, None) => format!("no size is told ({why})"),
        };
    };
    let size = format!("{packet} bytes ({payload} of payload)");
    match way.limit {
        Some(MtuLimit::Router) => {
            let routers: Vec<String> =
                way.routers.iter().filter_map(|word| Some(word.router?.to_string())).collect();
            let who = if routers.is_empty() { "a router".to_owned() } else { routers.join(", ") };
            format!("{size} pass, the limit of {who}")
        }
        Some(MtuLimit::BlackHole) => {
            let place = match way.vanishes_after {
                Some(router) => format!(" behind {router}"),
                None => String::new(),
            };
            format!("{size} pass, larger ones vanish in a black hole{place}")
        }
        Some(MtuLimit::FarInterface) => format!("{size} pass, all of the receiver's interface"),
        Some(MtuLimit::Fragmented) => {
            let piece = way.fragmented_into_bytes.unwrap_or(packet);
            format!(
                "{size} pass in one piece, larger ones come in pieces of up to {piece} bytes \
                 although they must not be fragmented"
            )
        }
        Some(MtuLimit::NotTold) => format!("{size} pass, larger ones are not told ({why})"),
        Some(MtuLimit::Interface) | None => format!("{size} pass, all of the sender's interface"),
    }
}

/// What becomes of larger datagrams.
fn fragments(out: &MtuDirection, back: &MtuDirection, why: &str) -> String {
    let [out, back] = [out, back].map(|way| fragments_of(&way.fragments, why));
    if out == back {
        return format!("fragments {out}");
    }
    format!("fragments {out} out and {back} back")
}

/// The same, one way.
fn fragments_of(rows: &[FragmentRow], why: &str) -> String {
    let last = |outcome: Outcome| rows.iter().rev().find(|row| row.outcome == outcome);
    let Some(tried) = rows.last() else { return "were not needed".to_owned() };
    let passes = last(Outcome::Passes).map(|row| row.payload_bytes);
    // Where fewer do not pass, more do not.
    let above = rows.iter().filter(|row| Some(row.payload_bytes) > passes);
    let blocked = above.clone().find(|row| row.outcome == Outcome::Blocked);
    match (passes, blocked) {
        (Some(most), _) if most == tried.payload_bytes => format!("pass up to {most} bytes"),
        (Some(most), Some(blocked)) => {
            let next = above.clone().next().map(|row| row.payload_bytes);
            let between = next != Some(blocked.payload_bytes);
            let least = if between {
                format!(", and not from {} on", blocked.payload_bytes)
            } else {
                String::new()
            };
            format!("pass up to {most} bytes{least}")
        }
        (Some(most), None) => format!("pass up to {most} bytes, larger ones are not told ({why})"),
        (None, Some(_)) => "do not pass".to_owned(),
        (None, None) if rows.iter().all(|row| row.outcome == Outcome::NotSent) => {
            "were not sent".to_owned()
        }
        (None, None) => format!("are not told ({why})"),
    }
}

fn evidence(way: &str, direction: &MtuDirection) -> Vec<String> {
    let mut lines = Vec::new();
    let by_silence = matches!(direction.limit, Some(MtuLimit::Router | MtuLimit::BlackHole));
    if let (Some(too_large), true) = (direction.too_large_bytes, by_silence) {
        let sent = direction.too_large_sent;
        lines.push(format!("{way}: {sent} of {sent} packets of {too_large} bytes did not arrive"));
    }
    for word in &direction.routers {
        let who = word.router.map_or_else(|| "a router".to_owned(), |router| router.to_string());
        let named = word.mtu_bytes.map_or_else(String::new, |mtu| format!(" (MTU {mtu})"));
        lines.push(format!("{way}: {who} says that packets are too big{named}"));
    }
    let pieces: Vec<String> = direction
        .fragments
        .iter()
        .filter_map(|row| row.largest_fragment_bytes)
        .fold(Vec::new(), |mut sizes, size| {
            if !sizes.contains(&size) {
                sizes.push(size);
            }
            sizes
        })
        .iter()
        .map(ToString::to_string)
        .collect();
    if !pieces.is_empty() {
        let pieces = pieces.join(", ");
        lines.push(format!("{way}: fragments came in pieces of up to {pieces} bytes"));
    }
    let lost: Vec<String> = direction
        .fragments
        .iter()
        .filter(|row| row.outcome == Outcome::Blocked)
        .map(|row| row.payload_bytes.to_string())
        .collect();
    if !lost.is_empty() {
        lines.push(format!("{way}: in fragments, no payload of {} bytes came", lost.join(", ")));
    }
    lines
}

fn doubts(way: &str, direction: &MtuDirection, v6: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if !direction.holes_bytes.is_empty() {
        let holes: Vec<String> = direction.holes_bytes.iter().map(ToString::to_string).collect();
        let holes = holes.join(", ");
        lines.push(format!("{way}: {holes} bytes did not pass although larger ones did"));
    }
    let in_pieces = direction.fragments.iter().any(|row| row.arrived > 0);
    let no_pieces = direction.fragments.iter().any(|row| row.outcome == Outcome::Blocked);
    let vanishes = direction.limit == Some(MtuLimit::BlackHole);
    if v6 && vanishes && no_pieces && !in_pieces {
        lines.push(format!(
            "{way}: over IPv6 the sender alone makes fragments, of its interface's size, which the \
             black hole takes, too"
        ));
    }
    let wrong = direction.routers.iter().find_map(|word| {
        word.mtu_bytes.filter(|mtu| Some(*mtu) != direction.packet_bytes).map(|mtu| (word, mtu))
    });
    if let Some((word, mtu)) = wrong {
        let who = word.router.map_or_else(|| "a router".to_owned(), |router| router.to_string());
        lines.push(format!("{way}: {who} names {mtu} bytes, which is not what passes"));
    }
    lines
}
