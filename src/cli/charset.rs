//! Whether a terminal or a locale shows ASCII alone.

use std::io::IsTerminal;

/// Whether every output is to be of ASCII alone: where that is `asked` for, where the locale's
/// character set is not UTF-8, or on a terminal that is dumb.
pub fn is_ascii_only(asked: bool) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let screen = std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
    let dumb = screen && set("TERM").is_some_and(|term| term.eq_ignore_ascii_case("dumb"));
    asked || dumb || locale.is_some_and(|locale| !is_utf8(&locale))
}

/// Whether a locale such as `de_DE.UTF-8@euro` has UTF-8 for its character set.
fn is_utf8(locale: &str) -> bool {
    let set = locale.split('.').nth(1).unwrap_or_default();
    let set = set.split('@').next().unwrap_or_default();
    set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_whether_it_is_of_utf_8() {
        for (locale, utf8) in [
            ("C", false),
            ("POSIX", false),
            ("C.UTF-8", true),
            ("en_GB.utf8", true),
            ("de_DE.UTF-8@euro", true),
            ("de_DE", false),
            ("de_DE.ISO-8859-15@euro", false),
        ] {
            assert_eq!(is_utf8(locale), utf8, "{locale}");
        }
    }
}
