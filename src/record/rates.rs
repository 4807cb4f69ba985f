//! Rates over a run, as whole numbers or not at all.

use crate::units::{BitRate, Nanos, PacketRate};

/// Payload bits a second and datagrams a second; `None` when no time passed.
pub(super) fn rates(datagrams: u64, bytes: u64, span: Nanos) -> (Option<u64>, Option<u64>) {
    if span == Nanos::ZERO {
        return (None, None);
    }
    (Some(BitRate::of(bytes, span).0), Some(PacketRate::of(datagrams, span).0 / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_has_no_rate() {
        assert_eq!(rates(3, 100, Nanos::from_secs(2)), (Some(400), Some(1)));
        assert_eq!(rates(3, 100, Nanos::ZERO), (None, None));
    }
}
