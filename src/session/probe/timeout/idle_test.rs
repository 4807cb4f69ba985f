//! One socket: verified, established or not, then idle until the far end's answers are due.
//!
//! The far end sends delayed answers only to a verified address. A path that should have carried
//! one datagram out and none in cannot be used for the verification: that is done through another
//! port of the far end, if the NAT uses the same mapping for both.

use crate::batch::LocalSendFailure;
use crate::record::probe::{IdleOutcome, IdleTimer, IdleUnknown};
use crate::session::probe::ProofState;
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::{Arrivals, Ask, Echo};

/// How long to establish a path with traffic both ways: Linux considers a flow established only
/// after two-way traffic has spanned more than two seconds.
const WARM: Nanos = Nanos::from_secs(3);
/// Span that this traffic must have, from the first request to the last answer.
const SPANNED: Nanos = Nanos::from_millis(2_500);
/// When establishing the path is given up.
const WARM_LONGEST: Nanos = Nanos::from_secs(8);
/// Time between two datagrams of it.
const WARM_GAP: Nanos = Nanos::from_millis(100);
/// Time between two answers, so that one burst of loss does not take all.
pub(super) const ANSWER_GAP: Nanos = Nanos::from_millis(100);
/// How long to wait after the last answer was due.
const GRACE: Nanos = Nanos::from_secs(2);
/// Time until a send that this host refused is retried.
const RETRY: Nanos = Nanos::from_millis(700);
/// Maximum repetitions of the request until it arrives.
const QUESTIONS: u32 = 8;
/// Offset of the item numbers of sockets that were verified through another port.
const BESIDE_ITEMS: u32 = 2_000;
/// How long to wait for a verification through another port, plus four round trips.
const BESIDE: Nanos = Nanos::from_secs(2);
/// How long two-way traffic may have lasted before the request for the path to count as one that
/// carried one datagram: less than what Linux considers established.
const BRIEF: Nanos = Nanos::from_millis(1_500);
/// Item number of all datagrams that establish paths.
pub(super) const WARM_ITEM: u32 = 1_000;

/// Why an idle time is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is one of the initial ones.
    Candidate,
    /// It is between two of them.
    Refinement,
    /// Tests whether answers alone keep the path open: those from `from` on would find it closed.
    Refresh { from: Nanos },
    /// It is repeated, since its silence may be chance.
    Again,
}

/// How a socket's address is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Through another port of the far end.
    Beside,
    /// Over the path under test.
    OwnPath,
}

/// State of a lane's verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proving {
    /// Not started.
    Needed,
    /// In progress since this instant.
    Since(Nanos),
    Done,
}

/// The course of one socket.
#[derive(Clone, Debug)]
pub(super) struct IdleTest {
    /// Its number in the loop.
    pub socket: usize,
    pub timer: IdleTimer,
    pub stage: Stage,
    /// Idle time until the first answer.
    pub silence: Nanos,
    /// Number of answers requested.
    pub answers: u8,
    /// Time between two answers.
    pub gap: Nanos,
    /// How its address is verified, and the state of that.
    pub proof: Proof,
    proving: Proving,
    /// State of establishing the path: when it began, when its next datagram is due, when its last
    /// answer arrived.
    warm: Option<(Nanos, Nanos, Option<Nanos>)>,
    /// Number of datagrams sent to establish the path, and which were answered, one bit each.
    warm_sent: u32,
    warm_back: u128,
    /// When the request was last sent.
    asked: Option<Nanos>,
    /// Earliest time of the next send after this host refused one.
    retry: Nanos,
    /// Total length of this host's pauses since the request was sent.
    paused: Nanos,
    /// Whether it was paused when answers were due.
    deaf: bool,
    /// Why this host refused to send.
    refusal: Option<LocalSendFailure>,
    questions: u32,
    arrived: bool,
    /// Which answers arrived, one bit each.
    came: u8,
    /// Duplicate answers.
    pub copies: u64,
    /// Answers that the far end sent.
    pub sent: Option<u32>,
    pub outcome: Option<IdleOutcome>,
    pub why: Option<IdleUnknown>,
    /// Whether it was reported to the sink.
    pub told: bool,
}

/// What a lane wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send a datagram that establishes the path; it is answered at once.
    Warm,
    /// Send the request for delayed answers.
    Ask,
    /// Nothing before this instant.
    Wait(Nanos),
    /// Nothing any more.
    Over,
}

impl IdleTest {
    /// A lane that begins `now` with this much silence.
    pub fn new(
        socket: usize,
        timer: IdleTimer,
        stage: Stage,
        (silence, now): (Nanos, Nanos),
        answers: u8,
    ) -> Self {
        let warm = (timer == IdleTimer::Established).then_some((now, now, None));
        Self {
            socket,
            timer,
            stage,
            silence,
            answers,
            gap: ANSWER_GAP,
            proof: Proof::OwnPath,
            proving: Proving::Needed,
            warm,
            warm_sent: 0,
            warm_back: 0,
            asked: None,
            retry: Nanos::ZERO,
            paused: Nanos::ZERO,
            deaf: false,
            refusal: None,
            questions: 0,
            arrived: false,
            came: 0,
            copies: 0,
            sent: None,
            outcome: None,
            why: None,
            told: false,
        }
    }

    /// Its item number at the far end: one for each way of verification.
    pub fn item(&self) -> u32 {
        match self.proof {
            Proof::OwnPath => self.socket as u32,
            Proof::Beside => BESIDE_ITEMS + self.socket as u32,
        }
    }

    /// Number of answers that arrived.
    pub fn came(&self) -> u32 {
        self.came.count_ones()
    }

    /// Losses of the datagrams that established the path, out and back.
    pub fn warming(&self) -> LossSample {
        LossSample::new(self.warm_sent.into(), self.warm_back.count_ones().into())
    }

    /// Missing answers that only a path which survives the idle time would have delivered, among
    /// those that the far end sent.
    pub fn silent(&self) -> LossSample {
        let sent = self.sent.unwrap_or(0).min(self.answers.into());
        let (first, came) = match self.stage {
            Stage::Refresh { from } => (self.first_beyond(from), 0),
            _ => (0, self.came()),
        };
        LossSample::new(u64::from(sent.saturating_sub(first)), came.into())
    }

    /// The number of the first answer that is due at least this long after the request.
    fn first_beyond(&self, from: Nanos) -> u32 {
        let after = |number: &u32| self.silence + Nanos(self.gap.0 * u64::from(*number)) >= from;
        (0..u32::from(self.answers)).find(after).unwrap_or(self.answers.into())
    }

    /// Its maximum total duration.
    pub fn duration(&self) -> Nanos {
        let warm = if self.timer == IdleTimer::Established { WARM } else { Nanos::ZERO };
        warm + self.silence + self.span() + GRACE
    }

    fn span(&self) -> Nanos {
        Nanos(self.gap.0 * u64::from(self.answers.saturating_sub(1)))
    }

    /// When its last answer should have arrived.
    fn deadline(&self) -> Option<Nanos> {
        self.asked.map(|asked| asked + self.silence + self.span() + GRACE + self.paused)
    }

    /// Whether its verification is to begin now.
    pub fn begins_proof(&mut self, now: Nanos) -> bool {
        let begins = self.outcome.is_none() && self.proving == Proving::Needed;
        if begins {
            self.proving = Proving::Since(now);
        }
        begins
    }

    /// Whether it is verified, or over.
    pub fn is_proven(&self) -> bool {
        self.proving == Proving::Done || self.outcome.is_some()
    }

    /// Records the state of its verification.
    pub fn prove(&mut self, state: &ProofState, now: Nanos, round_trip: Nanos) {
        let Proving::Since(began) = self.proving else { return };
        let patience = BESIDE + Nanos(round_trip.0.saturating_mul(4));
        match (state, self.proof) {
            (ProofState::Proven, Proof::OwnPath)
                if self.timer == IdleTimer::OneDatagram && now - began > BRIEF =>
            {
                self.give_up(IdleUnknown::SlowProof { took_ns: (now - began).0 });
            }
            (ProofState::Proven, _) => {
                self.proving = Proving::Done;
                if self.warm.is_some() {
                    self.warm = Some((now, now, None));
                }
            }
            (ProofState::Failed(_), Proof::Beside) => self.prove_by_own_path(),
            (ProofState::Waiting, Proof::Beside) if now - began > patience => {
                self.prove_by_own_path();
            }
            (ProofState::Failed(why), Proof::OwnPath) => {
                self.give_up(IdleUnknown::NotProven { reason: why.clone() });
            }
            (ProofState::Waiting, _) => {}
        }
    }

    /// Another port does not help: the far end is not reachable through it, or sees another
    /// address.
    fn prove_by_own_path(&mut self) {
        (self.proof, self.proving) = (Proof::OwnPath, Proving::Needed);
        (self.asked, self.arrived) = (None, false);
    }

    /// When to check it again during its verification; `None` if no deadline applies.
    pub fn proof_until(&self, round_trip: Nanos) -> Option<Nanos> {
        match self.proving {
            Proving::Since(began) if self.proof == Proof::Beside => {
                Some(began + BESIDE + Nanos(round_trip.0.saturating_mul(4)) + Nanos(1))
            }
            _ => None,
        }
    }

    /// What to do now.
    pub fn poll(&mut self, now: Nanos) -> Step {
        if self.outcome.is_some() {
            return Step::Over;
        }
        if let Some((began, next, answered)) = self.warm {
            let spanned = answered.is_some_and(|last| last - began >= SPANNED);
            if now >= began + WARM && spanned {
                self.warm = None;
            } else if now >= began + WARM_LONGEST {
                let refusal = self.refusal.take().filter(|_| self.warm_sent == 0);
                self.give_up(refusal.map_or(IdleUnknown::NotEstablished, IdleUnknown::not_sent));
                return Step::Over;
            } else if now >= next {
                return Step::Warm;
            } else {
                return Step::Wait(next);
            }
        }
        match self.asked {
            None if now < self.retry => Step::Wait(self.retry),
            None => Step::Ask,
            Some(_) => Step::Wait(self.deadline().unwrap_or(now).max(now)),
        }
    }

    /// The number of the next datagram that establishes the path.
    pub fn warm_number(&self) -> u32 {
        self.warm_sent
    }

    /// A datagram that establishes the path was sent.
    pub fn warmed(&mut self, now: Nanos) {
        self.warm_sent += 1;
        if let Some((_, next, _)) = &mut self.warm {
            *next = now + WARM_GAP;
        }
    }

    /// The request was sent.
    pub fn asked(&mut self, now: Nanos) {
        self.asked = Some(now);
        self.paused = Nanos::ZERO;
        self.questions += 1;
    }

    /// This host refused to send what was due.
    pub fn refused(&mut self, now: Nanos, found: LocalSendFailure) {
        self.refusal = Some(found.clone());
        self.retry = now + RETRY;
        match &mut self.warm {
            Some((_, next, _)) => *next = now + WARM_GAP,
            None => self.questions += 1,
        }
        if self.warm.is_none() && self.questions >= QUESTIONS {
            self.give_up(IdleUnknown::not_sent(found));
        }
    }

    /// This host was paused for `length` until now: establishing the path starts again, as it was
    /// idle, and deadlines move by that.
    pub fn pause(&mut self, now: Nanos, length: Nanos) {
        if self.warm.is_some() {
            self.warm = Some((now, now, None));
        }
        if let Some(asked) = self.asked {
            let due = asked + self.silence + self.paused;
            self.deaf |= due < now && now - length < due + self.span();
            self.paused += length;
        }
    }

    /// The request for delayed answers.
    pub fn question(&self, ask: Ask) -> Ask {
        Ask {
            item: self.item(),
            sequence: self.questions,
            answers: self.answers,
            delay: self.silence,
            gap: self.gap,
            ..ask
        }
    }

    /// An answer arrived.
    pub fn take(&mut self, echo: &Echo, now: Nanos) {
        if echo.item == WARM_ITEM {
            let bit = 1_u128.checked_shl(echo.sequence).unwrap_or(0);
            self.copies += u64::from(self.warm_back & bit != 0);
            self.warm_back |= bit;
            if let Some((_, _, last)) = &mut self.warm {
                *last = Some(now);
            }
            return;
        }
        // Answers to an earlier request belong to another idle time.
        if echo.item != self.item() || echo.sequence + 1 != self.questions || echo.number >= 8 {
            return;
        }
        self.arrived = true;
        self.copies += u64::from(self.came & 1 << echo.number != 0);
        self.came |= 1 << echo.number;
        let after = self.silence + Nanos(self.gap.0 * u64::from(echo.number));
        let tells = match self.stage {
            Stage::Candidate | Stage::Refinement | Stage::Again => true,
            Stage::Refresh { from } => after >= from,
        };
        if tells && self.outcome.is_none() {
            self.outcome = Some(IdleOutcome::Open);
        }
    }

    /// When it needs to know what arrived at the far end; `None` if not before its answers are due.
    pub fn wants_rows(&self, check: Nanos) -> Option<Nanos> {
        let (asked, deadline) = (self.asked?, self.deadline()?);
        if self.outcome.is_some() {
            return None;
        }
        Some(if self.arrived { deadline } else { (asked + check).min(deadline) })
    }

    /// The far end's report, requested at `told`.
    pub fn learn(&mut self, row: Option<&Arrivals>, told: Nanos, check: Nanos) {
        let (Some(asked), Some(deadline)) = (self.asked, self.deadline()) else { return };
        if self.outcome.is_some() || told < asked + check {
            return;
        }
        self.arrived |= row.is_some_and(|row| row.count > 0);
        if !self.arrived {
            if self.questions < QUESTIONS {
                self.asked = None;
            } else {
                self.give_up(IdleUnknown::RequestLost { requests: self.questions });
            }
            return;
        }
        // The far end sees another address than the verified one.
        let withheld = row.is_some_and(|row| row.withheld > 0 && row.answers == 0);
        if withheld && self.proof == Proof::Beside {
            return self.prove_by_own_path();
        }
        if told < deadline {
            return;
        }
        let sent = row.map_or(0, |row| row.answers);
        self.sent = Some(sent);
        let first_came = self.came & 1 != 0;
        match self.stage {
            _ if withheld => self.give_up(IdleUnknown::RepliesWithheld),
            _ if sent == 0 => self.give_up(IdleUnknown::NoReplySent),
            _ if self.deaf => self.give_up(IdleUnknown::HostPaused),
            // Answers that an open path would have delivered must have arrived.
            Stage::Refresh { .. } if !first_came => self.give_up(IdleUnknown::NothingCame),
            _ => self.outcome = Some(IdleOutcome::Closed),
        }
    }

    /// The result will stay unknown.
    pub fn give_up(&mut self, why: IdleUnknown) {
        if self.outcome.is_none() {
            self.outcome = Some(IdleOutcome::Unknown);
            self.why = Some(why);
        }
    }
}
