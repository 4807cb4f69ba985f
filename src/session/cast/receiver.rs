//! The receiver of a fan-out: tells sources, groups and runs apart and accounts for each.

mod intervals;
mod refused_sends;
mod standing;
mod stored_stream;
mod summary;
mod timing;
mod unicast_copies;

use super::feedback::{Feedback, Place, Reported};
use super::stream::Arrived;
use super::subscription::{SubscribeError, Subscription, SubscriptionStep};
use super::{EndMark, ForeignDatagrams, KeepDelays, Names, SourceAccount, SourceKey, Stream};
use crate::batch::{
    Datagram, Dest, Fragmentation, InterfaceChange, NetworkError, SendOutcome, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::{
    CastEvent, CastGroup, CastInterval, CastReceived, Certainty, Flow, Heard, PlacedLosses, Sink,
};
use crate::session::{HostMeter, InterfaceLog};
use crate::stats::SocketDrops;
use crate::units::{Endpoint, Nanos};
use crate::wire::{Announcement, Class, Command, Header, Kind, classify};
use intervals::{Change, Intervals};
use refused_sends::{Asked, Refused};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use timing::{Over, Timing};

/// Maximum combinations of source, group and run kept apart; datagrams of further ones are counted
/// together.
pub const ROWS_MAX: usize = 1024;

/// Rows that keep a delay histogram, half a megabyte each.
const HISTOGRAMS: usize = 64;
/// How long to accept stragglers after all runs heard have ended.
const STRAGGLERS: Nanos = Nanos::from_millis(200);

/// How long an interrupted receiver still accepts what had arrived: the loop may see the signal
/// before those datagrams.
const LINGER: Nanos = Nanos::from_millis(20);

/// What one socket of the loop is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiveSocket {
    /// The group, broadcast or own address with its port; an unspecified address accepts all
    /// unicast and broadcast addresses.
    pub group: SocketAddr,
    /// Interfaces on which datagrams may arrive; empty for any.
    pub interfaces: Vec<u32>,
    /// When it was joined, on the monotonic clock.
    pub since: Nanos,
    /// The loop's socket that sends its reports: itself if it is bound to an address of its own.
    pub answers: usize,
}

/// The expected contents of the datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// The measurement header first, which gives order and loss.
    #[default]
    Measured,
    /// Anything: only counted.
    Plain,
}

/// Configuration of a receiver.
#[derive(Clone, Debug, Default)]
pub struct CastReceiverConfig {
    /// The sockets, in the loop's order.
    pub listens: Vec<ReceiveSocket>,
    /// The groups listened to, for the summary.
    pub groups: Vec<CastGroup>,
    /// The names of this host's interfaces.
    pub names: Names,
    /// What the datagrams contain.
    pub content: Content,
    /// Ignored sources; the kernel filters them as far as it can, the receiver does the rest.
    pub excluded: Vec<IpAddr>,
    /// Whether the payload of one source is passed on in order ([`CastEvent::Content`]).
    pub store: bool,
    /// Ends after this many datagrams, 1 or more; `None` for no limit.
    pub count: Option<u64>,
    /// Ends this long after the first join; `None` for no limit.
    pub time: Option<Nanos>,
    /// Ends when nothing has arrived for this long; `None` for no limit.
    pub idle: Option<Nanos>,
    /// Length of reporting intervals ([`CastEvent::Interval`]); `None` for none.
    pub interval: Option<Nanos>,
    /// Number of distinct datagrams expected: the run ends when they have arrived, or when every
    /// sender that was heard has ended. `None` expects nothing.
    pub expect: Option<u64>,
    /// Whether senders get reports; the value seeds their intervals.
    pub reports: Option<u64>,
    /// The sender to subscribe to, by the first socket.
    pub subscribe: Option<SocketAddr>,
    /// How often it is asked at least that the path from it stays open; zero for only as often as
    /// the subscription needs.
    pub keepalive: Nanos,
    /// Most datagrams in a buffer that the sockets receive, 1 or more.
    pub per_buffer: u64,
    /// The counters of this host.
    pub host: HostMeter,
    /// From which length a gap in arrivals is listed as an outage; `None` for three mean intervals,
    /// and 10 ms at least.
    pub outage: Option<Nanos>,
}

/// Result of a receiver.
#[derive(Debug)]
pub struct CastReceiverEnd<S> {
    /// What arrived.
    pub received: CastReceived,
    /// Why nothing could arrive: the sender subscribed to did not answer, or refused.
    pub failed: Option<SubscribeError>,
    /// The sink, for its final output.
    pub sink: S,
}

/// The receiver as a session; `S` gets sources, intervals and content as they arrive.
pub struct CastReceiver<S> {
    config: CastReceiverConfig,
    sink: S,
    rows: Vec<SourceAccount>,
    by_key: HashMap<SourceKey, usize>,
    /// The reporter of each row.
    reporters: Vec<Option<usize>>,
    feedback: Option<Feedback>,
    subscription: Option<Subscription>,
    /// Datagrams in the rows, including duplicates.
    taken: u64,
    strays: u64,
    /// Whether datagrams without the measurement header were already reported to the sink.
    told_no_header: bool,
    others: u64,
    foreign: ForeignDatagrams,
    excluded: u64,
    stream: Option<Stream>,
    drops: Vec<SocketDrops>,
    timing: Timing,
    intervals: Option<Intervals>,
    /// Where the losses of the intervals so far were.
    placed: PlacedLosses,
    /// Reports and subscription commands that this host refused to send.
    refused: Refused,
    interfaces: InterfaceLog,
    ending: Ending,
    /// Whether the user asked for the end.
    asked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// No more data is accepted; last reports are being sent.
    Leaving,
    /// The user asked for the end; what had arrived is still accepted until this instant.
    Asked(Nanos),
    Now,
}

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// A receiver whose sockets have joined.
    pub fn new(config: CastReceiverConfig, sink: S) -> Self {
        let started = config.listens.iter().map(|listen| listen.since).min().unwrap_or_default();
        Self {
            drops: vec![SocketDrops::of_up_to(config.per_buffer.max(1)); config.listens.len()],
            stream: config.store.then(Stream::default),
            sink,
            rows: Vec::new(),
            by_key: HashMap::new(),
            reporters: Vec::new(),
            feedback: config.reports.map(Feedback::new),
            subscription: config
                .subscribe
                .map(|sender| Subscription::new(sender, config.keepalive)),
            asked: false,
            taken: 0,
            strays: 0,
            told_no_header: false,
            others: 0,
            foreign: ForeignDatagrams::default(),
            excluded: 0,
            timing: Timing::new(started),
            placed: PlacedLosses::default(),
            intervals: config.interval.map(|period| Intervals::new(period, started)),
            refused: Refused::default(),
            interfaces: InterfaceLog::default(),
            ending: Ending::No,
            config,
        }
    }

    fn tell(&mut self, event: CastEvent<'_>) {
        if self.sink.take(event) == Flow::Closed {
            self.ending = Ending::Now;
        }
    }

    /// The group that a datagram was for; `None` if it is not part of this run.
    fn group_of(&mut self, datagram: &Datagram<'_>) -> Option<(SocketAddr, Nanos)> {
        let listen = self.config.listens.get(datagram.meta.socket)?;
        let by = datagram.meta.interface;
        if !listen.interfaces.is_empty() && by != 0 && !listen.interfaces.contains(&by) {
            return None;
        }
        // After subscribing, only the chosen sender is accepted.
        if self.subscription.as_ref().is_some_and(|one| one.sender != datagram.meta.source) {
            return None;
        }
        let mut group = listen.group;
        if let Some(destination) = datagram.meta.destination {
            if group.ip().is_unspecified() && !destination.is_multicast() {
                group.set_ip(destination);
            }
            if group.ip() != destination {
                return None;
            }
            // A receiver whose address changes stays one row.
            if let Some(subscription) = &mut self.subscription {
                group.set_ip(*subscription.destination.get_or_insert(destination));
            }
        }
        let joined = self.subscription.as_ref().and_then(Subscription::joined);
        Some((group, joined.unwrap_or(listen.since)))
    }

    /// The row of a key, created if new; `None` if the table is full.
    fn row(
        &mut self,
        key: SourceKey,
        now: Now,
        datagram: &Datagram<'_>,
        since: Nanos,
    ) -> Option<usize> {
        if let Some(index) = self.by_key.get(&key) {
            return Some(*index);
        }
        if self.rows.len() == ROWS_MAX {
            self.others += 1;
            if let Some(feedback) = &mut self.feedback {
                feedback.give_up(&key);
            }
            return None;
        }
        let arrived = now.arrival_of(datagram);
        let (source, group) =
            (Endpoint::from(key.source).to_string(), Endpoint::from(key.group).to_string());
        // What the kernel received before the sender's consent was read arrived "before" the join.
        let waited = arrived.checked_since(since);
        let heard = Heard { source: &source, group: &group, join_to_first: waited };
        if !key.beside {
            self.tell(CastEvent::Heard(heard));
        }
        let measured = self.config.content == Content::Measured;
        let delays =
            if measured && self.rows.len() < HISTOGRAMS { KeepDelays::Yes } else { KeepDelays::No };
        let row = SourceAccount::new(key, waited, arrived, delays);
        let mut row = row.listing(self.config.outage);
        let index = self.rows.len();
        let adopted = self.feedback.as_mut().and_then(|feedback| feedback.adopt(&key, index));
        if let Some(began) = adopted.and_then(|(_, line)| line.began) {
            row.set_began(began);
        }
        self.reporters.push(adopted.map(|(reporter, _)| reporter));
        self.rows.push(row);
        if !key.beside {
            self.timing.note_over(now.mono, Over::NotAll);
        }
        self.by_key.insert(key, index);
        Some(index)
    }

    fn take_plain(&mut self, now: Now, key: SourceKey, datagram: &Datagram<'_>, since: Nanos) {
        if let Some(index) = self.row(key, now, datagram, since) {
            self.taken += 1;
            self.rows[index].observe_plain(now, datagram);
            if let Some(intervals) = &mut self.intervals {
                let first = Some(datagram.true_len as u64);
                intervals.take(now, datagram, Change { first, lost: 0 });
            }
            let (source, payload) = (key.source, datagram.payload);
            self.store(now, &Arrived { source, number: None, payload });
        }
    }

    fn take_measured(&mut self, now: Now, key: SourceKey, datagram: &Datagram<'_>, since: Nanos) {
        let Ok(header) = Header::decode(datagram.payload) else {
            if !self.take_line(now, &key, datagram) {
                self.take_without_header(now, &key, datagram);
            }
            return;
        };
        let key = SourceKey { tag: Some(header.tag), ..key };
        match header.kind {
            Kind::Data => {
                let Some(index) = self.row(key, now, datagram, since) else { return };
                self.taken += 1;
                self.observe(now, index, &header, datagram);
                let number = Some((header.tag, header.sequence));
                let (source, payload) = (key.source, &datagram.payload[Header::LEN..]);
                self.store(now, &Arrived { source, number, payload });
            }
            Kind::End => {
                // The end of a run of which nothing was received says nothing about this receiver.
                let mark = EndMark::decode(datagram.payload);
                if let (Some(index), Some(mark)) = (self.by_key.get(&key).copied(), mark) {
                    self.end_run(now.mono, (index, datagram.meta.socket), &key, mark);
                    if let Some(stream) = &mut self.stream {
                        stream.end(key.source, header.tag, mark.total);
                    }
                }
            }
            Kind::Probe | Kind::Echo | Kind::Load | Kind::Rate => self.strays += 1,
        }
    }

    /// A datagram without a sequence number: counted apart; the user is told once.
    fn take_without_header(&mut self, now: Now, key: &SourceKey, datagram: &Datagram<'_>) {
        self.strays += 1;
        if let Some(intervals) = &mut self.intervals {
            intervals.take_without_header(now, datagram);
        }
        if !std::mem::replace(&mut self.told_no_header, true) {
            let (source, group) =
                (Endpoint::from(key.source).to_string(), Endpoint::from(key.group).to_string());
            self.tell(CastEvent::NoHeader { source: &source, group: &group });
        }
    }

    /// Handles text: an announcement, or a reply to the subscription. Returns whether it was one.
    fn take_line(&mut self, now: Now, key: &SourceKey, datagram: &Datagram<'_>) -> bool {
        if classify(datagram.payload) != Class::Control {
            return false;
        }
        if let Some(subscription) = &mut self.subscription
            && subscription.on_reply(datagram.payload, now.mono)
        {
            return true;
        }
        if self.feedback.as_mut().is_some_and(|feedback| feedback.answered(datagram.payload)) {
            return true;
        }
        let line = Command::decode(datagram.payload).ok();
        let Some(line) = line.as_ref().and_then(Announcement::read) else { return false };
        let key = SourceKey { tag: Some(line.tag), ..*key };
        let row = self.by_key.get(&key).copied();
        if let Some(row) = row {
            if let Some(began) = line.began {
                self.rows[row].set_began(began);
            }
            if line.over {
                let mark = EndMark { total: line.sent, began: line.began };
                self.end_run(now.mono, (row, datagram.meta.socket), &key, mark);
            }
        }
        let socket = datagram.meta.socket;
        // If no row can be created, nothing can be reported.
        let accountable = row.is_some() || self.rows.len() < ROWS_MAX;
        if let Some(feedback) = self.feedback.as_mut().filter(|_| accountable) {
            // What arrived at the address of reports is answered from there.
            let answers = self.config.listens.get(socket).map_or(socket, |listen| listen.answers);
            let place = Place { meta: &datagram.meta, listens: socket, answers };
            let line = (&line, datagram.true_len);
            let new = feedback.announced(now, key, place, line);
            if let (Some(reporter), Some(row)) = (new, row) {
                feedback.set_row(reporter, row, &self.rows[row]);
                self.reporters[row] = Some(reporter);
            }
        }
        true
    }

    /// Accounts for a numbered datagram, in its row and for reports.
    fn observe(&mut self, now: Now, index: usize, header: &Header, datagram: &Datagram<'_>) {
        if let (Some(feedback), Some(reporter)) = (&mut self.feedback, self.reporters[index]) {
            let transit = datagram.meta.arrival.signed_since(header.sent);
            let came = (header.sequence, transit);
            feedback.observe(now.mono, reporter, datagram.true_len, came);
        }
        let row = &mut self.rows[index];
        let gaps = row.gaps();
        let intervals = self.intervals.as_mut().filter(|_| !row.is_beside());
        let before = intervals.is_some().then(|| (row.lost(), row.duplicates()));
        row.observe(now, header, datagram);
        if let Some(drops) = self.drops.get_mut(datagram.meta.socket)
            && drops.are_unexplained()
        {
            row.note_dropped(drops.explain(row.gaps().saturating_sub(gaps)));
        }
        if let (Some(intervals), Some((lost, copies))) = (intervals, before) {
            let first = (row.duplicates() == copies).then_some(datagram.true_len as u64);
            let lost = row.lost() as i64 - lost as i64;
            intervals.take(now, datagram, Change { first, lost });
        }
    }

    /// Handles anything but data: an answer to a last report, or a reply of the sender subscribed
    /// to.
    fn take_answer(&mut self, now: Now, payload: &[u8]) {
        let taken = self.subscription.as_mut().is_some_and(|one| one.on_reply(payload, now.mono));
        if let Some(feedback) = self.feedback.as_mut().filter(|_| !taken) {
            feedback.answered(payload);
        }
    }

    /// The sender of a row has announced the end of its run, by this socket.
    fn end_run(
        &mut self,
        now: Nanos,
        (index, socket): (usize, usize),
        key: &SourceKey,
        mark: EndMark,
    ) {
        let is_news = !self.rows[index].has_ended();
        let row = &mut self.rows[index];
        let known = row.lost();
        row.end(mark);
        if let Some(drops) = self.drops.get_mut(socket).filter(|_| is_news) {
            row.note_dropped(drops.explain_tail(row.lost().saturating_sub(known)));
        }
        // Marks are repeated, and the next run may have begun since the first one.
        if is_news {
            self.rows.iter_mut().for_each(|row| row.supersede_by(key));
        }
        self.note_over(now);
    }

    /// Records whether every sender that was heard has ended.
    fn note_over(&mut self, now: Nanos) {
        let over =
            if self.counted().all(SourceAccount::is_over) { Over::All } else { Over::NotAll };
        self.timing.note_over(now, over);
    }

    /// Whether the expected number has arrived, or can no longer arrive.
    fn has_expected(&self, now: Nanos) -> bool {
        let Some(expect) = self.config.expect else { return false };
        let over = self.timing.stragglers_until().is_some_and(|at| at <= now);
        // Each first copy is at least one datagram, so the sum is needed only near the end.
        over || self.taken >= expect
            && self.counted().map(SourceAccount::firsts).sum::<u64>() >= expect
    }

    /// Whether the sender subscribed to has ended its run.
    fn is_served(&self, now: Nanos) -> bool {
        let over = self.timing.stragglers_until();
        self.config.subscribe.is_some() && over.is_some_and(|at| at <= now)
    }

    /// Ends the run: informs senders that get reports, and the sender subscribed to.
    fn begin_leaving(&mut self, now: Now) {
        self.ending = Ending::Leaving;
        if let Some(feedback) = &mut self.feedback {
            feedback.leave(now);
        }
        if let Some(subscription) = &mut self.subscription {
            if self.timing.is_over() {
                subscription.end();
            } else {
                subscription.leave(now.mono);
            }
        }
    }

    /// Writes reports and subscription commands; returns the earliest time of more, and whether
    /// both are finished.
    fn write(&mut self, now: Now, out: &mut TxBatch) -> (Option<Nanos>, bool) {
        let (mut at, mut done) = (None, true);
        // Senders come and go: their addresses must not accumulate.
        out.reset();
        if let Some(feedback) = &mut self.feedback {
            let CastReceiverConfig { names, host, .. } = &self.config;
            let known = Reported { rows: &self.rows, names, drops: &self.drops, host };
            feedback.poll(now, &known, out);
            done = feedback.has_left(now.mono);
            at = feedback.next_due();
        }
        self.refused.wrote(out.len());
        if let Some(subscription) = &mut self.subscription {
            match subscription.poll(now.mono) {
                SubscriptionStep::Send(bytes) => {
                    // A command arrives over paths that are smaller than this host knows.
                    let fragmentation = Some(Fragmentation::Allow);
                    let dest = Dest { fragmentation, ..Dest::from(subscription.sender) };
                    let dest = out.append_dest(dest);
                    if let Some(slot) = out.push(dest, bytes.len()) {
                        slot.copy_from_slice(&bytes);
                    }
                    at = Some(now.mono);
                    done = false;
                }
                SubscriptionStep::Wait(next) => {
                    at = Some(at.map_or(next, |at| at.min(next)));
                    done = false;
                }
                SubscriptionStep::Over => {}
            }
        }
        (at, done)
    }

    /// The rows of what was asked for.
    fn counted(&self) -> impl Iterator<Item = &SourceAccount> {
        self.rows.iter().filter(|row| !row.is_beside())
    }

    fn next_deadline(&self) -> Option<Nanos> {
        let time = self.config.time.map(|time| self.timing.started + time);
        let idle = self.timing.idle_until(self.config.idle);
        let asked = match self.ending {
            Ending::Asked(at) => Some(at),
            Ending::No | Ending::Leaving | Ending::Now => None,
        };
        let ends = self.config.expect.is_some() || self.config.subscribe.is_some();
        let over = self.timing.stragglers_until().filter(|_| ends);
        [time, idle, asked, over].into_iter().flatten().min()
    }

    fn has_count(&self) -> bool {
        self.config.count.is_some_and(|count| self.taken + self.others >= count)
    }
}

impl<S> Session for CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    type Summary = CastReceiverEnd<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.ending == Ending::Now {
            return Next::Done;
        }
        self.with_stream(|stream, mut ready| stream.expire(now.mono, &mut ready));
        let due = self.next_deadline().is_some_and(|at| at <= now.mono);
        let over = due || self.has_expected(now.mono) || self.is_served(now.mono);
        if self.ending != Ending::Leaving && over {
            self.begin_leaving(now);
        }
        let (at, done) = self.write(now, out);
        let failed = self.subscription.as_ref().is_some_and(|one| one.failure().is_some());
        if failed && self.ending != Ending::Leaving {
            self.begin_leaving(now);
            return Next::WaitUntil(now.mono);
        }
        if self.ending == Ending::Leaving {
            return match at {
                _ if done => Next::Done,
                Some(at) => Next::WaitUntil(at),
                None => Next::Done,
            };
        }
        let held = self.stream.as_ref().and_then(Stream::deadline);
        let first = at.into_iter().chain(self.next_deadline()).chain(held).min();
        first.map_or(Next::Idle, Next::WaitUntil)
    }

    /// A report that was not sent is not repeated: the next one follows. The reason is kept.
    fn on_sent(&mut self, _now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        let asked = self.refused.take(batch, outcome);
        if let Some(subscription) = &mut self.subscription {
            match asked {
                Asked::Nothing => {}
                Asked::Left => subscription.on_refused(None),
                Asked::Refused(finding) => subscription.on_refused(Some(&finding)),
            }
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.timing.on_pause(length);
        if let Some(subscription) = &mut self.subscription {
            subscription.on_pause(length);
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let at = now.mono - self.timing.started;
        if let Some(subscription) = self.subscription.as_mut().filter(|_| change.is_recovery()) {
            subscription.hurry(now.mono);
        }
        if let Some(event) = self.interfaces.observe(at, change) {
            self.tell(CastEvent::Interface(&event));
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if self.ending == Ending::Now {
            return;
        }
        // An interface that was made again is the same path, and its sources are the same rows.
        let mut datagram = *datagram;
        datagram.meta.interface = self.interfaces.first_index(datagram.meta.interface);
        let datagram = &datagram;
        if let (Some(drops), Some(known)) =
            (datagram.meta.socket_drops, self.drops.get_mut(datagram.meta.socket))
        {
            known.note_stamp(drops);
        }
        if self.ending == Ending::Leaving {
            // Only answers matter now.
            self.take_answer(now, datagram.payload);
            return;
        }
        if datagram.meta.socket >= self.config.listens.len() {
            self.take_beside(now, datagram);
            return;
        }
        let Some((group, since)) = self.group_of(datagram) else {
            self.take_foreign(datagram);
            return;
        };
        if self.config.excluded.contains(&datagram.meta.source.ip()) {
            self.excluded += 1;
            return;
        }
        self.timing.read(now, datagram);
        let meta = &datagram.meta;
        let key = SourceKey {
            source: meta.source,
            group,
            interface: meta.interface,
            tag: None,
            beside: false,
        };
        match self.config.content {
            Content::Plain => self.take_plain(now, key, datagram, since),
            Content::Measured => self.take_measured(now, key, datagram, since),
        }
        if self.has_count() && self.ending != Ending::Now {
            self.begin_leaving(now);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if let Some(subscription) = &mut self.subscription {
            subscription.on_network_error(now.mono, error);
        }
    }

    fn on_tick(&mut self, now: Now) {
        let lost = self.counted().map(SourceAccount::lost).sum();
        let sources = self.counted().count() as u64;
        while let Some(interval) = self.intervals.as_mut().and_then(|all| all.next(now.mono, lost))
        {
            // Counters are read only where there is something for them to explain.
            let places = if interval.lost > 0 { self.newly_placed() } else { <_>::default() };
            let PlacedLosses { receiver_host, receiver_socket, damaged, .. } = places;
            let is_bound = places.path_at_most > places.path;
            self.tell(CastEvent::Interval(CastInterval {
                sources,
                at_socket: receiver_socket.unwrap_or(0),
                in_host: receiver_host.unwrap_or(0),
                in_host_certainty: if is_bound { Certainty::UpTo } else { Certainty::Exact },
                damaged: damaged.unwrap_or(0),
                ..interval
            }));
        }
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(known) = self.drops.get_mut(socket) {
            known.note_asked(drops);
        }
    }

    fn on_watch(&mut self, _now: Now) {
        self.tell(CastEvent::Standing(&self.standing()));
    }

    fn on_stop(&mut self, now: Now) {
        self.asked = true;
        if self.ending == Ending::No {
            self.ending = Ending::Asked(now.mono + LINGER);
        }
    }

    fn finish(mut self, now: Now) -> CastReceiverEnd<S> {
        self.with_stream(|stream, mut ready| stream.finish(&mut ready));
        let received = self.summary(now);
        let failed = self.subscription.as_ref().and_then(Subscription::failure);
        CastReceiverEnd { received, failed: failed.cloned(), sink: self.sink }
    }
}
