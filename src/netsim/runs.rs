//! How many seeded runs a test makes: few as part of the suite, as many as wanted by hand.

/// So many runs of each kind, or what `UDPKIT_TEST_RUNS` says.
pub fn runs(usual: u64) -> u64 {
    std::env::var("UDPKIT_TEST_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(usual)
}
