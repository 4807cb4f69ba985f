//! Golden files of received datagrams, and of what the network and this host say about sent ones.

use crate::hold_as;
use std::net::SocketAddr;
use udpkit::batch::{Datagram, ErrorOrigin, NetworkError, RxMeta};
use udpkit::record::{Occurrence, Received, SendRefusal, Trouble, UdpFields};
use udpkit::report::{
    DatagramPrinter, DatagramStyle, TimeStyle, ping_refusal_line, ping_trouble_line,
    recv_status_line, recv_trouble_line, send_refusal_line, send_trouble_line,
};
use udpkit::units::Nanos;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn interface(_index: u32) -> String {
    "eth0".to_owned()
}

fn meta(source: &str) -> RxMeta {
    RxMeta {
        source: address(source),
        destination: Some(address("192.0.2.10:0").ip()),
        interface: 2,
        ttl: Some(61),
        tos: Some(46 << 2 | 2),
        fragment: None,
        arrival: Nanos(1_700_000_000_123_456_789),
        kernel_stamp: true,
        socket_drops: None,
        socket: 0,
    }
}

/// Each datagram in a style, with and without the header and the time since a request.
fn shown(style: DatagramStyle) -> String {
    let mut printer = DatagramPrinter::new(style, TimeStyle::Utc, "recv", interface);
    let bare = RxMeta { destination: None, interface: 0, ttl: None, tos: None, ..meta("[::1]:9") };
    let long = [0x41; 40];
    let datagrams = [
        Datagram { payload: b"hello", true_len: 5, meta: meta("198.51.100.2:40000") },
        Datagram { payload: b"", true_len: 0, meta: meta("198.51.100.2:40000") },
        Datagram { payload: b"two\nlines\x1b[2J\\ \xff", true_len: 16, meta: bare },
        Datagram { payload: &long, true_len: 9_000, meta: meta("[2001:db8::7]:40000") },
    ];
    let mut lines = Vec::new();
    for datagram in &datagrams {
        let fields = UdpFields {
            source_port: datagram.meta.source.port(),
            destination_port: 9_000,
            length: 8 + datagram.true_len as u16,
            checksum: (!datagram.truncated()).then_some(0x32c5),
        };
        for header in [None, Some(fields)] {
            let local = address("192.0.2.10:9000").into();
            let received = Received { datagram, local, header };
            let after = header.is_none().then_some(Nanos(159_000));
            lines.push(match style {
                DatagramStyle::Json => printer.json(&received, after),
                _ => printer.text(&received, after).to_owned(),
            });
        }
    }
    lines.join("\n")
}

#[test]
fn datagrams_in_every_style() {
    for (name, style) in [
        ("text", DatagramStyle::Text),
        ("hex", DatagramStyle::Hex),
        ("hexdump", DatagramStyle::Hexdump),
        ("json", DatagramStyle::Json),
    ] {
        hold_as(&format!("datagram.{name}"), &shown(style));
    }
}

#[test]
fn what_happens_to_sent_datagrams() {
    let to = address("192.0.2.10:9000");
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, to, b"");
    error.offender = Some(to.ip());
    let closed = Trouble {
        destination: to.into(),
        error: error.notice(),
        times: 1,
        seen: Occurrence::default(),
    };
    let far = address("[2001:db8::7]:9000");
    let mut too_big = NetworkError::new(ErrorOrigin::Icmp6, (2, 0), 90, far, b"");
    (too_big.offender, too_big.mtu) = (Some(address("[2001:db8::1]:0").ip()), Some(1_280));
    let too_big = Trouble {
        destination: far.into(),
        error: too_big.notice(),
        times: 2,
        seen: Occurrence::default(),
    };
    let local = NetworkError::new(ErrorOrigin::Local, (0, 0), 113, to, b"");
    let local = Trouble {
        destination: to.into(),
        error: local.notice(),
        times: 1,
        seen: Occurrence::default(),
    };
    let mut lines = Vec::new();
    for trouble in [&closed, &too_big, &local] {
        lines.push(send_trouble_line(trouble));
        lines.push(recv_trouble_line(trouble));
        lines.push(ping_trouble_line("host.example", Some(7), &trouble.error));
    }
    lines.push(ping_trouble_line("192.0.2.10:862", None, &closed.error));
    for errno in [1, 13, 22, 90, 101, 105, 113] {
        let refusal = SendRefusal::new(errno, to.into());
        lines.push(send_refusal_line(&refusal));
        lines.push(ping_refusal_line(&refusal));
    }
    lines.push(recv_status_line(1, 5, Nanos(1_500_000_000)));
    lines.push(recv_status_line(1_234_567, 1_817_282_624, Nanos(185_000_000_000)));
    hold_as("datagram.messages", &lines.join("\n"));
}
