//! The text that a client encrypts to prove who it is.

/// What a client says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// When it was said, in seconds since 1970.
    pub seconds: u64,
}

/// The text of a token: `user`, `password` and the time in seconds since 1970, as iperf3's server
/// scans it.
pub fn token_text(user: &str, password: &str, seconds: u64) -> String {
    format!("user: {user}\npwd:  {password}\nts:   {seconds}")
}

/// Reads the text of a token; `None` if it is none.
pub fn read_token_text(text: &[u8]) -> Option<Login> {
    let text = std::str::from_utf8(text).ok()?;
    let (user, rest) = text.strip_prefix("user: ")?.split_once("\npwd:  ")?;
    let (password, seconds) = rest.split_once("\nts:   ")?;
    let seconds = seconds.parse().ok()?;
    Some(Login { user: user.to_owned(), password: password.to_owned(), seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_iperf_s_spaces_and_is_read_again() {
        let text = token_text("mario", "rossi", 1_700_000_000);
        assert_eq!(text, "user: mario\npwd:  rossi\nts:   1700000000");
        let login = read_token_text(text.as_bytes()).unwrap();
        assert_eq!(login.user, "mario");
        assert_eq!((login.password.as_str(), login.seconds), ("rossi", 1_700_000_000));
        let spaced = read_token_text(token_text("a b", "c  d", 7).as_bytes()).unwrap();
        assert_eq!((spaced.user.as_str(), spaced.password.as_str()), ("a b", "c  d"));
    }

    #[test]
    fn what_is_no_token_s_text_is_not_read() {
        for other in [
            &b""[..],
            b"\xFF\xFE",
            b"user: mario",
            b"user: mario\npwd: rossi\nts: 7",
            b"user: mario\npwd:  rossi\nts:   -7",
            b"user: mario\npwd:  rossi\nts:   ",
        ] {
            assert!(read_token_text(other).is_none(), "{other:?}");
        }
    }
}
