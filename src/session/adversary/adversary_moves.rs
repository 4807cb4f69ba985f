//! The adversary's knowledge and its next datagram: every message of every protocol, in and out of
//! order, with everything it has learnt, from any source.

use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, StampRequest, TimeFormat, Timestamp, TlvKind, push_tlv};
use crate::wire::stun::{AttributeKind, ChangeRequest, StunClass, StunWriter, TransactionId};
use crate::wire::{Ask, Command, Header, Kind, Params, Reply, Tag, Verb, Via};
use fastrand::Rng;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::net::SocketAddr;

/// Maximum values kept per key, and maximum datagrams kept.
const WORDS: usize = 12;
const DATAGRAMS: usize = 32;
/// Number of moves that are printed on failure.
const TOLD: usize = 40;

const VERBS: [Verb; 11] = [
    Verb::Helo,
    Verb::Test,
    Verb::Data,
    Verb::Stat,
    Verb::Rset,
    Verb::Noop,
    Verb::Help,
    Verb::Quit,
    Verb::Rcpt,
    Verb::Vrfy,
    Verb::Expn,
];

/// Parameter names for commands besides those learnt.
const KEYS: [&str; 36] = [
    "kind",
    "direction",
    "streams",
    "size",
    "rate",
    "time_ns",
    "count",
    "window",
    "interval_ns",
    "ports",
    "stream",
    "run",
    "from",
    "sent",
    "stop",
    "about",
    "addr",
    "host_streams",
    "verify",
    "id",
    "to",
    "by",
    "received",
    "firsts",
    "lost",
    "bursts",
    "mark",
    "upto",
    "gaps",
    "total",
    "at",
    "every",
    "within",
    "echo",
    "held",
    "now",
];

/// The adversary.
pub struct Adversary {
    pub seed: u64,
    pub rng: Rng,
    /// Its own addresses: it receives what is sent there.
    pub own: Vec<SocketAddr>,
    /// Addresses that it only forges.
    pub forged: Vec<SocketAddr>,
    /// Addresses that the user named: datagrams are sent to them in any case.
    pub named: Vec<SocketAddr>,
    /// Forged addresses that were its own once.
    left: Vec<SocketAddr>,
    /// Values from replies, by key, each with the address that received it.
    words: BTreeMap<String, VecDeque<(SocketAddr, String)>>,
    seen: VecDeque<Vec<u8>>,
    tags: u32,
    told: VecDeque<String>,
}

impl Adversary {
    pub fn new(seed: u64) -> Self {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        Self {
            seed,
            rng: Rng::with_seed(seed),
            own: addresses(&["198.51.100.1:4000", "198.51.100.1:4001", "[2001:db8:9::1]:4000"]),
            forged: addresses(&[
                "192.0.2.1:53",
                "192.0.2.1:4000",
                "192.0.2.2:8620",
                "198.51.100.1:9",
                "[2001:db8:1::1]:123",
            ]),
            named: Vec::new(),
            left: Vec::new(),
            words: BTreeMap::new(),
            seen: VecDeque::new(),
            tags: 0,
            told: VecDeque::new(),
        }
    }

    /// Whether what is sent to an address reaches the adversary, or is legitimate.
    pub fn hears(&self, address: SocketAddr) -> bool {
        self.own.contains(&address) || self.named.contains(&address)
    }

    /// Whether an address was its own once.
    pub fn owned(&self, address: SocketAddr) -> bool {
        self.hears(address) || self.left.contains(&address)
    }

    /// It received a datagram at one of its own addresses.
    pub fn learn(&mut self, at: SocketAddr, bytes: &[u8]) {
        let reply = Reply::decode(bytes).ok().map(|reply| reply.params);
        let params = reply.or_else(|| Command::decode(bytes).ok().map(|command| command.params));
        for (key, value) in params.iter().flat_map(Params::iter).filter(|(key, _)| *key != "pad") {
            let words = self.words.entry(key.to_owned()).or_default();
            if words.len() == WORDS {
                words.pop_front();
            }
            words.push_back((at, value.to_owned()));
        }
        if self.seen.len() == DATAGRAMS {
            self.seen.pop_front();
        }
        self.seen.push_back(bytes.to_vec());
    }

    /// Records a move, to be printed on failure.
    pub fn note(&mut self, what: String) {
        if self.told.len() == TOLD {
            self.told.pop_front();
        }
        self.told.push_back(what);
    }

    /// The last moves.
    pub fn story(&self) -> String {
        self.told.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "  {line:.240}");
            text
        })
    }

    /// Some address: its own or another's.
    pub fn source(&mut self) -> SocketAddr {
        let from = if self.rng.bool() { &self.own } else { &self.forged };
        from[self.rng.usize(..from.len())]
    }

    /// It gives up one of its own addresses, which it continues to forge; `None` if it has just one
    /// left.
    pub fn moves_away(&mut self) -> Option<SocketAddr> {
        if self.own.len() < 2 {
            return None;
        }
        let address = self.own.remove(self.rng.usize(..self.own.len()));
        self.forged.push(address);
        self.left.push(address);
        Some(address)
    }

    /// Some time span: mostly zero, rarely minutes.
    pub fn span(&mut self) -> Nanos {
        match self.rng.u8(..20) {
            0..=9 => Nanos::ZERO,
            10..=13 => Nanos(self.rng.u64(..1_000_000)),
            14..=16 => Nanos(self.rng.u64(..1_000_000_000)),
            17 | 18 => Nanos(self.rng.u64(..20_000_000_000)),
            _ => Nanos(self.rng.u64(..400_000_000_000)),
        }
    }

    /// The datagram that it sends from `source`.
    pub fn says(&mut self, source: SocketAddr) -> Vec<u8> {
        let mut bytes = match self.rng.u8(..20) {
            0..=6 => self.command(source),
            7 | 8 => self.fan_out(source),
            9..=12 => self.ask(),
            13 => self.stamp(),
            14 => self.stun(),
            15 => self.measurement(),
            16 | 17 => self.again(),
            18 => self.noise(),
            _ => b"udpkit".to_vec(),
        };
        if self.rng.u8(..12) == 0 && !bytes.is_empty() {
            let at = self.rng.usize(..bytes.len());
            bytes[at] = self.rng.u8(..);
        }
        if self.rng.u8(..20) == 0 {
            bytes.truncate(self.rng.usize(..=bytes.len()));
        }
        bytes
    }

    /// A command with learnt or made-up parameters.
    fn command(&mut self, source: SocketAddr) -> Vec<u8> {
        let verb = VERBS[self.rng.usize(..VERBS.len())];
        let mut command = Command::new(self.tag(), verb);
        let known: Vec<String> = self.words.keys().cloned().collect();
        for key in ["ticket", "session", "proof", "run", "tag"] {
            if self.rng.u8(..10) < 7
                && let Some(word) = self.word(key, source)
            {
                command.params.push(key, word);
            }
        }
        for _ in 0..self.rng.usize(..6) {
            let key = match self.rng.choice(&known) {
                Some(key) if self.rng.bool() => key.clone(),
                _ => KEYS[self.rng.usize(..KEYS.len())].to_owned(),
            };
            if command.params.get(&key).is_none() {
                let value = self.value(&key, source);
                command.params.push(&key, value);
            }
        }
        let pad = if self.rng.bool() { self.rng.usize(..700) } else { 0 };
        command.padded(pad).encode().unwrap_or_default()
    }

    /// An announcement or a report of a fan-out.
    fn fan_out(&mut self, source: SocketAddr) -> Vec<u8> {
        let known = self.word("run", source);
        let run = known.unwrap_or_else(|| format!("{:016x}", self.rng.u64(..4)));
        let last = self.rng.u8(..4) == 0;
        let mut text = if self.rng.bool() {
            let (mark, end) = (self.number(), if last { "total" } else { "sent" });
            let (tag, every) = (self.rng.u16(..3), self.number());
            format!(
                "f STAT run={run} tag={tag} at={} receivers=1 every={every} within={} mark={mark} \
                 {end}={}",
                self.number(),
                self.number(),
                self.number()
            )
        } else {
            let verb = if last { "QUIT" } else { "STAT" };
            let numbers: Vec<u64> = (0..8).map(|_| self.number()).collect();
            let mut text = format!("f {verb} run={run} id={:08x}", self.rng.u32(..4));
            if self.rng.u8(..4) > 0 {
                text.push_str(" to=239.1.2.3:5000");
            }
            let keys =
                ["received", "firsts", "lost", "bursts", "longest", "reordered", "duplicates"];
            for (key, value) in keys.iter().zip(&numbers) {
                let _ = write!(text, " {key}={value}");
            }
            text + " drops=0 echo=0 held=0 now=5"
        };
        for key in ["proof", "session"] {
            if self.rng.bool()
                && let Some(word) = self.word(key, source)
            {
                let _ = write!(text, " {key}={word}");
            }
        }
        if self.rng.bool() {
            let _ = write!(text, " pad={}", "x".repeat(self.rng.usize(..600)));
        }
        text.into_bytes()
    }

    /// A command that opens something, as a client would write it.
    pub fn opening(&mut self, verb: Verb, source: SocketAddr, keys: &[(&str, &str)]) -> Vec<u8> {
        let mut command = Command::new(self.tag(), verb);
        for key in ["ticket", "session", "proof"] {
            if let Some(word) = self.latest(key, source) {
                command.params.push(key, word);
            }
        }
        for (key, value) in keys {
            command.params.push(key, value);
        }
        command.padded(200).encode().unwrap_or_default()
    }

    /// A command that would move a session, a stream or a subscription from one of its own addresses
    /// to `source`, with what it knows of both.
    pub fn moving(&mut self, verb: Verb, from: SocketAddr, source: SocketAddr) -> Vec<u8> {
        let mut command = Command::new(self.tag(), verb);
        // Once the session is there, its values come there.
        let of_proof = if verb == Verb::Data { source } else { from };
        for (key, at) in [("session", from), ("proof", of_proof), ("value", from)] {
            if let Some(word) = self.latest(key, at) {
                command.params.push(key, word);
            }
        }
        let own = self.latest("ticket", source);
        if let Some(ticket) = own.or_else(|| self.word("ticket", from)) {
            command.params.push("ticket", ticket);
        }
        command.params.push("was", from);
        if verb == Verb::Data {
            command.params.push("stream", self.rng.u8(..2));
            if let Some(tag) = self.latest("tag", from) {
                command.params.push("run", tag);
            }
        }
        command.padded(240).encode().unwrap_or_default()
    }

    fn tag(&mut self) -> Tag {
        // Now and then one that was used before.
        if self.rng.u8(..5) > 0 {
            self.tags += 1;
        }
        Tag::new(&format!("t{}", self.tags)).unwrap_or_default()
    }

    /// The last value received at an address.
    fn latest(&self, key: &str, source: SocketAddr) -> Option<String> {
        let words = self.words.get(key)?.iter().rev();
        words.clone().find(|(at, _)| *at == source).map(|(_, word)| word.clone())
    }

    /// A learnt value, mostly one sent to this source.
    fn word(&mut self, key: &str, source: SocketAddr) -> Option<String> {
        if self.rng.u8(..4) > 0
            && let Some(word) = self.latest(key, source)
        {
            return Some(word);
        }
        let words = self.words.get(key)?;
        let (_, word) = words.get(self.rng.usize(..words.len()))?;
        Some(word.clone())
    }

    fn value(&mut self, key: &str, source: SocketAddr) -> String {
        if self.rng.bool()
            && let Some(word) = self.word(key, source)
        {
            return word;
        }
        let pick = |rng: &mut Rng, of: &[&str]| of[rng.usize(..of.len())].to_owned();
        match key {
            "kind" => pick(&mut self.rng, &["probe", "blast", "cast"]),
            "direction" => pick(&mut self.rng, &["up", "down", "both"]),
            "rate" => pick(&mut self.rng, &["max", "1000000", "50kpps"]),
            "ports" => pick(&mut self.rng, &["7000-7009", "1-65535", "61000-61007,53", "8620"]),
            "about" => pick(&mut self.rng, &["sent", "received"]),
            "to" | "addr" => self.source().to_string(),
            "gaps" => pick(&mut self.rng, &["0", "1-5,9", "0-99999999999"]),
            "run" | "session" => format!("{:016x}", self.rng.u64(..)),
            "id" => format!("{:08x}", self.rng.u32(..)),
            "streams" | "stream" => self.rng.u32(..70).to_string(),
            "size" => self.rng.u32(..70_000).to_string(),
            _ => self.number().to_string(),
        }
    }

    /// Numbers of every size.
    fn number(&mut self) -> u64 {
        match self.rng.u8(..8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.rng.u32(..64),
            _ => self.rng.u64(..) >> self.rng.u32(..64),
        }
    }

    /// A probe request with a learnt key.
    fn ask(&mut self) -> Vec<u8> {
        let told = |words: &BTreeMap<String, VecDeque<(SocketAddr, String)>>, key: &str| {
            words.get(key).and_then(|words| words.back()).map(|(_, word)| word.clone())
        };
        let key = told(&self.words, "key").and_then(|word| u64::from_str_radix(&word, 16).ok());
        let tag = told(&self.words, "tag").and_then(|word| word.parse().ok());
        let key = key.unwrap_or_else(|| self.rng.u64(..));
        let tag = tag.unwrap_or_else(|| self.rng.u16(..));
        let sequence = self.rng.u32(..64);
        let rng = &mut self.rng;
        let ask = Ask {
            answers: rng.u8(..=Ask::MOST_ANSWERS),
            via: [Via::Same, Via::Same, Via::Port, Via::Address, Via::Both][rng.usize(..5)],
            answer_tos: rng.u8(..),
            whole: rng.bool(),
            delay: match rng.u8(..4) {
                0 | 1 => Nanos::ZERO,
                2 => Nanos::from_millis(rng.u64(..5_000)),
                _ => Nanos::from_millis(rng.u64(..=360_000)),
            },
            answer_len: if rng.bool() { 0 } else { rng.u16(..2_000) },
            gap: if rng.bool() { Nanos::ZERO } else { Nanos::from_millis(rng.u64(..60_000)) },
            ..Ask::new(tag, key, rng.u32(..9), sequence, Nanos(rng.u64(..)))
        };
        let len = if rng.bool() { Ask::PADDED } else { Ask::LEN + rng.usize(..1_400) };
        let mut bytes = vec![0; len];
        if rng.u8(..4) > 0 {
            ask.encode(&mut bytes);
        } else {
            ask.encode_at_end(&mut bytes);
        }
        bytes
    }

    fn stamp(&mut self) -> Vec<u8> {
        let sent = Timestamp::of(Nanos(self.rng.u64(..)), TimeFormat::Ntp);
        let (seq, ssid) = (self.rng.u32(..), self.rng.u16(..8));
        let request = StampRequest { seq, sent, error: ErrorEstimate::default(), ssid };
        let mut bytes = request.encode().to_vec();
        for _ in 0..self.rng.usize(..4) {
            let value = vec![0; self.rng.usize(..40)];
            push_tlv(&mut bytes, TlvKind::from(self.rng.u8(..12)), &value);
        }
        bytes
    }

    fn stun(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let id = TransactionId(std::array::from_fn(|_| self.rng.u8(..)));
        let class = match self.rng.u8(..6) {
            0 => StunClass::Indication,
            1 => StunClass::Success,
            2 => StunClass::Error,
            _ => StunClass::Request,
        };
        let mut writer = StunWriter::begin(&mut bytes, class, id);
        if self.rng.bool() {
            let change = ChangeRequest { address: self.rng.bool(), port: self.rng.bool() };
            writer.push(AttributeKind::ChangeRequest, &change.encode());
        }
        if self.rng.bool() {
            writer.push(AttributeKind::Software, &vec![b'x'; self.rng.usize(..200)]);
        }
        if self.rng.u8(..4) == 0 {
            writer.push(AttributeKind::Other(self.rng.u16(..0x8000)), &[0; 8]);
        }
        writer.finish();
        bytes
    }

    fn measurement(&mut self) -> Vec<u8> {
        let kinds = [Kind::Data, Kind::End, Kind::Probe, Kind::Echo, Kind::Load, Kind::Rate];
        let tag = self.rng.u16(..);
        let is_check = self.rng.bool();
        let (kind, least) = if is_check { (Kind::Probe, 64) } else { (self.one_of(&kinds), 16) };
        let mut bytes = vec![0; least + self.rng.usize(..200)];
        let sent = Nanos(self.number());
        Header { kind, tag, sequence: self.rng.u32(..), sent }.encode(&mut bytes);
        // A probe of `cast check`: its mark, and whether the answer should go to the group.
        if is_check {
            bytes[17] = self.rng.u8(..4);
            bytes[20..24].copy_from_slice(b"cast");
        }
        bytes
    }

    /// Repeats something received.
    fn again(&mut self) -> Vec<u8> {
        let index = self.rng.usize(..=self.seen.len());
        self.seen.get(index).cloned().unwrap_or_default()
    }

    fn noise(&mut self) -> Vec<u8> {
        (0..self.rng.usize(..300)).map(|_| self.rng.u8(..)).collect()
    }

    /// A random one of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }
}
