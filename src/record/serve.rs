//! What happens at a server, one event at a time: for its log and for its JSON lines.

use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;

/// One event of a server. In JSON `event` names it, and the names stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServeRecord {
    /// The port is open.
    Listening {
        /// Address and port.
        address: String,
        /// Whether clients need the key.
        key: bool,
    },
    /// STAMP is answered on one more port.
    Reflecting {
        /// Address and port.
        address: String,
    },
    /// STAMP is not answered on a port that it was asked for; all else goes on.
    NotReflecting {
        /// What failed, and on which port.
        why: String,
        /// What helps; `None` where nothing is known to.
        hint: Option<String>,
    },
    /// STUN has its other port, for clients that ask how a NAT maps and filters.
    StunAlternate {
        /// Address and port.
        address: String,
    },
    /// STUN has no other port although one was asked for; all else goes on.
    NoStunAlternate {
        /// What failed, and on which port.
        why: String,
        /// What helps; `None` where nothing is known to.
        hint: Option<String>,
    },
    /// All is open, and what the process needs no more is laid down.
    Confined {
        /// Who it runs as: a name, or the number of a user without one.
        user: String,
        /// The user's number.
        uid: u32,
        /// The group's number.
        gid: u32,
        /// Whether it was another before.
        dropped: bool,
        /// Capabilities of its threads, `CAP_NET_BIND_SERVICE`.
        capabilities: Vec<String>,
        /// Whether one thread more has `CAP_NET_ADMIN`, to set the sizes of socket buffers and for
        /// nothing else.
        large_buffers: bool,
        /// Whether no program could gain more than it has.
        no_new_privileges: bool,
        /// Landlock's version, where it holds.
        landlock_abi: Option<u32>,
        /// Whether the seccomp filter holds.
        seccomp: bool,
        /// What is not to be had here, and why.
        missing: Vec<String>,
    },
    /// A client has proven its address and has a session.
    SessionOpened {
        /// Its address.
        client: SocketAddr,
        /// The session's name.
        session: String,
    },
    /// A run was asked for and granted.
    TestGranted {
        /// Who asked.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// `up`, `down` or `both`, seen from the client.
        direction: &'static str,
        /// Streams in each direction.
        streams: u32,
        /// Payload of each datagram.
        payload_bytes: u32,
        /// The rate to aim at, in words.
        rate: String,
        /// How long; `None` for a run that is bounded by a count.
        duration_ns: Option<u64>,
        /// Datagrams in each direction; `None` for a run that is bounded by time.
        count: Option<u64>,
    },
    /// A stream that was received here is over.
    StreamReceived {
        /// Whose.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// Its number.
        stream: u32,
        /// Datagrams received, duplicates included.
        datagrams: u64,
        /// Datagrams lost.
        lost: u64,
    },
    /// A stream that was sent from here is over.
    StreamSent {
        /// Whose.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// Its number.
        stream: u32,
        /// Datagrams sent.
        datagrams: u64,
    },
    /// A stream could not be opened, or broke.
    StreamFailed {
        /// Whose.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// Its number.
        stream: u32,
        /// Why.
        why: String,
    },
    /// Something was asked for and refused.
    Refused {
        /// Who asked.
        client: SocketAddr,
        /// The reply's code.
        code: u16,
        /// The reply's words.
        why: String,
    },
    /// A probe was asked for and is helped.
    ProbeGranted {
        /// Who asked.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// Ports that are open for it, `5000-5100,8620`.
        ports: String,
        /// Ports that it asked for and does not get.
        not_opened: u64,
    },
    /// A probe is over.
    ProbeEnded {
        /// Whose.
        client: SocketAddr,
        /// In which session.
        session: String,
        /// Datagrams of it that arrived.
        arrived: u64,
        /// Answers that were sent.
        answered: u64,
        /// Answers that were not: over a limit.
        withheld: u64,
    },
    /// Ports are held open for probes.
    ProbePorts {
        /// Which, `5000-5100`.
        ports: String,
    },
    /// A port that was to be held open for probes is not; all else goes on.
    NoProbePort {
        /// Which.
        port: u16,
        /// Why.
        why: String,
    },
    /// A session is over.
    SessionClosed {
        /// Whose.
        client: SocketAddr,
        /// Which.
        session: String,
        /// How it ended.
        ended: SessionEnd,
        /// Runs that it was granted.
        tests: u64,
        /// How long it was open.
        duration_ns: u64,
    },
    /// More happened than is logged.
    NotShown {
        /// Events that were left out since the last of these.
        events: u64,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The client said QUIT.
    Closed,
    /// Nothing was heard of the client any more.
    Expired,
    /// Its run went on beyond what was granted.
    Overdue,
    /// Its streams flowed to a client that returned none of the values it was sent any more.
    Unreturned,
    /// The network said that its client is gone, and none of the values that it was sent since came
    /// back.
    Gone,
    /// The server was told to end.
    ServerEnds,
}

impl SessionEnd {
    /// Whether it ended against the will of both sides.
    pub fn broke_off(self) -> bool {
        matches!(self, Self::Expired | Self::Overdue | Self::Unreturned | Self::Gone)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Closed => "closed by the client",
            Self::Expired => "expired: nothing heard any more",
            Self::Overdue => "closed: its run went on beyond what was granted",
            Self::Unreturned => {
                "closed: its streams were stopped, as its client no longer returns what it is sent"
            }
            Self::Gone => {
                "closed: its streams were stopped, as they were refused at its client's address"
            }
            Self::ServerEnds => "closed: the server ends",
        }
    }
}

impl ServeRecord {
    /// Whether it tells of something that was not had.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// What a server laid down, as a line of the log; nothing for other events.
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
        missing,
    } = record
    else {
        return String::new();
    };
    let verb = if *dropped { "dropped to" } else { "running as" };
    let mut held = vec![format!("{verb} {user} ({uid}:{gid})")];
    held.push(match &capabilities[..] {
        [] => "no capabilities".to_owned(),
        [one] => format!("{one} alone"),
        several => format!("{} capabilities", several.len()),
    });
    if *large_buffers {
        held.push("one thread with CAP_NET_ADMIN for socket buffers alone".to_owned());
    }
    held.extend(no_new_privileges.then(|| "no new privileges".to_owned()));
    held.extend(landlock_abi.map(|abi| format!("landlock ABI {abi}")));
    held.extend(seccomp.then(|| "seccomp".to_owned()));
    let mut line = held.join(", ");
    if !missing.is_empty() {
        line.push_str("; not available: ");
        line.push_str(&missing.join(", "));
    }
    line
}

impl fmt::Display for ServeRecord {
    /// The event as a line of the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address, key } => {
                let key = if *key { ", for holders of the key" } else { "" };
                write!(f, "serving on {address} (UDP){key}")
            }
            Self::Reflecting { address } => write!(f, "reflecting STAMP on {address} (UDP) too"),
            Self::NotReflecting { why, hint } => {
                write!(f, "STAMP is answered on the port above alone: {why}")?;
                hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
            }
            Self::StunAlternate { address } => {
                write!(f, "answering STUN on {address} (UDP) too")
            }
            Self::NoStunAlternate { why, hint } => {
                write!(f, "STUN is answered on one port alone: {why}")?;
                hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
            }
            Self::Confined { .. } => f.write_str(&confinement(self)),
            Self::SessionOpened { client, session } => {
                write!(f, "{client} opened session {session}")
            }
            Self::TestGranted {
                client,
                session,
                direction,
                streams,
                payload_bytes,
                rate,
                duration_ns,
                count,
            } => {
                write!(
                    f,
                    "{client} session {session}: test {direction}, {streams} x {payload_bytes} B, \
                     rate {rate}"
                )?;
                if let Some(nanos) = duration_ns {
                    write!(f, ", {}", crate::units::Nanos(*nanos))?;
                }
                match count {
                    Some(count) => write!(f, ", {count} datagrams"),
                    None => Ok(()),
                }
            }
            Self::StreamReceived { client, session, stream, datagrams, lost } => write!(
                f,
                "{client} session {session} stream {stream}: received {datagrams} datagrams, \
                 {lost} lost"
            ),
            Self::StreamSent { client, session, stream, datagrams } => {
                write!(f, "{client} session {session} stream {stream}: sent {datagrams} datagrams")
            }
            Self::StreamFailed { client, session, stream, why } => {
                write!(f, "{client} session {session} stream {stream}: {why}")
            }
            Self::Refused { client, code, why } => write!(f, "{client} refused: {code} {why}"),
            Self::ProbeGranted { client, session, ports, not_opened } => {
                write!(f, "{client} session {session}: probe")?;
                if !ports.is_empty() {
                    write!(f, ", ports {ports}")?;
                }
                match not_opened {
                    0 => Ok(()),
                    1 => f.write_str(", 1 port not opened"),
                    count => write!(f, ", {count} ports not opened"),
                }
            }
            Self::ProbeEnded { client, session, arrived, answered, withheld } => {
                write!(
                    f,
                    "{client} session {session}: probe over, {arrived} datagrams arrived, \
                     {answered} answered"
                )?;
                match withheld {
                    0 => Ok(()),
                    count => write!(f, ", {count} answers withheld"),
                }
            }
            Self::ProbePorts { ports } => write!(f, "ports {ports} are open for probes"),
            Self::NoProbePort { port, why } => {
                write!(f, "port {port} is not open for probes: {why}")
            }
            Self::SessionClosed { client, session, ended, .. } => {
                write!(f, "{client} session {session} {}", ended.words())
            }
            Self::NotShown { events } => write!(f, "{events} more events are not shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_laid_down_reads_as_a_line() {
        let dropped = ServeRecord::Confined {
            user: "nobody".to_owned(),
            uid: 65_534,
            gid: 65_533,
            dropped: true,
            capabilities: Vec::new(),
            large_buffers: false,
            no_new_privileges: true,
            landlock_abi: Some(5),
            seccomp: true,
            missing: Vec::new(),
        };
        assert_eq!(
            dropped.to_string(),
            "dropped to nobody (65534:65533), no capabilities, no new privileges, landlock ABI 5, \
             seccomp"
        );
        let kept = ServeRecord::Confined {
            user: "root".to_owned(),
            uid: 0,
            gid: 0,
            dropped: false,
            capabilities: vec!["CAP_CHOWN".to_owned(), "CAP_KILL".to_owned()],
            large_buffers: true,
            no_new_privileges: false,
            landlock_abi: None,
            seccomp: false,
            missing: vec!["landlock: the kernel has none".to_owned(), "seccomp: no".to_owned()],
        };
        assert_eq!(
            kept.to_string(),
            "running as root (0:0), 2 capabilities, one thread with CAP_NET_ADMIN for socket \
             buffers alone; not available: landlock: the kernel has none, seccomp: no"
        );
        let json = serde_json::to_string(&dropped).unwrap();
        assert!(json.starts_with(r#"{"event":"confined","user":"nobody","uid":65534,"#), "{json}");
    }

    #[test]
    fn an_event_names_itself_in_json_and_reads_as_a_line() {
        let client = "192.0.2.1:9".parse().unwrap();
        let session = "00ff".to_owned();
        let closed = ServeRecord::SessionClosed {
            client,
            session,
            ended: SessionEnd::ServerEnds,
            tests: 2,
            duration_ns: 5,
        };
        let json = serde_json::to_string(&closed).unwrap();
        let expected = r#"{"event":"session_closed","client":"192.0.2.1:9","session":"00ff","ended":"server_ends","tests":2,"duration_ns":5}"#;
        assert_eq!(json, expected);
        assert_eq!(closed.to_string(), "192.0.2.1:9 session 00ff closed: the server ends");
    }
}
