//! Sentences about the remote agent of a probe: why there is none, and caveats.

use super::host_losses::lost_here;
use super::occurrence::trouble_text;
use super::terms::{list, part, plural, plural_of};
use crate::record::Worded;
use crate::record::probe::{ControlEvidence, ControlLoss, NoAgent, ProbeCaveat};
use crate::units::group_digits;

impl Worded for NoAgent {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Worded for ProbeCaveat {
    fn text(&self) -> String {
        match self {
            Self::RepliesFromElsewhere { asked, from } => {
                format!("replies came from {from}, not from {asked}, which was asked")
            }
            Self::AddressChanged { from, to } => format!(
                "this host's address changed from {from} to {to} meanwhile: what was measured \
                 before and after may be of different paths"
            ),
            Self::LostHere { losses } => lost_here(losses).unwrap_or_default(),
            Self::Duplicated { out, back } => format!(
                "the path duplicated datagrams, which are counted once: {}",
                by_way(*out, *back)
            ),
            Self::Cut { out, back } => format!(
                "datagrams arrived cut, by something that forwards their content (a relay or a \
                 gateway): {}",
                by_way(*out, *back)
            ),
            Self::Altered { out, back } => format!(
                "datagrams arrived with altered content and right checksums, so something on the \
                 path rewrote them: {}",
                by_way(*out, *back)
            ),
            Self::RepliesDuplicated { copies } => format!(
                "the path duplicated datagrams, which are counted once: {}",
                plural_of(*copies, "extra reply", "extra replies")
            ),
            Self::AgentWithheld { replies } => {
                format!("the server's limits suppressed {} of its replies", group_digits(*replies))
            }
            Self::AgentLost { reason } => format!("the server was lost before the end: {reason}"),
            Self::AgentContradicted { contradiction } => {
                format!("the server's counts cannot be right and are left out: {contradiction}")
            }
            Self::ControlUnanswered { sent } => {
                format!("none of the {} of a round was answered", control(*sent))
            }
            Self::ControlNotSent => {
                "this host refused to send even short control datagrams".to_owned()
            }
            Self::RefusedHere { refused, of, refusals } => {
                let whys: Vec<String> = refusals.iter().map(|one| one.cause.to_string()).collect();
                let whys = whys.join("; ");
                format!("{} did not leave this host: {whys}", part(*refused, *of, "datagram"))
            }
            Self::NetworkErrors { network_errors } => {
                let all: Vec<_> = network_errors.iter().map(trouble_text).collect();
                format!("the network refused datagrams, which ended nothing: {}", all.join("; "))
            }
            Self::Interrupted => "interrupted by the user".to_owned(),
        }
    }
}

/// `3 out and 1 back`, without a direction that had none.
fn by_way(out: u64, back: u64) -> String {
    let ways = [(out, "out"), (back, "back")].into_iter().filter(|(count, _)| *count > 0);
    list(&ways.map(|(count, way)| format!("{} {way}", group_digits(count))).collect::<Vec<_>>())
}

fn control(sent: u64) -> String {
    plural(sent, "short control datagram")
}

impl Worded for ControlEvidence {
    fn text(&self) -> String {
        let Self::ControlAnswered { sent, answered, one_in } = self;
        format!(
            "{} of {} sent alongside were answered; chance alone would do this in fewer than 1 in \
             {} runs",
            group_digits(*answered),
            control(*sent),
            group_digits(*one_in)
        )
    }
}

impl Worded for ControlLoss {
    fn text(&self) -> String {
        match self {
            Self::EachWay { out_per_10000, back_per_10000 } => format!(
                "the path loses {}% out and {}% back",
                rounded(*out_per_10000),
                rounded(*back_per_10000)
            ),
            Self::RoundTrip { per_10000 } => format!(
                "{}% of short control datagrams or their replies are lost",
                rounded(*per_10000)
            ),
        }
    }
}

/// Rounds hundredths of a percent to whole percent.
fn rounded(per_10000: u64) -> u64 {
    (per_10000 + 50) / 100
}
