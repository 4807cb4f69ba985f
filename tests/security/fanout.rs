//! Amplification in cast: no receiver or sender answers with more than it was sent.
