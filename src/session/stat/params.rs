//! The state of a server as parameters of a reply. The least important come last, as a reply to an
//! address that has proven nothing is cut to the length of its command.

use crate::record::{RefusalCount, ServerLimits, ServerState, plain_rate};
use crate::units::{Endpoint, Nanos, Rate};
use crate::wire::Params;

/// Calls `write` with each parameter of a state. Unknown values are left out.
pub fn write_state(state: &ServerState, mut write: impl FnMut(&str, String)) {
    let ServerState { limits, .. } = state;
    let mut number = |key: &str, value: Option<u64>| {
        if let Some(value) = value {
            write(key, value.to_string());
        }
    };
    number("sessions", state.sessions);
    number("streams", state.streams);
    number("opened", state.sessions_opened);
    number("refused", state.refused);
    number("strays", state.strays);
    number("keepalives", state.keepalives);
    number("up_s", state.uptime_ns.map(|nanos| nanos / 1_000_000_000));
    number("draining", state.draining.map(u64::from));
    number("rx_datagrams", state.received_datagrams);
    number("rx_bytes", state.received_bytes);
    number("tx_datagrams", state.sent_datagrams);
    number("tx_bytes", state.sent_bytes);
    number("rx_bps", state.received_bps);
    number("rx_pps", state.received_pps);
    number("tx_bps", state.sent_bps);
    number("tx_pps", state.sent_pps);
    number("drops", state.stream_drops);
    number("own_drops", state.control_socket_drops);
    number("resident", state.resident_bytes);
    number("granted", state.granted_memory_bytes);
    number("max_memory", limits.max_memory_bytes);
    number("max_sessions", limits.max_sessions);
    number("max_streams", limits.max_streams);
    number("all_streams", limits.max_all_streams);
    number("max_time_ns", limits.max_duration_ns);
    number("share", limits.source_share_percent);
    number("reverse", limits.reverse.map(u64::from));
    number("iperf3", state.iperf3_sessions);
    number("iperf3_streams", state.iperf3_streams);
    if limits.max_rate != Rate::Max {
        write("max_rate", plain_rate(limits.max_rate));
    }
    if let Some(version) = &state.version {
        write("version", version.clone());
    }
    if !state.refusals.is_empty() {
        let each = |one: &RefusalCount| format!("{}:{}", one.reply_code, one.times);
        write("codes", state.refusals.iter().map(each).collect::<Vec<_>>().join(","));
    }
}

/// Reads the state of `server` from the parameters of its reply. What is missing or cannot be read
/// is unknown.
pub fn read_state(server: Endpoint, round_trip: Nanos, params: &Params) -> ServerState {
    let number = |key: &str| params.parse::<u64>(key).ok().flatten();
    let flag = |key: &str| number(key).map(|value| value != 0);
    let refusals = params.get("codes").unwrap_or_default().split(',');
    let refusals = refusals.filter_map(|text| {
        let (reply_code, times) = text.split_once(':')?;
        Some(RefusalCount { reply_code: reply_code.parse().ok()?, times: times.parse().ok()? })
    });
    ServerState {
        server,
        round_trip_ns: round_trip.0,
        version: params.get("version").map(str::to_owned),
        uptime_ns: number("up_s").map(|seconds| seconds.saturating_mul(1_000_000_000)),
        draining: flag("draining"),
        sessions: number("sessions"),
        streams: number("streams"),
        sessions_opened: number("opened"),
        iperf3_sessions: number("iperf3"),
        iperf3_streams: number("iperf3_streams"),
        received_datagrams: number("rx_datagrams"),
        received_bytes: number("rx_bytes"),
        sent_datagrams: number("tx_datagrams"),
        sent_bytes: number("tx_bytes"),
        received_bps: number("rx_bps"),
        received_pps: number("rx_pps"),
        sent_bps: number("tx_bps"),
        sent_pps: number("tx_pps"),
        stream_drops: number("drops"),
        control_socket_drops: number("own_drops"),
        refused: number("refused"),
        refusals: refusals.collect(),
        strays: number("strays"),
        keepalives: number("keepalives"),
        resident_bytes: number("resident"),
        granted_memory_bytes: number("granted"),
        limits: ServerLimits {
            max_sessions: number("max_sessions"),
            max_streams: number("max_streams"),
            max_all_streams: number("all_streams"),
            max_rate: params.parse("max_rate").ok().flatten().unwrap_or_default(),
            max_duration_ns: number("max_time_ns"),
            max_memory_bytes: number("max_memory"),
            source_share_percent: number("share"),
            reverse: flag("reverse"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Code, Reply, Tag};

    const ROOM: usize = 1_060;

    /// A state with a number of `digits` digits in every place.
    fn state(digits: u32) -> ServerState {
        let mut next = 10_u64.pow(digits - 1);
        let mut number = || {
            next += 1;
            Some(next)
        };
        let server = "192.0.2.10:8620".parse().unwrap();
        ServerState {
            server,
            round_trip_ns: 7,
            version: Some("12.34.56".to_owned()),
            uptime_ns: Some(86_400_000_000_000),
            draining: Some(true),
            sessions: number(),
            streams: number(),
            sessions_opened: number(),
            iperf3_sessions: number(),
            iperf3_streams: number(),
            received_datagrams: number(),
            received_bytes: number(),
            sent_datagrams: number(),
            sent_bytes: number(),
            received_bps: number(),
            received_pps: number(),
            sent_bps: number(),
            sent_pps: number(),
            stream_drops: number(),
            control_socket_drops: number(),
            refused: number(),
            refusals: [421, 450, 530]
                .map(|reply_code| RefusalCount { reply_code, times: next_of(reply_code) })
                .to_vec(),
            strays: number(),
            keepalives: number(),
            resident_bytes: number(),
            granted_memory_bytes: number(),
            limits: ServerLimits {
                max_sessions: number(),
                max_streams: number(),
                max_all_streams: number(),
                max_rate: "10kpps".parse().unwrap(),
                max_duration_ns: number(),
                max_memory_bytes: number(),
                source_share_percent: number(),
                reverse: Some(false),
            },
        }
    }

    fn next_of(code: u16) -> u64 {
        u64::from(code) * 3
    }

    fn written(state: &ServerState) -> Params {
        let mut params = Params::default();
        write_state(state, |key, value| params.push(key, value));
        params
    }

    #[test]
    fn what_is_written_is_read_and_fits_one_reply() {
        let state = state(7);
        let params = written(&state);
        let text = String::new();
        let tag = Tag::new("q1").unwrap();
        let reply = Reply { tag, code: Code::STATUS, params, text }.encode().unwrap();
        assert!(reply.len() < ROOM, "{}", reply.len());
        let params = Reply::decode(&reply).unwrap().params;
        assert_eq!(read_state(state.server, Nanos(7), &params), state);
    }

    #[test]
    fn what_an_older_server_does_not_tell_is_unknown() {
        let mut params = Params::default();
        params.push("sessions", 3);
        params.push("codes", "x,421:,:3,530:2,70000:1");
        params.push("rx_bytes", "-1");
        let server = "192.0.2.10:8620".parse().unwrap();
        let state = read_state(server, Nanos(7), &params);
        assert_eq!(state.sessions, Some(3));
        assert_eq!(state.refusals, [RefusalCount { reply_code: 530, times: 2 }]);
        assert_eq!((state.draining, state.received_bytes, state.version), (None, None, None));
        assert_eq!(state.limits, ServerLimits::default());
    }
}
