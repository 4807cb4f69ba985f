//! One port of a scan: what was asked there, and what became of it.

use super::debt::Debt;
use crate::batch::NetworkError;
use crate::record::probe::{IcmpError, NotSentHere, PortState, ScannedPort};
use crate::units::Nanos;
use crate::wire::service::{Ask, Service};
use std::net::SocketAddr;

/// An answer, as far as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// What it says, where it is the service's own.
    pub words: Option<String>,
    pub bytes: usize,
    /// Its sender, where that was not who was asked.
    pub from: Option<SocketAddr>,
}

/// What settled a port.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Open(Answer),
    /// Boxed: it holds a quote.
    Closed(Box<NetworkError>),
    Filtered(Box<NetworkError>),
    Silent,
    /// This host sends nothing there, for the reason of this number.
    NotSent(i32),
}

/// One port.
#[derive(Debug)]
pub(super) struct Candidate {
    pub service: Service,
    /// The question; its attempt counts those that were sent.
    pub ask: Ask,
    /// When to look at it again; `None` once it is settled.
    pub due: Option<Nanos>,
    pub fate: Option<Fate>,
    /// When that was known.
    pub settled: Option<Nanos>,
    pub asked: u32,
    pub answers: u32,
    pub refusals: u32,
    /// When the first question left.
    first: Option<Nanos>,
    /// When the last one left, and the one before.
    last: Option<Nanos>,
    before: Option<Nanos>,
    /// Whether the last one's silence is still to be judged.
    open: bool,
    /// Questions whose time ran out, when an error could have come.
    silent: Vec<Nanos>,
    round_trip: Option<Nanos>,
}

impl Candidate {
    pub fn new(service: Service, ask: Ask) -> Self {
        Self {
            service,
            ask,
            due: None,
            fate: None,
            settled: None,
            asked: 0,
            answers: 0,
            refusals: 0,
            first: None,
            last: None,
            before: None,
            open: false,
            silent: Vec::new(),
            round_trip: None,
        }
    }

    pub fn port(&self) -> u16 {
        self.ask.target.port()
    }

    /// A question left.
    pub fn sent(&mut self, now: Nanos) {
        self.asked += 1;
        self.ask.attempt = self.asked;
        self.first.get_or_insert(now);
        self.before = self.last.replace(now);
        self.open = true;
    }

    /// The last question's time is over: its silence counts where an error could have come.
    pub fn judge(&mut self, debt: &Debt) {
        if let Some(last) = self.last.filter(|last| self.open && debt.could_answer(*last)) {
            self.silent.push(last);
        }
        self.open = false;
    }

    /// The last question's silence will say nothing.
    pub fn spoil(&mut self) {
        self.open = false;
    }

    /// When it was asked first.
    pub fn first(&self) -> Option<Nanos> {
        self.first
    }

    /// Whether it was not asked since `instant`.
    pub fn asked_before(&self, instant: Nanos) -> bool {
        self.last.is_none_or(|last| last < instant)
    }

    /// Silent tries so far.
    pub fn silent_tries(&self) -> usize {
        self.silent.len()
    }

    /// When the last silent try left.
    pub fn last_silent_try(&self) -> Option<Nanos> {
        self.silent.last().copied()
    }

    /// The last silent try, and the question after it, if it was asked again.
    pub fn last_silent(&self) -> Option<(Nanos, Nanos)> {
        self.silent.last().copied().zip(self.last).filter(|(silent, last)| silent < last)
    }

    /// More is known of when errors could have come: a silent try may be none any more.
    pub fn judge_again(&mut self, debt: &Debt) {
        self.silent.retain(|sent| debt.could_answer(*sent));
    }

    /// Questions whose silence said nothing.
    pub fn in_vain(&self) -> u32 {
        self.asked.saturating_sub(1).saturating_sub(self.silent.len() as u32)
    }

    /// When the questions left that an error may answer which comes now: the last and, as the two
    /// look alike, the one before.
    pub fn questions(&self) -> impl Iterator<Item = Nanos> + use<> {
        self.before.into_iter().chain(self.last)
    }

    /// Something came at `arrival` that answers it; its round trip is known where it was asked
    /// once.
    pub fn heard(&mut self, arrival: Nanos) -> Option<Nanos> {
        self.open = false;
        let last = self.last.filter(|_| self.asked == 1)?;
        let round_trip = arrival - last;
        self.round_trip.get_or_insert(round_trip);
        Some(round_trip)
    }

    pub fn state(&self) -> PortState {
        match self.fate {
            Some(Fate::Open(_)) => PortState::Open,
            Some(Fate::Closed(_)) => PortState::Closed,
            Some(Fate::Filtered(ref error)) if error.is_time_exceeded() => PortState::TtlExceeded,
            Some(Fate::Filtered(_)) => PortState::Filtered,
            Some(Fate::Silent) => PortState::Silent,
            Some(Fate::NotSent(_)) | None => PortState::Unknown,
        }
    }

    /// What is known of it, in a scan that began at `started`.
    pub fn report(self, started: Nanos) -> ScannedPort {
        let mut port = ScannedPort {
            port: self.port(),
            service: self.service.name(),
            state: self.state(),
            settled_ns: self.settled.map(|settled| (settled - started).0),
            answer: None,
            answer_bytes: None,
            answered_from: None,
            round_trip_ns: self.round_trip.map(Nanos::as_u64),
            icmp: None,
            sent: u64::from(self.asked),
            silent_tries: self.silent.len() as u64,
            answers: u64::from(self.answers),
            not_sent: None,
        };
        match self.fate {
            Some(Fate::Open(answer)) => {
                port.answer = answer.words;
                port.answer_bytes = Some(answer.bytes as u64);
                port.answered_from = answer.from.map(Into::into);
            }
            Some(Fate::Closed(error) | Fate::Filtered(error)) => {
                port.icmp = Some(IcmpError::from_network(&error));
            }
            Some(Fate::NotSent(errno)) => {
                port.not_sent = Some(NotSentHere::from_errno(errno, self.ask.target.into()));
            }
            Some(Fate::Silent) | None => {}
        }
        port
    }
}
