//! Sentences of `probe marks`.

use super::terms::{list, part, plural};
use crate::record::Worded;
use crate::record::probe::{
    MarkChange, MarksAlternative, MarksCaveat, MarksEvidence, MarksVerdict, Way,
};
use crate::wire::Dscp;

/// Most values listed in a sentence.
const NAMED: usize = 6;

impl Worded for MarksVerdict {
    fn text(&self) -> String {
        match self {
            Self::Unchanged => "every DSCP and ECN value arrives unchanged, both ways".to_owned(),
            Self::Changed { changes } => {
                changes.iter().map(Worded::text).collect::<Vec<_>>().join("; ")
            }
            Self::NoChangeSeen { observed: 0, .. } => {
                "it is unknown how DSCP and ECN values arrive".to_owned()
            }
            Self::NoChangeSeen { observed, of } => format!(
                "no change seen in the {} that could be observed",
                part(*observed, *of, "DSCP and ECN value")
            ),
            Self::NothingAnswered => "no marked datagram got a reply".to_owned(),
            Self::NothingSent => "no marked datagram left this host".to_owned(),
        }
    }
}

impl Worded for MarkChange {
    fn text(&self) -> String {
        match self {
            Self::AllDscpsBecome { way, dscp } => {
                format!("every DSCP arrives as {} {}", dscp_name(*dscp), on(*way))
            }
            Self::PrecedenceCleared { way } => format!(
                "the upper three bits of every DSCP (the old IP precedence) are cleared {}",
                on(*way)
            ),
            Self::LowBitsCleared { way } => {
                format!("the lower three bits of every DSCP are cleared {}", on(*way))
            }
            Self::DscpsBecome { way, sent, arrived } => {
                let names: Vec<String> = sent.iter().copied().map(dscp_name).collect();
                let verb = if names.len() == 1 { "arrives" } else { "arrive" };
                format!("DSCP {} {verb} as {} {}", named(&names), dscp_name(*arrived), on(*way))
            }
            Self::EcnCleared { way, sent } => {
                let names: Vec<&str> = sent.iter().copied().map(ecn_name).collect();
                let verb = if names.len() == 1 { "is" } else { "are" };
                format!("{} {verb} bleached {}", list(&names), on(*way))
            }
            Self::EcnBecomes { way, sent, arrived } => {
                format!("{} arrives as {} {}", ecn_name(*sent), ecn_name(*arrived), on(*way))
            }
            Self::Dropped { way, dscp, ecn } => {
                let mut names: Vec<String> = dscp.iter().copied().map(dscp_name).collect();
                names.extend(ecn.iter().map(|ecn| ecn_name(*ecn).to_owned()));
                format!("datagrams marked {} do not arrive {}", named(&names), on(*way))
            }
        }
    }
}

impl Worded for MarksEvidence {
    fn text(&self) -> String {
        match self {
            Self::Observed { way, observed, of, arrived, sent } => {
                let way = match way {
                    Way::Out => "out",
                    Way::Back => "back",
                };
                let values = part(*observed, *of, "value");
                format!("{way}: {values} observed, {} arrived", part(*arrived, *sent, "datagram"))
            }
            Self::Shared(shared) => shared.text(),
        }
    }
}

impl Worded for MarksAlternative {
    fn text(&self) -> String {
        match self {
            Self::HostRewrites => {
                "one of the two hosts rewrites marks, rather than a router between them".to_owned()
            }
            Self::Congestion => {
                "a congested queue on the path sets CE, as it should (RFC 3168)".to_owned()
            }
        }
    }
}

impl Worded for MarksCaveat {
    fn text(&self) -> String {
        match self {
            Self::Undecided { out, back, control_loss } => {
                let loss = control_loss.map_or_else(String::new, |one| format!(": {}", one.text()));
                format!("inconclusive for {}{loss}", both(*out, *back))
            }
            Self::NotShown { out, back } => {
                format!("the receiving socket does not show DSCP and ECN of {}", both(*out, *back))
            }
            Self::HopUnknown => "the hop that changes marks is unknown: without root, a socket \
                                 does not see the IP header that ICMP quotes"
                .to_owned(),
            Self::Shared(shared) => shared.text(),
        }
    }
}

fn on(way: Way) -> &'static str {
    match way {
        Way::Out => "on the way out",
        Way::Back => "on the way back",
    }
}

/// `2 values out and 1 value back`.
fn both(out: u64, back: u64) -> String {
    let ways = [(out, "out"), (back, "back")].into_iter().filter(|(values, _)| *values > 0);
    list(
        &ways.map(|(values, way)| format!("{} {way}", plural(values, "value"))).collect::<Vec<_>>(),
    )
}

/// As [`list`], shortened if there are too many.
fn named(names: &[String]) -> String {
    if names.len() <= NAMED {
        return list(names);
    }
    format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED)
}

/// `EF(46)`; the number alone if it has no name.
pub(super) fn dscp_name(value: u8) -> String {
    Dscp::new(value).map_or_else(|| value.to_string(), |dscp| dscp.to_string())
}

/// A codepoint's name (RFC 3168 §5).
pub(super) fn ecn_name(value: u8) -> &'static str {
    ["not-ECT", "ECT(1)", "ECT(0)", "CE"][usize::from(value & 3)]
}
