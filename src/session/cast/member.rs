//! One subscription at its sender: what it must return to stay, and how it ends.
//!
//! An ICMP error alone ends nothing, for the kernel knows it by addresses and ports, which anybody
//! can write. It voids the values that were given out, and the address is sent a new one until it
//! returns it, or until it has not for [`CONFIRM`].

use crate::batch::Dest;
use crate::record::Departure;
use crate::units::Nanos;
use crate::wire::Tag;

/// Silence after which a receiver is dropped, and the same of one that has never been heard.
const DROPPED: Nanos = Nanos::from_secs(16);
const NEVER_HEARD: Nanos = Nanos::from_secs(5);
/// The time to prove that a refusal was not meant, and how often that is asked for.
const CONFIRM: Nanos = Nanos::from_secs(2);
const ASKING: Nanos = Nanos::from_millis(250);
/// A command with the same tag is a repeat for so long.
const REPEATED: Nanos = Nanos::from_secs(5);

/// One subscription.
#[derive(Debug)]
pub(super) struct Member {
    pub dest: Dest,
    /// Which subscription it is: its name is made from this.
    pub number: u32,
    /// What its values are made from: a new number voids all before.
    pub values: u32,
    /// What asked for it, and when.
    asked: (Tag, Nanos),
    /// When it is dropped, unless it returns a value.
    until: Nanos,
    doubt: Option<Doubt>,
}

/// The network said that nobody is there.
#[derive(Debug)]
struct Doubt {
    until: Nanos,
    next: Nanos,
}

impl Member {
    /// One that has not returned anything yet.
    pub fn new(dest: Dest, number: u32, tag: &Tag, now: Nanos) -> Self {
        Self {
            dest,
            number,
            values: number,
            asked: (tag.clone(), now),
            until: now + NEVER_HEARD,
            doubt: None,
        }
    }

    /// Whether this tag asked for it lately: it was asked again because the answer was lost.
    pub fn was_asked(&self, tag: &Tag, now: Nanos) -> bool {
        self.asked.0 == *tag && now - self.asked.1 < REPEATED
    }

    /// The address is asked for anew, by another tag: all names and values before are void.
    pub fn renew(&mut self, number: u32, tag: &Tag, now: Nanos) {
        let until = self.until.max(now + NEVER_HEARD);
        *self = Self { until, doubt: self.doubt.take(), ..Self::new(self.dest, number, tag, now) };
    }

    /// It has returned a value of late.
    pub fn stays(&mut self, now: Nanos) {
        self.until = now + DROPPED;
        self.doubt = None;
    }

    /// The network says that nobody is there; `number` is for values from now on.
    pub fn doubt(&mut self, now: Nanos, number: u32) {
        if self.doubt.is_none() {
            self.values = number;
            self.doubt = Some(Doubt { until: now + CONFIRM, next: now });
        }
    }

    /// How it has ended, if it has.
    pub fn ended(&self, now: Nanos) -> Option<Departure> {
        if self.doubt.as_ref().is_some_and(|doubt| doubt.until <= now) {
            return Some(Departure::Refused);
        }
        (self.until <= now).then_some(Departure::Silent)
    }

    /// Whether it is to be asked for a value now, of its own accord.
    pub fn is_asked(&mut self, now: Nanos) -> bool {
        let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.next <= now) else {
            return false;
        };
        doubt.next = now + ASKING;
        true
    }

    /// When to look at it again.
    pub fn next(&self) -> Nanos {
        let doubt = self.doubt.as_ref().map(|doubt| doubt.next.min(doubt.until));
        doubt.map_or(self.until, |at| at.min(self.until))
    }

    /// This host stood still for `length`: nobody was silent meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.until += length;
        if let Some(doubt) = &mut self.doubt {
            doubt.until += length;
        }
    }
}
