//! An address behind a flag whose value is optional, typed as a word of its own: `serve --iperf3
//! 192.0.2.1`, whose address would be taken for the server's own.

use super::habits::command_of;
use std::ffi::OsString;

/// The subcommand whose own address is an argument.
const SERVE: &str = "serve";

/// What is wrong where an address stands behind such a flag, and how to say what was meant; `None`
/// where none does.
pub(super) fn fault(words: &[OsString]) -> Option<(String, String)> {
    if command_of(words) != SERVE {
        return None;
    }
    let commands = super::command();
    let serve = commands.find_subcommand(SERVE)?;
    let words: Vec<&str> = words.iter().map_while(|word| word.to_str()).collect();
    let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    let takes_address = |flag: &str| {
        serve.get_arguments().any(|arg| {
            let names = arg.get_value_names().unwrap_or_default();
            let optional = arg.get_num_args().is_some_and(|count| count.min_values() == 0);
            optional
                && arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long))
                && names.iter().any(|name| name.as_str() == "[ADDR:]PORT")
        })
    };
    let pair = words[..end]
        .windows(2)
        .find(|pair| takes_address(pair[0]) && !pair[1].starts_with('-') && !pair[1].is_empty())?;
    let (flag, address) = (pair[0], pair[1]);
    Some((
        format!(
            "error: '{address}' after '{flag}': the address of {flag} is joined to it by '='\n"
        ),
        format!(
            "{flag}={address}; or, for the server's own address, udpkit {SERVE} {address} {flag}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use std::ffi::OsString;

    fn stopped(line: &str) -> Option<(String, Option<String>)> {
        let words = line.split(' ').map(OsString::from);
        parse(words).err().map(|stopped| (stopped.text, stopped.hint))
    }

    #[test]
    fn an_address_behind_a_flag_is_told_to_be_joined_by_an_equals_sign() {
        for (line, joined, own) in [
            ("serve --iperf3 1.2.3.4", "--iperf3=1.2.3.4", "serve 1.2.3.4 --iperf3"),
            ("serve -q --iperf3 5202", "--iperf3=5202", "serve 5202 --iperf3"),
            ("serve --stamp [::1]:863 --json", "--stamp=[::1]:863", "serve [::1]:863 --stamp"),
            ("serve 9000 --iperf3 1.2.3.4", "--iperf3=1.2.3.4", "serve 1.2.3.4 --iperf3"),
        ] {
            let (text, hint) = stopped(&format!("udpkit {line}")).expect("an error");
            let hint = hint.expect("a hint");
            assert!(text.starts_with("error: ") && text.contains("'='"), "{line}: {text}");
            assert!(hint.contains(joined) && hint.contains(own), "{line}: {hint}");
        }
    }

    #[test]
    fn a_flag_without_a_value_and_one_with_it_are_left_alone() {
        for line in [
            "udpkit serve --iperf3",
            "udpkit serve --iperf3=1.2.3.4",
            "udpkit serve 1.2.3.4 --iperf3 --stamp",
            "udpkit serve --iperf3 --stamp=:863 -- 1.2.3.4",
            "udpkit serve --iperf3 -- 1.2.3.4",
            "udpkit blast --iperf3 192.0.2.10",
            "udpkit cast send --open :8620",
        ] {
            assert_eq!(stopped(line), None, "{line}");
        }
    }
}
