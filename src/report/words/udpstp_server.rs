//! Sentences about UDPSTP clients and their tests, for the log of `serve`.

use super::terms::plural;
use super::udpstp::way;
use crate::record::{ServeRecord, UdpstpEnd, Worded};
use crate::units::{BitRate, group_digits};

/// An event of a UDPSTP client.
pub(super) fn event(record: &ServeRecord) -> String {
    match record {
        ServeRecord::UdpstpPort { address, key } => {
            let key = if *key { ", key required" } else { "" };
            format!("serving UDPSTP clients on {address} (UDP){key}")
        }
        ServeRecord::UdpstpRefused { client, version, refusal } => {
            let code = refusal.0.code();
            format!("{client} (UDPSTP {version}) refused: code {code}: {}", refusal.text())
        }
        ServeRecord::UdpstpClosed {
            client, test, connection, connections, ended, served, ..
        } => {
            let which = format!("{client} UDPSTP test {test} {connection}/{connections}");
            let mut parts = vec![format!("{which} {}", ended.text())];
            parts.extend(served.map(|served| {
                let (all, lost) = (plural(served.datagrams, "datagram"), served.lost);
                let most = served.max_ip_bits_per_second;
                let most = most.map_or("-".to_owned(), |bits| BitRate(bits).to_string());
                let way = way(served.direction);
                format!("{way} at most {most}, {all} received, lost {}", group_digits(lost))
            }));
            parts.join("; ")
        }
        _ => String::new(),
    }
}

impl Worded for UdpstpEnd {
    fn text(&self) -> String {
        match self {
            Self::Done => "done",
            Self::Early => "ended by the client before its time",
            Self::Silent => "closed: the client was silent for 3 s",
            Self::NotActivated => "closed: not activated",
            Self::ServerEnds => "closed: the server is shutting down",
        }
        .to_owned()
    }
}
