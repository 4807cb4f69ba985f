//! One socket: proven, warmed or not, then silent until the far end's answers are due.
//!
//! The far end answers late only to a socket that has proven its address. A path that is to have
//! seen one datagram out and none in is not the one to prove it by: that is done by way of another
//! port of the far end, where a NAT gives both ways the same address.

use crate::batch::OwnFinding;
use crate::record::probe::{IdleOutcome, IdleTimer, IdleUnknown};
use crate::session::probe::LaneState;
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::{Arrivals, Ask, Echo};

/// How long a path is warmed both ways: Linux takes one for established only when traffic both
/// ways has spanned more than two seconds.
const WARM: Nanos = Nanos::from_secs(3);
/// What that must have spanned, from the first question to the last answer.
const SPANNED: Nanos = Nanos::from_millis(2_500);
/// When warming is given up.
const WARM_LONGEST: Nanos = Nanos::from_secs(8);
/// From one datagram of it to the next.
const WARM_GAP: Nanos = Nanos::from_millis(100);
/// From one answer to the next: a burst of loss shall not take all.
pub(super) const ANSWER_GAP: Nanos = Nanos::from_millis(100);
/// How long after the last answer was due it is still waited for.
const GRACE: Nanos = Nanos::from_secs(2);
/// When this host is asked again to send what it refused.
const RETRY: Nanos = Nanos::from_millis(700);
/// How often the question is asked until it arrives.
const QUESTIONS: u32 = 8;
/// What is added to the rows of those that proved themselves by another port.
const BESIDE_ITEMS: u32 = 2_000;
/// How long a proof by way of another port is waited for, beside four round trips.
const BESIDE: Nanos = Nanos::from_secs(2);
/// How long a path may have been in use both ways before the question, and count as one that saw
/// one datagram: less than what Linux takes for established.
const BRIEF: Nanos = Nanos::from_millis(1_500);
/// The row of all that warms.
pub(super) const WARM_ITEM: u32 = 1_000;

/// What a silence is tried for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is one of the first.
    Candidate,
    /// It lies between two of them.
    Refinement,
    /// Whether answers alone keep the path open: those from `from` on would find it closed.
    Refresh { from: Nanos },
    /// It is tried again, as its silence may be chance.
    Again,
}

/// By which way a socket proves its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// By another port of the far end.
    Beside,
    /// By the path under test.
    OwnPath,
}

/// How far a lane's proof has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proving {
    /// It is to begin.
    Needed,
    /// Since when it is under way.
    Since(Nanos),
    Done,
}

/// One socket's course.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// The loop's number of it.
    pub socket: usize,
    pub timer: IdleTimer,
    pub stage: Stage,
    /// Until the first answer.
    pub silence: Nanos,
    /// Answers wanted.
    pub answers: u8,
    /// From one to the next.
    pub gap: Nanos,
    /// How it proves its address, and how far that has come.
    pub proof: Proof,
    proving: Proving,
    /// Where warming stands: when it began, when its next datagram is due, when its last answer
    /// came.
    warm: Option<(Nanos, Nanos, Option<Nanos>)>,
    /// Of what warms: how many left, and which of them were answered, a bit each.
    warm_sent: u32,
    warm_back: u128,
    /// When the question was last asked.
    asked: Option<Nanos>,
    /// When the next may be, where this host refused one.
    retry: Nanos,
    /// How long this host stood still since the question was asked.
    paused: Nanos,
    /// Whether it did so when answers were due.
    deaf: bool,
    /// Why this host refused to send.
    refusal: Option<OwnFinding>,
    questions: u32,
    arrived: bool,
    /// Which answers came, a bit each.
    came: u8,
    /// Further answers to what had one.
    pub copies: u64,
    /// Answers that the far end sent.
    pub sent: Option<u32>,
    pub outcome: Option<IdleOutcome>,
    pub why: Option<IdleUnknown>,
    /// Whether the sink knows.
    pub told: bool,
}

/// What a lane wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send a datagram that warms the path; it is answered at once.
    Warm,
    /// Send the question.
    Ask,
    /// Nothing before this.
    Wait(Nanos),
    /// Nothing any more.
    Over,
}

impl Lane {
    /// A lane that begins now.
    pub fn new(
        socket: usize,
        timer: IdleTimer,
        stage: Stage,
        silence: Nanos,
        answers: u8,
        now: Nanos,
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

    /// Its row at the far end: one for each way of its proof.
    pub fn item(&self) -> u32 {
        match self.proof {
            Proof::OwnPath => self.socket as u32,
            Proof::Beside => BESIDE_ITEMS + self.socket as u32,
        }
    }

    /// Answers that came.
    pub fn came(&self) -> u32 {
        self.came.count_ones()
    }

    /// What became of the datagrams that warmed it, out and back.
    pub fn warming(&self) -> LossSample {
        LossSample::new(self.warm_sent.into(), self.warm_back.count_ones().into())
    }

    /// Answers that would have come only by a path that outlives the silence in question, and did
    /// not, as far as the far end sent them.
    pub fn silent(&self) -> LossSample {
        let sent = self.sent.unwrap_or(0).min(self.answers.into());
        let (first, came) = match self.stage {
            Stage::Refresh { from } => (self.first_beyond(from), 0),
            _ => (0, self.came()),
        };
        LossSample::new(u64::from(sent.saturating_sub(first)), came.into())
    }

    /// The first answer that comes so long after the question, by its number.
    fn first_beyond(&self, from: Nanos) -> u32 {
        let after = |number: &u32| self.silence + Nanos(self.gap.0 * u64::from(*number)) >= from;
        (0..u32::from(self.answers)).find(after).unwrap_or(self.answers.into())
    }

    /// How long it takes in all, at most.
    pub fn duration(&self) -> Nanos {
        let warm = if self.timer == IdleTimer::Established { WARM } else { Nanos::ZERO };
        warm + self.silence + self.span() + GRACE
    }

    fn span(&self) -> Nanos {
        Nanos(self.gap.0 * u64::from(self.answers.saturating_sub(1)))
    }

    /// When its last answer should have come.
    fn deadline(&self) -> Option<Nanos> {
        self.asked.map(|asked| asked + self.silence + self.span() + GRACE + self.paused)
    }

    /// Whether its proof is to begin now.
    pub fn begins_proof(&mut self, now: Nanos) -> bool {
        let begins = self.outcome.is_none() && self.proving == Proving::Needed;
        if begins {
            self.proving = Proving::Since(now);
        }
        begins
    }

    /// Whether it is proven, or over.
    pub fn is_proven(&self) -> bool {
        self.proving == Proving::Done || self.outcome.is_some()
    }

    /// Takes note of how far its proof has come.
    pub fn prove(&mut self, state: &LaneState, now: Nanos, round_trip: Nanos) {
        let Proving::Since(began) = self.proving else { return };
        let patience = BESIDE + Nanos(round_trip.0.saturating_mul(4));
        match (state, self.proof) {
            (LaneState::Proven, Proof::OwnPath)
                if self.timer == IdleTimer::OneDatagram && now - began > BRIEF =>
            {
                self.give_up(IdleUnknown::SlowProof { took_ns: (now - began).0 });
            }
            (LaneState::Proven, _) => {
                self.proving = Proving::Done;
                if self.warm.is_some() {
                    self.warm = Some((now, now, None));
                }
            }
            (LaneState::Failed(_), Proof::Beside) => self.prove_by_own_path(),
            (LaneState::Waiting, Proof::Beside) if now - began > patience => {
                self.prove_by_own_path();
            }
            (LaneState::Failed(why), Proof::OwnPath) => {
                self.give_up(IdleUnknown::NotProven { reason: why.clone() });
            }
            (LaneState::Waiting, _) => {}
        }
    }

    /// Another port proves nothing of it: the far end is not reached by it, or sees another address.
    fn prove_by_own_path(&mut self) {
        (self.proof, self.proving) = (Proof::OwnPath, Proving::Needed);
        (self.asked, self.arrived) = (None, false);
    }

    /// When it is to be looked at again while its proof is under way; `None` where that is not up to
    /// it.
    pub fn proof_until(&self, round_trip: Nanos) -> Option<Nanos> {
        match self.proving {
            Proving::Since(began) if self.proof == Proof::Beside => {
                Some(began + BESIDE + Nanos(round_trip.0.saturating_mul(4)) + Nanos(1))
            }
            _ => None,
        }
    }

    /// What is to be done now.
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

    /// The number of the next datagram that warms.
    pub fn warm_number(&self) -> u32 {
        self.warm_sent
    }

    /// A datagram that warms has left.
    pub fn warmed(&mut self, now: Nanos) {
        self.warm_sent += 1;
        if let Some((_, next, _)) = &mut self.warm {
            *next = now + WARM_GAP;
        }
    }

    /// The question has left.
    pub fn asked(&mut self, now: Nanos) {
        self.asked = Some(now);
        self.paused = Nanos::ZERO;
        self.questions += 1;
    }

    /// This host refused to send what was due.
    pub fn refused(&mut self, now: Nanos, found: OwnFinding) {
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

    /// This host stood still for `length` until now: warming begins anew, as the path was silent,
    /// and what is waited for waits as much longer.
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

    /// The question.
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

    /// An answer came.
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
        // What an earlier question brings tells of another silence.
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

    /// When it wants to know what arrived at the far end; `None` for not before its answers are
    /// due.
    pub fn wants_rows(&self, check: Nanos) -> Option<Nanos> {
        let (asked, deadline) = (self.asked?, self.deadline()?);
        if self.outcome.is_some() {
            return None;
        }
        Some(if self.arrived { deadline } else { (asked + check).min(deadline) })
    }

    /// What the far end told when it was asked at `told`.
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
        // The far end sees another address than was proven.
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
            // Those that the open path would have let in must have come.
            Stage::Refresh { .. } if !first_came => self.give_up(IdleUnknown::NothingCame),
            _ => self.outcome = Some(IdleOutcome::Closed),
        }
    }

    /// It will not be known.
    pub fn give_up(&mut self, why: IdleUnknown) {
        if self.outcome.is_none() {
            self.outcome = Some(IdleOutcome::Unknown);
            self.why = Some(why);
        }
    }
}
