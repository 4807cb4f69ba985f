//! ECN fields in words.

use super::terms::{count_and_share, list, part};
use crate::record::{EcnClass, EcnFinding, Worded};
use crate::units::Nanos;
use crate::wire::Ecn;

/// The name of a field as RFC 3168 writes it.
pub fn field(ecn: Ecn) -> &'static str {
    match ecn {
        Ecn::NotEct => "not-ECT",
        Ecn::Ect0 => "ECT(0)",
        Ecn::Ect1 => "ECT(1)",
        Ecn::Ce => "CE",
    }
}

/// `sent as ECT(1): 988 arrived so, 12 (1.20%) marked CE`.
pub fn arrived_text(class: &EcnClass) -> String {
    let arrived = class.arrived_as.unwrap_or_default();
    let of = arrived.total();
    let mut text = format!(
        "sent as {}: {} arrived so",
        field(class.sent_as),
        count_and_share(arrived.of(class.sent_as), of, 2)
    );
    if class.sent_as != Ecn::Ce {
        text.push_str(&format!(", {} marked CE", count_and_share(class.marked(), of, 2)));
    }
    text
}

impl Worded for EcnFinding {
    fn text(&self) -> String {
        match *self {
            Self::Cleared { sent_as, datagrams, of } => format!(
                "something on the path cleared the ECN field: {} sent as {} arrived as not-ECT",
                part(datagrams, of, "datagram"),
                field(sent_as)
            ),
            Self::MarkedNotEct { datagrams, of } => format!(
                "something on the path marks what is not ECN-capable, against RFC 3168: {} sent as \
                 not-ECT arrived as CE",
                part(datagrams, of, "datagram")
            ),
            Self::Rewritten { sent_as, datagrams, of } => format!(
                "something on the path rewrote the ECN field: {} sent as {} arrived with another \
                 ECT codepoint",
                part(datagrams, of, "datagram"),
                field(sent_as)
            ),
            Self::OwnQueue { class, p90_ns, ref others, others_p50_ns } => {
                let others: Vec<&str> = others.iter().map(|other| field(*other)).collect();
                format!(
                    "{} has a queue of its own: 90% of it waited less than {}, half of {} more \
                     than {}",
                    field(class),
                    Nanos(p90_ns),
                    list(&others),
                    Nanos(others_p50_ns)
                )
            }
        }
    }
}
