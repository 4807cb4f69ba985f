//! The receiver of a fan-out: tells sources, groups and runs apart and accounts for each.

use super::{EndMark, Foreigners, Names, Piece, Row, RowKey, Stream};
use crate::batch::{Datagram, TxBatch};
use crate::record::{CastEvent, CastGroup, CastInterval, CastReceived, Flow, Heard, Sink};
use crate::session::{Next, Now, Session};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Sources, groups and runs that are told apart; datagrams of any beyond are counted together.
pub const ROWS_MAX: usize = 1024;

/// How long an interrupted receiver still takes what had arrived: the loop may hear of the signal
/// before it hears of the datagrams.
const LINGER: Nanos = Nanos::from_millis(20);

/// What one socket of the loop is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The group, broadcast or own address with its port; an unspecified address takes every
    /// unicast and broadcast address.
    pub group: SocketAddr,
    /// Interfaces that datagrams may come in by; empty for any.
    pub interfaces: Vec<u32>,
    /// When it was joined, on the monotonic clock.
    pub since: Nanos,
}

/// What the datagrams are expected to carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// The measurement header first, which tells order and loss.
    #[default]
    Measured,
    /// Anything: counts only.
    Plain,
}

/// How a receiver runs.
#[derive(Clone, Debug, Default)]
pub struct CastReceiverConfig {
    /// The sockets, numbered as the loop numbers them.
    pub listens: Vec<Listen>,
    /// What was listened to, for the summary.
    pub groups: Vec<CastGroup>,
    /// The names of this host's interfaces.
    pub names: Names,
    /// What is expected.
    pub content: Content,
    /// Sources that are not heard; the kernel keeps them out as far as it can, the receiver the
    /// rest.
    pub excluded: Vec<IpAddr>,
    /// Whether the payload of one source is told of, in order ([`CastEvent::Content`]).
    pub store: bool,
    /// Ends after so many datagrams, 1 or more; `None` for no limit.
    pub count: Option<u64>,
    /// Ends this long after the first join; `None` for no limit.
    pub time: Option<Nanos>,
    /// Ends when nothing has arrived for this long; `None` for no limit.
    pub idle: Option<Nanos>,
}

/// What a receiver leaves behind.
#[derive(Debug)]
pub struct CastReceiverEnd<S> {
    /// What arrived.
    pub received: CastReceived,
    /// The sink, for its own last words.
    pub sink: S,
}

/// The receiver as a session; `S` hears of sources, intervals and content as they come.
pub struct CastReceiver<S> {
    config: CastReceiverConfig,
    sink: S,
    rows: Vec<Row>,
    by_key: HashMap<RowKey, usize>,
    /// Datagrams in the rows, duplicates included.
    taken: u64,
    strays: u64,
    others: u64,
    foreign: Foreigners,
    excluded: u64,
    stream: Option<Stream>,
    drops: Vec<u32>,
    started: Nanos,
    last_heard: Nanos,
    last_tick: (Nanos, Totals),
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// The user asked; what had arrived by then is still taken until this instant.
    Asked(Nanos),
    Now,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    received: u64,
    bytes: u64,
    lost: u64,
    duplicates: u64,
    reordered: u64,
}

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// A receiver whose sockets are joined.
    pub fn new(config: CastReceiverConfig, sink: S) -> Self {
        let started = config.listens.iter().map(|listen| listen.since).min().unwrap_or_default();
        Self {
            drops: vec![0; config.listens.len()],
            stream: config.store.then(Stream::default),
            config,
            sink,
            rows: Vec::new(),
            by_key: HashMap::new(),
            taken: 0,
            strays: 0,
            others: 0,
            foreign: Foreigners::default(),
            excluded: 0,
            started,
            last_heard: started,
            last_tick: (started, Totals::default()),
            ending: Ending::No,
        }
    }

    fn tell(&mut self, event: CastEvent<'_>) {
        if self.sink.take(event) == Flow::Closed {
            self.ending = Ending::Now;
        }
    }

    /// The group that a datagram was for; `None` for one that this run has nothing to do with.
    fn group_of(&self, datagram: &Datagram<'_>) -> Option<(SocketAddr, Nanos)> {
        let listen = self.config.listens.get(datagram.meta.socket)?;
        let by = datagram.meta.interface;
        if !listen.interfaces.is_empty() && by != 0 && !listen.interfaces.contains(&by) {
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
        }
        Some((group, listen.since))
    }

    /// The row of a key, made when it is new; `None` when the table is full.
    fn row(
        &mut self,
        key: RowKey,
        now: Now,
        datagram: &Datagram<'_>,
        since: Nanos,
    ) -> Option<usize> {
        if let Some(index) = self.by_key.get(&key) {
            return Some(*index);
        }
        if self.rows.len() == ROWS_MAX {
            self.others += 1;
            return None;
        }
        let arrived = now.mono - (now.real - datagram.meta.arrival);
        let (source, group) =
            (self.config.names.address(key.source), self.config.names.address(key.group));
        let heard = Heard { source: &source, group: &group, join_to_first: arrived - since };
        self.tell(CastEvent::Heard(heard));
        self.rows.push(Row::new(key, arrived - since, datagram.meta.arrival));
        self.by_key.insert(key, self.rows.len() - 1);
        Some(self.rows.len() - 1)
    }

    fn take_plain(&mut self, now: Now, key: RowKey, datagram: &Datagram<'_>, since: Nanos) {
        if let Some(index) = self.row(key, now, datagram, since) {
            self.taken += 1;
            self.rows[index].observe_plain(datagram);
            self.store(now, key.source, None, datagram.payload);
        }
    }

    /// Hands a payload to the stream that is stored, if there is one.
    fn store(&mut self, now: Now, source: SocketAddr, number: Option<(u16, u32)>, payload: &[u8]) {
        self.with_stream(|stream, mut ready| {
            stream.take(source, number, payload, now.mono, &mut ready);
        });
    }

    /// Lets the stream write what is ready.
    fn with_stream(&mut self, act: impl FnOnce(&mut Stream, &mut dyn FnMut(Piece<'_>))) {
        let Self { stream: Some(stream), sink, ending, .. } = self else { return };
        act(stream, &mut |piece| {
            let flow = sink.take(match piece {
                Piece::Content(bytes) => CastEvent::Content(bytes),
                Piece::Gap(gap) => CastEvent::Gap(gap),
            });
            if flow == Flow::Closed {
                *ending = Ending::Now;
            }
        });
    }

    fn take_measured(&mut self, now: Now, key: RowKey, datagram: &Datagram<'_>, since: Nanos) {
        let Ok(header) = Header::decode(datagram.payload) else {
            self.strays += 1;
            return;
        };
        let key = RowKey { tag: Some(header.tag), ..key };
        match header.kind {
            Kind::Data => {
                let Some(index) = self.row(key, now, datagram, since) else { return };
                self.taken += 1;
                self.rows[index].observe(&header, datagram);
                let number = Some((header.tag, header.sequence));
                self.store(now, key.source, number, &datagram.payload[Header::LEN..]);
            }
            Kind::End => {
                // The end of a run of which nothing was heard tells nothing about this receiver.
                let mark = EndMark::decode(datagram.payload);
                if let (Some(index), Some(mark)) = (self.by_key.get(&key), mark) {
                    self.rows[*index].end(mark);
                    if let Some(stream) = &mut self.stream {
                        stream.end(key.source, header.tag, mark.total);
                    }
                }
            }
            Kind::Probe | Kind::Echo => self.strays += 1,
        }
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for row in &self.rows {
            totals.received += row.received();
            totals.bytes += row.bytes();
            totals.lost += row.lost();
            totals.duplicates += row.duplicates();
            totals.reordered += row.reordered();
        }
        totals
    }

    fn next_deadline(&self) -> Option<Nanos> {
        let time = self.config.time.map(|time| self.started + time);
        let idle = self.config.idle.map(|idle| self.last_heard + idle);
        let asked = match self.ending {
            Ending::Asked(at) => Some(at),
            Ending::No | Ending::Now => None,
        };
        [time, idle, asked].into_iter().flatten().min()
    }

    /// A datagram that is not for this run: another group's, or by another interface.
    fn take_foreign(&mut self, datagram: &Datagram<'_>) {
        let socket = self.config.listens.get(datagram.meta.socket).map(|listen| listen.group);
        let fact = self.foreign.observe(&datagram.meta, socket, &self.config.names);
        if let Some(fact) = fact {
            self.tell(CastEvent::Foreign(&fact));
        }
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

    fn poll_transmit(&mut self, now: Now, _out: &mut TxBatch) -> Next {
        if self.ending == Ending::Now {
            return Next::Done;
        }
        self.with_stream(|stream, mut ready| stream.expire(now.mono, &mut ready));
        let held = self.stream.as_ref().and_then(Stream::deadline);
        match self.next_deadline() {
            Some(at) if at <= now.mono => Next::Done,
            at => at.into_iter().chain(held).min().map_or(Next::Idle, Next::WaitUntil),
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if self.ending == Ending::Now {
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
        self.last_heard = now.mono;
        let meta = &datagram.meta;
        let key = RowKey { source: meta.source, group, interface: meta.interface, tag: None };
        match self.config.content {
            Content::Plain => self.take_plain(now, key, datagram, since),
            Content::Measured => self.take_measured(now, key, datagram, since),
        }
        if self.has_count() {
            self.ending = Ending::Now;
        }
    }

    fn on_tick(&mut self, now: Now) {
        let (at, before) = self.last_tick;
        let totals = self.totals();
        self.last_tick = (now.mono, totals);
        self.tell(CastEvent::Interval(CastInterval {
            elapsed: now.mono - self.started,
            span: now.mono - at,
            received: totals.received - before.received,
            bytes: totals.bytes - before.bytes,
            lost: totals.lost as i64 - before.lost as i64,
            duplicates: totals.duplicates - before.duplicates,
            sources: self.rows.len() as u64,
        }));
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(known) = self.drops.get_mut(socket) {
            *known = drops;
        }
    }

    fn on_stop(&mut self, now: Now) {
        if self.ending == Ending::No {
            self.ending = Ending::Asked(now.mono + LINGER);
        }
    }

    fn finish(mut self, now: Now) -> CastReceiverEnd<S> {
        self.with_stream(|stream, mut ready| stream.finish(&mut ready));
        let totals = self.totals();
        let measured = self.config.content == Content::Measured;
        let if_measured = |count: u64| measured.then_some(count);
        let received = CastReceived {
            received: totals.received,
            bytes: totals.bytes,
            lost: if_measured(totals.lost),
            duplicates: if_measured(totals.duplicates),
            reordered: if_measured(totals.reordered),
            strays: if_measured(self.strays),
            others: self.others,
            foreign: self.foreign.total(),
            foreign_from: self.foreign.record(&self.config.names),
            excluded: self.excluded,
            stream: self
                .stream
                .as_ref()
                .map(|stream| stream.record(|source| self.config.names.address(source))),
            socket_drops: self.drops.iter().map(|drops| u64::from(*drops)).sum(),
            duration_ns: (now.mono - self.started).as_u64(),
            interrupted: matches!(self.ending, Ending::Asked(_)),
            sources: self.rows.iter().map(|row| row.record(&self.config.names)).collect(),
            groups: self.config.groups,
        };
        CastReceiverEnd { received, sink: self.sink }
    }
}
