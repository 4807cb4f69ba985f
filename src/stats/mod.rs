//! Arithmetic over what arrived: sequences, delay, jitter, rates.
