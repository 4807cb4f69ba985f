//! The file of `--policy`: limits and permissions, by the names of their flags.

use super::error::ServeUsage;
use crate::cli::network;
use crate::commands::Usage;
use crate::commands::exit::UsageError;
use crate::report::words::serve as words;
use crate::sys::error_text::io_error_text;
use crate::units::{ByteCount, Nanos, Rate, whole};
use ipnet::IpNet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{fs, io};
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// What a file says; `None` for what it leaves to flags and defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PolicyFile {
    pub allow: Option<Vec<IpNet>>,
    pub no_reverse: Option<bool>,
    pub no_probe: Option<bool>,
    pub max_rate: Option<Rate>,
    pub max_duration: Option<Nanos>,
    pub max_sessions: Option<u32>,
    pub max_streams: Option<u32>,
    pub max_memory: Option<ByteCount>,
    pub source_share: Option<u8>,
    pub stamp_rate: Option<Rate>,
    pub stun_rate: Option<Rate>,
}

/// A file that cannot be read is a failure, as any file.
#[derive(Debug, Error)]
#[error("--policy {}: {}", file.display(), io_error_text(error))]
struct Unreadable {
    file: PathBuf,
    error: io::Error,
}

/// Why a file is no policy.
#[derive(Debug, Error)]
#[error("--policy {}: line {line}: {fault}", file.display())]
struct PolicyUsage {
    file: PathBuf,
    line: usize,
    fault: PolicyFault,
}

#[derive(Debug, PartialEq, Eq, Error)]
enum PolicyFault {
    /// It is not TOML.
    #[error("{0}")]
    Toml(String),
    /// It has a name that means nothing.
    #[error("{0:?} is none of {names}", names = NAMES.join(", "))]
    Unknown(String),
    /// A value of the wrong kind.
    #[error("{name} takes {wanted}")]
    Kind { name: String, wanted: Wanted },
    /// A value that cannot be read.
    #[error("{name} = {value:?}: {why}")]
    Value { name: String, value: String, why: String },
}

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Wanted {
    #[error("true or false")]
    Flag,
    #[error("a number, or a string as its flag takes it")]
    Text,
    #[error("a list of networks: [\"192.0.2.0/24\"]")]
    Networks,
}

/// Every name, in the order in which they are listed.
const NAMES: [&str; 11] = [
    "allow",
    "no_reverse",
    "no_probe",
    "max_rate",
    "max_duration",
    "max_sessions",
    "max_streams",
    "max_memory",
    "source_share",
    "stamp_rate",
    "stun_rate",
];

impl UsageError for PolicyUsage {
    fn hint(&self) -> Option<String> {
        Some(words::POLICY_FORM.to_owned())
    }
}

impl PolicyFile {
    /// Reads a file whole; without one, everything is left to flags and defaults.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = fs::read_to_string(file);
        let text = text.map_err(|error| Unreadable { file: file.to_owned(), error })?;
        let read = Self::parse(&text).map_err(|(line, fault)| {
            Usage::from(PolicyUsage { file: file.to_owned(), line, fault })
        });
        Ok(read?)
    }

    /// Reads the text of a file. The error is the first, with its line.
    fn parse(text: &str) -> Result<Self, (usize, PolicyFault)> {
        let line_at = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(span.start));
            let first = error.message().lines().next().unwrap_or_default().to_owned();
            (line, PolicyFault::Toml(first))
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let mut policy = Self::default();
        for (name, value) in entries {
            let at = line_at(name.span().start);
            policy.set(name.get_ref(), value).map_err(|fault| (at, fault))?;
        }
        Ok(policy)
    }

    fn set(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), PolicyFault> {
        let value = value.get_ref();
        let entry = Entry { name, value };
        match name {
            "allow" => self.allow = Some(entry.networks()?),
            "no_reverse" => self.no_reverse = Some(entry.flag()?),
            "no_probe" => self.no_probe = Some(entry.flag()?),
            "max_rate" => self.max_rate = Some(entry.text(str::parse)?),
            "max_duration" => self.max_duration = Some(entry.above_zero(str::parse)?),
            "max_sessions" => self.max_sessions = Some(entry.text(whole(1..=u32::MAX))?),
            "max_streams" => self.max_streams = Some(entry.text(whole(1..=u32::MAX))?),
            "max_memory" => self.max_memory = Some(entry.above_zero(str::parse)?),
            "source_share" => self.source_share = Some(entry.text(whole(1..=100u8))?),
            "stamp_rate" => self.stamp_rate = Some(entry.datagrams(ServeUsage::StampRate)?),
            "stun_rate" => self.stun_rate = Some(entry.datagrams(ServeUsage::StunRate)?),
            _ => return Err(PolicyFault::Unknown(name.to_owned())),
        }
        Ok(())
    }
}

/// A name with its value.
struct Entry<'a> {
    name: &'a str,
    value: &'a DeValue<'a>,
}

impl Entry<'_> {
    fn wrong_kind(&self, wanted: Wanted) -> PolicyFault {
        PolicyFault::Kind { name: self.name.to_owned(), wanted }
    }

    fn wrong(&self, value: &str, why: impl Display) -> PolicyFault {
        let (name, value, why) = (self.name.to_owned(), value.to_owned(), why.to_string());
        PolicyFault::Value { name, value, why }
    }

    fn flag(&self) -> Result<bool, PolicyFault> {
        self.value.as_bool().ok_or_else(|| self.wrong_kind(Wanted::Flag))
    }

    /// The text of a string or of a number.
    fn raw(&self) -> Result<&str, PolicyFault> {
        let number = || self.value.as_integer().filter(|number| number.radix() == 10);
        let text = self.value.as_str().or_else(|| number().map(DeInteger::as_str));
        text.ok_or_else(|| self.wrong_kind(Wanted::Text))
    }

    /// A value as its flag takes it.
    fn text<T, E: Display>(&self, read: impl Fn(&str) -> Result<T, E>) -> Result<T, PolicyFault> {
        let raw = self.raw()?;
        read(raw).map_err(|why| self.wrong(raw, why))
    }

    fn above_zero<T: Default + PartialEq, E: Display>(
        &self,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, PolicyFault> {
        let value = self.text(read)?;
        if value == T::default() {
            return Err(self.wrong(self.raw()?, words::ABOVE_ZERO));
        }
        Ok(value)
    }

    /// A rate of datagrams.
    fn datagrams(&self, otherwise: ServeUsage) -> Result<Rate, PolicyFault> {
        match self.text(str::parse)? {
            Rate::Bits(_) => Err(self.wrong(self.raw()?, otherwise)),
            rate => Ok(rate),
        }
    }

    fn networks(&self) -> Result<Vec<IpNet>, PolicyFault> {
        let wanted = Wanted::Networks;
        let list = self.value.as_array().ok_or_else(|| self.wrong_kind(wanted))?;
        let read = |one: &Spanned<DeValue<'_>>| {
            let text = one.get_ref().as_str().ok_or_else(|| self.wrong_kind(wanted))?;
            network(text).map_err(|why| self.wrong(text, why))
        };
        list.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_its_flag_takes_it() {
        let text = "# limits\n\
            allow = [\"192.0.2.0/24\", \"2001:db8::1\"]\n\
            no_reverse = true\nno_probe = false\n\
            max_rate = \"1G\"\nmax_duration = \"10min\"\n\
            max_sessions = 8\nmax_streams = \"4\"\nmax_memory = \"64Mi\"\nsource_share = 50\n\
            stamp_rate = \"10kpps\"\nstun_rate = \"max\"\n";
        let read = PolicyFile::parse(text).unwrap();
        let expected = PolicyFile {
            allow: Some(vec![network("192.0.2.0/24").unwrap(), network("2001:db8::1").unwrap()]),
            no_reverse: Some(true),
            no_probe: Some(false),
            max_rate: "1G".parse().ok(),
            max_duration: Some(Nanos::from_secs(600)),
            max_sessions: Some(8),
            max_streams: Some(4),
            max_memory: Some(ByteCount(64 << 20)),
            source_share: Some(50),
            stamp_rate: "10kpps".parse().ok(),
            stun_rate: Some(Rate::Max),
        };
        assert_eq!(read, expected);
        assert_eq!(PolicyFile::parse(""), Ok(PolicyFile::default()));
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(" =")).map(|(name, _)| name).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn a_fault_is_told_with_its_line_and_what_would_be_right() {
        for (text, line, told) in [
            ("max_rate = \"1G\"\nmax_rat = 1", 2, "\"max_rat\" is none of allow, no_reverse"),
            ("\n\nmax_sessions = 0", 3, "max_sessions = \"0\""),
            ("source_share = 101", 1, "source_share = \"101\""),
            ("max_duration = \"0s\"", 1, "max_duration = \"0s\": must be more than 0"),
            ("max_memory = true", 1, "max_memory takes a number"),
            ("no_reverse = \"yes\"", 1, "no_reverse takes true or false"),
            ("allow = \"192.0.2.0/24\"", 1, "allow takes a list"),
            ("allow = [\n\"192.0.2.0/33\"]", 1, "allow = \"192.0.2.0/33\": write a network"),
            ("stamp_rate = \"10M\"", 1, "counts datagrams"),
            ("[server]\nmax_rate = \"1G\"", 1, "\"server\" is none of"),
            ("max_rate = \"1G\"\nmax_rate = \"2G\"", 2, "duplicate"),
            ("max_rate 1G", 1, ""),
        ] {
            let (at, fault) = PolicyFile::parse(text).unwrap_err();
            assert_eq!(at, line, "{text}: {fault}");
            assert!(fault.to_string().contains(told), "{text}: {fault}");
        }
    }
}
