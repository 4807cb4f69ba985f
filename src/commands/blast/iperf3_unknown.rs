//! What an iperf3 server cannot tell of what it received.

use crate::record::{BlastReceived, DirectionReport, Losses};

/// What an iperf3 server does not tell of what it received is not known, rather than 0.
pub fn take_out_unknown(way: &mut DirectionReport, received: Option<&BlastReceived>) {
    let is_loss_known = received.is_some_and(|received| received.sender_total.is_some());
    way.lost = way.lost.filter(|_| is_loss_known).map(|lost| Losses {
        receiver_host: None,
        receiver_socket: None,
        damaged: None,
        bursts: None,
        longest_burst: None,
        ..lost
    });
    for row in &mut way.stream_rows {
        (row.loss_bursts, row.socket_drops) = (None, None);
    }
    way.burst_lengths.clear();
    way.outages = None;
    way.copies = None;
    (way.duplicates, way.reordered, way.too_late) = (None, None, None);
    (way.corrupt, way.strays, way.clock_steps) = (None, None, None);
    (way.silence_ns, way.receiver_pause_ns) = (None, None);
    (way.cut, way.cut_to_bytes, way.altered) = (None, None, None);
}
