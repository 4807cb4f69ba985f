//! The machine against simulated paths and reflectors.
