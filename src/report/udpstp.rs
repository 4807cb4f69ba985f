//! A capacity test with a UDPSTP server: a line for each sub-interval, then the result.

use super::number::RateUnit;
use super::spark::sparkline;
use super::words::terms::plural;
use super::words::udpstp::{caveats, way};
use super::{Output, Page, Shown};
use crate::record::{Flow, Sink, UdpstpInterval, UdpstpReport, UdpstpTotals};
use crate::units::{BitRate, Endpoint, Nanos, group_digits};

/// What the first line tells.
#[derive(Clone, Debug)]
pub struct UdpstpHeading {
    /// The server.
    pub target: Endpoint,
    /// What is asked of it.
    pub asked: UdpstpReport,
    /// Length of the test.
    pub time: Nanos,
}

/// Prints a test.
pub struct UdpstpView {
    output: Output,
    is_text: bool,
    shows_lines: bool,
    page: Page,
}

impl UdpstpView {
    /// A view with its first line.
    pub fn new(heading: &UdpstpHeading, shown: Shown) -> Self {
        let (page, is_text) = (Page::of_stdout(), !shown.json);
        let mut view =
            Self { output: Output::new(), is_text, shows_lines: is_text && !shown.quiet, page };
        if is_text {
            view.output.line(first_line(heading, page).trim_end_matches('\n'));
        }
        view
    }

    /// Prints the result.
    pub fn finish(&mut self, report: &UdpstpReport) {
        if self.is_text {
            self.output.line(udpstp_text(report, self.page).trim_end_matches('\n'));
        }
    }
}

impl Sink<UdpstpInterval> for UdpstpView {
    fn take(&mut self, interval: UdpstpInterval) -> Flow {
        if !self.shows_lines {
            return Flow::Continue;
        }
        self.output.line(self.page.fit(&interval_line(&interval)).trim_end_matches('\n'))
    }
}

fn first_line(heading: &UdpstpHeading, page: Page) -> String {
    let UdpstpHeading { target, asked, time } = heading;
    let line = format!(
        "udpkit blast {target}   {}   {} B   {time}   {}",
        way(asked.direction),
        asked.payload_bytes,
        plural(u64::from(asked.connections), "connection")
    );
    page.fit(&line)
}

fn interval_line(interval: &UdpstpInterval) -> String {
    let unit = RateUnit::for_rate(interval.ip_bits_per_second);
    let rate = unit.figure(interval.ip_bits_per_second as f64);
    format!(
        "  {:>5.1} s  {rate:>8} {}  lost {}  delay +{} ms  RTT +{} ms",
        interval.end_ns as f64 / 1e9,
        unit.name(),
        share(interval.lost, interval.datagrams),
        millis(interval.delay_variation_max_ns),
        millis(interval.rtt_variation_max_ns),
    )
}

/// Whole milliseconds, as the protocol has them.
fn millis(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| (nanos / 1_000_000).to_string())
}

/// A mean of them.
fn tenths(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), |nanos| format!("{:.1}", nanos as f64 / 1e6))
}

fn share(lost: u64, received: u64) -> String {
    let all = lost.saturating_add(received);
    if all == 0 {
        return "-".to_owned();
    }
    format!("{} ({:.2}%)", group_digits(lost), lost as f64 * 100.0 / all as f64)
}

/// The result as text.
pub fn udpstp_text(report: &UdpstpReport, page: Page) -> String {
    let Some(most) = &report.maximum else { return "  capacity   -\n".to_owned() };
    let mut lines = vec![
        String::new(),
        format!(
            "  capacity   {} at the IP layer, {} on Ethernet",
            BitRate(most.ip_bits_per_second),
            BitRate(most.ethernet_bits_per_second),
        ),
        format!(
            "             the highest of {}, which ended at {:.1} s",
            plural(report.intervals.len() as u64, "sub-interval"),
            most.end_ns as f64 / 1e9
        ),
    ];
    lines.push(match report.loss_free_ip_bits_per_second {
        Some(rate) => format!("  loss-free  {}: the highest without loss", BitRate(rate)),
        None => "  loss-free  -: every sub-interval had loss".to_owned(),
    });
    lines.push(String::new());
    lines.extend(counts(most, report.totals.unwrap_or_default()));
    lines.push(String::new());
    lines.extend(delays(most, report));
    lines.push(String::new());
    lines.extend(course(report));
    let mut text: String = lines.iter().map(|line| page.fit(line)).collect();
    let told = caveats(report);
    if !told.is_empty() {
        text.push_str(&page.labelled("caution", &told));
    }
    text
}

fn counts(most: &UdpstpInterval, all: UdpstpTotals) -> Vec<String> {
    let row = |label: &str, at_most: String, whole: String| {
        format!("  {label:<9}  {at_most:>20}  {whole:>20}")
    };
    vec![
        row("", "at the maximum".to_owned(), "whole test".to_owned()),
        row("received", group_digits(most.datagrams), group_digits(all.datagrams)),
        row("lost", share(most.lost, most.datagrams), share(all.lost, all.datagrams)),
        row("reordered", group_digits(most.reordered), group_digits(all.reordered)),
        row("duplicate", group_digits(most.duplicates), group_digits(all.duplicates)),
    ]
}

fn delays(most: &UdpstpInterval, report: &UdpstpReport) -> Vec<String> {
    let row = |label: &str, [least, mean, most]: [Option<u64>; 3], more: &str| {
        let line = format!(
            "  {label:<9}  {:>6}  {:>6}  {:>6}   {more}",
            millis(least),
            tenths(mean),
            millis(most)
        );
        line.trim_end().to_owned()
    };
    let one_way =
        [most.delay_variation_min_ns, most.delay_variation_mean_ns, most.delay_variation_max_ns];
    let trips = [most.rtt_variation_min_ns, most.rtt_variation_mean_ns, most.rtt_variation_max_ns];
    let least = format!("above its least of {} ms", millis(report.rtt_min_ns));
    vec![
        "  ms            min    mean     max   at the maximum".to_owned(),
        row("one-way", one_way, "above its least"),
        row("round trip", trips, &least),
    ]
}

fn course(report: &UdpstpReport) -> Vec<String> {
    let rates: Vec<f64> =
        report.intervals.iter().map(|one| one.ip_bits_per_second as f64).collect();
    let losses: Vec<f64> = report.intervals.iter().map(|one| one.lost as f64).collect();
    let end = report.intervals.last().map_or(0.0, |last| last.end_ns as f64 / 1e9);
    let bars = |values: &[f64], what: &str| {
        format!("  0 s  {}  {end:.0} s  {what}", sparkline(values, 40))
    };
    vec![bars(&rates, "rate per sub-interval"), bars(&losses, "datagrams lost")]
}

/// The lines and the text of a whole test, as they are printed.
pub fn udpstp_whole(heading: &UdpstpHeading, report: &UdpstpReport, page: Page) -> String {
    let lines = report.intervals.iter().map(|one| page.fit(&interval_line(one)));
    first_line(heading, page) + &lines.collect::<String>() + &udpstp_text(report, page)
}
