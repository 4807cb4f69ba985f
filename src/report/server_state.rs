//! What `stat` prints: the state of a server.

use super::Page;
use super::number::{bits_or_dash, packets_or_dash};
use super::words::server_state as words;
use super::words::terms::plural;
use crate::record::ServerState;
use crate::units::{ByteCount, Nanos, group_digits};

/// Columns of the labels.
const LABEL: usize = 12;

/// The state as text.
pub fn server_state_text(state: &ServerState, page: Page) -> String {
    let ServerState { limits, .. } = state;
    let mut text = String::new();
    let mut line = |label: &str, parts: &[String]| {
        let sentence = parts.join(", ");
        text.push_str(&page.paragraph(&format!("  {label:<LABEL$}"), LABEL + 2, &sentence));
    };
    let up = state.uptime_ns.map_or_else(dash, |nanos| words::span(nanos / 1_000_000_000));
    let version = state.version.clone().unwrap_or_else(dash);
    line("server", &[words::server(&version, &up, state.draining)]);
    line(
        "open",
        &[
            counted(state.sessions, "session"),
            counted(state.streams, "stream"),
            counted(state.iperf3_sessions, "iperf3 test"),
            format!("{} so far", counted(state.sessions_opened, "session")),
        ],
    );
    let rate = |bits: Option<u64>, datagrams: Option<u64>| {
        format!("{}, {}", bits_or_dash(bits), packets_or_dash(datagrams))
    };
    line("receives", &[rate(state.received_bps, state.received_pps)]);
    line("sends", &[rate(state.sent_bps, state.sent_pps)]);
    let total = |datagrams, bytes| format!("{}, {}", counted(datagrams, "datagram"), size(bytes));
    line("received", &[total(state.received_datagrams, state.received_bytes)]);
    line("sent", &[total(state.sent_datagrams, state.sent_bytes)]);
    line(
        "dropped",
        &[words::drops(&number(state.stream_drops), &number(state.control_socket_drops))],
    );
    let each = state.refusals.iter();
    let each = each.map(|one| format!("{} {}", one.reply_code, group_digits(one.times)));
    let each: Vec<String> = each.collect();
    let refused = counted(state.refused, "command");
    line("refused", &[words::refused(&refused, &each)]);
    line(
        "memory",
        &[words::memory(&size(state.resident_bytes), &size(state.granted_memory_bytes))],
    );
    // A server that tells no limits has some all the same.
    let rate = limits.max_sessions.map_or_else(dash, |_| limits.max_rate.to_string());
    let longest = limits.max_duration_ns;
    let longest = longest.map_or_else(dash, |nanos| words::span(nanos / 1_000_000_000));
    let limits = [
        counted(limits.max_sessions, "session"),
        words::streams(&number(limits.max_streams), &number(limits.max_all_streams)),
        format!("rate {rate}"),
        format!("time {longest}"),
        size(limits.max_memory_bytes),
        words::share(&number(limits.source_share_percent)),
    ];
    line("limits", &limits);
    if state.limits.reverse == Some(false) {
        line("", &[words::ONLY_RECEIVES.to_owned()]);
    }
    let title = format!("udpkit stat {}", state.server);
    let trip = words::answered(&Nanos(state.round_trip_ns).to_string());
    format!("{}\n{text}", page.fit_all(&[format!("{title}   {trip}")]).trim_end())
}

fn dash() -> String {
    "-".to_owned()
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(dash, group_digits)
}

fn counted(number: Option<u64>, noun: &str) -> String {
    match number {
        Some(number) => plural(number, noun),
        None => format!("- {noun}s"),
    }
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(dash, |bytes| ByteCount(bytes).to_string())
}
