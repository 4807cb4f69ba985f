//! A suspended receiver of `cast`: datagrams in its sockets are counted before it decides on
//! silence.

use crate::common::{Lab, Running, json, number, require_lab, run, secs};

#[test]
fn a_receiver_that_was_suspended_for_longer_than_its_idle_time_counts_all() {
    require_lab!();
    let lab = Lab::fanout(1);
    let group = "239.1.2.3:5000";
    let receiver =
        Running::start(lab.udpkit("r1").args(["cast", "recv", group, "--idle", "500ms", "-J"]));
    receiver.wait_for_line("joined", secs(5));
    receiver.signal("STOP");
    let send = ["cast", "send", group, "-s", "64", "-c", "100", "-i", "8ms", "-J"];
    let sent = json(&run(lab.udpkit("s").args(send), secs(20)).expect_success().out());
    assert_eq!(number(&sent, "datagrams"), 100);
    receiver.signal("CONT");
    let told = json(&receiver.wait(secs(20)).expect_success().out());
    assert_eq!((number(&told, "received"), number(&told, "lost_datagrams")), (100, 0), "{told:#}");
    assert!(number(&told, "reader_pause_ns") > 500_000_000, "{told:#}");
    // By arrival time, not by reading time: 99 gaps of 8 ms.
    let span = number(&told["source_rows"][0], "duration_ns");
    assert!(span > 600_000_000, "{told:#}");
}
