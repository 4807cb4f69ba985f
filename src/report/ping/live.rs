//! What `ping` prints while it runs: a line for each answer, or a row for each target.

use super::summary::short;
use crate::record::{PingInterval, PingReply, PingTimeout, ReplyKind};
use crate::report::Clock;
use crate::units::{Nanos, group_digits};

/// `44 bytes from 192.0.2.10:862: seq=7 ttl=57 time=11.930 ms`, as ping(8) prints it.
pub(super) fn reply_line(reply: &PingReply, clock: Option<&mut Clock>) -> String {
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
    line
}

/// `no reply from 192.0.2.10:862: seq=7 after 2.00 s`.
pub(super) fn timeout_line(timeout: &PingTimeout, whom: &str, clock: Option<&mut Clock>) -> String {
    let at = timeout.sent_ns + timeout.waited_ns;
    let prefix = prefix(clock, at);
    let waited = Nanos(timeout.waited_ns);
    format!("{prefix}no reply from {whom}: seq={} after {waited}", timeout.seq)
}

/// One target's second, in a row.
pub(super) fn row(
    interval: &PingInterval<'_>,
    name: Option<&str>,
    clock: Option<&mut Clock>,
) -> String {
    let at = interval.start + interval.duration;
    let prefix = prefix(clock, at.0);
    let name = name.map_or_else(String::new, |name| format!("{:<21}", short(name, 20)));
    let trips = interval.round_trips;
    let time = |nanos: Option<Nanos>| nanos.map_or_else(|| "-".to_owned(), |time| time.to_string());
    // The middle one, however few there are: a row is a glance, not a measurement.
    let middle = (trips.count() > 0).then(|| Nanos(trips.inner().value_at_quantile(0.5)));
    format!(
        "{prefix}{:>7.1} s  {name}sent {:<9} back {:<9} lost {:<6} p50 {}  max {}",
        interval.elapsed.as_secs_f64(),
        group_digits(interval.sent),
        group_digits(interval.back),
        group_digits(interval.lost),
        time(middle),
        time(trips.max())
    )
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
            from_send_ns: Some(11_930_400),
            server_ns: None,
            reflector_seq: Some(7),
            arrival_ns: 1_700_000_000_123_456_789,
        }
    }

    #[test]
    fn lines_are_those_of_ping() {
        let plain = "44 bytes from 192.0.2.10:862: seq=7 ttl=57 time=11.930 ms";
        assert_eq!(reply_line(&reply(), None), plain);
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
