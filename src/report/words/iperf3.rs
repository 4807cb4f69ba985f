//! Sentences about tests with an iperf3 server.

use crate::record::{Iperf3Failure, Iperf3Phase, Iperf3Report, Worded};
use crate::units::{BitRate, Nanos, errno_text};

impl Worded for Iperf3Phase {
    fn text(&self) -> String {
        match self {
            Self::Connecting => "while the connection was opened",
            Self::Opening => "before it asked for the parameters",
            Self::Parameters => "after it got the parameters",
            Self::Streams => "while the streams were opened",
            Self::Starting => "before the test began",
            Self::Running => "during the test",
            Self::Ending => "after the end of the test, before the results",
            Self::Results => "while the results were exchanged",
        }
        .to_owned()
    }
}

impl Worded for Iperf3Failure {
    fn text(&self) -> String {
        match self {
            Self::PortClosed { target } => {
                format!("no iperf3 server listens on TCP port {} of {}", target.port(), target.ip())
            }
            Self::NoReply { target, waited_ns } => {
                format!("no reply from {target} (TCP) within {}", Nanos(*waited_ns))
            }
            Self::NotConnected { target, errno } => {
                format!("cannot connect to {target} (TCP): {}", error_text(*errno))
            }
            Self::Busy => "the iperf3 server is busy with another test".to_owned(),
            Self::Refused { number, errno } => {
                let more = match errno {
                    0 => String::new(),
                    errno => format!(": {}", error_text(*errno)),
                };
                format!("the iperf3 server refused: {} (iperf error {number}){more}", of(*number))
            }
            Self::NotAuthorized => {
                "the iperf3 server closed the connection: it did not accept user and password"
                    .to_owned()
            }
            Self::Terminated { phase } => {
                format!("the iperf3 server was ended by its user {}", phase.text())
            }
            Self::Closed { phase, errno: None } => {
                format!("the iperf3 server closed the connection {}", phase.text())
            }
            Self::Closed { phase, errno: Some(errno) } => format!(
                "the connection to the iperf3 server broke {}: {}",
                phase.text(),
                error_text(*errno)
            ),
            Self::Silent { phase, waited_ns } => {
                let waited = Nanos(*waited_ns);
                format!("the iperf3 server was silent for {waited} {}", phase.text())
            }
            Self::Unexpected { phase, byte } => {
                format!("the iperf3 server sent message {byte} {}, where none is due", phase.text())
            }
            Self::OneWayOnly => {
                "the iperf3 server is older than 3.7 and cannot send and receive at once".to_owned()
            }
            Self::StreamNoReply { waited_ns } => {
                format!("no reply to the datagram that opens a stream within {}", Nanos(*waited_ns))
            }
            Self::BadResults => {
                "the iperf3 server's results are not readable, or not of this test".to_owned()
            }
        }
    }
}

fn error_text(errno: i32) -> String {
    errno_text(errno)
}

/// What iperf's error numbers mean (`iperf_api.h`).
fn of(number: i32) -> &'static str {
    match number {
        5 => "the duration is out of its range",
        6 => "too many streams",
        7 | 20 => "the size is out of its range",
        8 => "the socket buffer is out of its range",
        11 => "its host has no sendfile",
        12 => "the omitted time is out of its range",
        15 => "the burst is out of its range",
        21 => "the DSCP is out of its range",
        27 => "the rate of all streams is above its limit",
        37 => "the test is longer than it allows, or has no end",
        109 => "the control connection was closed",
        110 => "unknown control message",
        114 => "unreadable parameters",
        117 => "unreadable results",
        121 => "busy",
        124 | 141 => "it did not get the socket buffer",
        132 => "it could not set its processor",
        142 => "user and password were not accepted",
        144 => "no data arrived",
        145 => "it could not set don't-fragment",
        160 => "the test ran longer than it waits",
        200..=208 => "a stream could not be opened, read or written",
        _ => "an error without a known meaning",
    }
}

impl Worded for Iperf3Report {
    fn text(&self) -> String {
        let rate = match self.stream_rate_bps {
            Some(rate) => format!("{} for each stream", BitRate(rate)),
            None => "no rate limit".to_owned(),
        };
        let omit = match Nanos(self.omit_ns) {
            Nanos::ZERO => String::new(),
            omit => format!("   first {omit} not counted"),
        };
        let gsro = if self.gsro_requested { "   GSO and GRO requested" } else { "" };
        format!("{rate}   {}-bit counters{omit}{gsro}", self.counter_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_worth_words_has_some_and_names_itself() {
        let known = [
            5, 6, 7, 8, 11, 12, 15, 20, 21, 27, 37, 109, 110, 114, 117, 121, 124, 132, 141, 142,
            144, 145, 160, 200, 208,
        ];
        for number in known {
            let text = Iperf3Failure::Refused { number, errno: 0 }.text();
            assert!(text.contains(&format!("iperf error {number}")), "{text}");
            assert!(!text.contains("without a known meaning"), "{text}");
        }
        let text = Iperf3Failure::Refused { number: 999, errno: 13 }.text();
        assert!(text.contains("iperf error 999") && text.contains("ermission denied"), "{text}");
    }
}
