//! The client's side of the control dialogue: opens a session, requests a run, monitors it, and
//! collects the far end's report.

mod checks;
mod silence;

use super::about::{About, Delays};
use super::capabilities::beyond;
use super::delay_params::FarDelays;
use super::events::{ControlCommand, ControlEvent, ControlOrder, ControlSummary};
use super::host_params::read_host;
use super::outage_params::read_outages;
use super::own_address::OwnAddress;
use super::plan::TestPlan;
use super::size_accounts::{ask_sizes, sizes_from};
use super::stat_params::{read_counts, read_interval, read_io, read_sent};
use super::stream_params::{ask_streams, streams_from};
use crate::batch::{Datagram, DestId, InterfaceChange, NetworkError, SendOutcome, TxBatch};
use crate::control::{Client, ClientReply, Refusals, Sealer, Step};
use crate::machine::{Executor, Next, Now, Orders, Session};
use crate::pace::MOST_SIZE_CLASSES;
use crate::record::{
    Contradiction, Flow, IntervalSums, KnownRun, RunFailure, Sink, SizeCounts, StreamCounts,
};
use crate::units::{Nanos, Untrusted};
use crate::wire::{Code, HostId, Params, Reply, Verb};
use std::net::SocketAddr;

/// Time between two status requests while the receiver drains.
const DRAIN_LOOK: Nanos = Nanos::from_millis(50);
/// How long the far end may drain after the sender has ended.
const DRAIN_PATIENCE: Nanos = Nanos::from_secs(10);

#[derive(Debug)]
enum State {
    Opening,
    Test,
    /// The run is in progress: the next STAT is due at this instant, or one is outstanding.
    Watch(Option<Nanos>),
    /// The run failed: wait for the sender to notice.
    Wait {
        until: Nanos,
    },
    Quit,
    Over,
}

/// The client's side of the control dialogue.
pub struct BlastControl<O, E> {
    plan: TestPlan,
    target: SocketAddr,
    client: Client,
    /// When the far end last replied.
    heard: Nanos,
    /// What the network says since then.
    refusals: Refusals,
    /// The error number with which this host rejected datagrams since then, and how many.
    rejected_here: Option<(i32, u32)>,
    orders: O,
    engine: E,
    host: Option<HostId>,
    /// Number of streams to use instead if the far end runs on this host.
    host_streams: Option<u32>,
    state: State,
    /// When the run was granted.
    granted: Now,
    intervals: u64,
    /// Sum of the intervals.
    interval_sums: IntervalSums,
    /// Each stream's total once it has ended.
    totals: Vec<Option<u64>>,
    stop_far: bool,
    /// What the next STAT asks for.
    about: About,
    delays: FarDelays,
    /// The far end's counts of each class of sizes, as they arrive.
    sizes: Vec<SizeCounts>,
    /// The far end's counts of single streams, as they arrive.
    streams: Vec<Untrusted<StreamCounts>>,
    drained_by: Nanos,
    /// When to abandon streams that do not end after the user's stop.
    stop_by: Nanos,
    address: OwnAddress,
    /// Whether the rate is not searched for if the far end runs on this host.
    floods_one_host: bool,
    /// Whether the far end must run on this host, because it cannot search.
    needs_one_host: bool,
    summary: ControlSummary,
}

impl<O, E> BlastControl<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    /// A control session that requests `plan` from `target` and gives up after `patience` of
    /// silence, or later where the round trip is long.
    pub fn new(plan: TestPlan, target: SocketAddr, patience: Nanos, orders: O, engine: E) -> Self {
        Self {
            plan,
            target,
            client: Client::new("c", Sealer::default(), patience),
            heard: Nanos::ZERO,
            refusals: Refusals::default(),
            rejected_here: None,
            orders,
            engine,
            host: None,
            host_streams: None,
            state: State::Opening,
            granted: Now::default(),
            intervals: 0,
            interval_sums: IntervalSums::default(),
            totals: vec![None; plan.all_streams() as usize],
            stop_far: false,
            about: About::Counts,
            delays: FarDelays::default(),
            streams: Vec::new(),
            sizes: Vec::new(),
            drained_by: Nanos::MAX,
            stop_by: Nanos::MAX,
            address: OwnAddress::default(),
            floods_one_host: false,
            needs_one_host: false,
            summary: ControlSummary::default(),
        }
    }

    /// The same session under a shared key.
    #[must_use]
    pub fn with_sealer(self, sealer: Sealer) -> Self {
        let patience = self.client.patience().base();
        Self { client: Client::new("c", sealer, patience), ..self }
    }

    /// The same session, telling the server this host's identifier so that both can detect running
    /// on one host.
    #[must_use]
    pub fn with_host(self, host: Option<HostId>) -> Self {
        Self { host, ..self }
    }

    /// The same session, which prefers `streams` in each direction if the far end runs on this
    /// host.
    #[must_use]
    pub fn with_host_streams(self, streams: Option<u32>) -> Self {
        Self { host_streams: streams, ..self }
    }

    /// The same session, which does not have the rate searched for if the far end runs on this host.
    #[must_use]
    pub fn with_flood_on_one_host(self, floods_one_host: bool) -> Self {
        Self { floods_one_host, ..self }
    }

    /// The same session, which asks for the distribution of delays at the far end, or does not.
    #[must_use]
    pub fn with_delays(self, delays: Delays) -> Self {
        Self { delays: FarDelays::new(delays), ..self }
    }

    /// How long the far end may drain.
    fn drain_patience(&self) -> Nanos {
        self.client.patience().stretch(DRAIN_PATIENCE)
    }

    /// Records a failure; the first one counts as the reason.
    fn fail(&mut self, failure: RunFailure) {
        self.summary.failure.get_or_insert(failure);
    }

    fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            let (stream, total, broken) = match order {
                ControlOrder::StreamEnded { stream, total, broken } => (stream, total, broken),
                ControlOrder::Refused(error) => {
                    self.refusals.observe(now.mono, &error);
                    continue;
                }
                ControlOrder::Stretch { stream, interval } => {
                    self.show(ControlEvent::Stretch { stream, interval });
                    continue;
                }
                // Only streams of an iperf3 test say anything else.
                other => {
                    if let Some(stream) = self.address.take_order(&other, &mut self.summary) {
                        self.reopen(Some(stream));
                    }
                    continue;
                }
            };
            if let Some(slot) = self.totals.get_mut(stream as usize) {
                *slot = Some(total);
            }
            if let Some(broken) = broken {
                // A run that lost a stream is no longer what was asked for.
                let first = self.summary.failure.is_none();
                self.fail(broken);
                if first && !self.ended() {
                    self.stop_far = true;
                    self.engine.execute(ControlCommand::StopSenders);
                }
            }
            if !self.ended() {
                continue;
            }
            self.drained_by = now.mono + self.drain_patience();
            match self.state {
                // Closing the session stops the far end's senders.
                State::Watch(_) if self.summary.failure == Some(RunFailure::NotStopped) => {
                    self.quit(now);
                }
                // A failed run can still be reported on, if the far end is reachable.
                State::Watch(_) => self.state = State::Watch(Some(now.mono)),
                _ => self.state = State::Over,
            }
        }
    }

    /// Passes an event on; if the consumer has closed, the run ends early.
    fn show(&mut self, event: ControlEvent) {
        if self.engine.take(event) == Flow::Closed {
            self.stop_far = true;
            self.engine.execute(ControlCommand::StopSenders);
        }
    }

    /// Whether all of this side's streams have ended.
    fn ended(&self) -> bool {
        self.totals.iter().all(Option::is_some)
    }

    /// The totals of this side's senders, comma-separated.
    fn sent_text(&self) -> String {
        let up = (0u32..).zip(&self.totals).filter(|(stream, _)| self.plan.is_up(*stream));
        let totals: Vec<String> =
            up.map(|(_, total)| total.unwrap_or_default().to_string()).collect();
        totals.join(",")
    }

    fn poll_client(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.state {
            State::Watch(Some(at)) => return Next::WaitUntil(at),
            State::Wait { until } if until <= now.mono => return Next::Done,
            State::Wait { until } => return Next::WaitUntil(until),
            State::Over => return Next::Done,
            State::Opening | State::Test | State::Watch(None) | State::Quit => {}
        }
        if let Some(error) = self.refusals.confirmed(now.mono, self.client.patience()).copied()
            && !matches!(self.state, State::Quit)
        {
            self.break_off(self.went_away(error), now);
            return Next::Send;
        }
        let confirmed = match self.state {
            State::Quit => Nanos::MAX,
            _ => self.refusals.due(self.client.patience()).unwrap_or(Nanos::MAX),
        };
        match self.client.poll(now) {
            Some(Step::Send(bytes)) => {
                if let Some(slot) = out.push(DestId::CONNECTED, bytes.len()) {
                    slot.copy_from_slice(bytes);
                }
                Next::Send
            }
            Some(Step::Wait(at)) => Next::WaitUntil(at.min(confirmed)),
            Some(Step::TimedOut) => {
                let failure = self.silence();
                self.break_off(failure, now);
                Next::Send
            }
            None => {
                self.state = State::Over;
                Next::Done
            }
        }
    }

    /// The run has failed; the sender is stopped and the measurements are kept.
    fn break_off(&mut self, failure: RunFailure, now: Now) {
        self.fail(failure);
        let streams = matches!(self.state, State::Watch(_)) && !self.ended();
        self.state = if streams {
            State::Wait { until: now.mono + self.drain_patience() }
        } else {
            State::Over
        };
        self.engine.execute(ControlCommand::Abort);
    }

    /// Aborts streams that continue after the user's stop, for example because the far end ignores
    /// it.
    fn give_up_streams(&mut self, now: Now) {
        if self.stop_by <= now.mono && !self.ended() {
            self.stop_by = Nanos::MAX;
            // What the far end sent afterwards was not received: its counts are not the final ones.
            self.fail(RunFailure::NotStopped);
            self.engine.execute(ControlCommand::Abort);
        }
    }

    /// Starts the next STAT if one is due.
    fn watch(&mut self, now: Now) {
        let State::Watch(Some(at)) = self.state else { return };
        if now.mono < at {
            return;
        }
        let mut params = Params::default();
        match self.about {
            About::Counts => params.push("from", self.intervals),
            About::Sent => params.push("about", "sent"),
            About::Streams => ask_streams(&mut params, self.streams.len()),
            About::Sizes => ask_sizes(&mut params, self.sizes.len()),
            About::Delays => self.delays.ask(&mut params),
            About::Host => params.push("about", "host"),
        }
        if self.stop_far {
            params.push("stop", 1);
        }
        if self.ended() {
            params.push("sent", self.sent_text());
        }
        self.client.ask(now, Verb::Stat, params);
        self.state = State::Watch(None);
    }

    /// Has a stream, or all of them, admitted again with the session's latest value.
    fn reopen(&mut self, stream: Option<u32>) {
        let proof = self.client.value().to_owned();
        self.engine.execute(ControlCommand::Reopen { stream, proof });
    }

    fn on_reply(&mut self, reply: &ClientReply, now: Now) {
        if let (ClientReply::Answered(reply), State::Watch(_)) = (reply, &self.state)
            && self.address.confirm(reply, (self.granted, now), &mut self.summary)
        {
            self.reopen(None);
        }
        match reply {
            ClientReply::Proceeds => {}
            ClientReply::Opened(reply) => {
                self.summary.seen = reply.params.get("seen").map(str::to_owned);
                match beyond(&self.plan, &reply.params) {
                    None => {}
                    // Its reply tells whether it is on this host; nothing is sent before.
                    Some(RunFailure::NoCapacitySearch) if self.floods_one_host => {
                        (self.needs_one_host, self.plan.capacity) = (true, None);
                    }
                    Some(failure) => return self.end_with(failure, now),
                }
                self.test(now);
            }
            ClientReply::Answered(reply) => match self.state {
                State::Test => self.on_grant(reply, now),
                State::Watch(_) if reply.code == Code::STATUS => self.on_status(reply, now),
                // An older version does not know what is asked for.
                State::Watch(_)
                    if matches!(
                        self.about,
                        About::Streams | About::Sizes | About::Delays | About::Host
                    ) =>
                {
                    self.ask_next(now);
                }
                State::Watch(_) => {
                    let failure = self.lost_run(reply, now);
                    // Then the refusal of a stream is only a consequence.
                    let is_restarted = matches!(failure, RunFailure::ServerRestarted { .. });
                    let known = &mut self.summary.failure;
                    known.take_if(|known| {
                        let is_stream = matches!(
                            known,
                            RunFailure::StreamRefused { .. } | RunFailure::SeveralServers { .. }
                        );
                        is_restarted && is_stream
                    });
                    self.break_off(failure, now);
                }
                _ => {}
            },
            ClientReply::Refused(reply) => self.break_off(RunFailure::refused(reply), now),
            ClientReply::Closed => self.state = State::Over,
        }
    }

    /// The reply to the request for the run.
    fn on_grant(&mut self, reply: &Reply, now: Now) {
        let tag = reply.params.parse::<u16>("tag").ok().flatten();
        let Some(tag) = tag.filter(|_| reply.code == Code::OK) else {
            // The session still exists; close it to make room for other clients.
            self.summary.rate_limit = reply.params.get("rate").and_then(|rate| rate.parse().ok());
            let failure = match self.lost_run(reply, now) {
                restarted @ RunFailure::ServerRestarted { .. } => restarted,
                _ => RunFailure::refused(reply),
            };
            self.fail(failure);
            self.engine.execute(ControlCommand::Abort);
            return self.quit(now);
        };
        let one_host = reply.params.get("one_host") == Some("1");
        self.summary.one_host = one_host;
        let wider = reply.params.parse::<u32>("streams").ok().flatten();
        // Accept only the number that was offered: the far end must not decide how many threads
        // this side runs.
        if let Some(streams) = wider.filter(|_| wider == self.host_streams) {
            self.plan.streams = streams;
            self.totals = vec![None; self.plan.all_streams() as usize];
        }
        if one_host && self.floods_one_host {
            self.plan.capacity = None;
        }
        if self.needs_one_host && !one_host {
            return self.end_with(RunFailure::NoCapacitySearch, now);
        }
        let streams = self.plan.streams;
        (self.granted, self.summary.streams) = (now, Some(streams));
        self.summary.capacity = self.plan.capacity;
        self.engine.execute(ControlCommand::Start {
            session: self.client.session().to_owned(),
            server: self.client.server().to_owned(),
            tag,
            one_host,
            streams,
            capacity: self.plan.capacity,
            patience: self.client.patience().limit(),
        });
        self.state = State::Watch(Some(now.mono + self.look()));
    }

    /// The far end cannot do what is asked.
    fn end_with(&mut self, failure: RunFailure, now: Now) {
        self.fail(failure);
        self.engine.execute(ControlCommand::Abort);
        self.quit(now);
    }

    /// Asks for the run.
    fn test(&mut self, now: Now) {
        let mut params = Params::default();
        self.plan.write(&mut params);
        if let Some(host) = &self.host {
            params.push("host", host.in_session(self.client.session()));
            if let Some(streams) = self.host_streams {
                params.push("host_streams", streams);
            }
            if self.floods_one_host {
                params.push("host_rate", "max");
            }
        }
        self.client.ask(now, Verb::Test, params);
        self.state = State::Test;
    }

    /// Time between two status requests: short enough that an interval is shown soon after its end.
    fn look(&self) -> Nanos {
        Nanos((self.plan.interval.0 / 4).clamp(20_000_000, 250_000_000))
    }

    fn on_status(&mut self, reply: &Reply, now: Now) {
        let before = self.intervals;
        let more = match self.take_status(reply, now) {
            Ok(more) => more,
            Err(why) => return self.disbelieve(why, now),
        };
        if self.ended() && self.intervals > before {
            // A far end that reports progress is not stuck, however long its path.
            self.drained_by = now.mono + self.drain_patience();
        }
        let (done, ended) = (reply.params.get("state") == Some("done"), self.ended());
        if done && ended && !more {
            self.ask_next(now);
            return;
        }
        if now.mono >= self.drained_by {
            return self.break_off(RunFailure::NotCounted, now);
        }
        // Its receivers may have got the end messages before this session learnt of the end; but a
        // far end without a total has given up.
        let gave_up = self.summary.received.is_some_and(|counts| counts.sender_total.is_none());
        if done && !ended && gave_up {
            return self.break_off(RunFailure::EndedThere, now);
        }
        let pause = match (more, ended) {
            (true, _) => Nanos::ZERO,
            (_, true) => DRAIN_LOOK,
            (_, false) => self.look(),
        };
        self.state = State::Watch(Some(now.mono + pause));
    }

    /// Asks for what is not known yet; ends the run if the far end has said everything.
    fn ask_next(&mut self, now: Now) {
        if let Some(next) = self.about.next(&self.plan, self.delays.wanted()) {
            self.about = next;
            self.state = State::Watch(Some(now.mono));
            return;
        }
        if let Err(why) = self.check_intervals(now).and_then(|()| self.check_streams()) {
            return self.disbelieve(why, now);
        }
        // What this side gave up on was not lost by the path.
        self.summary.complete = self.summary.failure.is_none();
        self.quit(now);
    }

    /// What is known locally about the run, to check the far end's claims against.
    fn known(&self, now: Now) -> KnownRun {
        let up = (0u32..).zip(&self.totals).filter(|(stream, _)| self.plan.is_up(*stream));
        // If a stream failed, it is not known how much it sent.
        let told = self.ended() && self.summary.failure.is_none();
        let sent = up.fold(0u64, |sum, (_, total)| sum.saturating_add(total.unwrap_or_default()));
        // The monotonic clock stops while a host is suspended, the real-time clock may be set: use
        // the larger.
        let took = (now.mono - self.granted.mono).max(now.real - self.granted.real);
        KnownRun {
            payload: u64::from(self.plan.payload),
            least_payload: u64::from(self.plan.least_payload()),
            streams: u64::from(self.plan.streams),
            count: self.plan.count,
            length: took.max(self.plan.time),
            sent: told.then_some(sent),
        }
    }

    /// Records the counts of a status reply if they are plausible; returns whether there is more to
    /// request.
    fn take_status(&mut self, reply: &Reply, now: Now) -> Result<bool, Contradiction> {
        let (params, known) = (&reply.params, self.known(now));
        if params.get("datagrams").is_some() {
            let told = read_counts(params).map_err(|_| Contradiction::Unreadable)?;
            let counts = told.believe(&known, self.summary.received.as_ref())?;
            self.summary.received = Some(counts);
            self.show(ControlEvent::SoFar(Box::new(counts)));
        }
        if let Some(told) = read_sent(params).map_err(|_| Contradiction::Unreadable)? {
            self.summary.sent = Some(told.believe(&known)?);
        }
        if let Some(told) = read_host(params) {
            self.summary.far_host = Some(told.believe(&known)?);
            let lost = self.summary.received.map_or(0, |received| received.lost);
            let outages = read_outages(params);
            let longest = Nanos(known.length.0.saturating_mul(2));
            self.summary.outages = outages.and_then(|told| told.within(lost, longest));
        }
        if let Some(io) = read_io(params) {
            let sends = params.get("tx_datagrams").is_some();
            let far = if sends { &mut self.summary.far_tx } else { &mut self.summary.far_rx };
            *far = Some(io);
        }
        if self.about == About::Streams {
            let before = self.streams.len();
            self.streams.extend(streams_from(params, before));
            // No more than were asked for, and no end without progress.
            let fewer = self.streams.len() < self.plan.streams as usize;
            return Ok(params.get("more").is_some() && fewer && self.streams.len() > before);
        }
        if self.about == About::Sizes {
            let before = self.sizes.len();
            self.sizes.extend(sizes_from(params, before));
            let is_more = params.get("more").is_some() && self.sizes.len() < MOST_SIZE_CLASSES;
            return Ok(is_more && self.sizes.len() > before);
        }
        if self.about == About::Delays {
            return Ok(self.delays.take(params, &mut self.summary));
        }
        for (key, value) in params.iter() {
            // The index distinguishes a repeated interval from the next.
            let index = key.strip_prefix('i').and_then(|index| index.parse::<u64>().ok());
            if index == Some(self.intervals)
                && let Some(interval) = read_interval(value)
            {
                let interval = interval.believe(&known)?;
                self.intervals += 1;
                self.interval_sums.add(&interval);
                self.show(ControlEvent::Interval(interval));
            }
        }
        Ok(params.get("more").is_some())
    }

    /// The far end's claims are impossible: drop all of them and end the run.
    fn disbelieve(&mut self, why: Contradiction, now: Now) {
        self.summary.disbelieve(why);
        self.engine.execute(ControlCommand::Abort);
        self.quit(now);
    }

    fn quit(&mut self, now: Now) {
        self.client.quit(now);
        self.state = State::Quit;
    }
}

impl<O, E> Session for BlastControl<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    type Summary = ControlSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.take_orders(now);
        self.give_up_streams(now);
        self.watch(now);
        self.poll_client(now, out)
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.client.on_sent(outcome);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.summary.pause = self.summary.pause.max(length);
        self.client.on_pause(length);
        self.refusals.on_pause(length);
        if let State::Wait { until } = &mut self.state {
            *until += length;
        }
        for deadline in [&mut self.drained_by, &mut self.stop_by] {
            *deadline += length;
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if matches!(self.state, State::Wait { .. } | State::Over) {
            return;
        }
        if let Some(reply) = self.client.on_datagram(now, datagram.payload) {
            if datagram.meta.interface != 0 {
                self.summary.interface = datagram.meta.interface;
            }
            self.refusals.clear();
            self.rejected_here = None;
            self.on_reply(&reply, now);
            self.heard = now.mono;
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if let Some(errno) = error.refused_here() {
            let times = self.rejected_here.map_or(0, |(_, times)| times);
            self.rejected_here = Some((errno, times + 1));
        }
        self.refusals.observe(now.mono, error);
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        // Before the run is granted: at its very start.
        let at = match self.state {
            State::Opening | State::Test => Nanos::ZERO,
            _ => now.mono - self.granted.mono,
        };
        if !self.address.observe(at, change) {
            return;
        }
        match &mut self.state {
            State::Watch(Some(due)) => *due = now.mono,
            _ => self.client.repeat_after(now.mono, Nanos::ZERO),
        }
    }

    fn on_stop(&mut self, now: Now) {
        // A run that is already closing was not interrupted.
        if matches!(self.state, State::Quit | State::Over) {
            return;
        }
        self.summary.stopped = true;
        match self.state {
            State::Watch(_) => {
                self.stop_far = true;
                self.stop_by = now.mono + self.client.patience().limit();
                self.engine.execute(ControlCommand::StopSenders);
            }
            _ => self.break_off(RunFailure::Interrupted, now),
        }
    }

    fn finish(mut self, _now: Now) -> ControlSummary {
        self.address.finish(&mut self.summary);
        self.summary
    }
}
