//! Sentences of `stat`.

/// A server that refuses reverse runs.
pub const ONLY_RECEIVES: &str = "it only receives: no reverse or bidirectional runs";

/// Version and uptime of the server.
pub fn server(version: &str, up: &str, draining: Option<bool>) -> String {
    let ends = match draining {
        Some(true) => "; shutting down: no new sessions",
        Some(false) => "",
        None => "; whether it is shutting down is not told",
    };
    format!("udpkit {version}, up {up}{ends}")
}

/// A span of whole seconds in its two largest units: `1 d 2 h`, `3 min 20 s`, `7 s`.
pub fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let largest = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        if left >= *unit || parts.is_empty() {
            parts.push(format!("{} {name}", left / unit));
        }
        left %= unit;
    }
    parts.join(" ")
}

/// How soon the server answered.
pub fn answered(round_trip: &str) -> String {
    format!("answered within {round_trip}")
}

/// What sockets dropped.
pub fn drops(streams: &str, control: &str) -> String {
    format!("{streams} at the sockets of streams, {control} at the server's own")
}

/// Refused commands, and how many by each code.
pub fn refused(commands: &str, codes: &[String]) -> String {
    if codes.is_empty() {
        return commands.to_owned();
    }
    format!("{commands}; by code: {}", codes.join(", "))
}

/// The memory of the process, and what of it is set aside.
pub fn memory(resident: &str, granted: &str) -> String {
    format!("{resident} in use, {granted} set aside for sessions")
}

/// Limits of streams.
pub fn streams(each: &str, all: &str) -> String {
    format!("{each} streams each ({all} in all)")
}

/// What one source may use.
pub fn share(percent: &str) -> String {
    format!("{percent}% of these for one source")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (93_784, "1 d 2 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
