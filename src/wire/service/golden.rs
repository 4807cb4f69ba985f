//! Questions and answers against golden bytes. The questions on ports 53 to 161, 1812, 5353 and
//! 5683 are as scapy 2.5 builds them from the same secret, IKE's too but for the key lengths, which
//! that scapy leaves out. The answers are laid out by each
//! protocol's own document.

use super::{Ask, Service};
use crate::wire::{parse_hex, to_hex};
use std::net::SocketAddr;

/// The first bytes of every secret here: what `fastrand` draws from seed 7.
const SECRET: &str = "91727e708e59fcc5208c1e454bd7f438";

/// Service, port, attempt, total length, and the first bytes; the rest of a question is random
/// bytes or zeros.
const QUESTIONS: &[(&str, u16, u32, usize, &str)] = &[
    (
        "dns",
        53,
        0,
        17,
        "\
     9172010000010000000000000000020001",
    ),
    (
        "dhcp",
        67,
        0,
        300,
        "\
     0101060091727e7000000000c000020100000000000000000000000002727e708e590000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     0000000000000000000000000000000000000000000000000000638253633501083703010306ff",
    ),
    (
        "tftp",
        69,
        0,
        21,
        "\
     00017564706b69742d70726f6265006f6374657400",
    ),
    (
        "rpc",
        111,
        0,
        40,
        "\
     91727e700000000000000002000186a0000000020000000000000000000000000000000000000000",
    ),
    (
        "ntp",
        123,
        0,
        48,
        "\
     230000000000000000000000000000000000000000000000000000000000000000000000000000009172\
     7e708e59fcc5",
    ),
    (
        "netbios",
        137,
        0,
        50,
        "\
     91720000000100000000000020434b414141414141414141414141414141414141414141414141414141\
     4141410000210001",
    ),
    (
        "snmp",
        161,
        0,
        64,
        "\
     303e0201033011020451727e70020300ffe30401040201030410300e0400020100020100040004000400\
     301404000400a00e020451727e700201000201003000",
    ),
    (
        "snmp",
        161,
        1,
        43,
        "\
     302902010104067075626c6963a01c020451727e70020100020100300e300c06082b0601020101010005\
     00",
    ),
    (
        "snmp",
        161,
        2,
        43,
        "\
     302902010004067075626c6963a01c020451727e70020100020100300e300c06082b0601020101010005\
     00",
    ),
    (
        "quic",
        443,
        0,
        1200,
        "\
     c01a2a3a4a0891727e708e59fcc508208c1e454bd7f4380044967361216758e1",
    ),
    (
        "ike",
        500,
        0,
        420,
        "\
     91727e708e59fcc500000000000000002120220800000000000001a42200005c00000058010100090300\
     000c0100000c800e01000300000c0100000c800e00800300000802000005030000080200000203000008\
     0300000c0300000803000002030000080400000e0300000804000013000000080400001f28000108000e\
     0000208c1e454bd7f438",
    ),
    (
        "radius",
        1812,
        0,
        54,
        "\
     01910036727e708e59fcc5208c1e454bd7f4387301087564706b6974021261216758e1e1b791fda4a803\
     222b7b2c20087564706b6974",
    ),
    (
        "stun",
        3478,
        0,
        20,
        "\
     000100002112a44291727e708e59fcc5208c1e45",
    ),
    (
        "mdns",
        5353,
        0,
        46,
        "\
     917200000001000000000000095f7365727669636573075f646e732d7364045f756470056c6f63616c00\
     000c8001",
    ),
    (
        "coap",
        5683,
        0,
        30,
        "\
     480191727e708e59fcc5208cbb2e77656c6c2d6b6e6f776e04636f7265c0",
    ),
    (
        "memcached",
        11211,
        0,
        17,
        "\
     917200000001000076657273696f6e0d0a",
    ),
    (
        "wireguard",
        51820,
        0,
        148,
        "\
     0100000091727e708e59fcc5208c1e454bd7f43873612167",
    ),
];

fn ask(port: u16, attempt: u32) -> Ask {
    let own: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
    Ask { attempt, local: Some(own), ..Ask::new(7, ([192, 0, 2, 9], port).into()) }
}

fn bytes(hex: &str) -> Vec<u8> {
    parse_hex(hex.as_bytes()).expect("hexadecimal")
}

#[test]
fn questions_have_the_bytes_that_others_build_from_the_same_secret() {
    assert_eq!(to_hex(&ask(53, 0).secret::<16>()), SECRET);
    for &(name, port, attempt, len, golden) in QUESTIONS {
        let service: Service = name.parse().expect("a service");
        assert_eq!(Service::of_port(port), service);
        let question = service.question(&ask(port, attempt));
        assert_eq!(question.len(), len, "{name} {attempt}");
        let head = &question[..golden.len() / 2];
        assert_eq!(to_hex(head), golden, "{name} {attempt}");
        if service == Service::Dhcp {
            assert!(question[head.len()..].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn on_port_4500_ike_stands_behind_four_zeros() {
    let (plain, marked) =
        (Service::Ike.question(&ask(500, 0)), Service::Ike.question(&ask(4500, 0)));
    assert_eq!(marked[..4], [0; 4]);
    assert_eq!(marked[4..], plain);
    let len = u32::from_be_bytes([plain[24], plain[25], plain[26], plain[27]]);
    assert_eq!(len as usize, plain.len());
}

#[test]
fn questions_in_text_name_both_ends_and_end_with_an_empty_line() {
    let sip = String::from_utf8(Service::Sip.question(&ask(5060, 0))).expect("text");
    assert_eq!(
        sip,
        "OPTIONS sip:192.0.2.9:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5000;branch=z9hG4bK91727e708e59fcc5;rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:udpkit@192.0.2.1:5000>;tag=91727e708e59fcc5\r\n\
         To: <sip:192.0.2.9:5060>\r\n\
         Call-ID: 91727e708e59fcc5\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:udpkit@192.0.2.1:5000>\r\n\
         Accept: application/sdp\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let v6 = Ask::new(7, "[2001:db8::9]:1900".parse().expect("an address"));
    let ssdp = String::from_utf8(Service::Ssdp.question(&v6)).expect("text");
    assert_eq!(
        ssdp,
        "M-SEARCH * HTTP/1.1\r\nHOST: [2001:db8::9]:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
         ST: upnp:rootdevice\r\n\r\n"
    );
    let text = Service::Text.question(&ask(9, 0));
    assert_eq!(text, b"udpkit probe 91727e708e59fcc5\r\n");
}

/// Port, the answer's bytes, and what it is read as.
const ANSWERS: &[(u16, &str, &str)] = &[
    (53, "9172 8180 0001 0000 0000 0000 00 0002 0001", "NOERROR"),
    (53, "9172 8180 0001 0001 0000 0000 00 0002 0001", "NOERROR, 1 record"),
    (53, "9172 8580 0001 000d 0000 0000 00", "NOERROR, 13 records"),
    (53, "9172 8380 0001 000d 0000 0000", "NOERROR, truncated"),
    (53, "9172 8105 0001 0000 0000 0000 00 0002 0001", "REFUSED"),
    (53, "9172 8009 0000 0000 0000 0000", "RCODE 9"),
    (5353, "0000 8400 0000 0003 0000 0000", "NOERROR, 3 records"),
    (
        123,
        "24 02 03 e9 00000000 00000000 c0000201 e9a1b2c380000000 91727e708e59fcc5 \
           e9a1b2c380000000 e9a1b2c380000000",
        "stratum 2",
    ),
    (
        123,
        "e4 0a 03 e9 00000000 00000000 7f7f0101 e9a1b2c380000000 91727e708e59fcc5 \
           e9a1b2c380000000 e9a1b2c380000000",
        "stratum 10, unsynchronised",
    ),
    (
        123,
        "e4 00 03 e9 00000000 00000000 52415445 e9a1b2c380000000 91727e708e59fcc5 \
           e9a1b2c380000000 e9a1b2c380000000",
        "KoD RATE",
    ),
    // RFC 1002 §4.2.18, with one name.
    (
        137,
        "9172 8400 0000 0001 0000 0000 20434b41414141414141414141414141414141414141414141414141\
           414141414100 0021 0001 00000000 0041 01 464f4f424152202020202020202020 00 0400",
        "name FOOBAR",
    ),
    (137, "9172 8403 0000 0000 0000 0000", "no name"),
    // RFC 3414 §3.2: a report of usmStatsUnknownEngineIDs.
    (
        161,
        "30680201033010020451727e70020205dc040100020103041c301a040c80001f8880e9631f44aabbcc02\
           01010201070400040004003033040c80001f8880e9631f44aabbcc0400a821020451727e700201000201\
           0030133011060a2b060106030f01010400410301e240",
        "v3",
    ),
    (
        161,
        "303202010104067075626c6963a225020451727e700201000201003017301506082b0601020101010004\
           096120726f75746572ff",
        "v2c, community public",
    ),
    (69, "0005 0001 46696c65206e6f7420666f756e6400", "error 1: File not found"),
    (69, "0005 0002 00", "error 2"),
    (111, "91727e70 00000001 00000000 00000000 00000000 00000000", "accepted"),
    (111, "91727e70 00000001 00000000 00000000 00000000 00000001", "PROG_UNAVAIL"),
    (111, "91727e70 00000001 00000001 00000001 00000002", "denied"),
    (
        443,
        "80 00000000 08 208c1e454bd7f438 08 91727e708e59fcc5 00000001 6b3343cf ff00001d 1a2a3a4a",
        "v1 v2 draft-29",
    ),
    (
        500,
        "91727e708e59fcc5 0102030405060708 21 20 22 20 00000000 00000024 00000008 00000000",
        "IKEv2",
    ),
    (
        500,
        "91727e708e59fcc5 0000000000000000 29 20 22 20 00000000 00000024 00000008 0000000e",
        "IKEv2, NO_PROPOSAL_CHOSEN",
    ),
    (
        4500,
        "00000000 91727e708e59fcc5 0000000000000000 29 20 22 20 00000000 00000024 00000008 00004006",
        "IKEv2, COOKIE",
    ),
    (1812, "03 91 0014 00112233445566778899aabbccddeeff", "Access-Reject"),
    (3478, "0101 000c 2112a442 91727e708e59fcc5208c1e45 0020 0008 0001 3292 e112a643", "binding"),
    (5683, "68 45 9172 7e708e59fcc5208c ff 3c2f613e", "2.05"),
    (5683, "70 00 9172", "reset"),
    (5683, "68 84 0bad 7e708e59fcc5208c", "4.04"),
    (11_211, "9172 0000 0001 0000 56455253494f4e20312e362e31380d0a", "VERSION 1.6.18"),
    (51_820, "02 000000 aabbccdd 91727e70", "handshake response"),
    (51_820, "03 000000 91727e70", "cookie reply"),
];

/// An answer of the table, as long as its kind is where the table leaves noise out.
fn answer(port: u16, hex: &str) -> Vec<u8> {
    let mut bytes = bytes(&hex.replace(' ', ""));
    match (port, bytes[0]) {
        (51_820, 2) => bytes.resize(92, 0xEE),
        (51_820, _) => bytes.resize(64, 0xEE),
        _ => {}
    }
    bytes
}

#[test]
fn answers_are_known_and_only_as_what_they_are() {
    for &(port, hex, words) in ANSWERS {
        let payload = answer(port, hex);
        let service = Service::of_port(port);
        assert_eq!(service.answer(&ask(port, 1), &payload).as_deref(), Some(words), "{service}");
        if service.repeats_secret() {
            let stranger = Ask { seed: 8, ..ask(port, 0) };
            // Answers to multicast DNS need not repeat anything.
            let told = service.answer(&stranger, &payload).filter(|_| service != Service::Mdns);
            assert_eq!(told, None, "{service}: {words}");
        }
    }
}

#[test]
fn no_answer_is_read_beyond_its_end() {
    for &(port, hex, _) in ANSWERS {
        let payload = answer(port, hex);
        for len in 0..payload.len() {
            let _ = Service::of_port(port).answer(&ask(port, 0), &payload[..len]);
        }
    }
}

#[test]
fn a_dhcp_acknowledgement_is_known_by_its_type_and_bootp_by_having_none() {
    let mut reply = Service::Dhcp.question(&ask(67, 0));
    reply[0] = 2;
    // Option 53 behind the cookie: first padded, then of type 5.
    reply[240..246].copy_from_slice(&[0, 53, 1, 5, 255, 0]);
    assert_eq!(Service::Dhcp.answer(&ask(67, 0), &reply).as_deref(), Some("ACK"));
    reply[236] = 0;
    assert_eq!(Service::Dhcp.answer(&ask(67, 0), &reply).as_deref(), Some("BOOTP"));
}

#[test]
fn answers_in_text_are_known_by_their_first_line_and_their_call() {
    let sip = |call: &str| format!("SIP/2.0 404 Not Found\r\nVia: x\r\ni: {call}\r\n\r\n");
    let told = |text: &str| Service::Sip.answer(&ask(5060, 0), text.as_bytes());
    assert_eq!(told(&sip("91727e708e59fcc5")).as_deref(), Some("404 Not Found"));
    assert_eq!(told(&sip("another")), None);
    assert_eq!(told("SIP/2.0 OK\r\ni: 91727e708e59fcc5\r\n\r\n"), None);

    let told = |text: &str| Service::Ssdp.answer(&ask(1900, 0), text.as_bytes());
    let server = "HTTP/1.1 200 OK\r\nServer: Linux UPnP/1.1 MiniUPnPd/2.3\r\n\r\n";
    assert_eq!(told(server).as_deref(), Some("Linux UPnP/1.1 MiniUPnPd/2.3"));
    assert_eq!(told("HTTP/1.1 200 OK\r\n\r\n").as_deref(), Some("200 OK"));
    assert_eq!(told("HTTP/1.1\r\n"), None);
}
