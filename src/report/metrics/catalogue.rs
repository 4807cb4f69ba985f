//! All families, in the order of the page and of `docs/reference/metrics.md`.

use super::family::{Family, STARTED};
use super::{blast, cast, monitor, ping, recv, relay, serve};

/// The families of all commands.
pub fn families() -> impl Iterator<Item = &'static Family> {
    let own = [ping::ALL, monitor::ALL, recv::ALL, relay::ALL, cast::ALL, blast::ALL, serve::ALL];
    [&STARTED].into_iter().chain(own.into_iter().flatten().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_wants_and_each_is_there_once_to_a_command() {
        let mut all = Vec::new();
        for family in families() {
            let name = family.full_name();
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(name.bytes().all(is_plain), "{name}");
            assert!(!family.help.ends_with('.') && !family.help.contains('\n'), "{name}");
            assert!(family.labels.iter().all(|label| label.bytes().all(is_plain)), "{name}");
            assert!(!family.commands.is_empty(), "{name}");
            all.extend(family.commands.iter().map(|command| (*command, name.clone())));
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "a name is there twice");
    }
}
