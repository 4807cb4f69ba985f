//! What to do about arguments that several commands take, in English.

/// Which processors there are.
pub fn processors(last: usize) -> String {
    format!("this host has processors 0 to {last}")
}

/// How a key is made.
pub const MAKE_A_KEY: &str = "make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)";

/// A warning of a key file, by its flag or variable, that others can read.
pub fn key_is_readable(name: &str) -> String {
    format!("{name}: other users of this host can read the file; restrict it with chmod 600")
}
