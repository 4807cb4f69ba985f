//! Sentences about iperf3 clients and their tests, for the log of `serve`.

use super::terms::plural;
use crate::record::{Iperf3End, Iperf3Objection, Iperf3Stage, ServeRecord, Worded};
use crate::units::{Nanos, errno_text, group_digits};

/// An event of an iperf3 client.
pub(super) fn event(record: &ServeRecord) -> String {
    match record {
        ServeRecord::Iperf3Port { address } => {
            format!("serving iperf3 clients on {address} (TCP and UDP)")
        }
        ServeRecord::Iperf3Refused { client, iperf_error, refusal } => {
            let told = match iperf_error {
                Some(number) => format!("iperf error {number}"),
                None => "busy".to_owned(),
            };
            format!("{client} (iperf3) refused: {told}: {}", refusal.text())
        }
        ServeRecord::Iperf3Closed { client, session, ended, received, sent, .. } => {
            let mut parts = vec![format!("{client} session {session} {}", ended.text())];
            parts.extend(received.map(|received| {
                let (all, lost) = (plural(received.datagrams, "datagram"), received.lost);
                format!("received {all}, lost {}", group_digits(lost))
            }));
            parts.extend(sent.map(|sent| format!("sent {}", plural(sent.datagrams, "datagram"))));
            parts.join("; ")
        }
        _ => String::new(),
    }
}

impl Worded for Iperf3Objection {
    fn text(&self) -> String {
        match self {
            Self::AddressBusy => {
                "other tests from this address were opening their streams".to_owned()
            }
            Self::NotUdp => "only UDP tests (-u) are served".to_owned(),
            Self::Credentials => "user and password cannot be checked here".to_owned(),
            Self::CredentialsNeeded => "a user and a password are required".to_owned(),
            Self::CredentialsUnreadable => {
                "user and password are not encrypted with this server's public key, or with the \
                 padding of iperf3 before 3.17"
                    .to_owned()
            }
            Self::CredentialsStale { skew_secs, most_secs } => {
                let most = Nanos::from_secs(*most_secs);
                let skew = Nanos::from_secs(*skew_secs);
                format!("the client's clock is {skew} away from this host's: at most {most}")
            }
            Self::CredentialsWrong => "no such user, or wrong password".to_owned(),
            Self::Unreadable => "the parameters cannot be read".to_owned(),
            Self::OmitTooLong { most_secs } => {
                format!("at most {most_secs} s can be omitted")
            }
            Self::BurstTooLong { most } => format!("bursts have at most {most} datagrams"),
            Self::TosOutOfRange => "the type of service has more than 8 bits".to_owned(),
        }
    }
}

impl Worded for Iperf3Stage {
    fn text(&self) -> String {
        match self {
            Self::Streams => "while its streams were opened",
            Self::Running => "during the test",
            Self::Results => "before its results came",
            Self::Settling => "while the last datagrams were awaited",
            Self::Goodbye => "after the results",
        }
        .to_owned()
    }
}

impl Worded for Iperf3End {
    fn text(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Terminated { stage } => format!("ended by its user {}", stage.text()),
            Self::Closed { stage, errno: None } => {
                format!("closed by the client {}", stage.text())
            }
            Self::Closed { stage, errno: Some(errno) } => {
                let error = errno_text(*errno);
                format!("broke off {}: {error}", stage.text())
            }
            Self::Silent { stage, waited_ns } => {
                let waited = Nanos(*waited_ns);
                format!("closed: the client was silent for {waited} {}", stage.text())
            }
            Self::Unexpected { stage, byte } => {
                format!("closed: message {byte} {}, where none is due", stage.text())
            }
            Self::BadResults => {
                "closed: the client's results are not readable, or not of this test".to_owned()
            }
            Self::Overdue => "closed: the test ran longer than granted".to_owned(),
            Self::StreamFailed => "closed: a stream failed".to_owned(),
            Self::ServerEnds => "closed: the server is shutting down".to_owned(),
        }
    }
}
