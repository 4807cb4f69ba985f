//! One subscription at its sender: what it must return to stay subscribed, and how it ends.
//!
//! An ICMP error alone never ends a subscription: the kernel matches it by addresses and ports,
//! which anybody can forge. It invalidates the values issued so far, and the address is sent a new
//! one until it returns that, or until [`CONFIRM`] has passed.

use crate::batch::Dest;
use crate::record::Departure;
use crate::units::Nanos;
use crate::wire::Tag;

/// Silence after which a receiver is dropped, and the same for one that was never heard.
const DROPPED: Nanos = Nanos::from_secs(16);
const NEVER_HEARD: Nanos = Nanos::from_secs(5);
/// Silence after which it may be somewhere else: three signs of life are missing.
const SILENT: Nanos = Nanos::from_secs(3);
/// The time to disprove a port unreachable, and the interval of questions meanwhile.
const CONFIRM: Nanos = Nanos::from_secs(2);
const ASKING: Nanos = Nanos::from_millis(250);
/// How long a command with the same tag counts as a repeat.
const REPEATED: Nanos = Nanos::from_secs(5);

/// One subscription.
#[derive(Debug)]
pub(super) struct Member {
    pub dest: Dest,
    /// Number of the subscription; its name is derived from it.
    pub number: u32,
    /// Its values are derived from this; a new number invalidates all earlier ones.
    pub values: u32,
    /// Tag and time of the command that requested it.
    asked: (Tag, Nanos),
    /// When it is dropped unless it returns a value.
    until: Nanos,
    doubt: Option<Doubt>,
}

/// A port unreachable that is not confirmed yet.
#[derive(Debug)]
struct Doubt {
    until: Nanos,
    next: Nanos,
}

impl Member {
    /// A subscription that has not returned any value yet.
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

    /// Whether this tag recently requested it: a repeat because the answer was lost.
    pub fn was_asked(&self, tag: &Tag, now: Nanos) -> bool {
        self.asked.0 == *tag && now - self.asked.1 < REPEATED
    }

    /// The address subscribes again with another tag: all earlier names and values become invalid.
    pub fn renew(&mut self, number: u32, tag: &Tag, now: Nanos) {
        let until = self.until.max(now + NEVER_HEARD);
        *self = Self { until, doubt: self.doubt.take(), ..Self::new(self.dest, number, tag, now) };
    }

    /// It subscribes again from another address.
    pub fn moved(self, dest: Dest, number: u32, tag: &Tag, now: Nanos) -> Self {
        let until = self.until.max(now + NEVER_HEARD);
        Self { until, ..Self::new(dest, number, tag, now) }
    }

    /// Whether it has returned no value for a while.
    pub fn is_silent(&self, now: Nanos) -> bool {
        self.until <= now + DROPPED - SILENT
    }

    /// It returned a recent value.
    pub fn stays(&mut self, now: Nanos) {
        self.until = now + DROPPED;
        self.doubt = None;
    }

    /// The network reports it gone; `number` is the base of its values from now on.
    pub fn doubt(&mut self, now: Nanos, number: u32) {
        if self.doubt.is_none() {
            self.values = number;
            self.doubt = Some(Doubt { until: now + CONFIRM, next: now });
        }
    }

    /// How it ended, if it has.
    pub fn ended(&self, now: Nanos) -> Option<Departure> {
        if self.doubt.as_ref().is_some_and(|doubt| doubt.until <= now) {
            return Some(Departure::Refused);
        }
        (self.until <= now).then_some(Departure::Silent)
    }

    /// Whether to send it a question now.
    pub fn is_asked(&mut self, now: Nanos) -> bool {
        let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.next <= now) else {
            return false;
        };
        doubt.next = now + ASKING;
        true
    }

    /// When to check it again.
    pub fn next(&self) -> Nanos {
        let doubt = self.doubt.as_ref().map(|doubt| doubt.next.min(doubt.until));
        doubt.map_or(self.until, |at| at.min(self.until))
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        self.until += length;
        if let Some(doubt) = &mut self.doubt {
            doubt.until += length;
        }
    }
}
