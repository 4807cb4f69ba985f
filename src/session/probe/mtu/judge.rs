//! What the sizes come to, in words.

use crate::record::probe::{MtuDirection, MtuLimit, MtuReport, Verdict};

/// The verdict on the sizes of a path.
pub fn judge(report: &MtuReport) -> Verdict {
    let (out, back) = (&report.out, &report.back);
    let sizes = match (one_way(out), one_way(back)) {
        (out_words, back_words) if out.packet_bytes == back.packet_bytes => {
            if out_words == back_words {
                format!("each way {out_words}")
            } else {
                format!("out {out_words}; back {back_words}")
            }
        }
        (out_words, back_words) => format!("out {out_words}; back {back_words}"),
    };
    let mut verdict = Verdict::new(format!("{sizes}; {}", fragments(out, back)));
    for (way, direction) in [("out", out), ("back", back)] {
        verdict.evidence.extend(evidence(way, direction, report));
        verdict.doubt.extend(doubts(way, direction, report.target.is_ipv6()));
    }
    if [out, back].iter().any(|way| way.limit == Some(MtuLimit::BlackHole)) {
        verdict.could_also_be.extend([
            "a firewall that drops large packets, or the ICMP that a router sends about them"
                .to_owned(),
            "a tunnel or switch with a smaller MTU than the router before it knows of".to_owned(),
        ]);
    }
    verdict
}

/// How far one way goes.
fn one_way(way: &MtuDirection) -> String {
    let (Some(packet), Some(payload)) = (way.packet_bytes, way.payload_bytes) else {
        return "nothing passes".to_owned();
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
        Some(MtuLimit::Interface) | None => format!("{size} pass, all of the sender's interface"),
    }
}

/// What becomes of larger datagrams.
fn fragments(out: &MtuDirection, back: &MtuDirection) -> String {
    let ways = [out, back].map(|way| {
        let most = way.fragments.iter().filter(|row| row.arrived > 0).map(|row| row.payload_bytes);
        let tried = way.fragments.iter().map(|row| row.payload_bytes).max();
        (most.max(), tried)
    });
    let words = |(most, tried): (Option<u32>, Option<u32>)| match (most, tried) {
        (_, None) => "were not needed".to_owned(),
        (None, Some(_)) => "do not pass".to_owned(),
        (Some(most), Some(_)) => format!("pass up to {most} bytes"),
    };
    if ways[0] == ways[1] {
        return format!("fragments {}", words(ways[0]));
    }
    format!("fragments {} out and {} back", words(ways[0]), words(ways[1]))
}

fn evidence(way: &str, direction: &MtuDirection, report: &MtuReport) -> Vec<String> {
    let mut lines = Vec::new();
    let own = direction.limit == Some(MtuLimit::Interface);
    if let Some(too_large) = direction.too_large_bytes.filter(|_| !own) {
        let tries = report.tries;
        lines
            .push(format!("{way}: {tries} of {tries} packets of {too_large} bytes did not arrive"));
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
        .filter(|row| row.arrived == 0)
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
    let vanishes = direction.limit == Some(MtuLimit::BlackHole);
    if v6 && vanishes && !direction.fragments.is_empty() && !in_pieces {
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
