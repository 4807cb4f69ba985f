//! The text that a client encrypts to prove who it is.

/// The text of a token: `user`, `password` and the time in seconds since 1970, as iperf3's server
/// scans it.
pub fn token_text(user: &str, password: &str, seconds: u64) -> String {
    format!("user: {user}\npwd:  {password}\nts:   {seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_iperf_s_spaces() {
        let text = token_text("mario", "rossi", 1_700_000_000);
        assert_eq!(text, "user: mario\npwd:  rossi\nts:   1700000000");
    }
}
