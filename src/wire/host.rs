//! Detects that both ends run on one host, whatever addresses are used between them.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of an identifier before it is written in hexadecimal.
const LEN: usize = 8;

/// The identity of a host until its next boot: Linux's `boot_id` (random(4)), which is the same in
/// all its network namespaces. It never leaves the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostId(pub String);

impl HostId {
    /// The host's identifier within one control session: a hash, useless for recognising the host
    /// elsewhere.
    pub fn in_session(&self, session: &str) -> String {
        let hash = Sha256::new()
            .chain_update("udpkit host\0")
            .chain_update(session)
            .chain_update([0])
            .chain_update(&self.0)
            .finalize();
        let mut text = String::with_capacity(2 * LEN);
        for byte in &hash[..LEN] {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_for_both_ends_and_for_no_other_session_or_host() {
        let (here, there) = (HostId("a1".to_owned()), HostId("a2".to_owned()));
        let name = here.in_session("00c0ffee");
        assert_eq!(name, here.clone().in_session("00c0ffee"));
        assert_eq!(name.len(), 2 * LEN);
        assert_ne!(name, here.in_session("00c0ffef"));
        assert_ne!(name, there.in_session("00c0ffee"));
    }
}
