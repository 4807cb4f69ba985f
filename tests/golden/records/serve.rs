//! Golden files of `serve`.

use crate::{hold_as, hold_text};
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use udpkit::batch::{HostFault, MissingReason, MissingRestriction, Restriction};
use udpkit::record::{
    Iperf3End, Iperf3Objection, Iperf3Received, Iperf3Refusal, Iperf3Sent, Iperf3Stage,
    LocalFailure, ReloadFailure, ReloadFile, RemoteRefusal, ServeRecord, ServeRefusal,
    ServeResource, ServerReply, SessionEnd, UdpstpEnd, UdpstpRefusal, UdpstpServed, Way, Worded,
};
use udpkit::report::{Clock, TimeStyle, serve_line, serve_log_line, words};
use udpkit::session::serve::{ServePolicy, help_reply};
use udpkit::units::Nanos;
use udpkit::wire::PortListError;

fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("it is well formed")
}

fn client() -> SocketAddr {
    parsed("192.0.2.1:40000")
}

fn session() -> String {
    "00c0ffee00c0ffee".to_owned()
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::new(parsed("203.0.113.5"), port)
}

/// Every failure of this host.
fn failures() -> Vec<LocalFailure> {
    let errno = Some(12);
    vec![
        LocalFailure::InUse { address: address(862).into() },
        LocalFailure::Privileged { address: address(862).into() },
        LocalFailure::NotLocal { address: address(862).into() },
        LocalFailure::Bind { address: address(862).into(), errno },
        LocalFailure::Connect { address: client().into(), errno: Some(101) },
        LocalFailure::SetUp { errno },
        LocalFailure::Start { errno: Some(11) },
        LocalFailure::Broke { errno },
        LocalFailure::Broke { errno: None },
        LocalFailure::NameNotResolved { host: "host.example".to_owned(), fault: HostFault::NoIpv6 },
        LocalFailure::Signals { errno },
        LocalFailure::EventLoop { errno },
        LocalFailure::Run { errno },
        LocalFailure::Other { errno },
    ]
}

/// Every refusal, in the order of the codes.
fn refusals() -> Vec<ServeRefusal> {
    use ServeResource::{Probes, Sessions, Streams};
    let failure = LocalFailure::SetUp { errno: Some(24) };
    let ip = parsed::<IpAddr>;
    vec![
        ServeRefusal::ShuttingDown,
        ServeRefusal::AllInUse { resource: Sessions, used: 64, limit: 64 },
        ServeRefusal::SourceShare { resource: Sessions, limit: 16 },
        ServeRefusal::Reserved { resource: Sessions, reserved: 8 },
        ServeRefusal::StreamFromThere,
        ServeRefusal::NotOpened { failure },
        ServeRefusal::AllInUse { resource: Streams, used: 511, limit: 512 },
        ServeRefusal::SourceShare { resource: Probes, limit: 12 },
        ServeRefusal::NoMoreAddresses,
        ServeRefusal::Memory {
            needed_bytes: 50 << 20,
            free_bytes: 20 << 20,
            limit_bytes: 256 << 20,
            source_limit_bytes: 128 << 20,
        },
        ServeRefusal::ProofNeeded,
        ServeRefusal::ProofFirst,
        ServeRefusal::TicketNeeded,
        ServeRefusal::NotUnderstood,
        ServeRefusal::NotKeyValue,
        ServeRefusal::Unreadable { key: "size".to_owned(), value: "x".to_owned() },
        ServeRefusal::Ports { why: PortListError::Backwards { from: 5_100, to: 5_000 } },
        ServeRefusal::SentUnreadable,
        ServeRefusal::NonceNeeded,
        ServeRefusal::NoSuchStream,
        ServeRefusal::SizeOutOfRange { least_bytes: 16, most_bytes: 65_527 },
        ServeRefusal::IntervalTooShort { least_ns: 20_000_000 },
        ServeRefusal::NoStreams,
        ServeRefusal::Endless,
        ServeRefusal::UnknownVerb,
        ServeRefusal::NoSession,
        ServeRefusal::NoSessionOrTicket,
        ServeRefusal::HeloUsed,
        ServeRefusal::TestFirst,
        ServeRefusal::ProbeTestFirst,
        ServeRefusal::RunOver,
        ServeRefusal::StreamOpen,
        ServeRefusal::UnknownKind,
        ServeRefusal::UnknownDirection,
        ServeRefusal::UnknownAbout,
        ServeRefusal::KeyNeeded,
        ServeRefusal::OtherKey,
        ServeRefusal::AddressNotAllowed,
        ServeRefusal::OnlyReceives,
        ServeRefusal::NoProbes,
        ServeRefusal::OtherAddress { session_address: ip("192.0.2.1"), address: ip("2001:db8::7") },
        ServeRefusal::NoFanOut,
        ServeRefusal::NotListed,
        ServeRefusal::SizeLimit { limit_bytes: 65_527 },
        ServeRefusal::StreamLimit { limit: 64 },
        ServeRefusal::WindowLimit { limit: 1 << 24 },
        ServeRefusal::RateLimit { limit: parsed("20M") },
        ServeRefusal::RateLimit { limit: parsed("10kpps") },
        ServeRefusal::TimeLimit { limit_ns: 3_600_000_000_000 },
        ServeRefusal::CountLimit { limit: 1_000, limit_ns: 10_000_000_000 },
        ServeRefusal::PortLimit { limit: 256 },
        ServeRefusal::PortsTooScattered,
        ServeRefusal::StreamBroke { failure: LocalFailure::Broke { errno: Some(12) } },
    ]
}

fn confined() -> [ServeRecord; 2] {
    [
        ServeRecord::Confined {
            user: "nobody".to_owned(),
            uid: Some(65_534),
            gid: Some(65_534),
            dropped: true,
            capabilities: vec!["CAP_NET_BIND_SERVICE".to_owned()],
            large_buffers: true,
            no_new_privileges: true,
            landlock_abi: Some(5),
            seccomp: true,
            readable: vec!["/etc/udpkit".to_owned()],
            missing: Vec::new(),
        },
        ServeRecord::Confined {
            user: "root".to_owned(),
            uid: Some(0),
            gid: Some(0),
            dropped: false,
            capabilities: vec!["CAP_CHOWN".to_owned(), "CAP_KILL".to_owned()],
            large_buffers: false,
            no_new_privileges: false,
            landlock_abi: None,
            seccomp: false,
            readable: Vec::new(),
            missing: vec![
                MissingRestriction {
                    restriction: Restriction::Landlock,
                    reason: MissingReason::NotInKernel,
                },
                MissingRestriction {
                    restriction: Restriction::LargeBuffers,
                    reason: MissingReason::NoThread,
                },
            ],
        },
    ]
}

/// What a server says of its ports; `failure` is why some are missing.
fn ports(failure: LocalFailure) -> Vec<ServeRecord> {
    vec![
        ServeRecord::Listening { address: parsed("[::]:8620"), key: false },
        ServeRecord::Listening { address: address(8_620).into(), key: true },
        ServeRecord::StampPort { address: address(862).into() },
        ServeRecord::NoStampPort { failure: failure.clone() },
        ServeRecord::NoStampPort {
            failure: LocalFailure::Privileged { address: address(862).into() },
        },
        ServeRecord::StunAlternate { address: address(8_621).into() },
        ServeRecord::NoStunAlternate { failure: failure.clone() },
        ServeRecord::ProbePorts { ports: parsed("53,5000-5100") },
        ServeRecord::NoProbePort { port: 862, failure },
    ]
}

/// Every kind of event; those with several forms more than once.
fn events() -> Vec<ServeRecord> {
    let (client, session) = (client(), session());
    let failure = LocalFailure::InUse { address: address(862).into() };
    let test = |direction, rate: &str, duration_ns, count: Option<u64>| ServeRecord::TestGranted {
        client: client.into(),
        session: session.clone(),
        direction,
        streams: if count.is_some() { 4 } else { 1 },
        payload_bytes: 1_472,
        rate: parsed(rate),
        duration_ns,
        count,
    };
    let probe = |ports: &str, not_opened| ServeRecord::ProbeGranted {
        client: client.into(),
        session: session.clone(),
        ports: ports.parse().unwrap_or_default(),
        not_opened,
    };
    let ended = |withheld| ServeRecord::ProbeEnded {
        client: client.into(),
        session: session.clone(),
        arrived: 1_213,
        answered: 1_200,
        withheld,
    };
    let closed = |ended| ServeRecord::SessionClosed {
        client: client.into(),
        session: session.clone(),
        ended,
        tests: 1,
        duration_ns: 10_400_000_000,
    };
    let refused = |refusal: ServeRefusal| ServeRecord::Refused {
        client: client.into(),
        reply_code: refusal.code().0,
        refusal,
    };
    let session = session.clone();
    let mut events = ports(failure);
    events.extend(confined());
    events.extend([
        ServeRecord::SessionOpened { client: client.into(), session: session.clone() },
        ServeRecord::SessionMoved {
            client: client.into(),
            to: address(40_001).into(),
            session: session.clone(),
        },
        test("up", "20M", Some(10_000_000_000), None),
        test("both", "max", None, Some(1_000_000)),
        ServeRecord::StreamReceived {
            client: client.into(),
            session: session.clone(),
            stream: 0,
            datagrams: 16_983,
            lost: 17,
        },
        ServeRecord::StreamSent {
            client: client.into(),
            session: session.clone(),
            stream: 3,
            datagrams: 1,
        },
        ServeRecord::StreamFailed {
            client: client.into(),
            session: session.clone(),
            stream: 1,
            failure: LocalFailure::Broke { errno: Some(12) },
        },
        refused(ServeRefusal::KeyNeeded),
        refused(ServeRefusal::RateLimit { limit: parsed("20M") }),
        probe("5000-5100,8620", 0),
        probe("8620", 1),
        probe("", 3),
        ended(0),
        ended(13),
        closed(SessionEnd::Closed),
        closed(SessionEnd::Expired),
        closed(SessionEnd::Overdue),
        closed(SessionEnd::Unreturned),
        closed(SessionEnd::Gone),
        closed(SessionEnd::ServerEnds),
        ServeRecord::Status { sessions: 0, streams: 0 },
        ServeRecord::Status { sessions: 1, streams: 4 },
    ]);
    events.extend(of_iperf3());
    events.extend(of_udpstp());
    events.extend(of_operator());
    events.extend(own_addresses());
    events.extend([ServeRecord::NotShown { events: 1 }, ServeRecord::NotShown { events: 12_345 }]);
    events
}

/// What happens between the server and its operator.
fn of_operator() -> Vec<ServeRecord> {
    let failure = ReloadFailure {
        code: ReloadFile::Key,
        reason: "--key /etc/udpkit/key: cannot read the key: permission denied".to_owned(),
    };
    let grace_ns = 30_000_000_000;
    let reloaded = |files: &[ReloadFile], sessions| {
        let files = files.to_vec();
        ServeRecord::Reloaded { files, sessions }
    };
    let no_manager = |socket: &str, errno| {
        let socket = socket.to_owned();
        ServeRecord::NoServiceManager { socket, errno }
    };
    vec![
        ServeRecord::Draining { sessions: 0, grace_ns },
        ServeRecord::Draining { sessions: 2, grace_ns },
        ServeRecord::GraceOver { sessions: 1 },
        reloaded(&[], 0),
        reloaded(&[ReloadFile::Key, ReloadFile::Iperf3Users, ReloadFile::Policy], 0),
        reloaded(&[ReloadFile::Policy], 2),
        ServeRecord::NotReloaded { failure: failure.clone() },
        ServeRecord::NotReloadable { failure },
        no_manager("notify", None),
        no_manager("/run/systemd/notify", Some(2)),
        ServeRecord::StatusAsked { client: client().into() },
    ]
}

/// What happens with UDPSTP clients.
fn of_udpstp() -> Vec<ServeRecord> {
    let closed = |ended, served| ServeRecord::UdpstpClosed {
        client: client().into(),
        test: 26_761,
        connection: 2,
        connections: 4,
        ended,
        served,
        duration_ns: 10_600_000_000,
    };
    let served = UdpstpServed {
        direction: Way::Down,
        datagrams: 190_823,
        lost: 1_017,
        max_ip_bits_per_second: Some(662_000_000),
    };
    let mut events = vec![
        ServeRecord::UdpstpPort { address: address(24_601).into(), key: true },
        closed(UdpstpEnd::Done, Some(served)),
        closed(UdpstpEnd::Early, Some(UdpstpServed::default())),
        closed(UdpstpEnd::Silent, Some(served)),
        closed(UdpstpEnd::NotActivated, None),
        closed(UdpstpEnd::ServerEnds, Some(served)),
    ];
    events.extend((2..=14).map(|code| ServeRecord::UdpstpRefused {
        client: client().into(),
        version: 20,
        refusal: UdpstpRefusal(super::udpstp::response(code)),
    }));
    events
}

/// What happens with iperf3 clients.
fn of_iperf3() -> Vec<ServeRecord> {
    use Iperf3Objection as Wrong;
    let refused = |refusal: Iperf3Refusal| ServeRecord::Iperf3Refused {
        client: client().into(),
        iperf_error: refusal.error().map(|error| error.0),
        refusal,
    };
    let closed = |ended, received, sent| ServeRecord::Iperf3Closed {
        client: client().into(),
        session: "iperf3-7".to_owned(),
        ended,
        received,
        sent,
        duration_ns: 10_600_000_000,
    };
    let received = Iperf3Received {
        datagrams: 16_983,
        bytes: 24_998_976,
        lost: 17,
        duplicates: 1,
        reordered: 2,
        socket_drops: 3,
        other_size: 4,
        jitter_ns: Some(24_700),
    };
    let sent = Iperf3Sent { datagrams: 1, bytes: 1_472, never_sent: 0 };
    let mut events = vec![
        ServeRecord::Iperf3Port { address: address(5_201).into() },
        refused(ServeRefusal::RateLimit { limit: parsed("20M") }.into()),
        refused(
            ServeRefusal::AllInUse { resource: ServeResource::Sessions, used: 64, limit: 64 }
                .into(),
        ),
    ];
    let objections = [
        Wrong::AddressBusy,
        Wrong::NotUdp,
        Wrong::Credentials,
        Wrong::CredentialsNeeded,
        Wrong::CredentialsUnreadable,
        Wrong::CredentialsStale { skew_secs: 75, most_secs: 10 },
        Wrong::CredentialsWrong,
        Wrong::Unreadable,
        Wrong::OmitTooLong { most_secs: 600 },
        Wrong::BurstTooLong { most: 1_000 },
        Wrong::TosOutOfRange,
    ];
    events.extend(objections.map(|wrong| refused(wrong.into())));
    events.extend([
        closed(Iperf3End::Done, Some(received), None),
        closed(Iperf3End::Done, Some(received), Some(sent)),
        closed(Iperf3End::BadResults, None, Some(sent)),
    ]);
    let ends = [
        Iperf3End::Terminated { stage: Iperf3Stage::Running },
        Iperf3End::Closed { stage: Iperf3Stage::Results, errno: None },
        Iperf3End::Closed { stage: Iperf3Stage::Settling, errno: Some(104) },
        Iperf3End::Silent { stage: Iperf3Stage::Streams, waited_ns: 10_000_000_000 },
        Iperf3End::Unexpected { stage: Iperf3Stage::Goodbye, byte: 7 },
        Iperf3End::Overdue,
        Iperf3End::StreamFailed,
        Iperf3End::ServerEnds,
    ];
    events.extend(ends.map(|ended| closed(ended, None, None)));
    events
}

/// What happens to addresses of this host.
fn own_addresses() -> [ServeRecord; 3] {
    [
        ServeRecord::AddressLost { address: address(8_620).into() },
        ServeRecord::AddressBack { address: address(8_620).into() },
        ServeRecord::WaitingForAddress { address: address(8_620).to_string() },
    ]
}

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Log lines are not wrapped, so that `grep` finds them whole.
const LOG: usize = 200;

/// When the events happened.
const AT: Nanos = Nanos(1_700_000_000_123_456_789);

#[test]
fn every_event_is_a_line_of_the_log() {
    hold_text("serve.log", LOG, &lines(&events(), Worded::text));
}

/// Nor are they on a narrow terminal: `serve` prints the same lines there.
#[test]
fn every_line_of_the_log_is_whole_whatever_the_columns() {
    let mut clock = Clock::new(TimeStyle::Utc);
    let text: Vec<_> = events().iter().map(|event| serve_log_line(AT, event, &mut clock)).collect();
    for columns in [80, 120] {
        hold_as(&format!("serve.log.{columns}"), &text.join("\n"));
    }
}

#[test]
fn every_event_is_a_line_of_json() {
    let json = |event: &ServeRecord| serde_json::to_string(&serve_line(AT, event)).unwrap();
    hold_as("serve.log.json", &lines(&events(), json));
}

#[test]
fn every_refusal_is_a_reply() {
    let reply = |refusal: &ServeRefusal| {
        let values = refusal.values();
        let values = values.iter().map(|(key, value)| format!("  [{key}={value}]"));
        format!("{} {refusal}{}", refusal.code().0, values.collect::<Vec<_>>().concat())
    };
    hold_text("serve.refusals", LOG, &lines(&refusals(), reply));
    let json = |refusal: &ServeRefusal| serde_json::to_string(refusal).unwrap();
    hold_as("serve.refusals.json", &lines(&refusals(), json));
}

#[test]
fn every_failure_of_this_host_says_what_and_why() {
    hold_text("serve.failures", LOG, &lines(&failures(), ToString::to_string));
}

#[test]
fn a_client_shows_every_refusal_of_the_remote_end() {
    let rate = ServeRefusal::RateLimit { limit: parsed("20M") };
    let full = ServeRefusal::Reserved { resource: ServeResource::Sessions, reserved: 8 };
    let reply = |refusal: &ServeRefusal| ServerReply {
        reply_code: refusal.code().0,
        reply_text: refusal.to_string(),
        values: refusal.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    };
    let refusals = [
        RemoteRefusal::KeyNeeded,
        RemoteRefusal::OtherKey,
        RemoteRefusal::NoKey,
        RemoteRefusal::Refused { reply: reply(&rate) },
        RemoteRefusal::NotNow { reply: reply(&full) },
    ];
    hold_text("serve.remote_refusals", LOG, &lines(&refusals, ToString::to_string));
}

#[test]
fn every_hint_and_note_of_the_command() {
    let error = std::io::Error::from_raw_os_error(1);
    let hints = [
        words::serve::PORT_TAKEN.to_owned(),
        words::serve::OTHER_STUN_PORT.to_owned(),
        words::serve::STAMP_ANYWAY.to_owned(),
        words::serve::ROOTS_GROUP.to_owned(),
        words::serve::OTHER_USER.to_owned(),
        words::serve::stays_as("alice"),
        words::serve::SESSION_BROKE_OFF.to_owned(),
        words::serve::descriptor_limit_stays(&error),
        words::usage::MAKE_A_KEY.to_owned(),
        words::usage::key_is_readable("--key udpkit.key"),
        words::usage::processors(7),
    ];
    hold_text("serve.hints", LOG, &hints.join("\n"));
}

#[test]
fn help_lists_verbs_parameters_limits_and_codes() {
    let text = help_reply(&ServePolicy::default()).replace('\r', "");
    hold_text("serve.help", LOG, text.trim_end());
}
