//! `probe ports` with a helper: several datagrams to each port, and the helper tells which arrived.
//!
//! Every port gets as many datagrams as there are tries, never two in a row, so that a burst of loss
//! meets each of them once; the last word is the helper's list of what came, over the dialogue, which
//! a filter of the ports under test does not touch. Ports are asked for in portions that a helper
//! opens at once.

mod held_back;
mod judge;
mod portions;
mod track;

pub use held_back::{heed, in_question};
pub use judge::judge;

use super::{FarEnd, NoHelper, sooner};
use crate::batch::{Datagram, Dest, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::record::probe::{HelperReport, PortsReport};
use crate::session::{Next, Now, Session};
use crate::units::Nanos;
use crate::wire::{Ask, Dscp, Echo, Ecn, PortList, tos};
use portions::portions;
use std::collections::VecDeque;
use std::net::SocketAddr;
use track::Track;

/// The loop's socket for the dialogue.
pub const DIALOGUE: usize = 0;
/// The loop's socket that the ports are asked from.
pub const ASKING: usize = 1;
/// TTL that asks and replies leave with.
pub const TTL: u8 = 255;
/// Most tries that one run may have: a bit each.
pub const MOST_TRIES: u32 = 64;

/// What is to be found out.
#[derive(Clone, Debug)]
pub struct PortsPlan {
    /// Where the helper serves.
    pub target: SocketAddr,
    /// The ports.
    pub ports: PortList,
    /// Datagrams to each, 1 to 64.
    pub tries: u32,
    /// Marks that datagrams and replies leave with.
    pub dscp: Dscp,
    /// The same for ECN.
    pub ecn: Ecn,
    /// Time from one datagram to the next, whichever port.
    pub gap: Nanos,
    /// Time from one datagram of a port to its next.
    pub spacing: Nanos,
    /// How long the last replies are waited for.
    pub wait: Nanos,
    /// Where the asking socket sends from; an unspecified address is not known.
    pub source: SocketAddr,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    /// The next portion's ports are being opened.
    Opening,
    /// The portion is being asked: which datagram is next, and since when.
    Asking { next: usize, start: Nanos },
    /// The last replies are on their way.
    Waiting(Nanos),
    /// The helper is asked what came.
    Telling,
    /// The session is being closed.
    Closing,
}

/// `probe ports` as a machine.
pub struct PortsSession {
    plan: PortsPlan,
    far: FarEnd,
    stage: Stage,
    portions: VecDeque<PortList>,
    tracks: Vec<Track>,
    /// The tracks of the portion at hand that are asked.
    asked: Vec<usize>,
    /// Whose ask is the last of the batch.
    written: Option<usize>,
    started: Option<Nanos>,
    granted: bool,
    stopped: bool,
}

/// What is known at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortsEnd {
    /// With a helper.
    Helped(Box<PortsReport>),
    /// There is none, or it refused.
    NoHelper(NoHelper),
}

impl PortsSession {
    /// A probe at its start; `far` speaks by the socket [`DIALOGUE`].
    pub fn new(plan: PortsPlan, far: FarEnd) -> Self {
        let mut session = Self {
            portions: portions(&plan.ports),
            tracks: plan.ports.iter().map(Track::new).collect(),
            plan,
            far,
            stage: Stage::Opening,
            asked: Vec::new(),
            written: None,
            started: None,
            granted: false,
            stopped: false,
        };
        session.open_next();
        session
    }

    /// Datagrams that one batch must hold, and their bytes.
    pub fn room(&self) -> (usize, usize) {
        (8, 8 * 1_200)
    }

    fn open_next(&mut self) {
        if let Some(ports) = self.portions.front() {
            self.far.probe(ports.clone());
            self.stage = Stage::Opening;
            return;
        }
        self.far.close();
        self.stage = Stage::Closing;
    }

    fn go_on(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.stage {
            Stage::Opening => {
                if !self.begin_portion(now) {
                    return Next::Idle;
                }
                Next::Send
            }
            Stage::Asking { next, start } => self.ask(now, next, start, out),
            Stage::Waiting(until) => {
                let all_back = self.asked.iter().all(|index| self.tracks[*index].all_replied());
                if now.mono < until && !all_back {
                    return Next::WaitUntil(until);
                }
                self.far.ask_rows();
                self.stage = Stage::Telling;
                Next::Send
            }
            Stage::Telling => {
                let Some(rows) = self.far.rows() else { return Next::Idle };
                for index in &self.asked {
                    self.tracks[*index].tell(rows.get(&(*index as u32)));
                }
                self.asked.clear();
                self.portions.pop_front();
                self.open_next();
                Next::Send
            }
            Stage::Closing => Next::Idle,
        }
    }

    /// Takes note of the ports that are open; whether they are.
    fn begin_portion(&mut self, now: Now) -> bool {
        let Some(granted) = self.far.granted() else { return false };
        self.granted = true;
        let Some(portion) = self.portions.front() else { return false };
        self.asked.clear();
        let of_portion = |track: &Track| portion.contains(track.port());
        let tracks = self.tracks.iter_mut().enumerate().filter(|(_, track)| of_portion(track));
        for (index, track) in tracks {
            match granted.why_not(track.port()) {
                Some(why) => track.not_opened(why),
                None => self.asked.push(index),
            }
        }
        self.stage = Stage::Asking { next: 0, start: now.mono };
        true
    }

    /// Writes the ask that is due.
    fn ask(&mut self, now: Now, next: usize, start: Nanos, out: &mut TxBatch) -> Next {
        let ports = self.asked.len();
        if next >= ports * self.plan.tries as usize {
            self.stage = Stage::Waiting(now.mono + self.plan.wait);
            return Next::Send;
        }
        let (round, place) = (next / ports, next % ports);
        let of_round = self.plan.spacing.0.max(self.plan.gap.0 * ports as u64);
        let due = start + Nanos(of_round * round as u64 + self.plan.gap.0 * place as u64);
        if now.mono < due {
            return Next::WaitUntil(due);
        }
        let index = self.asked[place];
        let Some(granted) = self.far.granted() else { return Next::Idle };
        let marks = tos(self.plan.dscp, self.plan.ecn);
        let ask = Ask {
            answer_tos: marks,
            ..Ask::new(granted.tag, granted.key, index as u32, round as u32, now.real)
        };
        let mut target = self.plan.target;
        target.set_port(self.tracks[index].port());
        let dest = Dest { socket: ASKING, tos: marks, ttl: TTL, ..Dest::from(target) };
        let id = out.add_dest(dest);
        if let Some(slot) = out.push(id, Ask::PADDED) {
            ask.encode(slot);
            self.written = Some(next);
        }
        Next::Send
    }

    fn track_of(&mut self, port: u16) -> Option<&mut Track> {
        let index = self.tracks.binary_search_by_key(&port, Track::port).ok()?;
        self.tracks.get_mut(index)
    }
}

impl Session for PortsSession {
    type Summary = PortsEnd;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now.mono);
        self.written = None;
        out.reset();
        let far = self.far.poll(now, out);
        if far == Next::Done {
            return Next::Done;
        }
        sooner(far, self.go_on(now, out))
    }

    fn on_sent(&mut self, _now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        // The ask is the last of its batch.
        let (Some(number), Stage::Asking { next, .. }) = (self.written.take(), &mut self.stage)
        else {
            return;
        };
        let track = self.asked[number % self.asked.len()];
        match outcome.stop {
            None => self.tracks[track].sent(),
            Some(SendStop::Refused { errno, .. }) if outcome.accepted + 1 == batch.len() => {
                self.tracks[track].refused(errno);
            }
            // It was not tried: again.
            Some(_) => return,
        }
        *next = number + 1;
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if self.far.on_datagram(now, datagram) || datagram.meta.socket != ASKING {
            return;
        }
        let Some(echo) = Echo::decode(datagram.payload) else { return };
        let tag = self.far.granted().map(|granted| granted.tag);
        if tag != Some(echo.tag) || !self.asked.contains(&(echo.item as usize)) {
            return;
        }
        let mut expected = self.plan.target;
        if let Some(track) = self.tracks.get_mut(echo.item as usize) {
            expected.set_port(track.port());
            track.replied(&echo, &datagram.meta, expected);
        }
    }

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        if self.far.on_network_error(error) || error.socket != ASKING {
            return;
        }
        let port = error.destination.port();
        if let Some(track) = self.track_of(port) {
            track.spoken_of(error);
        }
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
        self.portions.clear();
        self.far.close();
        self.stage = Stage::Closing;
    }

    fn finish(self, now: Now) -> PortsEnd {
        let lost = self.far.lost();
        if let (Some(why), false) = (lost, self.granted) {
            return PortsEnd::NoHelper(why.clone());
        }
        let plan = &self.plan;
        let ports: Vec<_> = self.tracks.iter().map(|track| track.row(plan.source)).collect();
        let mut report = PortsReport {
            target: Some(plan.target.ip()),
            helper: Some(HelperReport {
                address: Some(plan.target),
                seen_as: self.far.seen_as(),
                withheld: self.far.withheld(),
                lost: lost.map(|why| why.words().to_owned()),
            }),
            tries: plan.tries,
            source: Some(plan.source),
            dscp_sent: plan.dscp.value(),
            ecn_sent: plan.ecn as u8,
            duration_ns: (now.mono - self.started.unwrap_or(now.mono)).0,
            stopped_early: self.stopped,
            ports,
            ..PortsReport::default()
        };
        judge(&mut report);
        PortsEnd::Helped(Box::new(report))
    }
}
