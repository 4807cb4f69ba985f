//! Golden files of usage errors, hints and notes, which no report holds.

use crate::{hold_as, hold_text};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use udpkit::batch::TxCall;
use udpkit::record::PingProtocol;
use udpkit::report::words::{cast, cast_hints, far_end, host, ping, usage};
use udpkit::units::Endpoint;

/// Messages are not wrapped, so that programs and `grep` find them whole.
const MESSAGE: usize = 240;

/// Mistakes with `send`.
const SEND: &[&str] = &[
    "send 9000 -- hi",
    "send 127.0.0.1 9000",
    "send ::1:9000 -- hi",
    "send fe80::2%eth0:9000 -- hi",
    "send [fe80::2:9000 -- hi",
    "send [::1]x9000 -- hi",
    "send 127.0.0.1:0 -- hi",
    "send 127.0.0.1:70000 -- hi",
    "send :9000 -- hi",
    "send -- hi",
    "send 127.0.0.1:9000 --bind :x -- hi",
    "send 127.0.0.1:9000 --bind [::1]:0 -- hi",
    "send 127.0.0.1:9000 --count 0",
    "send 127.0.0.1:9000 --chunk 0 --file /dev/null",
    "send 127.0.0.1:9000 --hex -- 4g",
    "send 127.0.0.1:9000 --hex -- 41424",
    "send 127.0.0.1:9000 --template -- {random:x}",
    "send 127.0.0.1:9000 --dscp 64 -- hi",
    "send 127.0.0.1:9000 --ttl 0 -- hi",
    "send 127.0.0.1:9000 --interface lo:1 -- hi",
    r"send 127.0.0.1:9000 --escape -- \q",
    "send 127.0.0.1:9000 --ecn maybe -- hi",
];

/// Mistakes with `recv`.
const RECV: &[&str] = &[
    "recv ::1:9000",
    "recv 1-9999",
    "recv 70000",
    "recv 9007 9007",
    "recv 9007 127.0.0.1:9007",
    "recv 9000 --report-every 0",
    "recv 9000 --out -",
    "recv 9000 --buffer 0",
];

/// Mistakes with `monitor`.
const MONITOR: &[&str] = &[
    "monitor",
    "monitor 127.0.0.1 -i 1ms",
    "monitor 127.0.0.1 -w 0s",
    "monitor 127.0.0.1 -s 45",
    "monitor 127.0.0.1 127.0.0.1",
    "monitor 127.0.0.1 ./list.toml",
    "monitor 127.0.0.1 --alert loss>1%",
    "monitor 127.0.0.1 --alert outage<1s",
    "monitor 127.0.0.1 --fail-if rate>1M",
    "monitor 127.0.0.1 --interval-report 10ms",
];

/// Mistakes with `relay`.
const RELAY: &[&str] = &[
    "relay",
    "relay 9000",
    "relay , 127.0.0.1:9",
    "relay 9000 127.0.0.1:9000",
    "relay 127.0.0.1:9000 0.0.0.0:9",
    "relay 127.0.0.1:9000 9001",
    "relay 127.0.0.1:9000 127.0.0.1:0",
    "relay 127.0.0.1:9000 127.0.0.1:9 127.0.0.1:9",
    "relay 127.0.0.1:9000 127.0.0.1:9 --interface lo",
    "relay 127.0.0.1:9000 127.0.0.1:9 --source 127.0.0.1",
    "relay 127.0.0.1:9000 127.0.0.1:9 --out-interface lo",
    "relay 127.0.0.1:9000 127.0.0.1:9 --rewrite-port 1:2",
    "relay 127.0.0.1:9000 127.0.0.1:9 --rewrite-port 1",
    "relay 127.0.0.1:9000 127.0.0.1:9 --idle 0s",
    "relay 127.0.0.1:9000 127.0.0.1:9 --filter size",
    "relay 127.0.0.1:9000 127.0.0.1:9 --filter source=x",
    "relay 127.0.0.1:9000 127.0.0.1:9 --filter bytes=0:6",
    "relay 127.0.0.1:9000 127.0.0.1:9 --up loss",
    "relay 127.0.0.1:9000 127.0.0.1:9 --up nothing",
    "relay 127.0.0.1:9000 127.0.0.1:9 --both clean --up clean",
];

/// Mistakes with `ping`.
const PING: &[&str] = &[
    "ping",
    "ping 127.0.0.1 9000",
    "ping 5ms",
    "ping 127.0.0.1 -D utc",
    "ping 127.0.0.1 --interval 1ns",
    "ping 127.0.0.1 --time 0s",
    "ping 127.0.0.1 --wait 0s",
    "ping 127.0.0.1 --size 4",
    "ping 127.0.0.1 --size 46",
    "ping 127.0.0.1 --size 70000",
    "ping 127.0.0.1 --fail-if rate<1M",
    "ping 127.0.0.1 --fail-if los>1%",
    "ping 127.0.0.1 --key /dev/null",
    "ping 127.0.0.1 --echo --size 4",
];

/// Mistakes with `blast`.
const BLAST: &[&str] = &[
    "blast ::1:9000",
    "blast --rate 0",
    "blast --rate fast",
    "blast 127.0.0.1 --bind :x",
    "blast 127.0.0.1 --bind host",
    "blast 127.0.0.1 --bind ::1",
    "blast --size 1",
    "blast --count 0",
    "blast --bytes 0",
    "blast --time 0s",
    "blast --report-every 1ms",
    "blast --streams 0",
    "blast --streams 100000",
    "blast --window 1",
    "blast --probe=1us",
    "blast --burst 0",
    "blast --rate max --spin",
    "blast --rate 1G --spin -R",
    "blast --sweep 100M",
    "blast --sweep 2G..100M/10",
    "blast --sweep 1M..2M/1",
    "blast --find-rate --sweep 1M..2M/2",
    "blast --fail-if loss",
    "blast 127.0.0.1 --size 70000",
    "blast 127.0.0.1 --rate 10 M",
];

/// Mistakes with `probe`.
const PROBE: &[&str] = &[
    "probe foo 192.0.2.1",
    "probe mtus 192.0.2.1 --json",
    "probe 192.0.2.1 mtu",
    "probe --json mtu 192.0.2.1",
    "probe ports 127.0.0.1 5..9",
    "probe ports 127.0.0.1 9-5",
    "probe nat 127.0.0.1 --bind ::1",
    "probe timeout 127.0.0.1 --candidates 1ns",
    "probe timeout 127.0.0.1 --up-to 1ms",
    "probe shape 127.0.0.1 --ports 1-9999",
];

/// Mistakes with `serve`.
const SERVE: &[&str] = &[
    "serve --max-sessions 0",
    "serve --max-duration 0s",
    "serve --probe-ports 1-65535",
    "serve --stamp-rate 10M",
    "serve --stun-rate 10M",
    "serve 127.0.0.1:x",
    "serve 70000",
    "serve host.example",
    "serve 127.0.0.1:8620 --stun-alternate 8620",
    "serve 127.0.0.1:8620 --stamp=127.0.0.1:8620",
    "serve 127.0.0.1:8620 --stamp=127.0.0.1:8621 --stun-alternate 8621",
    "serve --allow 10.0.0.0/33",
    "serve --log-level loud",
    "serve --grace soon",
    "serve --policy /dev/null --max-rate fast",
];

/// Mistakes with `cast`.
const CAST: &[&str] = &[
    "cast send 239.1.2.3:x -- hi",
    "cast send 239.1.2.3:0 -- hi",
    "cast send 239.1.2.300:5000 -- hi",
    "cast send 239.1.2.3-300:5000 -- hi",
    "cast send 239.1.2.3-:5000 -- hi",
    "cast send 239.1.2.9-3:5000 -- hi",
    "cast send :5000 -- hi",
    "cast send 239.1.2.3%lo:5000 -- hi",
    "cast send host%lo:5000 -- hi",
    "cast send [ff02::1%]:5000 -- hi",
    "cast send [ff02::1-]:5000 -- hi",
    "cast send 0.0.0.0:5000 -- hi",
    "cast send 10.0-255.0-255.0-255:5000 -- hi",
    "cast send -6 239.1.2.3:5000 -- hi",
    "cast send 127.0.0.1:5000 --interface lo -- hi",
    "cast send 239.1.2.3:5000 --repeat 1s",
    "cast send 239.1.2.3:5000 --receivers 1 --no-header -- hi",
    "cast send 127.0.0.1:5000 --open=x:y -- hi",
    "cast send 239.1.2.3:5000 --fail-if p50>1ms --no-header -- hi",
    "cast recv 70000",
    "cast recv 239.1.2.3:5000 --source 239.1.2.4",
    "cast recv 239.1.2.3:5000 --source ::1",
    "cast recv 127.0.0.1:5000 --source 192.0.2.1",
    "cast recv 239.1.2.3:5000 --exclude 239.1.2.4",
    "cast recv 239.1.2.3:5000 --exclude ::1",
    "cast recv 239.1.2.3:5000 --json --out -",
    "cast check 239.1.2.3:5000 --hold 0s",
    "cast check 239.1.2.3:5000 --membership 1ms",
    "cast check 239.1.2.3-9:5000",
    "cast check 192.0.2.1:5000",
    "cast check 239.1.2.3:5000 --answer --ttl 3",
    "cast check 239.1.2.3:5000 --hold 1s --membership 1ms",
    "cast send 127.0.0.1:5000 --open=:x -- hi",
];

/// What the command prints on standard error; it must end with exit code 2, and before it sends
/// anything.
fn answer(line: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_udpkit"))
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .env_remove("UDPKIT_KEY")
        .output()
        .expect("the binary starts");
    let said = String::from_utf8(done.stderr).expect("messages are UTF-8");
    assert_eq!(done.status.code(), Some(2), "udpkit {line}: {said}");
    format!("$ udpkit {line}\n{}\n", said.trim_end())
}

#[test]
fn every_mistake_is_answered_with_what_would_be_right() {
    for (name, lines) in [
        ("send", SEND),
        ("recv", RECV),
        ("monitor", MONITOR),
        ("relay", RELAY),
        ("ping", PING),
        ("blast", BLAST),
        ("probe", PROBE),
        ("serve", SERVE),
        ("cast", CAST),
    ] {
        let text: Vec<String> = lines.iter().map(|line| answer(line)).collect();
        hold_text(&format!("mistakes.{name}"), MESSAGE, &text.join("\n"));
    }
}

fn endpoint(text: &str) -> Endpoint {
    text.parse::<SocketAddr>().expect("an address").into()
}

#[test]
fn hints_of_cast() {
    let hints = [
        cast_hints::FEWER_ADDRESSES.to_owned(),
        cast_hints::ADDRESS_AND_PORT.to_owned(),
        cast_hints::ONE_INTERFACE.to_owned(),
        cast_hints::UNICAST_BY_ROUTE.to_owned(),
        cast_hints::DESTINATIONS.to_owned(),
        cast_hints::SENDERS_ADDRESS.to_owned(),
        cast_hints::SOURCES_ARE_JOINED.to_owned(),
        cast_hints::CONTENT_TO_A_FILE.to_owned(),
        cast_hints::MESSAGES_OR_FILE.to_owned(),
        cast_hints::HEADER_OR_OPEN.to_owned(),
        cast_hints::OPEN_EVERYWHERE.to_owned(),
        cast_hints::START_RECEIVERS.to_owned(),
        cast_hints::START_OPEN_SENDER.to_owned(),
        cast_hints::CHOOSE_INTERFACE.to_owned(),
        cast_hints::ADD_MULTICAST_ROUTE.to_owned(),
        cast_hints::zone_or_interface("ff02::7".parse().expect("an address")),
        cast::too_few_receivers(1, 3),
        cast::cannot_send("239.1.2.3:5000", "no route to the destination (ENETUNREACH)"),
    ];
    hold_text("hints.cast", MESSAGE, &hints.join("\n"));
}

#[test]
fn hints_and_notes_of_several_commands() {
    let all = [endpoint("127.0.0.1:9000"), endpoint("[::1]:9000")];
    let many: Vec<_> = (0..9).map(|port| endpoint(&format!("127.0.0.1:{}", 9000 + port))).collect();
    let server = endpoint("192.0.2.10:8620");
    let link_local: SocketAddr = "[fe80::2]:9000".parse().expect("an address");
    let (none, start) = far_end::no_reply(server);
    let (closed, elsewhere) = far_end::port_closed(endpoint("192.0.2.10:9000"));
    let lines = [
        usage::SHORTEST_INTERVAL.to_owned(),
        usage::SEND_FORM.to_owned(),
        usage::BIND_OF_FAMILY.to_owned(),
        usage::RAW_TO_STANDARD_OUTPUT.to_owned(),
        usage::INPUT_ENDS_BY_ITSELF.to_owned(),
        usage::CHUNK_CUTS.to_owned(),
        usage::stepped_down(TxCall::Mmsg),
        usage::listening(&all),
        usage::listening(&many),
        usage::socket(all[0], 425_984, 4_194_304),
        host::sent_by(TxCall::Gso, 64),
        host::sent_by(TxCall::Plain, 1),
        format!("{none}\n{start}"),
        format!("{closed}\n{elsewhere}"),
        far_end::probing("host.example", server),
        far_end::probing("fe80::2", link_local.into()),
        ping::no_reply_hint(PingProtocol::Stamp).to_owned(),
        ping::no_reply_hint(PingProtocol::Echo).to_owned(),
    ];
    hold_as("hints.shared", &lines.join("\n"));
}
