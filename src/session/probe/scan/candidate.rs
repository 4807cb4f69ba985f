//! One port of a scan: its questions, and their results.

use super::icmp_rate_limit::IcmpRateLimit;
use crate::batch::{LocalSendFailure, NetworkError};
use crate::record::probe::{IcmpError, PortState, ScannedPort};
use crate::units::Nanos;
use crate::wire::service::{Ask, Service};
use std::net::SocketAddr;

/// An answer, as far as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Its text, if it is the service's own.
    pub words: Option<String>,
    pub bytes: usize,
    /// Its source, if that is not the address that was contacted.
    pub from: Option<SocketAddr>,
}

/// The result for a port.
#[derive(Clone, Debug)]
pub(super) enum PortResult {
    Open(Answer),
    /// Boxed because it contains a quote.
    Closed(Box<NetworkError>),
    Filtered(Box<NetworkError>),
    Silent,
    /// This host refuses to send there, with this error number.
    NotSent(i32),
}

/// One port.
#[derive(Debug)]
pub(super) struct ScannedPortState {
    pub service: Service,
    /// The question; its attempt number counts those sent.
    pub ask: Ask,
    /// When to check it again; `None` once it is decided.
    pub due: Option<Nanos>,
    pub fate: Option<PortResult>,
    /// When it was decided.
    pub settled: Option<Nanos>,
    pub asked: u32,
    pub answers: u32,
    pub refusals: u32,
    /// When the first question was sent.
    first: Option<Nanos>,
    /// When the last question was sent, and the one before.
    last: Option<Nanos>,
    before: Option<Nanos>,
    /// Whether the silence after the last one is still to be judged.
    open: bool,
    /// Questions that timed out at a time when an error could have arrived.
    silent: Vec<Nanos>,
    round_trip: Option<Nanos>,
}

impl ScannedPortState {
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

    /// A question was sent.
    pub fn sent(&mut self, now: Nanos) {
        self.asked += 1;
        self.ask.attempt = self.asked;
        self.first.get_or_insert(now);
        self.before = self.last.replace(now);
        self.open = true;
    }

    /// The last question timed out: its silence counts if an error could have arrived.
    pub fn judge(&mut self, debt: &IcmpRateLimit) {
        if let Some(last) = self.last.filter(|last| self.open && debt.could_answer(*last)) {
            self.silent.push(last);
        }
        self.open = false;
    }

    /// Silence after the last question will not count.
    pub fn spoil(&mut self) {
        self.open = false;
    }

    /// When it was first tested.
    pub fn first(&self) -> Option<Nanos> {
        self.first
    }

    /// Whether it was not tested since `instant`.
    pub fn asked_before(&self, instant: Nanos) -> bool {
        self.last.is_none_or(|last| last < instant)
    }

    /// Number of tries whose silence counts.
    pub fn silent_tries(&self) -> usize {
        self.silent.len()
    }

    /// When the last of these was sent.
    pub fn last_silent_try(&self) -> Option<Nanos> {
        self.silent.last().copied()
    }

    /// The last of these, and the following question, if there was one.
    pub fn last_silent(&self) -> Option<(Nanos, Nanos)> {
        self.silent.last().copied().zip(self.last).filter(|(silent, last)| silent < last)
    }

    /// More is known about when errors could have arrived: some silent tries may no longer count.
    pub fn judge_again(&mut self, debt: &IcmpRateLimit) {
        self.silent.retain(|sent| debt.could_answer(*sent));
    }

    /// Questions whose silence says nothing.
    pub fn in_vain(&self) -> u32 {
        self.asked.saturating_sub(1).saturating_sub(self.silent.len() as u32)
    }

    /// Transmit times of the questions that a new error may answer: the last and, since they look
    /// alike, the one before.
    pub fn questions(&self) -> impl Iterator<Item = Nanos> + use<> {
        self.before.into_iter().chain(self.last)
    }

    /// An answer arrived at `arrival`; returns its round trip if the port was tested only once.
    pub fn heard(&mut self, arrival: Nanos) -> Option<Nanos> {
        self.open = false;
        let last = self.last.filter(|_| self.asked == 1)?;
        let round_trip = arrival.checked_since(last)?;
        self.round_trip.get_or_insert(round_trip);
        Some(round_trip)
    }

    pub fn state(&self) -> PortState {
        match self.fate {
            Some(PortResult::Open(_)) => PortState::Open,
            Some(PortResult::Closed(_)) => PortState::Closed,
            Some(PortResult::Filtered(ref error)) if error.is_time_exceeded() => {
                PortState::TtlExceeded
            }
            Some(PortResult::Filtered(_)) => PortState::Filtered,
            Some(PortResult::Silent) => PortState::Silent,
            Some(PortResult::NotSent(_)) | None => PortState::Unknown,
        }
    }

    /// The result, for a scan that began at `started`.
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
            Some(PortResult::Open(answer)) => {
                port.answer = answer.words;
                port.answer_bytes = Some(answer.bytes as u64);
                port.answered_from = answer.from.map(Into::into);
            }
            Some(PortResult::Closed(error) | PortResult::Filtered(error)) => {
                port.icmp = Some(IcmpError::from_network(&error));
            }
            Some(PortResult::NotSent(errno)) => {
                port.not_sent = Some(LocalSendFailure::from_errno(errno, self.ask.target));
            }
            Some(PortResult::Silent) | None => {}
        }
        port
    }
}
