//! Encodes and decodes the counts of single streams as STAT parameters.

use super::ecn_params::{any_marks, marks_text};
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
        ..
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
        ..StreamCounts::default()
    }))
}

/// The parameter of a stream's class.
pub fn class_key(stream: usize) -> String {
    format!("e{stream}")
}

/// What is told of a stream beside its counts where classes are compared: its marks, and three
/// more figures of its delay. `None` if the marks are unknown.
pub fn class_text(counts: &StreamCounts) -> Option<String> {
    let StreamCounts { ecn, delay_p90_ns, delay_p99_ns, jitter_ns, .. } = *counts;
    let [p90, p99, jitter] = [delay_p90_ns, delay_p99_ns, jitter_ns].map(text_of);
    Some(format!("{}:{p90}:{p99}:{jitter}", marks_text(&ecn?)))
}

/// Adds [`class_text`] to a stream's counts; anything else leaves them unknown.
pub fn read_class(text: &str, counts: &mut StreamCounts) {
    let mut parts = text.rsplitn(4, ':');
    let [jitter_ns, delay_p99_ns, delay_p90_ns] =
        [(); 3].map(|()| parts.next().and_then(|part| part.parse().ok()));
    // Copies and late datagrams are marked as well as first ones.
    let marks = parts.next().and_then(any_marks).filter(|marks| marks.total() >= counts.delivered);
    if marks.is_some() {
        *counts = StreamCounts { ecn: marks, delay_p90_ns, delay_p99_ns, jitter_ns, ..*counts };
    }
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
    let stream = |stream: usize| {
        let mut counts = read_stream(params.get(&stream_key(stream))?)?.any();
        if let Some(class) = params.get(&class_key(stream)) {
            read_class(class, &mut counts);
        }
        Some(Untrusted::new(counts))
    };
    (next..).map_while(stream).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EcnCounts;

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
            ..StreamCounts::default()
        };
        assert_eq!(stream_text(&counts), "1000:900:100:7:3:-1234567:-");
        for counts in [counts, StreamCounts::default()] {
            assert_eq!(read_stream(&stream_text(&counts)), Some(Untrusted::new(counts)));
        }
        for wrong in ["", "1:2:3", "1:2:3:4:5:6:7:8", "-:-:0:0:0:-:-", "1:2:3:4:5:6.5:7"] {
            assert_eq!(read_stream(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_class_survives_the_dialogue_and_the_unknown_stays_unknown() {
        let plain = StreamCounts { delivered: 10, ..StreamCounts::default() };
        let ecn = Some(EcnCounts { ect1: 9, ce: 2, ..EcnCounts::default() });
        for known in [[Some(5), Some(6), Some(7)], [None; 3]] {
            let [delay_p90_ns, delay_p99_ns, jitter_ns] = known;
            let told = StreamCounts { delay_p90_ns, delay_p99_ns, jitter_ns, ecn, ..plain };
            let mut read = plain;
            read_class(&class_text(&told).unwrap(), &mut read);
            assert_eq!(read, told);
        }
        assert_eq!(class_text(&plain), None);
        for wrong in ["", "1:2", "0:0:9:2", "0:0:8:1:5:6:7", "a:b:c:d:e:f:g"] {
            let mut read = plain;
            read_class(wrong, &mut read);
            assert_eq!(read, plain, "{wrong}");
        }
    }
}
