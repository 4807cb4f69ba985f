//! Sentences about iperf3 clients and their tests, for the log of `serve`.

use crate::record::{Iperf3End, Iperf3Objection, Iperf3Stage, Worded};
use crate::units::{Nanos, io_error_text};
use std::io;

impl Worded for Iperf3Objection {
    fn text(&self) -> String {
        match self {
            Self::AddressBusy => {
                "other tests from this address were opening their streams".to_owned()
            }
            Self::NotUdp => "only UDP tests (-u) are served".to_owned(),
            Self::Credentials => "user and password cannot be checked here".to_owned(),
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
                let error = io_error_text(&io::Error::from_raw_os_error(*errno));
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
