//! The report from a fan-out receiver to its sender.

use super::{fanout_tag, number, read_run, read_value};
use crate::wire::{Command, Params, Verb};
use std::fmt::Write;
use std::net::SocketAddr;

/// Most gaps listed in one report.
pub const REPORT_GAPS: usize = 128;
/// Longest accepted interface name in bytes; the kernel's own limit is 15.
const NAME_MAX: usize = 32;

/// One receiver's counts for one run, since it began to listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverReport {
    /// The run identifier, from an announcement.
    pub run: u64,
    /// The receiver's identifier, chosen at random for each run, group and interface.
    pub id: u32,
    /// Whether it is the final report: the run is over, or the receiver leaves.
    pub last: bool,
    /// Destination of the received datagrams; `None` when none arrived.
    pub to: Option<SocketAddr>,
    /// Name of the receiving interface; empty if not known.
    pub by: String,
    /// Datagrams received, including copies.
    pub received: u64,
    /// First copies.
    pub firsts: u64,
    /// Numbers that did not arrive.
    pub lost: u64,
    /// Loss bursts (RFC 3357).
    pub bursts: u64,
    /// Length of the longest burst, in datagrams.
    pub longest: u64,
    /// Reordered datagrams (RFC 4737).
    pub reordered: u64,
    /// Second and further copies.
    pub duplicates: u64,
    /// Buffers dropped by the receiver's socket, from any source.
    pub drops: u64,
    /// Of the lost, those in gaps that these drops explain; `None` if not reported.
    pub dropped: Option<u64>,
    /// What the receiver's host counted since it began to listen; `None` if not reported.
    pub host: Option<HostCounts>,
    /// Median of the delay above its minimum, in nanoseconds.
    pub p50: Option<u64>,
    /// Its 99th percentile.
    pub p99: Option<u64>,
    /// Its maximum.
    pub max: Option<u64>,
    /// From the join to the first datagram, in nanoseconds.
    pub join: Option<u64>,
    /// `at` of the latest announcement received.
    pub echo: u64,
    /// Nanoseconds from that announcement's arrival to this report.
    pub held: u64,
    /// When this was written, on the receiver's real-time clock.
    pub now: u64,
    /// `value` of that announcement, if it had one.
    pub value: Option<u64>,
    /// Losses between the last two marks.
    pub mark: Option<MarkReport>,
}

/// Counts of a host, by their place in a list of counters that both ends know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCounts {
    /// How many counters of the list are known: the receiver may know fewer, or more.
    pub listed: u8,
    /// Those that are not 0, in ascending order of their places, all below `listed`; `None` for
    /// those that could not be read.
    pub counts: Vec<(u8, Option<u64>)>,
}

impl HostCounts {
    /// As in a report: `39,0:1234,26:-`.
    pub fn text(&self) -> String {
        let mut text = self.listed.to_string();
        for (place, count) in &self.counts {
            // Writing to a string cannot fail.
            let _ = match count {
                Some(count) => write!(text, ",{place}:{count}"),
                None => write!(text, ",{place}:-"),
            };
        }
        text
    }

    /// From a report; `None` if a value is implausible.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let listed = parts.next()?.parse().ok()?;
        let mut counts: Vec<(u8, Option<u64>)> = Vec::new();
        for part in parts {
            let (place, count) = part.split_once(':')?;
            let place: u8 = place.parse().ok()?;
            let count = match count {
                "-" => None,
                count => Some(count.parse().ok()?),
            };
            if place >= listed || counts.last().is_some_and(|(before, _)| place <= *before) {
                return None;
            }
            counts.push((place, count));
        }
        Some(Self { listed, counts })
    }
}

/// Numbers that a receiver lost since a mark, so that receivers can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkReport {
    /// The first number.
    pub from: u64,
    /// `gaps` is complete below this number.
    pub upto: u64,
    /// First and last number of each gap, ascending.
    pub gaps: Vec<(u64, u64)>,
    /// Transit time (arrival minus send, on the two ends' clocks) of the datagram numbered `from`,
    /// in nanoseconds; `None` if it did not arrive.
    pub transit: Option<i64>,
}

impl ReceiverReport {
    /// Encodes the line in at most `limit` bytes: gaps that do not fit are left out, and `upto` is
    /// lowered accordingly; so are the host's counts. Empty if it does not fit even without both.
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        let counts = self.host.as_ref().map(HostCounts::text);
        let whole = self.encode_with(limit, counts.as_deref());
        if whole.is_empty() && counts.is_some() {
            return self.encode_with(limit, None);
        }
        whole
    }

    fn encode_with(&self, limit: usize, host: Option<&str>) -> Vec<u8> {
        let mut gaps = self.mark.as_ref().map_or(0, |mark| mark.gaps.len()).min(REPORT_GAPS);
        loop {
            let bytes = self.command(gaps, host).encode().unwrap_or_default();
            if !bytes.is_empty() && bytes.len() <= limit {
                return bytes;
            }
            if gaps == 0 {
                return Vec::new();
            }
            gaps = gaps * 3 / 4;
        }
    }

    fn command(&self, gaps: usize, host: Option<&str>) -> Command {
        let verb = if self.last { Verb::Quit } else { Verb::Stat };
        let mut command = Command { tag: fanout_tag(), verb, params: Params::default() };
        let params = &mut command.params;
        params.push("run", format_args!("{:016x}", self.run));
        params.push("id", format_args!("{:08x}", self.id));
        if let Some(to) = self.to {
            params.push("to", to);
        }
        if !self.by.is_empty() {
            params.push("by", &self.by);
        }
        for (key, value) in [
            ("received", self.received),
            ("firsts", self.firsts),
            ("lost", self.lost),
            ("bursts", self.bursts),
            ("longest", self.longest),
            ("reordered", self.reordered),
            ("duplicates", self.duplicates),
            ("drops", self.drops),
        ] {
            params.push(key, value);
        }
        if let Some(dropped) = self.dropped {
            params.push("dropped", dropped);
        }
        if let Some(host) = host {
            params.push("host", host);
        }
        for (key, value) in
            [("p50", self.p50), ("p99", self.p99), ("max", self.max), ("join", self.join)]
        {
            if let Some(value) = value {
                params.push(key, value);
            }
        }
        for (key, value) in [("echo", self.echo), ("held", self.held), ("now", self.now)] {
            params.push(key, value);
        }
        if let Some(value) = self.value {
            params.push("value", format_args!("{value:016x}"));
        }
        if let Some(mark) = &self.mark {
            mark.push_into(params, gaps);
        }
        command
    }

    /// Parses a line; `None` for any other command.
    pub fn read(command: &Command) -> Option<Self> {
        let params = &command.params;
        let last = match command.verb {
            Verb::Stat => false,
            Verb::Quit => true,
            _ => return None,
        };
        let id = params.get("id").filter(|id| id.len() == 8)?;
        let by = params.get("by").unwrap_or_default();
        if by.len() > NAME_MAX || !by.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return None;
        }
        Some(Self {
            run: read_run(params)?,
            id: u32::from_str_radix(id, 16).ok()?,
            last,
            to: params.parse("to").ok()?,
            by: by.to_owned(),
            received: number(params, "received")?,
            firsts: number(params, "firsts")?,
            lost: number(params, "lost")?,
            bursts: number(params, "bursts")?,
            longest: number(params, "longest")?,
            reordered: number(params, "reordered")?,
            duplicates: number(params, "duplicates")?,
            drops: number(params, "drops")?,
            dropped: params.parse("dropped").ok()?,
            host: match params.get("host") {
                None => None,
                Some(text) => Some(HostCounts::read(text)?),
            },
            p50: params.parse("p50").ok()?,
            p99: params.parse("p99").ok()?,
            max: params.parse("max").ok()?,
            join: params.parse("join").ok()?,
            echo: number(params, "echo")?,
            held: number(params, "held")?,
            now: number(params, "now")?,
            value: read_value(params).ok()?,
            mark: match params.get("mark") {
                None => None,
                Some(_) => Some(MarkReport::read(params)?),
            },
        })
    }
}

impl MarkReport {
    fn push_into(&self, params: &mut Params, count: usize) {
        let count = count.min(self.gaps.len());
        let upto = self.gaps.get(count).map_or(self.upto, |(first, _)| *first);
        params.push("mark", self.from);
        params.push("upto", upto);
        if let Some(transit) = self.transit {
            params.push("transit", transit);
        }
        if count == 0 {
            return;
        }
        // Numbers are written relative to the mark, to need few digits.
        let mut text = String::new();
        for (first, last) in &self.gaps[..count] {
            if !text.is_empty() {
                text.push(',');
            }
            // Writing to a string cannot fail.
            let _ = write!(text, "{}", first.saturating_sub(self.from));
            if last > first {
                let _ = write!(text, "-{}", last.saturating_sub(self.from));
            }
        }
        params.push("gaps", text);
    }

    /// `None` if a value is implausible.
    fn read(params: &Params) -> Option<Self> {
        let (from, upto): (u64, u64) = (number(params, "mark")?, number(params, "upto")?);
        if upto < from {
            return None;
        }
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        for text in params.get("gaps").into_iter().flat_map(|text| text.split(',')) {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let first = from.checked_add(first.parse().ok()?)?;
            let last = from.checked_add(last.parse().ok()?)?;
            let rises = gaps.last().is_none_or(|(_, before)| first > *before);
            if last < first || last >= upto || !rises || gaps.len() == REPORT_GAPS {
                return None;
            }
            gaps.push((first, last));
        }
        Some(Self { from, upto, gaps, transit: params.parse("transit").ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::LINE_LEN;
    use super::*;

    fn report() -> ReceiverReport {
        ReceiverReport {
            run: 0xfeed,
            id: 0x1a2b,
            to: Some("239.1.2.3:5000".parse().unwrap()),
            by: "eth0".to_owned(),
            received: 970,
            firsts: 969,
            lost: 31,
            bursts: 2,
            longest: 30,
            duplicates: 1,
            p50: Some(1_200),
            join: Some(5),
            echo: 7,
            held: 8,
            now: 9,
            mark: Some(MarkReport {
                from: 500,
                upto: 1_000,
                gaps: vec![(503, 503), (600, 629)],
                transit: Some(-5),
            }),
            ..ReceiverReport::default()
        }
    }

    fn read(bytes: &[u8]) -> Option<ReceiverReport> {
        ReceiverReport::read(&Command::decode(bytes).ok()?)
    }

    #[test]
    fn a_report_is_one_line_of_text_and_is_read_back() {
        let bytes = report().encode(LINE_LEN);
        let text = "f STAT run=000000000000feed id=00001a2b to=239.1.2.3:5000 by=eth0 \
                    received=970 firsts=969 lost=31 bursts=2 longest=30 reordered=0 duplicates=1 \
                    drops=0 p50=1200 join=5 echo=7 held=8 now=9 mark=500 upto=1000 transit=-5 \
                    gaps=3,100-129\r\n";
        assert_eq!(String::from_utf8_lossy(&bytes), text);
        assert_eq!(read(&bytes), Some(report()));
        let last = ReceiverReport { last: true, mark: None, to: None, value: Some(9), ..report() };
        assert!(last.encode(LINE_LEN).starts_with(b"f QUIT "));
        assert_eq!(read(&last.encode(LINE_LEN)), Some(last));
    }

    #[test]
    fn the_largest_numbers_fit_and_gaps_fill_what_is_left() {
        let most = u64::MAX;
        let far = most - 10_000;
        let full = ReceiverReport {
            to: Some("[fe80:1111:2222:3333:4444:5555:6666:7777]:65535".parse().unwrap()),
            by: "fifteen-letters".to_owned(),
            received: most,
            firsts: most,
            lost: most,
            bursts: 1 << 40,
            longest: 1 << 40,
            reordered: 1 << 40,
            duplicates: 1 << 40,
            drops: 1 << 40,
            p50: Some(1 << 40),
            p99: Some(1 << 40),
            max: Some(1 << 40),
            join: Some(1 << 40),
            echo: most,
            held: most,
            now: most,
            value: Some(most),
            mark: Some(MarkReport {
                from: far,
                upto: most,
                gaps: (0..REPORT_GAPS as u64).map(|k| (far + 7 * k, far + 7 * k + 2)).collect(),
                transit: Some(i64::MIN),
            }),
            ..report()
        };
        let bytes = full.encode(LINE_LEN);
        assert!(!bytes.is_empty() && bytes.len() <= LINE_LEN);
        let (whole, cut) = (full.mark.unwrap(), read(&bytes).unwrap().mark.unwrap());
        assert!(cut.gaps.len() < whole.gaps.len());
        assert_eq!(cut.gaps[..], whole.gaps[..cut.gaps.len()]);
        assert_eq!(cut.upto, whole.gaps[cut.gaps.len()].0);
        assert!(report().encode(100).is_empty());
    }

    #[test]
    fn a_hosts_counts_are_short_and_give_way_to_the_rest() {
        let counts = vec![(0, Some(1_234)), (9, None), (30, Some(87))];
        let told = ReceiverReport {
            dropped: Some(12),
            host: Some(HostCounts { listed: 39, counts }),
            ..report()
        };
        let bytes = told.encode(LINE_LEN);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains(" drops=0 dropped=12 host=39,0:1234,9:-,30:87 p50"), "{text}");
        assert_eq!(read(&bytes), Some(told.clone()));
        let without = ReceiverReport { host: None, ..told.clone() };
        let least = ReceiverReport { mark: None, ..without.clone() }.encode(LINE_LEN).len();
        assert!(read(&told.encode(least + 40)).is_some_and(|read| read.host.is_none()));
        let counts = (0..39).map(|place| (place, Some(u64::MAX))).collect();
        let full = ReceiverReport { host: Some(HostCounts { listed: 39, counts }), ..told };
        assert_eq!(read(&full.encode(LINE_LEN)), Some(without));
        for (from, to) in [
            ("0:1234,9:-", "9:-,0:1234"),
            ("30:87", "39:87"),
            ("30:87", "30:-87"),
            ("30:87", "30"),
            ("host=39", "host=x"),
            ("host=39", "host=999"),
            ("dropped=12", "dropped=-"),
        ] {
            assert_eq!(read(text.replace(from, to).as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_no_report() {
        let whole = String::from_utf8(report().encode(LINE_LEN)).unwrap();
        for (from, to) in [
            ("run=000000000000feed", "run=+00000000000feed"),
            ("echo=7", "echo=7 value=9"),
            ("id=00001a2b", "id=1a2b"),
            ("lost=31", "lost=-1"),
            ("lost=31", "missing=31"),
            ("to=239.1.2.3:5000", "to=here"),
            ("by=eth0", "by=%1B[2J"),
            ("gaps=3,100-129", "gaps=100-129,3"),
            ("gaps=3,100-129", "gaps=500"),
            ("gaps=3,100-129", "gaps=9-3"),
            ("gaps=3,100-129", "gaps=18446744073709551615"),
            ("upto=1000", "upto=400"),
            ("STAT", "NOOP"),
        ] {
            assert_eq!(read(whole.replace(from, to).as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let whole = report().encode(LINE_LEN);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..rng.usize(1..6) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(b' '..=b'~');
            }
            if let Some(read_once) = read(&bytes) {
                let again = read_once.encode(LINE_LEN);
                assert_eq!(read(&again), Some(read_once), "seed {seed}");
            }
        }
    }
}
