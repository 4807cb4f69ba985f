//! Subscription control of a fan-out sender: who may subscribe, who is subscribed, and which
//! queries are answered.
//!
//! An address is verified by a ticket before anything is sent to it (HELO, then RCPT), so nobody
//! can subscribe a third party; before that no answer is longer than its question. A subscriber
//! keeps returning a changing value that is sent only to its address (NOOP), and is dropped if it
//! does not: what a former owner of the address knows keeps nobody subscribed. All other answers
//! depend only on the question, so a repeat gets the same answer.

use super::address_proofs::Proofs;
use super::member::Member;
use super::names::is_same_but_for_zone;
use super::refusal::Refusal;
use crate::batch::{Dest, RxMeta};
use crate::control::server::{LoopPrevention, print};
use crate::control::{STREAM_TICKET_SLOT, Tickets};
use crate::machine::Now;
use crate::record::Departure;
use crate::units::Nanos;
use crate::wire::{
    CONTROL_MAX, Code, Command, CommandError, Params, Reply, Tag, TicketKey, Verb, fanout_tag,
};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Maximum subscribed receivers.
pub const SUBSCRIBERS_MAX: usize = 1_024;
/// How often a receiver must show that it is there.
const ALIVE: Nanos = Nanos::from_secs(1);
/// How often to look for receivers that were silent for too long.
const LOOK: Nanos = Nanos::from_secs(1);

/// End of an answer that had no room for more: longer commands get longer answers.
const HINT: &str = " pad=";

/// What a sender lets others do.
#[derive(Clone, Debug)]
pub struct SubscriptionPolicy {
    /// Whether receivers may subscribe.
    pub open: bool,
    /// Whether anybody may query the list of receivers.
    pub listed: bool,
    /// The key that tickets and sessions are derived from.
    pub key: TicketKey,
}

/// A change in the receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added(Dest),
    Removed(SocketAddr, Departure),
    /// A receiver goes on at another address.
    Moved(SocketAddr, Dest),
    /// A receiver of a group is sent unicast copies from now on, or no longer.
    Copied(Dest),
    Uncopied(SocketAddr),
}

/// The subscription control.
#[derive(Debug)]
pub(super) struct SubscriptionControl {
    policy: SubscriptionPolicy,
    tickets: Tickets,
    proofs: Proofs,
    inside: HashMap<SocketAddr, Member>,
    /// Counter for names and values: none is used twice.
    numbers: u32,
    changes: Vec<Change>,
    /// Questions to receivers, sent by the sender itself.
    questions: Vec<(Dest, Vec<u8>)>,
    next_look: Nanos,
    /// Limits answers to unverified addresses.
    restraint: LoopPrevention,
}

impl SubscriptionControl {
    pub fn new(policy: SubscriptionPolicy) -> Self {
        Self {
            tickets: Tickets::new(policy.key.clone(), STREAM_TICKET_SLOT),
            proofs: Proofs::new(policy.key.clone()),
            policy,
            inside: HashMap::new(),
            numbers: 0,
            changes: Vec::new(),
            questions: Vec::new(),
            next_look: Nanos::ZERO,
            restraint: LoopPrevention::default(),
        }
    }

    /// Number of subscribed receivers.
    pub fn len(&self) -> usize {
        self.inside.len()
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        self.inside.values_mut().for_each(|member| member.on_pause(length));
    }

    /// The network reports port unreachable for a receiver.
    pub fn on_refusal(&mut self, now: Nanos, addr: SocketAddr) {
        for (known, member) in &mut self.inside {
            if is_same_but_for_zone(*known, addr) {
                self.numbers += 1;
                member.doubt(now, self.numbers);
                self.next_look = now;
            }
        }
    }

    /// A receiver leaves.
    fn leave(&mut self, addr: SocketAddr) {
        if self.inside.remove(&addr).is_some() {
            self.changes.push(Change::Removed(addr, Departure::Left));
        }
    }

    /// Drops receivers that are gone, and questions those in doubt; returns when to check again.
    pub fn expire(&mut self, now: Nanos) -> Option<Nanos> {
        if self.inside.is_empty() {
            return None;
        }
        if now >= self.next_look {
            let Self { inside, changes, questions, proofs, .. } = self;
            let mut next = now + LOOK;
            inside.retain(|addr, member| {
                if let Some(why) = member.ended(now) {
                    changes.push(Change::Removed(*addr, why));
                    return false;
                }
                if member.is_asked(now) {
                    questions.push((member.dest, question(proofs, *addr, member, now)));
                }
                next = next.min(member.next());
                true
            });
            self.next_look = next;
        }
        (!self.inside.is_empty()).then_some(self.next_look)
    }

    /// The questions to send to receivers now.
    pub fn take_questions(&mut self) -> Vec<(Dest, Vec<u8>)> {
        std::mem::take(&mut self.questions)
    }

    /// Receivers that came and left since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether receivers came or left.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The answer to a datagram; empty for none. `others` are receivers that arrived otherwise.
    pub fn answer(
        &mut self,
        now: Now,
        meta: &RxMeta,
        payload: &[u8],
        others: &mut dyn Iterator<Item = SocketAddr>,
    ) -> Vec<u8> {
        // Never answer an answer, so that two senders do not answer each other.
        if Reply::decode(payload).is_ok() || payload.ends_with(HINT.as_bytes()) {
            return Vec::new();
        }
        let addr = meta.source;
        let command = match Command::decode(payload) {
            Ok(command) => command,
            Err(CommandError::NotACommand) => return Vec::new(),
            Err(_) if !self.restraint.admits_error(now.mono, addr) => return Vec::new(),
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
        let member = self.is_member(&command, addr);
        let known = member && self.returns_value(&command, addr, now.mono)
            || self.has_ticket(&command, addr, now);
        if !known && !self.restraint.admits_question(now.mono, addr, print(payload)) {
            return Vec::new();
        }
        // From this host nobody can forge another address.
        let proven = known || addr.ip().is_loopback();
        let limit = if proven { CONTROL_MAX } else { payload.len() };
        let say = |code, text: &str| reply(&command.tag, code, Params::default(), text, limit);
        let refuse = |refusal| refused(&command.tag, refusal, limit);
        match command.verb {
            Verb::Helo if self.policy.open => {
                let mut params = Params::default();
                params.push("ticket", self.tickets.issue(addr, now.mono));
                reply(&command.tag, Code::READY, params, "udpkit cast", payload.len())
            }
            Verb::Helo | Verb::Rcpt if !self.policy.open => refuse(Refusal::NotOpen),
            Verb::Rcpt if !self.has_ticket(&command, addr, now) => refuse(Refusal::NoTicket),
            Verb::Rcpt => self.add(now, meta, &command),
            Verb::Quit if member => {
                self.leave(addr);
                say(Code::CLOSING, "goodbye")
            }
            Verb::Noop if member => self.stay(now, addr, &command, limit),
            Verb::Quit => refuse(Refusal::NoSession),
            Verb::Noop if command.params.get("session").is_some() => refuse(Refusal::Ended),
            Verb::Noop => say(Code::OK, "ok"),
            Verb::Expn if self.policy.listed => self.list(&command.tag, others, limit),
            Verb::Expn => refuse(Refusal::ListPrivate),
            Verb::Vrfy => self.verify(&command, others, limit),
            Verb::Help => say(Code::HELP, "HELO RCPT NOOP QUIT EXPN VRFY HELP"),
            _ => refuse(Refusal::OtherVerb),
        }
    }

    fn has_ticket(&self, command: &Command, addr: SocketAddr, now: Now) -> bool {
        let ticket = command.params.get("ticket");
        ticket.is_some_and(|ticket| self.tickets.is_valid(ticket, addr, now.mono))
    }

    /// Whether a command names the subscription of its source address.
    fn is_member(&self, command: &Command, addr: SocketAddr) -> bool {
        let session = command.params.get("session").zip(self.inside.get(&addr));
        session.is_some_and(|(text, member)| self.proofs.is_session(text, addr, member.number))
    }

    /// Whether a command returns a value recently sent to its source address.
    fn returns_value(&self, command: &Command, addr: SocketAddr, now: Nanos) -> bool {
        let value = command.params.get("value").zip(self.inside.get(&addr));
        value.is_some_and(|(text, member)| self.proofs.is_value(text, addr, member.values, now))
    }

    /// The former address of a receiver that subscribes again from another one. It shows the name of
    /// its subscription, and the latest value, or the name alone once it is silent there: whoever
    /// overheard both must not take it away from where it is.
    fn former(&self, now: Nanos, addr: SocketAddr, command: &Command) -> Option<SocketAddr> {
        let former = command.params.parse::<SocketAddr>("was").ok().flatten()?;
        let (name, value) = (command.params.get("session")?, command.params.get("value")?);
        let member = self.inside.get(&former).filter(|_| former != addr)?;
        let is_same = self.proofs.is_session(name, former, member.number)
            && !self.inside.contains_key(&addr)
            && (self.proofs.is_value(value, former, member.values, now) || member.is_silent(now));
        is_same.then_some(former)
    }

    fn add(&mut self, now: Now, meta: &RxMeta, command: &Command) -> Vec<u8> {
        let (addr, tag) = (meta.source, &command.tag);
        if let Some(former) = self.former(now.mono, addr, command)
            && let Some(member) = self.inside.remove(&former)
        {
            self.numbers += 1;
            let dest = Dest { from: meta.destination, ..Dest::from(addr) };
            self.inside.insert(addr, member.moved(dest, self.numbers, tag, now.mono));
            self.changes.push(Change::Moved(former, dest));
        }
        let full = self.inside.len() == SUBSCRIBERS_MAX;
        let known = self.inside.get_mut(&addr);
        let number = self.numbers + 1;
        let member = match known {
            Some(member) if member.was_asked(tag, now.mono) => member,
            Some(member) => {
                self.numbers = number;
                member.renew(number, tag, now.mono);
                member
            }
            None if full => return refused(tag, Refusal::Full, CONTROL_MAX),
            None => {
                self.numbers = number;
                let dest = Dest { from: meta.destination, ..Dest::from(addr) };
                self.changes.push(Change::Added(dest));
                let member = Member::new(dest, number, tag, now.mono);
                self.inside.entry(addr).or_insert(member)
            }
        };
        let mut params = Params::default();
        params.push("session", self.proofs.session(addr, member.number));
        params.push("value", self.proofs.value(addr, member.values, now.mono));
        params.push("every", ALIVE.0);
        params.push("seen", addr);
        reply(tag, Code::OK, params, "subscribed", CONTROL_MAX)
    }

    /// NOOP of a receiver: it stays if it returns a recent value, and gets the next one.
    fn stay(&mut self, now: Now, addr: SocketAddr, command: &Command, limit: usize) -> Vec<u8> {
        let fresh = self.returns_value(command, addr, now.mono);
        let Some(member) = self.inside.get_mut(&addr) else { return Vec::new() };
        let (code, text) = if fresh {
            member.stays(now.mono);
            (Code::OK, "ok")
        } else {
            (Code::GO_AHEAD, "return value")
        };
        let mut params = Params::default();
        params.push("value", self.proofs.value(addr, member.values, now.mono));
        reply(&command.tag, code, params, text, limit)
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
        let refuse = |refusal| refused(&command.tag, refusal, limit);
        if !self.policy.listed {
            return refuse(Refusal::CannotVerify);
        }
        let Ok(Some(asked)) = command.params.parse::<SocketAddr>("addr") else {
            return refuse(Refusal::NoAddress);
        };
        let mut others = others;
        if self.inside.contains_key(&asked) || Iterator::any(&mut others, |addr| addr == asked) {
            reply(&command.tag, Code::OK, Params::default(), "a receiver", limit)
        } else {
            refuse(Refusal::NoReceiver)
        }
    }
}

/// The question to a receiver in doubt: the value to return, and its own name, which nobody else
/// knows.
fn question(proofs: &Proofs, addr: SocketAddr, member: &Member, now: Nanos) -> Vec<u8> {
    let mut params = Params::default();
    params.push("session", proofs.session(addr, member.number));
    params.push("value", proofs.value(addr, member.values, now));
    Command { tag: fanout_tag(), verb: Verb::Noop, params }.encode().unwrap_or_default()
}

/// A refusal within `limit` bytes.
fn refused(tag: &Tag, refusal: Refusal, limit: usize) -> Vec<u8> {
    reply(tag, refusal.code(), Params::default(), &refusal.to_string(), limit)
}

fn short(tag: Tag, code: Code, text: &str, limit: usize) -> Vec<u8> {
    reply(&tag, code, Params::default(), text, limit)
}

/// A reply within `limit` bytes: with its text; or the code alone; or a hint that a longer command
/// gets a longer answer; or nothing.
fn reply(tag: &Tag, code: Code, params: Params, text: &str, limit: usize) -> Vec<u8> {
    let encode = |params: Params, text: &str| {
        Reply { tag: tag.clone(), code, params, text: text.to_owned() }.encode().unwrap_or_default()
    };
    let bare = || encode(Params::default(), "");
    let hint = || format!("{tag}{HINT}").into_bytes();
    let fits = |bytes: &Vec<u8>| !bytes.is_empty() && bytes.len() <= limit;
    let whole = encode(params, text);
    if fits(&whole) {
        return whole;
    }
    // Three digits are enough for a refusal; other replies need more room.
    let refuses = code.0 >= 400 || code == Code::CANNOT_VERIFY;
    let mut shorter = if refuses { [bare(), hint()] } else { [hint(), bare()] }.into_iter();
    shorter.find(fits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;
    use crate::wire::HELO_LEN;

    /// Who may subscribe, and whether those who do are listed.
    #[derive(PartialEq)]
    enum Door {
        Shut,
        Open,
        Listing,
    }

    fn door(door: Door) -> SubscriptionControl {
        let (open, listed) = (door != Door::Shut, door == Door::Listing);
        SubscriptionControl::new(SubscriptionPolicy { open, listed, key: TicketKey([3; 32]) })
    }

    fn ask(door: &mut SubscriptionControl, from: &str, at: u64, text: &str) -> String {
        ask_at(door, from, Nanos::from_secs(at), text)
    }

    fn ask_at(door: &mut SubscriptionControl, from: &str, mono: Nanos, text: &str) -> String {
        let meta = RxMeta { source: from.parse().unwrap(), ..RxEntry::default().meta };
        let now = Now { mono, real: Nanos::ZERO };
        let mut others = ["10.0.0.9:5".parse().unwrap()].into_iter();
        let answer = door.answer(now, &meta, text.as_bytes(), &mut others);
        String::from_utf8(answer).unwrap()
    }

    fn word<'a>(answer: &'a str, key: &str) -> &'a str {
        let rest = answer.split(&format!("-{key}=")).nth(1).unwrap_or_else(|| panic!("{answer}"));
        rest.split("\r\n").next().unwrap()
    }

    const A: &str = "10.0.0.1:7";

    /// Its session and value.
    fn enter(door: &mut SubscriptionControl, from: &str, at: u64) -> (String, String) {
        let hello = format!("a HELO pad={}", "x".repeat(HELO_LEN));
        let ticket = ask(door, from, at, &hello);
        let joined = ask(door, from, at, &format!("b RCPT ticket={}", word(&ticket, "ticket")));
        assert!(joined.contains("b 250 subscribed"), "{joined}");
        (word(&joined, "session").to_owned(), word(&joined, "value").to_owned())
    }

    fn noop(door: &mut SubscriptionControl, at: u64, session: &str, value: &str) -> String {
        ask(door, A, at, &format!("c NOOP session={session} value={value}"))
    }

    #[test]
    fn a_receiver_comes_in_with_a_ticket_stays_and_leaves() {
        let mut door = door(Door::Open);
        assert!(ask(&mut door, A, 1, "a RCPT ticket=00").starts_with("a 503"));
        let (session, value) = enter(&mut door, A, 1);
        let again = enter(&mut door, A, 2);
        assert_eq!(session, again.0, "a repeat of the same command");
        let dest = Dest::from(A.parse::<SocketAddr>().unwrap());
        assert_eq!(door.take_changes(), [Change::Added(dest)]);
        let with = |verb: &str| format!("c {verb} session={session} value={value}");
        assert!(ask(&mut door, A, 3, &with("NOOP")).contains("c 250 ok"));
        // Another address cannot act for it.
        assert!(ask(&mut door, "10.0.0.2:7", 3, &with("QUIT")).starts_with("c 503"));
        assert!(ask(&mut door, A, 3, "c QUIT").starts_with("c 503"));
        assert!(ask(&mut door, A, 4, &with("QUIT")).starts_with("c 221"));
        let left = Change::Removed(A.parse().unwrap(), Departure::Left);
        assert_eq!(door.take_changes(), [left]);
        // The name is invalid.
        for verb in ["NOOP", "QUIT"] {
            assert!(ask(&mut door, A, 5, &with(verb)).starts_with("c 503"));
        }
    }

    #[test]
    fn a_ticket_is_of_no_use_to_a_third_party_or_later() {
        let mut door = door(Door::Open);
        let hello = format!("a HELO pad={}", "x".repeat(HELO_LEN));
        let answer = ask(&mut door, A, 1, &hello);
        let rcpt = format!("b RCPT ticket={}", word(&answer, "ticket"));
        assert!(ask(&mut door, "10.0.0.2:7", 1, &rcpt).starts_with("b 503"));
        assert!(ask(&mut door, A, 11, &rcpt).starts_with("b 503"));
        assert!(!door.has_changes());
    }

    #[test]
    fn whoever_is_silent_is_dropped() {
        let mut door = door(Door::Open);
        let (session, value) = enter(&mut door, A, 0);
        enter(&mut door, "10.0.0.2:7", 0);
        door.take_changes();
        assert!(noop(&mut door, 1, &session, &value).contains("c 250 ok"));
        assert!(door.expire(Nanos::from_secs(4)).is_some());
        assert!(!door.has_changes());
        // One that was never heard is soon dropped.
        door.expire(Nanos::from_secs(6));
        let gone = Change::Removed("10.0.0.2:7".parse().unwrap(), Departure::Silent);
        assert_eq!(door.take_changes(), [gone]);
        door.expire(Nanos::from_secs(16));
        assert_eq!(door.len(), 1);
        door.expire(Nanos::from_secs(18));
        assert_eq!(door.len(), 0);
    }

    #[test]
    fn each_subscription_has_a_name_of_its_own() {
        let mut door = door(Door::Open);
        let (session, value) = enter(&mut door, A, 0);
        let mut names = vec![session.clone()];
        for at in [6, 12, 18] {
            // Subscribed again by the address's next owner; twice it was dropped in between.
            if at > 6 {
                door.expire(Nanos::from_secs(at));
            }
            let (name, _) = enter(&mut door, A, at);
            assert!(!names.contains(&name));
            assert!(noop(&mut door, at, &session, &value).starts_with("c 503"));
            names.push(name);
        }
        let quit = format!("c QUIT session={session}");
        assert!(ask(&mut door, A, 18, &quit).starts_with("c 503"));
        assert_eq!(door.len(), 1);
    }

    #[test]
    fn what_a_former_receiver_knows_keeps_nobody_in() {
        for seed in 0..20 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut door = door(Door::Open);
            let (session, mut value) = enter(&mut door, A, 0);
            // It stays as long as it returns its values.
            for at in 1..40 {
                let answer = noop(&mut door, at, &session, &value);
                assert!(answer.contains("c 250 ok"), "{answer}");
                word(&answer, "value").clone_into(&mut value);
                door.expire(Nanos::from_secs(at));
            }
            assert_eq!(door.len(), 1);
            // It is gone, and somebody else replays all that it could send.
            let (mut at, mut bytes) = (40_000, [0, 0]);
            while door.len() > 0 {
                at += rng.u64(1..300);
                let text = match rng.u8(0..3) {
                    0 => format!("c NOOP session={session} value={value}"),
                    1 => format!("c NOOP session={session}"),
                    _ => format!("c NOOP session={session} value={}", &session),
                };
                let answer = ask_at(&mut door, A, Nanos::from_millis(at), &text);
                bytes = [bytes[0] + text.len(), bytes[1] + answer.len()];
                door.expire(Nanos::from_millis(at));
            }
            assert!(at < 39_000 + 4_000 + 16_000 + 1_300, "seed {seed}: {at} ms");
            assert!(bytes[1] <= bytes[0], "seed {seed}: {bytes:?}");
            let gone = Change::Removed(A.parse().unwrap(), Departure::Silent);
            assert_eq!(door.take_changes().last(), Some(&gone));
        }
    }

    #[test]
    fn a_refusal_ends_a_subscription_unless_the_new_value_comes_back() {
        let addr: SocketAddr = A.parse().unwrap();
        let ms = Nanos::from_millis;
        let mut door = door(Door::Open);
        let (session, value) = enter(&mut door, A, 1);
        assert!(noop(&mut door, 1, &session, &value).contains("250 ok"));
        door.take_changes();
        door.on_refusal(ms(1_500), addr);
        door.on_refusal(ms(1_500), "10.0.0.2:7".parse().unwrap());
        // It is questioned at once; its earlier values are invalid.
        door.expire(ms(1_500));
        let asked = door.take_questions();
        let [(dest, question)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(dest.addr, addr);
        let void =
            ask_at(&mut door, A, ms(1_500), &format!("c NOOP session={session} value={value}"));
        assert!(void.contains("c 354 "), "{void}");
        let question = Command::decode(question).unwrap();
        assert_eq!(question.params.get("session"), Some(&session[..]));
        let new = question.params.get("value").unwrap();
        let text = format!("c NOOP session={session} value={new}");
        assert!(ask_at(&mut door, A, ms(1_600), &text).contains("c 250 ok"));
        let mut at = ms(1_600);
        while at < ms(6_000) {
            at += ms(10);
            door.expire(at);
        }
        assert!(!door.has_changes() && door.take_questions().is_empty());
        // Now it is really gone: what it knew is replayed without end.
        door.on_refusal(at, addr);
        let started = at;
        while !door.has_changes() {
            at += ms(10);
            // It is told what to return, but not for every repeat.
            let told = ask_at(&mut door, A, at, &text);
            assert!(told.is_empty() || told.contains("c 354 ") || door.len() == 0, "{told}");
            door.expire(at);
            door.on_refusal(at, addr);
        }
        assert_eq!(at, started + ms(2_000));
        assert_eq!(door.take_changes(), [Change::Removed(addr, Departure::Refused)]);
        assert_eq!(door.take_questions().len(), 8);
    }

    #[test]
    fn a_refusal_from_a_link_is_heard_whatever_zone_it_names() {
        let ms = Nanos::from_millis;
        for zone in ["", "%3", "%4"] {
            let mut door = door(Door::Open);
            let (here, there) = ("[fe80::1%3]:7", "[fe80::2%3]:7");
            let (session, value) = enter(&mut door, there, 1);
            for from in [here, there] {
                enter(&mut door, from, 1);
            }
            let stays = format!("c NOOP session={session} value={value}");
            assert!(ask(&mut door, there, 1, &stays).contains("250 ok"));
            door.take_changes();
            door.on_refusal(ms(1_500), format!("[fe80::1{zone}]:7").parse().unwrap());
            door.on_refusal(ms(1_500), format!("[fe80::2{zone}]:8").parse().unwrap());
            door.expire(ms(1_500));
            let asked: Vec<SocketAddr> =
                door.take_questions().iter().map(|(dest, _)| dest.addr).collect();
            assert_eq!(asked, [here.parse().unwrap()], "{zone}");
            door.expire(ms(3_500));
            let gone = Change::Removed(here.parse().unwrap(), Departure::Refused);
            assert_eq!(door.take_changes(), [gone], "{zone}");
        }
    }

    #[test]
    fn who_the_receivers_are_is_told_where_the_operator_allows_it() {
        let pad = format!(" pad={}", "x".repeat(400));
        let mut closed = door(Door::Open);
        assert_eq!(ask(&mut closed, A, 1, "a EXPN"), "a 550");
        assert!(ask(&mut closed, A, 1, &format!("a VRFY addr={A}")).starts_with("a 252"));
        let mut listed = door(Door::Listing);
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
        let mut shut = door(Door::Shut);
        assert!(ask(&mut shut, A, 1, "a RCPT ticket=0123456789012345").starts_with("a 550"));
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut open = door(Door::Listing);
        for _ in 0..20_000 {
            let verb =
                rng.choice(["HELO", "RCPT", "NOOP", "EXPN", "VRFY", "HELP", "XXXX", "HELLO"]);
            let text = format!("a {} pad={}", verb.unwrap(), "x".repeat(rng.usize(0..80)));
            let text = &text[..rng.usize(1..=text.len())];
            let answer = ask(&mut open, A, 1, text);
            assert!(answer.len() <= text.len(), "seed {seed}: {text:?} {answer:?}");
            // Another sender, the forged source, does not answer.
            assert_eq!(ask(&mut shut, A, 1, &answer), "", "seed {seed}: {answer:?}");
        }
        assert_eq!(open.len(), 0);
    }
}
