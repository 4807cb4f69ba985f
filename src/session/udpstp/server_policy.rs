//! What a server allows, what it needs done outside of it, and what is told to it.

use crate::pace::{LAST_ROW, SendingRates};
use crate::session::serve::ServePolicy;
use crate::units::{BitRate, Rate};
use crate::wire::udpstp::KeyRing;
use std::net::{IpAddr, SocketAddr};

/// The limits and permissions of a server.
#[derive(Clone, Debug, Default)]
pub struct UdpstpPolicy {
    /// Those of all its services: clients, longest test, highest rate, whether it sends.
    pub serve: ServePolicy,
    /// Shared keys; `None` serves clients that do not sign.
    pub keys: Option<KeyRing>,
    /// What the tests of one direction may state together; `None` for any, stated or not.
    pub bandwidth: Option<BitRate>,
}

impl UdpstpPolicy {
    /// Most connections of all tests.
    pub fn most_connections(&self) -> usize {
        self.serve.max_all_streams
    }

    /// Longest test in whole seconds.
    pub fn longest_secs(&self) -> u16 {
        u16::try_from(self.serve.max_duration.0 / 1_000_000_000).unwrap_or(u16::MAX)
    }

    /// The highest row that a connection may have which states so many Mbit/s, 0 for none.
    pub fn highest_row(&self, table: &SendingRates, mbps: u16) -> u32 {
        let payload = u128::from(table.payload.bytes());
        let own = match self.serve.max_rate {
            Rate::Max => u64::MAX,
            Rate::Bits(BitRate(bits)) => bits,
            Rate::Packets(rate) => {
                let bits = u128::from(rate.0) * payload * 8 / 1_000;
                u64::try_from(bits).unwrap_or(u64::MAX)
            }
        };
        let stated = if mbps > 0 { u64::from(mbps) * 1_000_000 } else { u64::MAX };
        let most = own.min(stated);
        (0..=LAST_ROW).rev().find(|row| table.ip_rate(*row).0 <= most).unwrap_or(0)
    }
}

/// What is to be done outside of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpstpCommand {
    /// A port of its own is opened for a connection.
    Open {
        /// The connection.
        test: u64,
        /// The client.
        peer: SocketAddr,
        /// The address that it contacted; `None` if unknown.
        local: Option<IpAddr>,
    },
    /// A port is closed.
    Close {
        /// Its socket.
        socket: usize,
    },
}

/// What is told to the session.
#[derive(Clone, Debug)]
pub enum UdpstpOrder {
    /// A port is open.
    Opened {
        /// For which connection.
        test: u64,
        /// Its socket.
        socket: usize,
        /// The port.
        port: u16,
    },
    /// It could not be opened.
    NotOpened {
        /// For which connection.
        test: u64,
    },
    /// No new tests. The end is told apart from that.
    Drain,
    /// These limits and keys from now on; the bandwidth stays.
    Reloaded(Box<ServePolicy>, Option<KeyRing>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_row_keeps_to_what_the_client_states_and_the_server_allows() {
        let table = SendingRates::default();
        for (max_rate, mbps, row) in [
            ("max", 0, LAST_ROW),
            ("max", 100, 100),
            ("50M", 100, 50),
            ("100M", 50, 50),
            ("10kpps", 0, 97),
            ("max", 1_150, 1_001),
            ("1", 0, 0),
        ] {
            let serve =
                ServePolicy { max_rate: max_rate.parse().unwrap(), ..ServePolicy::default() };
            let policy = UdpstpPolicy { serve, ..UdpstpPolicy::default() };
            assert_eq!(policy.highest_row(&table, mbps), row, "{max_rate} {mbps}");
        }
    }
}
