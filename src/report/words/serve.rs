//! Sentences of `serve`: a log line per event, and hints.

use super::terms::plural;
use crate::record::{LocalFailure, RemoteRefusal, ServeRecord, ServeRefusal, SessionEnd, Worded};
use crate::sys::error_text::io_error_text;
use crate::units::{Nanos, group_digits};
use std::io;
use std::path::Path;

/// Hint for a port that is in use.
pub const PORT_TAKEN: &str =
    "`ss -ulpn` shows the process that has it; --port chooses another port";
/// Hint for a second STUN port that the server uses otherwise.
pub const OTHER_STUN_PORT: &str =
    "choose another port; without --stun-alternate the server finds a free one";
/// Hint for a STAMP port that equals the main port.
pub const STAMP_ANYWAY: &str = "the server's own port answers STAMP without --stamp";
/// Hint for iperf3 clients on a server with a key.
pub const IPERF3_WITHOUT_KEY: &str = "--iperf3-users has users and passwords for them; or run a \
     second `udpkit serve --iperf3` without the key, on another --port";
/// Hint for UDPSTP clients on a server with a key.
pub const UDPSTP_WITHOUT_KEY: &str = "--udpstp-keys has keys for them; or run a second `udpkit serve \
     --udpstp` without the key, on another --port";
/// Hint for UDPSTP's keys.
pub const UDPSTP_KEY_FORM: &str = "a line NUMBER,KEY for each key; # begins a comment";
/// Hint for a private key that is none.
pub const MAKE_AN_RSA_KEY: &str = "`openssl genrsa -out private.pem 2048` makes one, and \
     `openssl rsa -in private.pem -pubout` the clients' half";
/// Hint for a list of users that is none.
pub const MAKE_A_USER: &str =
    "`printf '{NAME}PASSWORD' | sha256sum` shows the HASH of a line NAME,HASH";
/// Hint for a policy that is none.
pub const POLICY_FORM: &str = "a policy is TOML with the names of the flags: max_rate = \"1G\"";
/// Why a limit is none.
pub const ABOVE_ZERO: &str = "must be more than 0";
/// Hint for `--user root` with another group.
pub const ROOTS_GROUP: &str = "use --user root, or another user";
/// Hint if privileges cannot be dropped.
pub const OTHER_USER: &str =
    "--user NAME runs it as another user; --user root keeps root with all its capabilities";
/// The failure of `--once`.
pub const SESSION_BROKE_OFF: &str = "the session broke off: the client did not close it";

/// Hint for `--user` without root.
pub fn stays_as(user: &str) -> String {
    format!("without --user it runs as {user}")
}

/// Hint for `--user` where a process keeps its user.
pub const START_AS_USER: &str = "start udpkit as that user, as with runas /user:NAME";

/// Why a file cannot be read again.
pub fn no_regular_file(file: &Path) -> String {
    format!("{} is not a regular file", file.display())
}

/// The warning that the limit of open files cannot be raised.
pub fn descriptor_limit_stays(error: &io::Error) -> String {
    format!("the limit of open files cannot be raised: {}", io_error_text(error))
}

impl Worded for ServeRecord {
    fn text(&self) -> String {
        match self {
            Self::Listening { address, key } => {
                let key = if *key { ", key required" } else { "" };
                format!("serving on {address} (UDP){key}")
            }
            Self::StampPort { address } => format!("answering STAMP on {address} (UDP) as well"),
            Self::NoStampPort { failure } => {
                format!("STAMP is answered on the main port only: {}", with_hint(failure))
            }
            Self::StunAlternate { address } => {
                format!("answering STUN on {address} (UDP) as well")
            }
            Self::NoStunAlternate { failure } => {
                format!("STUN is answered on the main port only: {}", with_hint(failure))
            }
            Self::Iperf3Port { .. } | Self::Iperf3Refused { .. } | Self::Iperf3Closed { .. } => {
                super::iperf3_server::event(self)
            }
            Self::UdpstpPort { .. } | Self::UdpstpRefused { .. } | Self::UdpstpClosed { .. } => {
                super::udpstp_server::event(self)
            }
            Self::Confined { .. } => confinement(self),
            Self::SessionOpened { client, session } => format!("{client} opened session {session}"),
            Self::SessionMoved { client, to, session } => {
                format!("{client} goes on with session {session} from {to}")
            }
            Self::TestGranted { client, session, .. } => {
                format!("{client} session {session}: {}", test(self))
            }
            Self::StreamReceived { client, session, stream, datagrams, lost } => format!(
                "{client} session {session} stream {stream}: received {}, lost {}",
                plural(*datagrams, "datagram"),
                group_digits(*lost)
            ),
            Self::StreamSent { client, session, stream, datagrams } => format!(
                "{client} session {session} stream {stream}: sent {}",
                plural(*datagrams, "datagram")
            ),
            Self::StreamFailed { client, session, stream, failure } => {
                format!("{client} session {session} stream {stream} failed: {failure}")
            }
            Self::Refused { client, reply_code, refusal } => {
                format!("{client} refused: {reply_code} {refusal}")
            }
            Self::ProbeGranted { client, session, ports, not_opened } => {
                let mut parts = vec![format!("{client} session {session}: probe")];
                parts.extend((!ports.is_empty()).then(|| format!("ports {ports}")));
                let closed = (*not_opened > 0).then(|| plural(*not_opened, "port") + " not opened");
                parts.extend(closed);
                parts.join(", ")
            }
            Self::ProbeEnded { client, session, arrived, answered, withheld } => {
                let mut parts = vec![
                    format!(
                        "{client} session {session}: probe ended, {} received",
                        plural(*arrived, "datagram")
                    ),
                    format!("{} sent", replies(*answered)),
                ];
                parts.extend(
                    (*withheld > 0)
                        .then(|| format!("{} withheld (over a limit)", group_digits(*withheld))),
                );
                parts.join(", ")
            }
            Self::ProbePorts { ports } => format!("ports {ports} are open for probes"),
            Self::NoProbePort { port, failure } => {
                format!("port {port} is not open for probes: {}", with_hint(failure))
            }
            Self::SessionClosed { client, session, ended, .. } => {
                format!("{client} session {session} {}", ended.text())
            }
            Self::Status { sessions, streams } => format!(
                "status: {}, {}",
                plural(*sessions as u64, "session"),
                plural(*streams as u64, "stream")
            ),
            Self::Draining { .. }
            | Self::GraceOver { .. }
            | Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::NotReloadable { .. }
            | Self::NoServiceManager { .. }
            | Self::StatusAsked { .. } => super::serve_operator::event(self),
            Self::AddressLost { address } => {
                format!("this host no longer has the address {address}; serving resumes with it")
            }
            Self::AddressBack { address } => {
                format!("this host has the address {address} again")
            }
            Self::WaitingForAddress { address } => super::interfaces::waiting_for(address),
            Self::NotShown { events: 1 } => "1 more event was not logged".to_owned(),
            Self::NotShown { events } => {
                format!("{} were not logged", plural(*events, "more event"))
            }
        }
    }
}

impl Worded for SessionEnd {
    fn text(&self) -> String {
        match self {
            Self::Closed => "closed by the client",
            Self::Expired => "expired: nothing more was received from the client",
            Self::Overdue => "closed: the test ran longer than granted",
            Self::Unreturned => {
                "closed, streams stopped: the client no longer proves that it receives"
            }
            Self::Gone => "closed, streams stopped: the network reports that the client is gone",
            Self::ServerEnds => "closed: the server is shutting down",
        }
        .to_owned()
    }
}

impl Worded for ServeRefusal {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Worded for LocalFailure {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Worded for RemoteRefusal {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// A failure with its hint.
fn with_hint(failure: &LocalFailure) -> String {
    match failure {
        LocalFailure::InUse { .. } => {
            format!("{failure}; `ss -ulpn` shows the process that has it")
        }
        _ => failure.to_string(),
    }
}

fn replies(number: u64) -> String {
    let noun = if number == 1 { "reply" } else { "replies" };
    format!("{} {noun}", group_digits(number))
}

/// A test that was granted.
fn test(record: &ServeRecord) -> String {
    let ServeRecord::TestGranted {
        direction,
        streams,
        payload_bytes,
        rate,
        duration_ns,
        count,
        ..
    } = record
    else {
        return String::new();
    };
    let streams = plural(u64::from(*streams), "stream");
    let mut parts = vec![
        format!("throughput test {direction}"),
        format!("{streams} of {payload_bytes}-byte datagrams"),
        format!("rate {rate}"),
    ];
    parts.extend(duration_ns.map(|nanos| Nanos(nanos).to_string()));
    parts.extend(count.map(|count| plural(count, "datagram")));
    parts.join(", ")
}

/// The user and the privileges that a server dropped to.
fn confinement(record: &ServeRecord) -> String {
    let ServeRecord::Confined {
        user,
        uid,
        gid,
        dropped,
        capabilities,
        large_buffers,
        no_new_privileges,
        landlock_abi,
        seccomp,
        readable,
        missing,
    } = record
    else {
        return String::new();
    };
    let verb = if *dropped { "dropped to" } else { "running as" };
    let ids = uid.zip(*gid).map(|(uid, gid)| format!(" ({uid}:{gid})")).unwrap_or_default();
    let mut parts = vec![format!("{verb} {user}{ids}")];
    parts.push(match &capabilities[..] {
        [] => "no capabilities".to_owned(),
        [one] => format!("only {one}"),
        several => format!("{} capabilities", several.len()),
    });
    if *large_buffers {
        parts.push("one thread with CAP_NET_ADMIN for socket buffers only".to_owned());
    }
    parts.extend(no_new_privileges.then(|| "no new privileges".to_owned()));
    parts.extend(landlock_abi.map(|abi| format!("landlock ABI {abi}")));
    parts.extend(seccomp.then(|| "seccomp".to_owned()));
    if landlock_abi.is_some() && !readable.is_empty() {
        parts.push(format!("reads only files in {}", readable.join(", ")));
    }
    let mut line = parts.join(", ");
    if !missing.is_empty() {
        let missing: Vec<String> = missing.iter().map(Worded::text).collect();
        line.push_str(&format!("; not available: {}", missing.join(", ")));
    }
    line
}
