//! Golden files of `stat`.

use crate::hold;
use udpkit::record::{RefusalCount, ServerLimits, ServerState};
use udpkit::report::server_state_text;

fn state() -> ServerState {
    ServerState {
        server: "192.0.2.10:8620".parse().expect("an address"),
        round_trip_ns: 11_930_000,
        version: Some("0.1.0".to_owned()),
        uptime_ns: Some(93_784_000_000_000),
        draining: Some(false),
        sessions: Some(2),
        streams: Some(5),
        sessions_opened: Some(1_213),
        iperf3_sessions: Some(1),
        iperf3_streams: Some(2),
        received_datagrams: Some(16_983_402),
        received_bytes: Some(24_998_976_000),
        sent_datagrams: Some(1),
        sent_bytes: Some(1_472),
        received_bps: Some(941_000_000),
        received_pps: Some(79_908),
        sent_bps: Some(0),
        sent_pps: Some(0),
        stream_drops: Some(17),
        control_socket_drops: Some(0),
        refused: Some(40),
        refusals: [(421, 3), (530, 36), (552, 1)]
            .map(|(reply_code, times)| RefusalCount { reply_code, times })
            .to_vec(),
        strays: Some(9),
        keepalives: Some(120),
        resident_bytes: Some(48 << 20),
        granted_memory_bytes: Some(37 << 20),
        limits: ServerLimits {
            max_sessions: Some(64),
            max_streams: Some(64),
            max_all_streams: Some(512),
            max_rate: "1G".parse().expect("a rate"),
            max_duration_ns: Some(3_600_000_000_000),
            max_memory_bytes: Some(256 << 20),
            source_share_percent: Some(25),
            reverse: Some(false),
        },
    }
}

#[test]
fn a_busy_server_tells_its_state() {
    let state = state();
    hold("stat.busy", "stat", &state, |page| server_state_text(&state, page));
}

#[test]
fn a_server_that_shuts_down_says_so() {
    let state = ServerState {
        draining: Some(true),
        limits: ServerLimits { reverse: Some(true), ..ServerLimits::default() },
        ..state()
    };
    hold("stat.draining", "stat", &state, |page| server_state_text(&state, page));
}

#[test]
fn what_an_older_server_does_not_tell_is_unknown() {
    let state = ServerState {
        version: None,
        draining: None,
        iperf3_sessions: None,
        iperf3_streams: None,
        received_datagrams: None,
        received_bytes: None,
        sent_datagrams: None,
        sent_bytes: None,
        received_bps: None,
        received_pps: None,
        sent_bps: None,
        sent_pps: None,
        stream_drops: None,
        control_socket_drops: None,
        refusals: Vec::new(),
        resident_bytes: None,
        granted_memory_bytes: None,
        limits: ServerLimits::default(),
        ..state()
    };
    hold("stat.older", "stat", &state, |page| server_state_text(&state, page));
}
