//! What `ping` prints while it runs: a line for each answer, or a row for each target.

use super::summary::short;
use crate::batch::NetworkErrorSummary;
use crate::record::{PingInterval, PingReply, PingTimeout, ReplyKind};
use crate::report::progress::fitting;
use crate::report::words::ping as words;
use crate::report::{Clock, Page};
use crate::units::{Nanos, group_digits};

/// `44 bytes from 192.0.2.10:862: seq=7 ttl=57 time=11.930 ms`, as ping(8) prints it.
pub fn reply_line(reply: &PingReply, clock: Option<&mut Clock>) -> String {
    let mut line = prefix(clock, reply.arrival_ns);
    line.push_str(&format!("{} bytes from {}: seq={}", reply.bytes, reply.source, reply.seq));
    if let Some(ttl) = reply.ttl {
        line.push_str(&format!(" ttl={ttl}"));
    }
    match reply.round_trip_ns {
        Some(nanos) => line.push_str(&format!(" time={:.3} ms", Nanos(nanos).as_millis_f64())),
        None => line.push_str(" time=?"),
    }
    match reply.kind {
        ReplyKind::Back => {}
        ReplyKind::Late => line.push_str(" (late)"),
        ReplyKind::Duplicate => line.push_str(" (DUP!)"),
    }
    if let Some(change) = reply.change {
        line.push_str(&format!(" ({})", words::change(change)));
    }
    line
}

/// `no reply from 192.0.2.10:862: seq=7 after 2.00 s`.
pub fn timeout_line(timeout: &PingTimeout, whom: &str, clock: Option<&mut Clock>) -> String {
    let at = timeout.sent_ns + timeout.waited_ns;
    let prefix = prefix(clock, at);
    let waited = Nanos(timeout.waited_ns);
    format!("{prefix}no reply from {whom}: seq={} after {waited}", timeout.seq)
}

/// The line about an error from the network for a probe of the target `name`.
pub fn trouble_line(name: &str, seq: Option<u64>, error: &NetworkErrorSummary) -> String {
    let seq = seq.map_or_else(String::new, |seq| format!(" seq={seq}"));
    format!("{name}:{seq} {error}")
}

/// Pages from which on a row has all of its columns.
const WIDE: usize = 105;
/// Columns of a name, on a wide page and on others.
const NAMES: [usize; 2] = [20, 16];

/// One target's second, in a row that leaves the last column free, so that it never wraps.
pub fn row(
    interval: &PingInterval<'_>,
    name: Option<&str>,
    clock: Option<&mut Clock>,
    page: Page,
) -> String {
    let at = interval.start + interval.duration;
    let prefix = prefix(clock, at.0);
    let wide = page.columns() >= WIDE;
    let [longest, shortest] = NAMES;
    let most = if wide { longest } else { shortest };
    let name = name.map_or_else(String::new, |name| format!("{:<most$} ", short(name, most)));
    let trips = interval.round_trips;
    let time = |nanos: Option<Nanos>| nanos.map_or_else(|| "-".to_owned(), |time| time.to_string());
    // The middle one, however few there are: a row is a glance, not a measurement.
    let middle = (trips.count() > 0).then(|| Nanos(trips.inner().value_at_quantile(0.5)));
    let [sent, back, lost] = [interval.sent, interval.back, interval.lost].map(group_digits);
    let counts = if wide {
        format!("sent {sent:<9} back {back:<9} lost {lost:<6}")
    } else {
        format!("sent {sent:<7} lost {lost:<5}")
    };
    // One time is enough.
    let since = format!("{:>6.1} s  ", interval.elapsed.as_secs_f64());
    let when = if prefix.is_empty() { since } else { prefix };
    let (middle, most) = (time(middle), time(trips.max()));
    let parts =
        [format!("{when}{name}{counts}"), format!("p50 {middle:<8}"), format!("max {most}")];
    fitting(&parts, "  ", page)
}

/// `[1700000000.123456] `, as ping(8)'s -D has it; empty for no time.
pub(super) fn prefix(clock: Option<&mut Clock>, at: u64) -> String {
    let Some(clock) = clock else { return String::new() };
    let mut text = String::from("[");
    clock.write(Nanos(at), &mut text);
    text.push_str("] ");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ReplyChange;
    use crate::report::TimeStyle;

    fn reply() -> PingReply {
        PingReply {
            target: 0,
            source: "192.0.2.10:862".parse().unwrap(),
            seq: 7,
            kind: ReplyKind::Back,
            bytes: 44,
            ttl: Some(57),
            round_trip_ns: Some(11_930_400),
            as_planned_ns: Some(11_950_000),
            server_ns: None,
            reflector_seq: Some(7),
            change: None,
            arrival_ns: 1_700_000_000_123_456_789,
        }
    }

    #[test]
    fn lines_are_those_of_ping() {
        let plain = "44 bytes from 192.0.2.10:862: seq=7 ttl=57 time=11.930 ms";
        assert_eq!(reply_line(&reply(), None), plain);
        let cut = PingReply { change: Some(ReplyChange::CutOut), ..reply() };
        assert_eq!(reply_line(&cut, None), format!("{plain} (cut on the way out)"));
        let copy =
            PingReply { kind: ReplyKind::Duplicate, round_trip_ns: None, ttl: None, ..reply() };
        assert_eq!(
            reply_line(&copy, Some(&mut Clock::new(TimeStyle::Epoch))),
            "[1700000000.123456] 44 bytes from 192.0.2.10:862: seq=7 time=? (DUP!)"
        );
        let timeout = PingTimeout { target: 0, seq: 3, sent_ns: 1, waited_ns: 2_000_000_000 };
        let line = timeout_line(&timeout, "192.0.2.10:862", None);
        assert_eq!(line, "no reply from 192.0.2.10:862: seq=3 after 2.00 s");
    }
}
