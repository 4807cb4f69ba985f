//! Number of seeded runs per test: few in the regular suite, as many as wanted by hand.

/// The usual number, unless `UDPKIT_TEST_RUNS` is set.
pub fn runs(usual: u64) -> u64 {
    std::env::var("UDPKIT_TEST_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(usual)
}
