//! `udpkit probe HOST`: all kinds, side by side within ten seconds.
//!
//! What disturbs others goes last: the trains of `shape` would be losses to everybody else where a
//! rate is limited. What is not done in time is left out, and said so.

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
use crate::record::Document;
use crate::record::probe::NoAgent;
use crate::record::probe::{
    AllReport, LeftOut, MarksReport, MtuReport, NatReport, PortsReport, ScanReport, ShapeReport,
    TimeoutReport, TraceReport,
};
use crate::report::{TimeoutProgress, all_text, print_json, print_text};
use crate::session::probe::ports::PortsEnd;
use crate::session::probe::timeout::TimeoutPlan;
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList};
use anyhow::Context;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// When everything must be over.
const BUDGET: Duration = Duration::from_millis(9_800);
/// What `shape` must have left to begin.
const SHAPE_NEEDS: Duration = Duration::from_secs(3);
/// Silences that are tried.
const SILENCES: [Nanos; 3] = [Nanos::from_secs(1), Nanos::from_secs(2), Nanos::from_secs(5)];
/// Datagrams of one sort.
const TRIES: u32 = 4;
/// How long last answers are waited for.
const WAIT: Nanos = Nanos::from_millis(600);

/// What one kind found.
enum Part {
    Ports(Box<PortsReport>),
    Scan(Box<ScanReport>),
    Nat(Box<NatReport>),
    Mtu(Box<MtuReport>),
    Marks(Box<MarksReport>),
    Shape(Box<ShapeReport>),
    Trace(Box<TraceReport>),
    Timeout(Box<TimeoutReport>),
    /// It has nothing to tell, for this reason.
    Nothing(String),
}

/// Runs `udpkit probe HOST`.
pub fn run(args: AllArgs) -> anyhow::Result<Exit> {
    let target = Target::resolve(&args.far_end())?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let report = measure(&args, &target, &signals);
    let exit = if report.helper { Exit::Done } else { Exit::Failed };
    if args.json {
        print_json(&Document::new("probe", report));
    } else {
        print_text(&all_text(&report));
    }
    Ok(exit)
}

type Kind = &'static str;
/// Kinds that leave the path as it is, and those of them that are waited for before `shape`.
const QUIET: [Kind; 6] = ["timeout", "ports", "nat", "mtu", "marks", "trace"];

fn measure(args: &AllArgs, target: &Target, signals: &Signals) -> AllReport {
    let start = Instant::now();
    let (tell, parts) = channel();
    let ears = Arc::new(Ears::default());
    for kind in QUIET {
        begin(kind, args, target, &tell, &ears);
    }
    let mut report =
        AllReport { host: target.name.clone(), target: Some(target.addr), ..AllReport::default() };
    let mut open: Vec<Kind> = QUIET.to_vec();
    let quiet = |open: &[Kind]| open.iter().all(|kind| *kind == "timeout");
    gather(&parts, &mut open, &mut report, start + BUDGET.saturating_sub(SHAPE_NEEDS), quiet);
    let in_time = start.elapsed() + SHAPE_NEEDS <= BUDGET && quiet(&open);
    if report.ports.is_some() && in_time && !signals.arrived() {
        begin("shape", args, target, &tell, &ears);
        open.push("shape");
    } else if report.ports.is_some() {
        let why = if signals.arrived() { "interrupted" } else { "no time was left" };
        left_out(&mut report, "shape", why.to_owned());
    }
    gather(&parts, &mut open, &mut report, start + BUDGET, <[Kind]>::is_empty);
    for kind in open {
        let why = if signals.arrived() { "interrupted" } else { "not done in ten seconds" };
        left_out(&mut report, kind, why.to_owned());
    }
    if report.timeout.is_some() {
        left_out(&mut report, "timeout", "silences beyond 5 s take as long".to_owned());
    }
    report.helper = report.ports.is_some();
    report.interrupted = signals.arrived();
    report.duration_ns = start.elapsed().as_nanos() as u64;
    report
}

/// Takes what kinds tell until `enough` of them have, or the time is over.
fn gather(
    parts: &Receiver<(Kind, Part)>,
    open: &mut Vec<Kind>,
    report: &mut AllReport,
    until: Instant,
    enough: impl Fn(&[Kind]) -> bool,
) {
    while !enough(open) {
        let left = until.saturating_duration_since(Instant::now());
        let Ok((kind, part)) = parts.recv_timeout(left) else { return };
        open.retain(|other| *other != kind);
        match part {
            Part::Ports(found) => report.ports = Some(*found),
            Part::Scan(found) => report.scan = Some(*found),
            Part::Nat(found) => report.nat = Some(*found),
            Part::Mtu(found) => report.mtu = Some(*found),
            Part::Marks(found) => report.marks = Some(*found),
            Part::Shape(found) => report.shape = Some(*found),
            Part::Trace(found) => report.trace = Some(*found),
            Part::Timeout(found) => report.timeout = Some(*found),
            Part::Nothing(why) => left_out(report, kind, why),
        }
    }
}

fn left_out(report: &mut AllReport, kind: Kind, why: String) {
    let command = format!("udpkit probe {kind} {}", far_end(report));
    report.left_out.push(LeftOut { kind, why, command });
}

/// The far end as an argument, with its port where that is not the usual one.
fn far_end(report: &AllReport) -> String {
    let host = &report.host;
    match report.target.map(|target| target.port()) {
        None | Some(DEFAULT_PORT) => host.clone(),
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
    }
}

/// Starts a kind on a thread of its own. One that is not done in time ends with the process.
fn begin(
    kind: Kind,
    args: &AllArgs,
    target: &Target,
    tell: &Sender<(Kind, Part)>,
    ears: &Arc<Ears>,
) {
    let (args, target, tell) = (args.clone(), target.clone(), tell.clone());
    let ears = Arc::clone(ears);
    let thread = thread::Builder::new().name(kind.to_owned());
    let to_die = tell.clone();
    let spawned = thread.spawn(move || {
        let part = find(kind, &args, &target, &ears)
            .unwrap_or_else(|error| Part::Nothing(crate::commands::message_of(&error)));
        ears.ended(kind);
        // Nobody listens any more where the time was over.
        let _ = tell.send((kind, part));
    });
    if let Err(error) = spawned {
        let _ = to_die.send((kind, Part::Nothing(error.to_string())));
    }
}

/// Kinds that hear by an ICMP error, as `ports` does, when nobody serves there. A host sends only
/// so many, so they come before those that need several.
const FIRST: [Kind; 3] = ["mtu", "marks", "timeout"];
/// What they have for it.
const TO_HEAR: Duration = Duration::from_millis(300);
/// Kinds that come before the scan, which would have all errors, and what they have for it.
const BEFORE_SCAN: [Kind; 5] = ["mtu", "marks", "timeout", "nat", "trace"];
const TO_END: Duration = Duration::from_millis(1_500);

/// What the kinds hear of one another.
#[derive(Default)]
struct Ears {
    heard: Mutex<Heard>,
    more: Condvar,
}

#[derive(Default)]
struct Heard {
    /// Kinds that have ended.
    ended: Vec<Kind>,
    /// Why there is no helper, where anybody was told.
    why: Option<NoAgent>,
}

impl Ears {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, kind: Kind) {
        self.lock().ended.push(kind);
        self.more.notify_all();
    }

    /// Waits until these have ended, or had their time.
    fn wait(&self, kinds: &[Kind], most: Duration) {
        let waits = |heard: &mut Heard| !kinds.iter().all(|kind| heard.ended.contains(kind));
        drop(self.more.wait_timeout_while(self.lock(), most, waits));
    }

    /// Why there is no helper: who met silence takes what another was told.
    fn why(&self, why: NoAgent) -> NoAgent {
        let mut heard = self.lock();
        if let NoAgent::NoReply { .. } | NoAgent::StoppedReplying { .. } = why {
            return heard.why.clone().unwrap_or(why);
        }
        heard.why.get_or_insert(why.clone());
        why
    }
}

fn find(kind: Kind, args: &AllArgs, target: &Target, ears: &Ears) -> anyhow::Result<Part> {
    let signals = Some(Signals::listen()?);
    let or_nothing = |why: NoAgent| Part::Nothing(ears.why(why).to_string());
    Ok(match kind {
        "ports" => return find_ports(args, target, signals, ears),
        "nat" => {
            ears.wait(&FIRST, TO_HEAR);
            if let Some(why @ (NoAgent::Unreachable { .. } | NoAgent::TtlExceeded { .. })) =
                &ears.lock().why
            {
                return Ok(Part::Nothing(why.to_string()));
            }
            let found = nat::measure(&nat_order(target), signals)?;
            if found.answered { Part::Nat(Box::new(found)) } else { silent(&found.verdict.verdict) }
        }
        "mtu" => match mtu::measure(target, TRIES, signals)? {
            Ok(found) => Part::Mtu(Box::new(found)),
            Err(why) => or_nothing(why),
        },
        "marks" => match marks::measure(target, TRIES, signals)? {
            Ok(found) => Part::Marks(Box::new(found)),
            Err(why) => or_nothing(why),
        },
        "shape" => {
            let order =
                ShapeOrder { ports: PortList::default(), tries: TRIES, rate: 500, train: 500 };
            match shape::measure(target, &order, signals)? {
                Ok(found) => Part::Shape(Box::new(found)),
                Err(why) => or_nothing(why),
            }
        }
        "trace" => {
            ears.wait(&FIRST, TO_HEAR);
            let order = TraceOrder {
                target: target.addr,
                from: target.local,
                flows: 1,
                tries: 3,
                hops: 30,
                wait: WAIT,
                whole: None,
            };
            Part::Trace(Box::new(trace::measure(&order, signals)?))
        }
        _ => find_timeout(target, signals)?,
    })
}

fn find_ports(
    args: &AllArgs,
    target: &Target,
    signals: Option<Signals>,
    ears: &Ears,
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
        PortsEnd::Helped(mut report) => {
            target.name.clone_into(&mut report.host);
            Part::Ports(report)
        }
        PortsEnd::NoAgent(why) => {
            ears.why(why);
            ears.wait(&BEFORE_SCAN, TO_END);
            let order = ScanOrder {
                host: target.name.clone(),
                time: Nanos::from_secs(5),
                ..ScanOrder::new(args.ports.clone())
            };
            Part::Scan(Box::new(scan::measure(&order, target.addr)?))
        }
    })
}

fn find_timeout(target: &Target, signals: Option<Signals>) -> anyhow::Result<Part> {
    let plan = TimeoutPlan {
        server: target.addr,
        candidates: SILENCES.to_vec(),
        // No refinement: there is no time for it.
        precision: Nanos::from_secs(60),
        // As many as tell a closed path from chance beside what so few paths are warmed with.
        tries: 5,
        who_refreshes: false,
    };
    let quiet = TimeoutProgress::new(true);
    let found = timeout::measure(target, plan, quiet, signals)?;
    Ok(if found.helper { Part::Timeout(Box::new(found)) } else { silent(&found.verdict.verdict) })
}

fn silent(words: &str) -> Part {
    Part::Nothing(words.to_owned())
}

fn nat_order(target: &Target) -> NatOrder {
    NatOrder {
        server: target.addr,
        second: None,
        from: None,
        sockets: 8,
        tries: 2 * TRIES,
        wait: WAIT,
        hairpin: false,
    }
}
