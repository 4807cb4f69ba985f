//! `udpkit probe mtu`: from arguments to a run.

use super::helped::{self, Target};
use super::trace::{self, TraceOrder};
use crate::cli::MtuArgs;
use crate::commands::Exit;
use crate::commands::ping::bind_address;
use crate::engine::Signals;
use crate::record::Document;
use crate::record::probe::{MtuLimit, MtuReport};
use crate::report::{mtu_text, print_json, print_text};
use crate::session::probe::NoHelper;
use crate::session::probe::mtu::{MtuKind, MtuPlan, judge};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;

/// Hops at which a black hole is looked for.
const HOPS: u8 = 30;
/// How long a router may take to answer for the place of a black hole.
const WAIT: Nanos = Nanos::from_millis(600);

/// Runs `udpkit probe mtu`.
pub fn run(args: MtuArgs) -> anyhow::Result<Exit> {
    let target = Target::resolve(&args.far_end)?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let report = match measure(&target, args.tries, Some(signals))? {
        Ok(report) => report,
        Err(why) => return Ok(helped::say_no_helper(target.addr, &why)),
    };
    let found = report.out.packet_bytes.is_some();
    if args.far_end.json {
        print_json(&Document::new("probe mtu", report));
    } else {
        print_text(&mtu_text(&report));
    }
    Ok(if found { Exit::Done } else { Exit::Failed })
}

/// The sizes of a path; the reason where there is no helper.
pub fn measure(
    target: &Target,
    tries: u32,
    signals: Option<Signals>,
) -> anyhow::Result<Result<MtuReport, NoHelper>> {
    let kind = MtuKind::new(MtuPlan { target: target.addr, tries });
    let manner = target.manner(PortList::default(), tries);
    let ended = helped::measure(target, manner, kind, signals)?;
    let mut report = match ended.facts {
        Ok(report) => report,
        Err(why) => return Ok(Err(why)),
    };
    report.duration_ns = ended.duration.0;
    if report.out.limit == Some(MtuLimit::BlackHole) && ended.doubts.is_empty() {
        report.out.vanishes_after = place_black_hole(target, &report, tries)?;
    }
    report.verdict = judge(&report);
    report.verdict.doubt.extend(ended.doubts);
    Ok(Ok(report))
}

/// The last router to which a packet gets that is too large for the path: a trace of such packets.
fn place_black_hole(
    target: &Target,
    report: &MtuReport,
    tries: u32,
) -> anyhow::Result<Option<std::net::IpAddr>> {
    let Some(too_large) = report.out.too_large_bytes else { return Ok(None) };
    let order = TraceOrder {
        target: target.addr,
        from: bind_address(None, target.addr)?,
        flows: 1,
        tries,
        hops: HOPS,
        wait: WAIT,
        whole: Some((too_large - report.header_bytes) as usize),
    };
    let trace = trace::measure(&order, None)?;
    let last = trace.flows.first().and_then(|flow| flow.last().map(|hop| hop.routers()));
    Ok(last.and_then(|routers| routers.first().copied()))
}
