//! A run with an iperf3 server: its control connection, and the report.

use super::plan::BlastPlan;
use super::streams::{Collected, Driver};
use super::{compose, failure};
use crate::engine::{ByteLoop, Signals, random_key};
use crate::net::ConnectionPlan;
use crate::record::{
    BlastReport, DirectionReport, Iperf3Report, ThroughputAdvice, ThroughputCaveat, Way,
};
use crate::report::BlastView;
use crate::session::blast::Direction;
use crate::session::iperf3::{Iperf3Control, Iperf3Plan, Iperf3Summary};
use crate::units::Nanos;
use crate::wire::iperf3::{COOKIE_LEN, Counters, cookie};
use std::sync::mpsc::channel;

/// One whole run, up to its report.
pub fn run(
    plan: &BlastPlan,
    view: BlastView,
    signals: Option<Signals>,
) -> anyhow::Result<(BlastReport, BlastView)> {
    // An iperf3 server reports what it received at the end only.
    let sends_only = plan.test.direction == Direction::Up;
    let view = if sends_only { view.without_intervals() } else { view };
    let (mut summary, driver) = run_control(plan, view, signals)?;
    let host = driver.count_host(0);
    let failure_advice = failure::explain(plan, &mut summary.control, Some(&host));
    let (mut found, view) = driver.into_parts();
    found.host = Some(host);
    complete(plan, &mut summary, &mut found);
    let mut report = compose::report(plan, &summary.control, found);
    report.failure_advice = failure_advice;
    describe(&mut report, plan, &summary);
    Ok((report, view))
}

fn run_control(
    plan: &BlastPlan,
    view: BlastView,
    signals: Option<Signals>,
) -> anyhow::Result<(Iperf3Summary, Driver)> {
    let mut random = [0; COOKIE_LEN - 1];
    let source = [random_key()?, random_key()?];
    random.iter_mut().zip(source.iter().flatten()).for_each(|(byte, from)| *byte = *from);
    let test = Iperf3Plan {
        test: plan.test,
        omit: plan.iperf3.as_ref().map_or(Nanos::ZERO, |iperf3| iperf3.omit),
        target: plan.target,
        params: plan.iperf3.as_ref().map(|iperf3| iperf3.params(&plan.test)).unwrap_or_default(),
        cookie: cookie(&random),
        patience: plan.patience,
    };
    let connection = ConnectionPlan {
        bind: plan.control_bind,
        connect: plan.target,
        device: plan.stream.device,
    };
    let (orders, inbox) = channel();
    let control = ByteLoop::new(connection.open()?, signals)?;
    let mut driver = Driver::new(plan.clone(), orders, control.handle(), view, None);
    let session = Iperf3Control::new(test, inbox, &mut driver);
    let mut summary = control.run(session)?;
    summary.control.one_host = plan.is_on_this_host();
    Ok((summary, driver))
}

/// Adds to both ends' counts what follows from them.
fn complete(plan: &BlastPlan, summary: &mut Iperf3Summary, found: &mut Collected) {
    let payload = u64::from(plan.test.payload);
    let percent = summary.server_cpu_percent;
    let used = |length: u64| {
        let nanos = u128::from(length) * u128::from(percent?) / 100;
        u64::try_from(nanos).ok()
    };
    if let Some((received, sent)) = summary.control.received.as_mut().zip(found.sent.as_mut()) {
        if let Some(counted) = summary.up.and_then(|up| up.sent) {
            // Both ends cut the omitted time by their own timers; the receiver's is that of the
            // report.
            sent.offered = sent.never_sent() + counted;
            (sent.datagrams, sent.bytes) = (counted, counted.saturating_mul(payload));
        }
        // The server does not tell when its first and last datagrams arrived.
        (received.span_ns, received.at_start) = (sent.span_ns, sent.at_start);
        received.cpu_ns = used(sent.span_ns);
    }
    if let Some((sent, received)) = summary.control.sent.as_mut().zip(found.received.as_ref()) {
        let span = Nanos(received.span_ns);
        if let Some((datagrams, time)) = plan.test.rate.ratio_for(payload) {
            let due = u128::from(datagrams) * u128::from(span.0) / u128::from(time.0.max(1));
            sent.offered = sent.datagrams.max(u64::try_from(due).unwrap_or(0));
            sent.unsent = sent.offered - sent.datagrams;
        }
        sent.cpu_ns = used(span.0).unwrap_or(0);
    }
}

/// Adds what is known of the server's protocol, and takes out what it cannot tell.
fn describe(report: &mut BlastReport, plan: &BlastPlan, summary: &Iperf3Summary) {
    let Some(options) = &plan.iperf3 else { return };
    let repeats = summary.repeated_greetings;
    report.iperf3 = Some(Iperf3Report {
        stream_rate_bps: options.stream_rate.map(|rate| rate.0),
        omit_ns: options.omit.0,
        counter_bits: match options.counters {
            Counters::Narrow => 32,
            Counters::Wide => 64,
        },
        gsro_requested: options.gsro,
        lost_without_tail: summary.up.and_then(|up| up.lost_without_tail),
        repeated_greetings: repeats,
    });
    // Neither fits an iperf3 server: rates are tried with one of udpkit, and it reports what it can.
    let ways = [Some(&mut report.main), report.reverse.as_mut()];
    for way in ways.into_iter().flatten() {
        let of_udpkit = [ThroughputAdvice::FindRate, ThroughputAdvice::CheckServer];
        way.advice = way.advice.filter(|advice| !of_udpkit.contains(advice));
    }
    if report.main.direction == Way::Up {
        let caveats = caveats(&report.main, summary);
        report.main.findings.caveats.extend(caveats);
    }
    if repeats > 0 {
        report.main.findings.caveats.push(ThroughputCaveat::GreetingsRepeated { times: repeats });
    }
}

/// Why the counts of an iperf3 server are not all that they seem.
fn caveats(way: &DirectionReport, summary: &Iperf3Summary) -> Vec<ThroughputCaveat> {
    let counts = [way.sent, way.received].map(|flow| flow.map_or(0, |flow| flow.datagrams));
    let [sent, received] = counts;
    let unknown = summary.up.is_some_and(|up| up.sent.is_none());
    let lost = way.lost.is_some_and(|lost| lost.total > 0);
    let more = !unknown && way.sent.is_some() && received > sent;
    let all = [
        unknown.then_some(ThroughputCaveat::OmittedLossUnknown),
        lost.then_some(ThroughputCaveat::ReceiverDropsUnknown),
        more.then_some(ThroughputCaveat::DuplicatesHideLoss { received, sent }),
    ];
    all.into_iter().flatten().collect()
}
