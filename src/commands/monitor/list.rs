//! The targets and thresholds of a monitor, from the command line or a list: read whole and checked
//! whole, before anything of it is used.

use super::error::MonitorUsage;
use super::fault::Fault;
use super::read::{self, Faults, Section, Value};
use crate::cli::MonitorArgs;
use crate::commands::exit::message_of;
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::{Usage, key};
use crate::engine::random_u64;
use crate::net::{FamilyChoice, literal, split_host_port};
use crate::session::monitor::{ListedTarget, MOST_TARGETS, MonitorList, Profile, WatchedThreshold};
use crate::session::ping::{Asked, Protocol, StampProbes};
use crate::sys;
use crate::units::{ByteCount, IpFamily, Nanos, Threshold, max_payload};
use crate::wire::stamp::{ErrorEstimate, StampKey, TimeFormat};
use crate::wire::{ControlKey, Dscp, Ecn, Header, tos};
use anyhow::Context;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Payload of an echo probe in bytes, as in ping(8).
const PLAIN_LEN: usize = 56;
/// The shortest interval.
const LEAST_INTERVAL: Nanos = Nanos::from_millis(10);
/// The longest time-out in intervals: so many probes of a target are remembered.
const MOST_WAIT: u64 = 2_000;

/// The commands of the thresholds, by number.
pub(super) type Commands = Arc<Mutex<Vec<Option<Arc<str>>>>>;

/// How a target is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    is_echo: bool,
    interval: Nanos,
    size: Option<u64>,
    dscp: Option<Dscp>,
    key: Option<PathBuf>,
    port: u16,
}

/// Reads the targets, again and again if they are in a file.
pub(super) struct ListReader {
    file: Option<PathBuf>,
    targets: Vec<String>,
    defaults: Settings,
    family: FamilyChoice,
    device: Option<u32>,
    wait: Nanos,
    alerts: Vec<(Threshold, Option<Arc<str>>)>,
    ends: Vec<Threshold>,
    known: Vec<(WatchedThreshold, Option<Arc<str>>)>,
    commands: Commands,
}

/// What is read of one list, before it is used.
#[derive(Default)]
struct Draft {
    list: MonitorList,
    known: Vec<(WatchedThreshold, Option<Arc<str>>)>,
    profiles: Vec<Settings>,
    keys: Vec<(PathBuf, StampKey)>,
    /// The targets' places by name.
    names: HashMap<String, usize>,
    faults: Faults,
}

impl ListReader {
    /// A reader of what the arguments name.
    pub fn new(args: &MonitorArgs) -> anyhow::Result<Self> {
        let is_list = |text: &String| text.contains('/') || is_toml(text);
        let file = args.targets.iter().find(|text| is_list(text));
        if let Some(file) = file.filter(|_| args.targets.len() > 1) {
            let wrong = MonitorUsage::ListAndTargets { file: file.clone() };
            return Err(Usage::from(wrong).into());
        }
        let run: Option<Arc<str>> = args.run.as_deref().map(Into::into);
        let ends = args.fail_if.iter().filter(|one| one.window.is_some() || one.limit().is_none());
        Ok(Self {
            file: file.map(PathBuf::from),
            targets: if file.is_some() { Vec::new() } else { args.targets.clone() },
            defaults: Settings {
                is_echo: args.echo,
                interval: args.interval,
                size: args.size.map(|size| size.0),
                dscp: args.dscp,
                key: args.key.clone(),
                port: args.port,
            },
            family: args.family.into(),
            device: device(args.interface.as_deref())?,
            wait: args.wait,
            alerts: args.alert.iter().map(|one| (one.clone(), run.clone())).collect(),
            ends: ends.cloned().collect(),
            known: Vec::new(),
            commands: Commands::default(),
        })
    }

    /// Whether there is a file that can be read again.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The commands of the thresholds of all lists so far.
    pub fn commands(&self) -> Commands {
        Arc::clone(&self.commands)
    }

    /// Reads the list whole. After an error, everything is as it was.
    pub fn read(&mut self) -> anyhow::Result<MonitorList> {
        let mut draft = Draft { known: self.known.clone(), ..Draft::default() };
        let written = match &self.file {
            Some(file) => {
                let text = std::fs::read_to_string(file);
                read::read(
                    &text.with_context(|| format!("cannot read {}", file.display()))?,
                    &mut draft.faults,
                )
            }
            None => read::Written {
                targets: self.targets.iter().map(|text| on_command_line(text)).collect(),
                ..read::Written::default()
            },
        };
        let mut defaults = self.defaults.clone();
        for value in &written.defaults.values {
            defaults.take(value, &mut draft.faults);
        }
        let mut thresholds = Vec::new();
        for section in &written.targets {
            self.target(section, &defaults, &mut draft);
        }
        for section in &written.thresholds {
            thresholds.extend(threshold(section, &draft.names, &mut draft.faults));
        }
        let faults = &mut draft.faults;
        if draft.list.targets.is_empty() && faults.is_empty() {
            faults.add(0, Fault::NoTarget);
        }
        if draft.list.targets.len() > MOST_TARGETS {
            let many = draft.list.targets.len();
            faults.add(0, Fault::TooMany { many, most: MOST_TARGETS });
        }
        if !faults.is_empty() {
            let path = self.file.as_ref().map(|file| file.display().to_string());
            let told = draft.faults.told(&path.unwrap_or_default());
            return Err(Usage::from(MonitorUsage::Faults(told)).into());
        }
        self.add_thresholds(&mut draft, thresholds);
        self.known = draft.known;
        let commands = self.known.iter().map(|(_, run)| run.clone()).collect();
        *self.commands.lock().unwrap_or_else(PoisonError::into_inner) = commands;
        draft.list.thresholds = self.known.iter().map(|(one, _)| one.clone()).collect();
        Ok(draft.list)
    }

    /// Gives each target the thresholds that are on it.
    fn add_thresholds(&self, draft: &mut Draft, listed: Vec<Listed>) {
        let of_all = |threshold: &Threshold, ends_run, run: &Option<Arc<str>>| Listed {
            watched: WatchedThreshold { threshold: threshold.clone(), ends_run },
            run: run.clone(),
            targets: None,
        };
        let alerts = self.alerts.iter().map(|(one, run)| of_all(one, false, run));
        let ends = self.ends.iter().map(|one| of_all(one, true, &None));
        let mut on: Vec<Vec<u16>> = vec![Vec::new(); draft.list.targets.len()];
        for Listed { watched, run, targets } in alerts.chain(ends).chain(listed) {
            let entry = (watched, run);
            let number = draft.known.iter().position(|known| *known == entry);
            let number = number.unwrap_or_else(|| {
                draft.known.push(entry);
                draft.known.len() - 1
            });
            let all = 0..draft.list.targets.len();
            for place in targets.unwrap_or_else(|| all.collect()) {
                on[place].push(number as u16);
            }
        }
        for (target, on) in draft.list.targets.iter_mut().zip(on) {
            target.thresholds = on.into_boxed_slice();
        }
    }

    fn target(&self, section: &Section, defaults: &Settings, draft: &mut Draft) {
        let faults = &mut draft.faults;
        let mut settings = defaults.clone();
        let (mut address, mut name) = (None, None);
        for value in &section.values {
            match value.key.as_str() {
                "address" => address = Some(value),
                "name" => name = Some(value),
                _ => settings.take(value, faults),
            }
        }
        let Some(address) = address else {
            faults.add(section.line, Fault::NoAddress);
            return;
        };
        let text = &address.texts[0];
        let name_line = name.map_or(address.line, |name| name.line);
        let name = name.map_or(text, |name| &name.texts[0]).clone();
        if name.is_empty() {
            faults.add(name_line, Fault::EmptyName);
        }
        let place = draft.list.targets.len();
        if let Some(before) = draft.names.insert(name.clone(), place) {
            let number = before + 1;
            faults.add(name_line, Fault::SameName { name: name.clone(), number });
        }
        let (host, literal) = match self.address(text, settings.port) {
            Ok(found) => found,
            Err(error) => return faults.add(address.line, Fault::Address(message_of(&error))),
        };
        match self.profile(&settings, draft) {
            Ok(profile) => draft.list.targets.push(ListedTarget {
                name: name.into(),
                host: host.into(),
                address: literal,
                profile,
                thresholds: Box::default(),
            }),
            Err(why) => draft.faults.add(section.line, why),
        }
    }

    /// Host and port to resolve, and the address if there is nothing to resolve.
    fn address(
        &self,
        text: &str,
        port: u16,
    ) -> anyhow::Result<(String, Option<std::net::SocketAddr>)> {
        check_hosts(&[text]).map_err(Usage::from)?;
        let parts = split_host_port(text)?;
        let host = match &parts.port {
            Some(_) => text.to_owned(),
            None if parts.host.contains(':') => format!("[{}]:{port}", parts.host),
            None => format!("{}:{port}", parts.host),
        };
        // A name is resolved while the others are probed; a wrong port is found now.
        let port = match &parts.port {
            Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => port.parse()?,
            None if port > 0 => port,
            _ => crate::net::resolve(text, Some(port), self.family)?.port(),
        };
        if parts.host.is_empty() {
            crate::net::resolve(text, Some(port), self.family)?;
        }
        let address = literal(&parts.host, port)?;
        if address.is_some() {
            let address = crate::net::resolve(&host, None, self.family)?;
            check_zones(&[address], self.device).map_err(Usage::from)?;
            return Ok((host, Some(address)));
        }
        Ok((host, None))
    }

    /// The profile with these settings.
    fn profile(&self, settings: &Settings, draft: &mut Draft) -> Result<usize, Fault> {
        if let Some(known) = draft.profiles.iter().position(|known| known == settings) {
            return Ok(known);
        }
        if settings.interval < LEAST_INTERVAL {
            let interval = settings.interval;
            return Err(Fault::Interval { interval, least: LEAST_INTERVAL });
        }
        if self.wait.0 / settings.interval.0 > MOST_WAIT {
            let (wait, interval) = (self.wait, settings.interval);
            return Err(Fault::Wait { wait, most: MOST_WAIT, interval });
        }
        let protocol = protocol(settings, &mut draft.keys)?;
        let dscp = settings.dscp.map_or(0, |dscp| tos(dscp, Ecn::default()));
        let profile = Profile { protocol, tos: dscp, interval: settings.interval };
        draft.list.profiles.push(profile);
        draft.profiles.push(settings.clone());
        Ok(draft.profiles.len() - 1)
    }
}

/// A threshold of a list, and the places of the targets that it is on; `None` for all.
struct Listed {
    watched: WatchedThreshold,
    run: Option<Arc<str>>,
    targets: Option<Vec<usize>>,
}

impl Settings {
    fn take(&mut self, value: &Value, faults: &mut Faults) {
        let (key, line) = (value.key.as_str(), value.line);
        let Some(text) = value.texts.first() else { return };
        let mut wrong = |why: &dyn Display| {
            faults.add(line, Fault::Value { key: key.to_owned(), why: why.to_string() });
        };
        match key {
            "interval" => match text.parse() {
                Ok(interval) => self.interval = interval,
                Err(why) => wrong(&why),
            },
            "size" => match text.parse::<ByteCount>() {
                Ok(size) => self.size = Some(size.0),
                Err(why) => wrong(&why),
            },
            "dscp" => match text.parse() {
                Ok(dscp) => self.dscp = Some(dscp),
                Err(why) => wrong(&why),
            },
            "port" => match text.parse() {
                Ok(port) if port > 0 => self.port = port,
                _ => faults.add(line, Fault::Port(text.clone())),
            },
            "key" => self.key = Some(text.into()),
            "protocol" => match text.as_str() {
                "stamp" => self.is_echo = false,
                "echo" => self.is_echo = true,
                _ => faults.add(line, Fault::Protocol(text.clone())),
            },
            _ => {}
        }
    }
}

fn is_toml(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|one| one.eq_ignore_ascii_case("toml"))
}

/// A target of the command line as if it were in a list.
fn on_command_line(text: &str) -> Section {
    let value = Value { line: 0, key: "address".to_owned(), texts: vec![text.to_owned()] };
    Section { line: 0, values: vec![value] }
}

fn threshold(
    section: &Section,
    names: &HashMap<String, usize>,
    faults: &mut Faults,
) -> Option<Listed> {
    let value = |key: &str| section.values.iter().find(|one| one.key == key);
    let Some(when) = value("when") else {
        faults.add(section.line, Fault::NoCondition);
        return None;
    };
    let threshold = match when.texts[0].parse::<Threshold>() {
        Ok(one) if one.limit().is_some() && one.window.is_none() => {
            faults.add(when.line, Fault::NoWindow(one.to_string()));
            return None;
        }
        Ok(one) => one,
        Err(why) => {
            faults.add(when.line, Fault::Condition(why));
            return None;
        }
    };
    let targets = value("targets").map(|value| {
        let place = |name: &String| {
            let place = names.get(name).copied();
            if place.is_none() {
                faults.add(value.line, Fault::NoSuchTarget(name.clone()));
            }
            place
        };
        value.texts.iter().filter_map(place).collect()
    });
    let run = value("run").map(|value| value.texts[0].as_str().into());
    Some(Listed { watched: WatchedThreshold { threshold, ends_run: false }, run, targets })
}

fn protocol(settings: &Settings, keys: &mut Vec<(PathBuf, StampKey)>) -> Result<Protocol, Fault> {
    let most = max_payload(IpFamily::V4);
    let size = settings.size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    if settings.is_echo {
        let len = size.unwrap_or(PLAIN_LEN);
        if !(Header::LEN..=most).contains(&len) {
            return Err(Fault::Size { size: len, least: Header::LEN, most });
        }
        return Ok(Protocol::Plain { tag: 0, len });
    }
    let key = stamp_key(settings.key.as_deref(), keys)?;
    let asked = Asked { class: settings.dscp, ..Asked::default() };
    let least = StampProbes::least(key.as_ref(), asked);
    let len = size.unwrap_or(least);
    // Padding is a TLV with a header of four bytes.
    if len < least || len > most || (1..4).contains(&(len - least)) {
        let padded = least + 4;
        return Err(Fault::StampSize { size: len, least, padded, most });
    }
    let error = match sys::real_time_error() {
        Some(error) => ErrorEstimate::of(error, TimeFormat::Ntp).synchronised(),
        None => ErrorEstimate::default(),
    };
    Ok(Protocol::Stamp(StampProbes { key, ssid: 0, error, asked, len }))
}

/// The key in a file, or in that of the environment; each file is read once.
fn stamp_key(
    path: Option<&Path>,
    keys: &mut Vec<(PathBuf, StampKey)>,
) -> Result<Option<StampKey>, Fault> {
    let named = path.map(Path::to_owned).unwrap_or_default();
    if let Some((_, known)) = keys.iter().find(|(path, _)| *path == named) {
        return Ok(Some(known.clone()));
    }
    let found = key::read(path).map_err(|error| Fault::Key(message_of(&error)))?;
    let found = found.as_ref().map(ControlKey::stamp);
    if let Some(found) = &found {
        keys.push((named, found.clone()));
    }
    Ok(found)
}

/// The first tag of the targets: another run's answers are not taken for this one's.
pub(super) fn first_tag() -> std::io::Result<u16> {
    // So many below the most that there are for the most targets.
    const TAGS: u64 = 5_000;
    Ok((random_u64()? % TAGS) as u16 + 1)
}

#[cfg(test)]
mod tests;
