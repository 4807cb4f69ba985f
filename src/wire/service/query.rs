//! Identifies one question: the target, the source, and a secret.

use fastrand::Rng;
use std::net::{IpAddr, SocketAddr};

/// One port's question. All attempts at a port share the secret, so that a late answer to the
/// first is known as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Seed of everything secret in the question.
    pub seed: u64,
    /// Number of the attempt at this port, from 0: a service with several protocol versions is
    /// tried with each in turn.
    pub attempt: u32,
    /// The target.
    pub target: SocketAddr,
    /// Where the question leaves from, for protocols that name it; `None` when not known.
    pub local: Option<SocketAddr>,
}

impl Ask {
    /// The first question to a target.
    pub fn new(seed: u64, target: SocketAddr) -> Self {
        Self { seed, attempt: 0, target, local: None }
    }

    /// The first bytes of the secret.
    pub(super) fn secret<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// As many bytes of the secret as fit.
    pub(super) fn fill(&self, bytes: &mut [u8]) {
        Rng::with_seed(self.seed).fill(bytes);
    }

    /// The secret in 16 hexadecimal digits.
    pub(super) fn secret_hex(&self) -> String {
        crate::wire::to_hex(&self.secret::<8>())
    }

    /// The target's host as a URI writes it: IPv6 in brackets.
    pub(super) fn host(&self) -> String {
        bracketed(self.target.ip())
    }

    /// The local address as a URI writes it, with its port.
    pub(super) fn own(&self) -> String {
        match self.local {
            Some(local) => format!("{}:{}", bracketed(local.ip()), local.port()),
            // A name that no resolver finds (RFC 2606 §2).
            None => "udpkit.invalid".to_owned(),
        }
    }
}

/// Without a zone, which has no meaning on other hosts (RFC 4007 §6).
fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_for_every_attempt_and_another_for_another_seed() {
        let ask = Ask::new(1, "192.0.2.1:53".parse().unwrap());
        assert_eq!(ask.secret::<8>(), Ask { attempt: 3, ..ask }.secret::<8>());
        assert_eq!(ask.secret::<4>(), ask.secret::<8>()[..4]);
        assert_ne!(ask.secret::<8>(), Ask { seed: 2, ..ask }.secret::<8>());
    }
}
