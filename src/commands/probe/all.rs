//! `udpkit probe HOST`: all probes in parallel, within ten seconds.
//!
//! `shape` runs last: on a path with a rate limit, its trains would cause loss for all others. What
//! is not done in time is left out, and the report lists it.

use super::error::{ProbeError, local_failure};
use super::far_end::Target;
use super::marks;
use super::mtu;
use super::nat::{self, NatOrder};
use super::ports::{self, PortsOrder};
use super::scan::{self, ScanOrder};
use super::shape::{self, ShapeOrder};
use super::timeout;
use super::trace::{self, TraceOrder};
use crate::cli::{AllArgs, DEFAULT_PORT};
use crate::commands::Exit;
use crate::engine::Signals;
use crate::record::probe::{
    AllEvent, AllReport, LeftOut, LeftOutReason, MarksReport, MtuReport, NatReport, NoAgent,
    PortsReport, ProbeKind, ScanReport, ShapeReport, TimeoutReport, TraceReport,
};
use crate::record::{LocalFailure, Sink};
use crate::report::words::probe_all::command;
use crate::report::{AllProgress, Shown, TimeoutProgress, all_text};
use crate::session::probe::ports::PortsEnd;
use crate::session::probe::timeout::TimeoutPlan;
use crate::sys::ErrorNumber;
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList};
use anyhow::Context;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time for everything.
const BUDGET: Duration = Duration::from_millis(9_800);
/// How often it is seen whether the user asks how it stands.
const LOOK: Duration = Duration::from_millis(200);
/// Time that must be left for `shape` to start.
const SHAPE_NEEDS: Duration = Duration::from_secs(3);
/// Idle times that are tried.
const SILENCES: [Nanos; 3] = [Nanos::from_secs(1), Nanos::from_secs(2), Nanos::from_secs(5)];
/// Most datagrams of one kind.
const TRIES: u32 = 4;
/// How long to wait for the last replies.
const WAIT: Nanos = Nanos::from_millis(600);

/// The result of one kind of probe.
enum Part {
    Ports(Box<PortsReport>),
    Scan(Box<ScanReport>),
    Nat(Box<NatReport>),
    Mtu(Box<MtuReport>),
    Marks(Box<MarksReport>),
    Shape(Box<ShapeReport>),
    Trace(Box<TraceReport>),
    Timeout(Box<TimeoutReport>),
    /// No remote agent was found.
    NoAgent(NoAgent),
    /// No result, for this reason.
    Nothing(LeftOutReason),
}

/// Runs `udpkit probe HOST`.
pub fn run(args: AllArgs) -> anyhow::Result<Exit> {
    let target = Target::resolve(&args.far_end())?;
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let progress = if args.quiet || args.json {
        AllProgress::silent(&target.name, BUDGET.into())
    } else {
        AllProgress::shown(&target.name, BUDGET.into())
    };
    let report = measure(&args, &target, &signals, progress);
    let no_agent = report.no_agent.clone();
    let exit = if report.agent { Exit::Done } else { Exit::Failed };
    Shown { json: args.json, ..Shown::default() }.print("probe", &report, all_text);
    target.note_own_losses(no_agent.as_ref());
    Ok(exit)
}

/// Kinds whose traffic does not disturb the others.
const GENTLE: [ProbeKind; 6] = [
    ProbeKind::Timeout,
    ProbeKind::Ports,
    ProbeKind::Nat,
    ProbeKind::Mtu,
    ProbeKind::Marks,
    ProbeKind::Trace,
];

fn measure(args: &AllArgs, target: &Target, signals: &Signals, progress: AllProgress) -> AllReport {
    let start = Instant::now();
    let mut gathering = Gathering::new(args, target, signals, progress);
    for kind in GENTLE {
        gathering.begin(kind);
    }
    // `timeout` takes longest, and `shape` does not disturb it.
    let gentle_over = |open: &[ProbeKind]| open.iter().all(|kind| *kind == ProbeKind::Timeout);
    gathering.gather(start + BUDGET.saturating_sub(SHAPE_NEEDS), gentle_over);
    let in_time = start.elapsed() + SHAPE_NEEDS <= BUDGET && gentle_over(&gathering.open);
    let limit_ns = BUDGET.as_nanos() as u64;
    if signals.arrived() {
        gathering.leave_out(ProbeKind::Shape, LeftOutReason::Interrupted);
    } else if !in_time {
        gathering.leave_out(ProbeKind::Shape, LeftOutReason::NoTimeLeft { limit_ns });
    } else if gathering.report.ports.is_none() {
        gathering.leave_out(ProbeKind::Shape, LeftOutReason::NoAgent);
    } else {
        gathering.begin(ProbeKind::Shape);
    }
    gathering.gather(start + BUDGET, <[ProbeKind]>::is_empty);
    let mut report = gathering.finish(signals.arrived());
    report.duration_ns = start.elapsed().as_nanos() as u64;
    report
}

/// The running kinds, and the results so far.
struct Gathering<'a> {
    args: &'a AllArgs,
    target: &'a Target,
    progress: AllProgress,
    signals: &'a Signals,
    parts: Receiver<(ProbeKind, Part)>,
    tell: Sender<(ProbeKind, Part)>,
    shared: Arc<Shared>,
    open: Vec<ProbeKind>,
    report: AllReport,
}

impl<'a> Gathering<'a> {
    fn new(
        args: &'a AllArgs,
        target: &'a Target,
        signals: &'a Signals,
        progress: AllProgress,
    ) -> Self {
        let (tell, parts) = channel();
        let host = target.name.clone();
        let report = AllReport { host, target: Some(target.addr.into()), ..AllReport::default() };
        let (shared, open) = (Arc::default(), Vec::new());
        Self { args, target, progress, signals, parts, tell, shared, open, report }
    }

    fn begin(&mut self, kind: ProbeKind) {
        self.open.push(kind);
        self.progress.take(AllEvent::Begun { kind });
        begin(kind, self.args, self.target, &self.tell, &self.shared);
    }

    /// Collects results until `enough` holds of the kinds still running, or the time is over.
    fn gather(&mut self, until: Instant, enough: impl Fn(&[ProbeKind]) -> bool) {
        while !enough(&self.open) {
            if self.signals.asked() {
                self.progress.status();
            }
            let left = until.saturating_duration_since(Instant::now());
            let (kind, part) = match self.parts.recv_timeout(left.min(LOOK)) {
                Ok(told) => told,
                Err(_) if left > LOOK => {
                    self.progress.draw();
                    continue;
                }
                Err(_) => return,
            };
            self.open.retain(|other| *other != kind);
            let found = !matches!(part, Part::NoAgent(_) | Part::Nothing(_));
            self.progress.take(AllEvent::Ended { kind, found });
            self.take(kind, part);
        }
    }

    fn take(&mut self, kind: ProbeKind, part: Part) {
        let report = &mut self.report;
        match part {
            Part::Ports(found) => report.ports = Some(*found),
            Part::Scan(found) => report.scan = Some(*found),
            Part::Nat(found) => report.nat = Some(*found),
            Part::Mtu(found) => report.mtu = Some(*found),
            Part::Marks(found) => report.marks = Some(*found),
            Part::Shape(found) => report.shape = Some(*found),
            Part::Trace(found) => report.trace = Some(*found),
            Part::Timeout(found) => report.timeout = Some(*found),
            Part::NoAgent(NoAgent::Interrupted) => {
                self.leave_out(kind, LeftOutReason::Interrupted);
            }
            Part::NoAgent(reason) => self.leave_out(kind, LeftOutReason::AgentFailed { reason }),
            Part::Nothing(reason) => self.leave_out(kind, reason),
        }
    }

    fn leave_out(&mut self, kind: ProbeKind, reason: LeftOutReason) {
        let command = command(kind, &self.report.host, self.report.target, DEFAULT_PORT);
        self.report.left_out.push(LeftOut { kind, reason, command });
    }

    /// The report; kinds that have not finished are left out.
    fn finish(mut self, interrupted: bool) -> AllReport {
        self.progress.clear();
        for kind in std::mem::take(&mut self.open) {
            let limit_ns = BUDGET.as_nanos() as u64;
            let late = LeftOutReason::NotInTime { limit_ns };
            self.leave_out(kind, if interrupted { LeftOutReason::Interrupted } else { late });
        }
        if self.report.timeout.is_some() {
            let tried_ns = SILENCES.iter().map(|silence| silence.0).max().unwrap_or(0);
            self.leave_out(ProbeKind::Timeout, LeftOutReason::LongerIdleTimes { tried_ns });
        }
        if self.report.ports.is_some() && !interrupted {
            self.leave_out(ProbeKind::Paths, LeftOutReason::ManyFlows);
        }
        let mut report = self.report;
        report.agent = report.ports.is_some();
        report.interrupted = interrupted;
        report.no_agent = self.shared.no_agent().filter(|_| !report.agent);
        if report.no_agent.is_some() {
            // The reason why there is no agent is reported once.
            for left in &mut report.left_out {
                let is_for_lack = match left.reason {
                    LeftOutReason::AgentFailed { .. }
                    | LeftOutReason::NoStunReply { .. }
                    | LeftOutReason::NoTimeLeft { .. } => true,
                    // More time would not have found one; a trace needs none.
                    LeftOutReason::NotInTime { .. } => left.kind != ProbeKind::Trace,
                    _ => false,
                };
                if is_for_lack {
                    left.reason = LeftOutReason::NoAgent;
                }
            }
        }
        // Not in the order in which they happened to end.
        report.left_out.sort_by_key(|left| left.kind as u8);
        report
    }
}

/// Starts a kind on its own thread. One that does not finish in time ends with the process.
fn begin(
    kind: ProbeKind,
    args: &AllArgs,
    target: &Target,
    tell: &Sender<(ProbeKind, Part)>,
    shared: &Arc<Shared>,
) {
    let (args, target, to_tell) = (args.clone(), target.clone(), tell.clone());
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().name(kind.name().to_owned());
    let spawned = thread.spawn(move || {
        let part = find(kind, &args, &target, &shared).unwrap_or_else(|error| {
            Part::Nothing(LeftOutReason::Failed { failure: local_failure(&error) })
        });
        shared.ended(kind);
        // If the time was over, the receiver is gone.
        let _ = to_tell.send((kind, part));
    });
    if let Err(error) = spawned {
        let failure = LocalFailure::Other { errno: error.errno() };
        let failed = LeftOutReason::Failed { failure };
        let _ = tell.send((kind, Part::Nothing(failed)));
    }
}

/// Kinds that need one ICMP error to learn that no server runs, as `ports` does. Hosts limit their
/// ICMP errors, so these start before kinds that need several.
const FIRST: [ProbeKind; 3] = [ProbeKind::Mtu, ProbeKind::Marks, ProbeKind::Timeout];
/// The time they have for it: a closed port counts once a second has brought no reply.
const TO_HEAR: Duration = Duration::from_millis(1_200);
/// Kinds that start before the scan, which would use up all ICMP errors, and their time.
const BEFORE_SCAN: [ProbeKind; 5] =
    [ProbeKind::Mtu, ProbeKind::Marks, ProbeKind::Timeout, ProbeKind::Nat, ProbeKind::Trace];
const TO_END: Duration = Duration::from_millis(1_500);

/// State shared by the kinds.
#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    more: Condvar,
}

#[derive(Default)]
struct Known {
    /// Kinds that have finished.
    ended: Vec<ProbeKind>,
    /// Why there is no remote agent, if a kind received a reason.
    told: Option<NoAgent>,
    /// That there was no reply, if nothing more is known.
    silence: Option<NoAgent>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, kind: ProbeKind) {
        self.lock().ended.push(kind);
        self.more.notify_all();
    }

    /// Waits until these kinds have finished, for `most` at most.
    fn wait(&self, kinds: &[ProbeKind], most: Duration) {
        let waits = |known: &mut Known| !kinds.iter().all(|kind| known.ended.contains(kind));
        drop(self.more.wait_timeout_while(self.lock(), most, waits));
    }

    /// Records why a kind found no remote agent. If it got no reply, the reason that another kind
    /// received is used.
    fn note(&self, why: NoAgent) -> NoAgent {
        let mut known = self.lock();
        if let NoAgent::NoReply { .. } | NoAgent::StoppedReplying { .. } = why {
            known.silence.get_or_insert_with(|| why.clone());
            return known.told.clone().unwrap_or(why);
        }
        known.told.get_or_insert_with(|| why.clone());
        why
    }

    /// Why there is no remote agent; `None` if no kind reported that.
    fn no_agent(&self) -> Option<NoAgent> {
        let known = self.lock();
        known.told.clone().or_else(|| known.silence.clone())
    }

    /// The ICMP error by which no server can be there, if one came.
    fn unreachable(&self) -> Option<NoAgent> {
        let is_network = |why: &NoAgent| {
            matches!(why, NoAgent::Unreachable { .. } | NoAgent::TtlExceeded { .. })
        };
        self.lock().told.clone().filter(is_network)
    }
}

fn find(kind: ProbeKind, args: &AllArgs, target: &Target, shared: &Shared) -> anyhow::Result<Part> {
    let signals = Some(Signals::listen()?);
    let no_agent = |why: NoAgent| Part::NoAgent(shared.note(why));
    Ok(match kind {
        ProbeKind::Ports => return find_ports(args, target, signals, shared),
        ProbeKind::Nat => {
            shared.wait(&FIRST, TO_HEAR);
            if let Some(why) = shared.unreachable() {
                return Ok(Part::NoAgent(why));
            }
            let found = nat::measure(&nat_order(target), signals)?;
            let silence = LeftOutReason::NoStunReply { target: target.addr.into() };
            if found.answered { Part::Nat(Box::new(found)) } else { Part::Nothing(silence) }
        }
        ProbeKind::Mtu => match mtu::measure(target, TRIES, signals)? {
            Ok(found) => Part::Mtu(Box::new(found)),
            Err(why) => no_agent(why),
        },
        ProbeKind::Marks => match marks::measure(target, TRIES, signals)? {
            Ok(found) => Part::Marks(Box::new(found)),
            Err(why) => no_agent(why),
        },
        ProbeKind::Shape => {
            let order =
                ShapeOrder { ports: PortList::default(), tries: TRIES, rate: 500, train: 500 };
            match shape::measure(target, &order, signals)? {
                Ok(found) => Part::Shape(Box::new(found)),
                Err(why) => no_agent(why),
            }
        }
        ProbeKind::Trace => {
            shared.wait(&FIRST, TO_HEAR);
            let order = TraceOrder {
                target: target.addr,
                from: target.local,
                device: target.device,
                flows: 1,
                tries: 3,
                hops: 30,
                wait: WAIT,
                whole: None,
            };
            Part::Trace(Box::new(trace::measure(&order, signals)?))
        }
        ProbeKind::Paths => Part::Nothing(LeftOutReason::ManyFlows),
        ProbeKind::Timeout => {
            let found = find_timeout(target, signals)?;
            match found.no_agent.clone() {
                None => Part::Timeout(Box::new(found)),
                Some(why) => no_agent(why),
            }
        }
    })
}

fn find_ports(
    args: &AllArgs,
    target: &Target,
    signals: Option<Signals>,
    shared: &Shared,
) -> anyhow::Result<Part> {
    let order = PortsOrder {
        ports: args.ports.clone(),
        tries: 2 * TRIES,
        per_second: 500,
        wait: WAIT,
        dscp: Dscp::default(),
        ecn: Ecn::default(),
    };
    Ok(match ports::measure(target, &order, signals)? {
        PortsEnd::Helped(counts) => {
            let mut report = counts.judge();
            target.name.clone_into(&mut report.host);
            Part::Ports(Box::new(report))
        }
        PortsEnd::NoAgent(why) => {
            shared.note(why);
            shared.wait(&BEFORE_SCAN, TO_END);
            let order = ScanOrder {
                host: target.name.clone(),
                device: target.device,
                time: Nanos::from_secs(5),
                ..ScanOrder::new(args.ports.clone())
            };
            Part::Scan(Box::new(scan::measure(&order, target.addr, Signals::listen()?)?))
        }
    })
}

fn find_timeout(target: &Target, signals: Option<Signals>) -> anyhow::Result<TimeoutReport> {
    let plan = TimeoutPlan {
        server: target.addr,
        candidates: SILENCES.to_vec(),
        // No refinement, for lack of time.
        precision: Nanos::from_secs(60),
        // Enough replies to distinguish a closed path from random loss with so few sockets.
        tries: 5,
        who_refreshes: false,
    };
    timeout::measure(target, plan, TimeoutProgress::silent(), signals)
}

fn nat_order(target: &Target) -> NatOrder {
    NatOrder {
        server: target.addr,
        second: None,
        from: None,
        device: target.device,
        sockets: 8,
        tries: 2 * TRIES,
        wait: WAIT,
        hairpin: false,
    }
}
