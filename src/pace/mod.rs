//! When the next datagram is due: an absolute schedule in integers.
