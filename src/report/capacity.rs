//! The result of a capacity measurement as text.

use super::Page;
use super::number::RateUnit;
use super::page::ended;
use super::spark::sparkline;
use super::words::terms::plural;
use crate::record::{CapacityReport, CoursePoint, DirectionReport, SubInterval, Worded};
use crate::units::{BitRate, Nanos};

/// Bars of a line: with the figures behind them it fits 80 columns.
const CELLS: usize = 24;

/// What was measured, and its course; nothing for other runs.
pub(super) fn capacity_text(way: &DirectionReport, page: Page) -> String {
    let Some(capacity) = &way.capacity else { return String::new() };
    let notes: Vec<String> = capacity.notes.iter().map(Worded::text).collect();
    let told: Vec<String> =
        capacity.told().map(|of| told_line(capacity, of)).into_iter().chain(notes).collect();
    [page.labelled("capacity", &told), ended(course_lines(capacity, ip_share(way)))].concat()
}

/// `95.3 Mbit/s at the IP layer, 93.5 Mbit/s goodput: the largest of 10 sub-intervals, at 3.0 s`.
fn told_line(capacity: &CapacityReport, of: &SubInterval) -> String {
    let bound = if capacity.ip_bits_per_second.is_some() { "" } else { "at least " };
    let largest = capacity.largest.map(|largest| largest.ip_bits_per_second);
    let is_largest = largest == Some(of.ip_bits_per_second);
    let all = capacity.sub_intervals.iter();
    let among = all.filter(|one| is_largest || one.host_limit.is_none()).count() as u64;
    let undisturbed = if is_largest { "" } else { " without a host's limit" };
    format!(
        "{bound}{} at the IP layer, {} goodput: the largest of {}{undisturbed} of {}, from {} to {}",
        BitRate(of.ip_bits_per_second),
        BitRate(of.goodput_bits_per_second),
        plural(among, "sub-interval"),
        Nanos(of.duration_ns),
        Nanos(of.start_ns),
        Nanos(of.start_ns.saturating_add(of.duration_ns)),
    )
}

/// Bytes of a datagram at the IP layer.
fn ip_share(way: &DirectionReport) -> Option<f64> {
    let received = way.received?;
    let (ip, datagrams) = (received.udp_ip_bits_per_second?, received.datagrams_per_second?);
    (datagrams > 0).then(|| ip as f64 / 8.0 / datagrams as f64)
}

/// Rates, loss and delay over time, as bars.
fn course_lines(capacity: &CapacityReport, ip_bytes: Option<f64>) -> Vec<String> {
    let course = &capacity.course;
    let (Some(last), Some(ip_bytes), 3..) = (course.last(), ip_bytes, course.len()) else {
        return Vec::new();
    };
    let end = Nanos(last.start_ns.saturating_add(last.duration_ns));
    let each = |of: &dyn Fn(&CoursePoint) -> f64| course.iter().map(of).collect::<Vec<f64>>();
    let rate = |datagrams: u64, point: &CoursePoint| {
        datagrams as f64 * ip_bytes * 8e9 / point.duration_ns.max(1) as f64
    };
    let sent = each(&|point| rate(point.sent.unwrap_or(0), point));
    let received = each(&|point| rate(point.received.saturating_sub(point.duplicates), point));
    let loss = each(&|point| {
        let all = point.received.saturating_add(point.lost).max(1);
        point.lost as f64 * 100.0 / all as f64
    });
    let delay = each(&|point| point.delay_mean_ns.unwrap_or(0) as f64 / 1e6);
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let unit = RateUnit::for_rate(most(&sent).max(most(&received)) as u64);
    let line =
        |values: &[f64], what: String| format!("  0 s {} {end}  {what}", sparkline(values, CELLS));
    let rates = |name: &str, values: &[f64]| {
        line(values, format!("{name} {} at IP  max {}", unit.name(), unit.figure(most(values))))
    };
    vec![
        String::new(),
        rates("sent", &sent),
        rates("received", &received),
        line(&loss, format!("loss  max {:.2}%", most(&loss))),
        line(&delay, format!("delay variation  max {:.2} ms", most(&delay))),
        String::new(),
    ]
}
