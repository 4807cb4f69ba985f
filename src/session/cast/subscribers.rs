//! The sender's door: who may be added to a fan-out, who is in, and what anybody may ask about it.
//!
//! An address proves itself by a ticket before it is sent anything (HELO, then RCPT), so nobody can
//! add a third party; before that no answer is longer than what asked for it. Whoever is in says so
//! now and then (NOOP, or a report) and is dropped when it does not. Answers depend on nothing but
//! what is asked, so a repeat gets the same one.

use crate::batch::{Dest, RxMeta};
use crate::record::Departure;
use crate::session::Now;
use crate::units::Nanos;
use crate::wire::{CONTROL_MAX, Code, Command, CommandError, Params, Reply, Tag, TicketKey, Verb};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Receivers that can be added.
pub const SUBSCRIBERS_MAX: usize = 1_024;
/// How often a receiver must say that it is there, and after how much silence it is dropped.
const ALIVE: Nanos = Nanos::from_secs(5);
const DROPPED: Nanos = Nanos::from_secs(16);
/// A ticket is good for the slot that it was issued in and the next.
const TICKET_SLOT: Nanos = Nanos::from_secs(30);
/// The slot that names sessions: far from those of tickets.
const SESSION_SLOT: u64 = u64::MAX;

/// What a sender lets others do.
#[derive(Clone)]
pub struct DoorPolicy {
    /// Whether receivers may add themselves.
    pub open: bool,
    /// Whether anybody may ask who the receivers are.
    pub listed: bool,
    /// What tickets and sessions are made from.
    pub key: TicketKey,
}

impl std::fmt::Debug for DoorPolicy {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DoorPolicy {{ open: {}, listed: {} }}", self.open, self.listed)
    }
}

/// What became of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added(Dest),
    Removed(SocketAddr, Departure),
    /// A receiver of a group is sent unicast copies from now on, or no more.
    Copied(Dest),
    Uncopied(SocketAddr),
}

/// The door.
#[derive(Debug)]
pub(super) struct Door {
    policy: DoorPolicy,
    /// When each was heard of last.
    inside: HashMap<SocketAddr, Nanos>,
    changes: Vec<Change>,
    next_look: Nanos,
}

impl Door {
    pub fn new(policy: DoorPolicy) -> Self {
        Self { policy, inside: HashMap::new(), changes: Vec::new(), next_look: Nanos::ZERO }
    }

    /// Receivers inside.
    pub fn len(&self) -> usize {
        self.inside.len()
    }

    /// A receiver was heard of in another way.
    pub fn hear(&mut self, now: Nanos, addr: SocketAddr) {
        if let Some(heard) = self.inside.get_mut(&addr) {
            *heard = now;
        }
    }

    /// This host stood still for `length`: nobody was silent meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.inside.values_mut().for_each(|heard| *heard += length);
    }

    /// A receiver says by its last report that it leaves.
    pub fn leave(&mut self, addr: SocketAddr) {
        if self.inside.remove(&addr).is_some() {
            self.changes.push(Change::Removed(addr, Departure::Left));
        }
    }

    /// Drops whoever was silent for too long; says when to look again.
    pub fn expire(&mut self, now: Nanos) -> Option<Nanos> {
        if self.inside.is_empty() {
            return None;
        }
        if now >= self.next_look {
            let changes = &mut self.changes;
            self.inside.retain(|addr, heard| {
                let stays = now - *heard < DROPPED;
                if !stays {
                    changes.push(Change::Removed(*addr, Departure::Silent));
                }
                stays
            });
            self.next_look = now + Nanos::from_secs(1);
        }
        (!self.inside.is_empty()).then_some(self.next_look)
    }

    /// Who came and went since the last time this was asked.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether anybody came or went.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The answer to a datagram; empty for none. `others` are receivers that came in otherwise.
    pub fn answer(
        &mut self,
        now: Now,
        meta: &RxMeta,
        payload: &[u8],
        others: &mut dyn Iterator<Item = SocketAddr>,
    ) -> Vec<u8> {
        let command = match Command::decode(payload) {
            Ok(command) => command,
            Err(CommandError::NotACommand) => return Vec::new(),
            Err(CommandError::NotUnderstood { tag }) => {
                return short(tag, Code::NOT_UNDERSTOOD, "HELP", payload.len());
            }
            Err(CommandError::UnknownVerb { tag }) => {
                return short(tag, Code::NO_SUCH_VERB, "HELP", payload.len());
            }
            Err(CommandError::Parameters { tag }) => {
                return short(tag, Code::BAD_PARAMETER, "key=value", payload.len());
            }
        };
        let addr = meta.source;
        let session = command.params.get("session");
        let member =
            session.is_some_and(|session| self.policy.key.verify(session, addr, SESSION_SLOT));
        // From this very host nobody can pretend to be another.
        let proven = member || self.has_ticket(&command, addr, now) || addr.ip().is_loopback();
        let limit = if proven { CONTROL_MAX } else { payload.len() };
        let say = |code, text: &str| reply(&command.tag, code, Params::default(), text, limit);
        match command.verb {
            Verb::Helo if self.policy.open => {
                let mut params = Params::default();
                params.push("ticket", self.policy.key.issue(addr, slot(now)));
                reply(&command.tag, Code::READY, params, "udpkit cast ready", payload.len())
            }
            Verb::Helo | Verb::Rcpt if !self.policy.open => {
                say(Code::POLICY, "this sender takes no receivers (--open)")
            }
            Verb::Rcpt if !self.has_ticket(&command, addr, now) => {
                say(Code::WRONG_ORDER, "no valid ticket; HELO first")
            }
            Verb::Rcpt => self.add(now, meta, &command),
            Verb::Noop | Verb::Quit if member => self.stay_or_leave(now, addr, &command),
            Verb::Quit => say(Code::WRONG_ORDER, "no such session"),
            Verb::Noop => say(Code::OK, "ok"),
            Verb::Expn if self.policy.listed => self.list(&command.tag, others, limit),
            Verb::Expn => say(Code::POLICY, "receivers are not listed"),
            Verb::Vrfy => self.verify(&command, others, limit),
            Verb::Help => say(Code::HELP, "HELO RCPT NOOP QUIT EXPN VRFY HELP"),
            _ => say(Code::WRONG_ORDER, "this is a fan-out's sender; HELP"),
        }
    }

    fn has_ticket(&self, command: &Command, addr: SocketAddr, now: Now) -> bool {
        let ticket = command.params.get("ticket");
        ticket.is_some_and(|ticket| self.policy.key.verify(ticket, addr, slot(now)))
    }

    fn add(&mut self, now: Now, meta: &RxMeta, command: &Command) -> Vec<u8> {
        let addr = meta.source;
        if !self.inside.contains_key(&addr) {
            if self.inside.len() == SUBSCRIBERS_MAX {
                let text = "no room for more receivers";
                return reply(&command.tag, Code::NO_ROOM, Params::default(), text, CONTROL_MAX);
            }
            let dest = Dest { from: meta.destination, ..Dest::from(addr) };
            self.changes.push(Change::Added(dest));
        }
        self.inside.insert(addr, now.mono);
        let mut params = Params::default();
        params.push("session", self.policy.key.issue(addr, SESSION_SLOT));
        params.push("every", ALIVE.0);
        params.push("seen", addr);
        reply(&command.tag, Code::OK, params, "you are a receiver", CONTROL_MAX)
    }

    fn stay_or_leave(&mut self, now: Now, addr: SocketAddr, command: &Command) -> Vec<u8> {
        let (code, text) = match command.verb {
            Verb::Quit => {
                self.leave(addr);
                (Code::CLOSING, "goodbye")
            }
            _ if self.inside.contains_key(&addr) => {
                self.hear(now.mono, addr);
                (Code::OK, "ok")
            }
            _ => (Code::WRONG_ORDER, "you were dropped; HELO again"),
        };
        reply(&command.tag, code, Params::default(), text, CONTROL_MAX)
    }

    /// As many receivers as the reply has room for, and their number.
    fn list(
        &self,
        tag: &Tag,
        others: &mut dyn Iterator<Item = SocketAddr>,
        limit: usize,
    ) -> Vec<u8> {
        let mut all: Vec<SocketAddr> = self.inside.keys().copied().collect();
        all.extend(others);
        all.sort_unstable();
        all.dedup();
        let s = if all.len() == 1 { "" } else { "s" };
        let text = format!("{} receiver{s}", all.len());
        let mut params = Params::default();
        let mut best = reply(tag, Code::OK, params.clone(), &text, limit);
        for (index, addr) in all.iter().enumerate() {
            params.push(&format!("r{}", index + 1), addr);
            let longer = reply(tag, Code::OK, params.clone(), &text, limit);
            if longer.len() <= best.len() {
                break;
            }
            best = longer;
        }
        best
    }

    fn verify(
        &self,
        command: &Command,
        others: &mut dyn Iterator<Item = SocketAddr>,
        limit: usize,
    ) -> Vec<u8> {
        let say = |code, text: &str| reply(&command.tag, code, Params::default(), text, limit);
        if !self.policy.listed {
            return say(Code::CANNOT_VERIFY, "receivers are not listed");
        }
        let Ok(Some(asked)) = command.params.parse::<SocketAddr>("addr") else {
            return say(Code::BAD_PARAMETER, "whom? addr=192.0.2.1:5000");
        };
        let mut others = others;
        if self.inside.contains_key(&asked) || Iterator::any(&mut others, |addr| addr == asked) {
            say(Code::OK, "a receiver")
        } else {
            say(Code::POLICY, "no such receiver")
        }
    }
}

fn slot(now: Now) -> u64 {
    now.mono.0 / TICKET_SLOT.0
}

fn short(tag: Tag, code: Code, text: &str, limit: usize) -> Vec<u8> {
    reply(&tag, code, Params::default(), text, limit)
}

/// A reply within `limit` bytes: with its text, or the code alone, or a hint that a longer command
/// gets a longer answer, or nothing.
fn reply(tag: &Tag, code: Code, params: Params, text: &str, limit: usize) -> Vec<u8> {
    let encode = |params: Params, text: &str| {
        Reply { tag: tag.clone(), code, params, text: text.to_owned() }.encode().unwrap_or_default()
    };
    let bare = || encode(Params::default(), "");
    let hint = || format!("{tag} pad=").into_bytes();
    let fits = |bytes: &Vec<u8>| !bytes.is_empty() && bytes.len() <= limit;
    let whole = encode(params, text);
    if fits(&whole) {
        return whole;
    }
    // A refusal is said in three digits; what there is to tell needs more room.
    let refuses = code.0 >= 400 || code == Code::CANNOT_VERIFY;
    let mut shorter = if refuses { [bare(), hint()] } else { [hint(), bare()] }.into_iter();
    shorter.find(fits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;
    use crate::wire::HELO_LEN;

    fn door(open: bool, listed: bool) -> Door {
        Door::new(DoorPolicy { open, listed, key: TicketKey([3; 32]) })
    }

    fn ask(door: &mut Door, from: &str, at: u64, text: &str) -> String {
        let meta = RxMeta { source: from.parse().unwrap(), ..RxEntry::default().meta };
        let now = Now { mono: Nanos::from_secs(at), real: Nanos::ZERO };
        let mut others = ["10.0.0.9:5".parse().unwrap()].into_iter();
        let answer = door.answer(now, &meta, text.as_bytes(), &mut others);
        String::from_utf8(answer).unwrap()
    }

    fn word<'a>(answer: &'a str, key: &str) -> &'a str {
        let rest = answer.split(&format!("-{key}=")).nth(1).unwrap_or_else(|| panic!("{answer}"));
        rest.split("\r\n").next().unwrap()
    }

    const A: &str = "10.0.0.1:7";

    fn enter(door: &mut Door, from: &str, at: u64) -> String {
        let hello = format!("a HELO pad={}", "x".repeat(HELO_LEN));
        let ticket = ask(door, from, at, &hello);
        let joined = ask(door, from, at, &format!("b RCPT ticket={}", word(&ticket, "ticket")));
        assert!(joined.contains("b 250 you are a receiver"), "{joined}");
        word(&joined, "session").to_owned()
    }

    #[test]
    fn a_receiver_comes_in_with_a_ticket_stays_and_leaves() {
        let mut door = door(true, false);
        assert!(ask(&mut door, A, 1, "a RCPT ticket=00").starts_with("a 503"));
        let session = enter(&mut door, A, 1);
        let again = enter(&mut door, A, 2);
        assert_eq!(session, again);
        let dest = Dest::from(A.parse::<SocketAddr>().unwrap());
        assert_eq!(door.take_changes(), [Change::Added(dest)]);
        let with = |verb: &str| format!("c {verb} session={session}");
        assert!(ask(&mut door, A, 3, &with("NOOP")).starts_with("c 250"));
        // Another address cannot speak for it.
        assert!(ask(&mut door, "10.0.0.2:7", 3, &with("QUIT")).starts_with("c 503"));
        assert!(ask(&mut door, A, 3, "c QUIT").starts_with("c 503"));
        for _ in 0..2 {
            assert!(ask(&mut door, A, 4, &with("QUIT")).starts_with("c 221"));
        }
        let left = Change::Removed(A.parse().unwrap(), Departure::Left);
        assert_eq!(door.take_changes(), [left]);
        assert!(ask(&mut door, A, 5, &with("NOOP")).starts_with("c 503"));
    }

    #[test]
    fn a_ticket_is_of_no_use_to_a_third_party_or_later() {
        let mut door = door(true, false);
        let hello = format!("a HELO pad={}", "x".repeat(HELO_LEN));
        let answer = ask(&mut door, A, 1, &hello);
        let rcpt = format!("b RCPT ticket={}", word(&answer, "ticket"));
        assert!(ask(&mut door, "10.0.0.2:7", 1, &rcpt).starts_with("b 503"));
        assert!(ask(&mut door, A, 100, &rcpt).starts_with("b 503"));
        assert!(!door.has_changes());
    }

    #[test]
    fn whoever_is_silent_is_dropped() {
        let mut door = door(true, false);
        enter(&mut door, A, 0);
        enter(&mut door, "10.0.0.2:7", 0);
        door.take_changes();
        door.hear(Nanos::from_secs(10), A.parse().unwrap());
        assert!(door.expire(Nanos::from_secs(15)).is_some());
        assert!(!door.has_changes());
        door.expire(Nanos::from_secs(17));
        let gone = Change::Removed("10.0.0.2:7".parse().unwrap(), Departure::Silent);
        assert_eq!(door.take_changes(), [gone]);
        assert_eq!(door.len(), 1);
    }

    #[test]
    fn who_the_receivers_are_is_told_where_the_operator_allows_it() {
        let pad = format!(" pad={}", "x".repeat(400));
        let mut closed = door(true, false);
        assert_eq!(ask(&mut closed, A, 1, "a EXPN"), "a 550");
        assert!(ask(&mut closed, A, 1, &format!("a VRFY addr={A}")).starts_with("a 252"));
        let mut listed = door(true, true);
        enter(&mut listed, A, 1);
        let list = "a 250-r1=10.0.0.1:7\r\na 250-r2=10.0.0.9:5\r\na 250 2 receivers\r\n";
        assert_eq!(ask(&mut listed, "127.0.0.1:9", 1, "a EXPN"), list);
        assert_eq!(ask(&mut listed, A, 1, &format!("a EXPN{pad}")), list);
        assert_eq!(ask(&mut listed, A, 1, "a EXPN"), "a pad=");
        assert!(ask(&mut listed, A, 1, &format!("a VRFY addr={A}")).starts_with("a 250"));
        assert!(ask(&mut listed, A, 1, "a VRFY addr=10.0.0.3:7").starts_with("a 550"));
    }

    #[test]
    fn a_closed_door_says_so_and_no_answer_is_longer_than_the_question() {
        let mut shut = door(false, false);
        assert!(ask(&mut shut, A, 1, "a RCPT ticket=0123456789012345").starts_with("a 550"));
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut open = door(true, true);
        for _ in 0..20_000 {
            let verb =
                rng.choice(["HELO", "RCPT", "NOOP", "EXPN", "VRFY", "HELP", "XXXX", "HELLO"]);
            let text = format!("a {} pad={}", verb.unwrap(), "x".repeat(rng.usize(0..80)));
            let text = &text[..rng.usize(1..=text.len())];
            let answer = ask(&mut open, A, 1, text);
            assert!(answer.len() <= text.len(), "seed {seed}: {text:?} {answer:?}");
        }
        assert_eq!(open.len(), 0);
    }
}
