//! Sentences about capacity tests with a UDPSTP server.

use crate::record::{UdpstpFailure, UdpstpRefusal, UdpstpReport, Way, Worded};
use crate::units::{Nanos, errno_text, group_digits};
use crate::wire::udpstp::{SetupResponse, VERSION};

impl Worded for UdpstpRefusal {
    fn text(&self) -> String {
        match self.0 {
            SetupResponse::Accepted(_) => "accepted",
            SetupResponse::BadVersion => "another version of the protocol",
            SetupResponse::JumboMismatch => "the setting for jumbo frames differs",
            SetupResponse::AuthNotConfigured => "the server has no keys",
            SetupResponse::AuthRequired => "a key is required",
            SetupResponse::AuthModeInvalid => "the authentication mode is not supported",
            SetupResponse::AuthFailed => "wrong key, or wrong number of the key",
            SetupResponse::AuthTimeInvalid => "the clocks differ by more than 5 s",
            SetupResponse::BandwidthMissing => "the bandwidth must be stated",
            SetupResponse::CapacityExceeded => "not so much bandwidth is free",
            SetupResponse::MtuMismatch => "the setting for packets of 1500 bytes differs",
            SetupResponse::BadConnection => "the number of connections cannot be",
            SetupResponse::NoConnection => "no connection is free",
            SetupResponse::Other(_) => "unknown code",
        }
        .to_owned()
    }
}

impl Worded for UdpstpFailure {
    fn text(&self) -> String {
        match self {
            Self::NoReply { target, waited_ns, errno } => {
                let error = |errno: i32| errno_text(errno);
                let why = errno.map_or_else(String::new, |errno| format!(": {}", error(errno)));
                format!("no reply from {target} (UDPSTP) within {}{why}", Nanos(*waited_ns))
            }
            Self::PortClosed { target } => {
                format!("no UDPSTP server listens on port {} of {}", target.port(), target.ip())
            }
            Self::Refused { response_code, version } => {
                let code = response_code.0.code();
                let more = match response_code.0 {
                    SetupResponse::BadVersion => {
                        format!(" (this end has up to {VERSION}, the server {version})")
                    }
                    _ => String::new(),
                };
                format!("the server refused: {}{more} (code {code})", response_code.text())
            }
            Self::NotAuthentic => "the server's answer is not signed with this key".to_owned(),
            Self::NotActivated { target, waited_ns } => format!(
                "no reply from {target}, the port of this test, within {}",
                Nanos(*waited_ns)
            ),
            Self::ParametersRefused { response_code } => {
                format!("the server refused the parameters of the test (code {response_code})")
            }
            Self::Silent { waited_ns } => {
                format!("nothing came from the server for {}", Nanos(*waited_ns))
            }
            Self::EndedEarly => "the server ended the test before its time".to_owned(),
            Self::NoInterval => "no sub-interval was measured".to_owned(),
        }
    }
}

/// What to do about a failure; `None` where nothing is known to help.
pub fn hint(failure: &UdpstpFailure) -> Option<&'static str> {
    match failure {
        UdpstpFailure::PortClosed { .. } | UdpstpFailure::NoReply { .. } => {
            Some("udpkit serve --udpstp, or obudpst; before its version 9 that used port 25000")
        }
        UdpstpFailure::NotActivated { .. } => {
            Some("a firewall must pass UDP to the ephemeral ports of the server")
        }
        UdpstpFailure::Refused { response_code, .. } => match response_code.0 {
            SetupResponse::JumboMismatch => {
                Some("with --no-jumbo if it was not given, else without it")
            }
            SetupResponse::MtuMismatch => {
                Some("--size 1472 if the server has -T, else --size 1222")
            }
            SetupResponse::AuthRequired => Some("--udpstp-keys FILE has the key"),
            SetupResponse::AuthNotConfigured => Some("leave --udpstp-keys out"),
            SetupResponse::AuthFailed => Some("--key-id N chooses among the keys of the file"),
            SetupResponse::BandwidthMissing => {
                Some("--rate RATE states it, for example --rate 500M")
            }
            SetupResponse::CapacityExceeded => Some("try later, or with a lower --rate"),
            _ => None,
        },
        _ => None,
    }
}

/// What may be wrong with a result.
pub fn caveats(report: &UdpstpReport) -> Vec<String> {
    let mut told = Vec::new();
    if report.interrupted {
        told.push("interrupted: the rate may not have climbed to its end".to_owned());
    }
    if let Some(count) = report.never_sent.filter(|count| *count > 0) {
        told.push(format!(
            "this host did not send {} datagrams when they were due: it may be the limit",
            group_digits(count)
        ));
    }
    if let Some(count) = report.socket_drops.filter(|count| *count > 0) {
        told.push(format!(
            "{} datagrams were lost in this host's socket buffers: it may be the limit",
            group_digits(count)
        ));
    }
    if report.jumbo && report.maximum.is_some_and(|most| most.ip_bits_per_second > 1_000_000_000) {
        told.push(
            "above 1 Gbit/s datagrams have up to 8972 bytes, which a smaller MTU fragments"
                .to_owned(),
        );
    }
    told
}

/// The direction of the load.
pub fn way(direction: Way) -> &'static str {
    match direction {
        Way::Up => "upstream",
        Way::Down => "downstream",
        Way::RoundTrip => "both ways",
    }
}
