//! A version of iperf3, as its client gives it.

/// Major and minor number; `0.0` for a client that gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Iperf3Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Iperf3Version {
    /// Reads the version from a text such as `3.12` or `3.21+`.
    pub fn read(text: &str) -> Self {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Self { major: next(), minor: next() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_its_first_two_numbers() {
        for (text, major, minor) in
            [("3.1.3", 3, 1), ("3.12", 3, 12), ("3.21+", 3, 21), ("", 0, 0), ("x.7", 0, 7)]
        {
            assert_eq!(Iperf3Version::read(text), Iperf3Version { major, minor }, "{text}");
        }
    }
}
