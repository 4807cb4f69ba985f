//! A value and its unit typed as two words: `--rate 10 M`, whose `M` would be taken for a host.

use super::habits::command_of;
use crate::units::{ByteCount, Nanos, Rate};
use std::ffi::OsString;

/// A flag with a number behind it, and the number's unit as a word of its own.
struct Split<'a> {
    flag: &'a str,
    number: &'a str,
    unit: &'a str,
}

/// What is wrong where a flag's value is parted from its unit; `None` where none is.
pub(super) fn fault(words: &[OsString]) -> Option<String> {
    let command = command_of(words);
    let words: Vec<&str> = words.iter().map_while(|word| word.to_str()).collect();
    let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    let words = &words[..end];
    let split = (0..words.len()).filter_map(|at| split(&words[at..]));
    let mut split = split.filter(|split| means_one_value(&command, split));
    let Split { flag, number, unit } = split.next()?;
    Some(format!(
        "error: invalid value '{number} {unit}' for '{flag}': \
         a value and its unit are one word: {number}{unit}\n"
    ))
}

/// The first words, if they are a flag, a number and a word without digits.
fn split<'a>(words: &[&'a str]) -> Option<Split<'a>> {
    let first = *words.first().filter(|word| word.starts_with('-'))?;
    let (flag, number, unit) = match first.split_once('=') {
        Some((flag, number)) => (flag, number, *words.get(1)?),
        None => (first, *words.get(1)?, *words.get(2)?),
    };
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let is_unit = unit.chars().all(|c| c.is_alphabetic() || c == '/');
    (is_number && is_unit).then_some(Split { flag, number, unit })
}

/// Whether the flag takes a value with such a unit.
fn means_one_value(command: &str, split: &Split) -> bool {
    let mut at = super::command();
    for name in command.split(' ') {
        match at.find_subcommand(name) {
            Some(found) => at = found.clone(),
            None => break,
        }
    }
    let whole = format!("{}{}", split.number, split.unit);
    at.get_arguments().any(|arg| {
        let long = arg.get_long().is_some_and(|long| split.flag == format!("--{long}"));
        let short = arg.get_short().is_some_and(|short| split.flag == format!("-{short}"));
        let names = arg.get_value_names().unwrap_or_default();
        let takes = |name: &str| names.iter().any(|known| known.as_str() == name);
        (long || short)
            && ((takes("RATE") || takes("PPS")) && whole.parse::<Rate>().is_ok()
                || (takes("DURATION") || takes("INTERVAL")) && whole.parse::<Nanos>().is_ok()
                || (takes("BYTES") || takes("SIZE")) && whole.parse::<ByteCount>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use std::ffi::OsString;

    fn told(line: &str) -> Option<String> {
        let words = line.split(' ').map(OsString::from);
        parse(words).err().filter(|stopped| !stopped.asked_for).map(|stopped| stopped.text)
    }

    #[test]
    fn a_value_parted_from_its_unit_is_shown_as_one_word() {
        for (line, whole) in [
            ("udpkit blast --rate 10 M", "10M"),
            ("udpkit blast -b 2.5 Gbit/s", "2.5Gbit/s"),
            ("udpkit blast -b 50 kpps 127.0.0.1", "50kpps"),
            ("udpkit blast --rate=10 M", "10M"),
            ("udpkit blast -t 5 s", "5s"),
            ("udpkit blast -s 1 k", "1k"),
            ("udpkit blast --bytes 1 GB", "1GB"),
            ("udpkit ping -i 100 ms 127.0.0.1", "100ms"),
            ("udpkit send 127.0.0.1:9 -w 1 s", "1s"),
            ("udpkit cast send 127.0.0.1:9 -b 10 M", "10M"),
            ("udpkit probe shape 127.0.0.1 --rate 1 kpps", "1kpps"),
        ] {
            let told = told(line).unwrap_or_else(|| panic!("{line} parses"));
            assert!(told.contains("one word") && told.contains(whole), "{line}: {told}");
        }
    }

    #[test]
    fn what_only_looks_like_a_unit_is_left_alone() {
        for line in [
            "udpkit send 127.0.0.1:9 -c 1 s",
            "udpkit send 127.0.0.1:9 --ttl 9 m",
            "udpkit send 127.0.0.1:9 -s 10 -- k",
            "udpkit send 127.0.0.1:9 -w 1s s",
            "udpkit send 127.0.0.1:9 -- -w 1 s",
            "udpkit ping -c 10 m",
            "udpkit blast -b 10M M",
            "udpkit blast -b 10M -t 5s server",
        ] {
            assert_eq!(told(line).filter(|told| told.contains("one word")), None, "{line}");
        }
    }
}
