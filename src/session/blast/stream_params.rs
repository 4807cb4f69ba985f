//! Encodes and decodes the counts of single streams as STAT parameters.

use super::stat_params::text_of;
use crate::record::StreamCounts;
use crate::units::Untrusted;
use crate::wire::Params;
use std::str::FromStr;

/// The parameter of a stream.
pub fn stream_key(stream: usize) -> String {
    format!("s{stream}")
}

/// One stream's counts as a parameter value: seven numbers separated by colons, `-` for an unknown
/// one.
pub fn stream_text(counts: &StreamCounts) -> String {
    let StreamCounts {
        sent,
        delivered,
        lost,
        loss_bursts,
        socket_drops,
        min_transit_ns,
        delay_p50_ns,
    } = *counts;
    let [sent, delay] = [sent, delay_p50_ns].map(text_of);
    let transit = min_transit_ns.map_or_else(|| "-".to_owned(), |transit| transit.to_string());
    format!("{sent}:{delivered}:{lost}:{loss_bursts}:{socket_drops}:{transit}:{delay}")
}

/// Reads [`stream_text`]; `None` for anything else.
pub fn read_stream(text: &str) -> Option<Untrusted<StreamCounts>> {
    let parts: Vec<&str> = text.split(':').collect();
    let [sent, delivered, lost, loss_bursts, socket_drops, transit, delay] = parts[..] else {
        return None;
    };
    Some(Untrusted::new(StreamCounts {
        sent: known(sent).ok()?,
        delivered: delivered.parse().ok()?,
        lost: lost.parse().ok()?,
        loss_bursts: loss_bursts.parse().ok()?,
        socket_drops: socket_drops.parse().ok()?,
        min_transit_ns: known(transit).ok()?,
        delay_p50_ns: known(delay).ok()?,
    }))
}

/// A number, or `-` for an unknown one; the error is for anything else.
fn known<T: FromStr>(text: &str) -> Result<Option<T>, T::Err> {
    match text {
        "-" => Ok(None),
        text => text.parse().map(Some),
    }
}

/// Asks for the streams from `next` on.
pub fn ask_streams(params: &mut Params, next: usize) {
    params.push("about", "streams");
    params.push("from", next);
}

/// The counts of the streams from `next` on.
pub fn streams_from(params: &Params, next: usize) -> Vec<Untrusted<StreamCounts>> {
    (next..).map_while(|stream| read_stream(params.get(&stream_key(stream))?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_stream_survive_the_dialogue_and_the_unknown_stays_unknown() {
        let counts = StreamCounts {
            sent: Some(1_000),
            delivered: 900,
            lost: 100,
            loss_bursts: 7,
            socket_drops: 3,
            min_transit_ns: Some(-1_234_567),
            delay_p50_ns: None,
        };
        assert_eq!(stream_text(&counts), "1000:900:100:7:3:-1234567:-");
        for counts in [counts, StreamCounts::default()] {
            assert_eq!(read_stream(&stream_text(&counts)), Some(Untrusted::new(counts)));
        }
        for wrong in ["", "1:2:3", "1:2:3:4:5:6:7:8", "-:-:0:0:0:-:-", "1:2:3:4:5:6.5:7"] {
            assert_eq!(read_stream(wrong), None, "{wrong}");
        }
    }
}
