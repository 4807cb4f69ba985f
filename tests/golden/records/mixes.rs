//! Throughput with datagrams of several sizes, and with outages.

use super::blast::{PACED, clean, hold_run, run};
use udpkit::pace::SizeMix;
use udpkit::record::{
    ArrivalGaps, ArrivalOutage, AskedSizes, BlastReport, DelayQuantiles, SizeCounts, SizeRow,
    SizesAsked, Way,
};
use udpkit::units::{Nanos, SizeChoice};

fn row(size: u64, sent: u64, lost: u64) -> SizeRow {
    let firsts = sent - lost;
    let delay = DelayQuantiles { p50: Some(4_000), max: Some(72_000), ..DelayQuantiles::default() };
    let counts = SizeCounts {
        least: size,
        most: size,
        sent,
        datagrams: firsts,
        firsts,
        bytes: firsts * size,
        lost,
        delay,
    };
    SizeRow::new(&counts, Nanos::from_secs(10))
}

fn mixed() -> BlastReport {
    let mut way = clean();
    way.size_rows = vec![row(16, 70_000, 0), row(548, 40_000, 12), row(1_472, 10_000, 900)];
    let mut report = run(way, PACED);
    let mix: SizeMix = "1472x1,548x4,16x7".parse().expect("a mix");
    report.sizes = Some(SizesAsked {
        asked: AskedSizes::Size(SizeChoice::Imix),
        sequence: mix,
        cycle_datagrams: 12,
        cycle_bytes: 3_776,
        enlarged_from_ip_bytes: Some(40),
        enlarged_to_ip_bytes: Some(44),
    });
    report
}

fn outage(start_ns: u64, length_ns: u64, lost: u64) -> ArrivalOutage {
    let direction = Way::Up;
    ArrivalOutage { direction, start_ns, length_ns, lost: Some(lost), ..ArrivalOutage::default() }
}

#[test]
fn a_run_with_several_sizes_has_a_row_for_each() {
    hold_run("blast.mixed", &mixed());
}

#[test]
fn a_run_with_outages_lists_them() {
    let mut way = clean();
    let listed =
        vec![outage(2_000_000_000, 812_000_000, 8_120), outage(7_300_000_000, 23_000_000, 230)];
    way.arrival_gaps = Some(ArrivalGaps {
        least_ns: 10_000_000,
        count: 2,
        longest_ns: Some(812_000_000),
        listed,
        other_gaps: 1,
        other_longest_ns: Some(14_000_000),
        is_asked: false,
    });
    hold_run("blast.outages", &run(way, PACED));
}
