//! Time as a lens: an address that has not proven itself gets one answer, at once.
