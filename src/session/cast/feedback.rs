//! A receiver's reports to all of its senders.

use super::credit::Credit;
use super::reporter::{Reporter, ReporterHost};
use super::{Names, SourceAccount, SourceKey};
use crate::batch::{Dest, RxMeta, TxBatch};
use crate::machine::Now;
use crate::session::HostMeter;
use crate::session::host_meter::counts_of;
use crate::stats::SocketDrops;
use crate::units::Nanos;
use crate::wire::{Announcement, Code, Reply, fanout_tag};
use fastrand::Rng;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Maximum combinations of run, group and interface that are reported on.
const REPORTERS_MAX: usize = 1_024;
/// How often a leaving receiver announces that, unless it is answered.
const GOODBYES: u32 = 5;
const GOODBYE_SPACING: Nanos = Nanos::from_millis(100);

/// Where a datagram arrived, for reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Its addresses and its time.
    pub meta: &'a RxMeta,
    /// The socket that received it.
    pub listens: usize,
    /// The socket that reports are sent from.
    pub answers: usize,
}

/// What is reported on.
#[derive(Clone, Copy)]
pub(super) struct Reported<'a> {
    pub rows: &'a [SourceAccount],
    pub names: &'a Names,
    /// Drops of each socket.
    pub drops: &'a [SocketDrops],
    /// The counters of this host.
    pub host: &'a HostMeter,
}

/// All reporters of a receiver.
#[derive(Debug)]
pub(super) struct Feedback {
    reporters: Vec<Reporter>,
    by_key: HashMap<SourceKey, usize>,
    /// What recently arrived from each sender, whatever it was about.
    credits: Vec<Credit>,
    credit_of: HashMap<SocketAddr, usize>,
    rng: Rng,
    /// Remaining goodbyes, and when the next is due; `None` while it stays.
    leaving: Option<(u32, Nanos)>,
    /// When the first reporter may be due.
    next: Option<Nanos>,
}

impl Feedback {
    /// Nothing received; `seed` randomises the intervals.
    pub fn new(seed: u64) -> Self {
        Self {
            reporters: Vec::new(),
            by_key: HashMap::new(),
            credits: Vec::new(),
            credit_of: HashMap::new(),
            rng: Rng::with_seed(seed),
            leaving: None,
            next: None,
        }
    }

    /// The reporter for a new row, and the announced start of its run.
    pub fn adopt(&mut self, key: &SourceKey, row: usize) -> Option<(usize, Announcement)> {
        let index = *self.by_key.get(key)?;
        self.reporters[index].row = Some(row);
        Some((index, *self.reporters[index].heard()))
    }

    /// A sender's announcement, in a datagram of this many `bytes`. Returns the reporter if it is
    /// new.
    pub fn announced(
        &mut self,
        now: Now,
        key: SourceKey,
        place: Place<'_>,
        (line, bytes): (&Announcement, usize),
    ) -> Option<usize> {
        let meta = place.meta;
        let known = self.by_key.get(&key).copied();
        let from = meta.destination.filter(|ip| place.answers == place.listens && is_own(*ip));
        // Another run may have the same tag.
        if let Some(index) = known
            && self.reporters[index].heard().run == line.run
        {
            self.credits[self.reporters[index].credit].earn(now.mono, bytes);
            self.reporters[index].announced(now, meta.arrival, line, &mut self.rng);
            // This host's address may have changed.
            self.reporters[index].dest.from = from;
            self.note_due(index);
            return None;
        }
        if known.is_some() || self.reporters.len() == REPORTERS_MAX || self.leaving.is_some() {
            return None;
        }
        // A link-local group is answered on its link: the zone is in the address.
        let dest = Dest { from, socket: place.answers, ..Dest::from(key.source) };
        let credit = *self.credit_of.entry(key.source).or_insert_with(|| {
            self.credits.push(Credit::default());
            self.credits.len() - 1
        });
        self.credits[credit].earn(now.mono, bytes);
        let mut reporter = Reporter::new(key, dest, (place.listens, credit), line, &mut self.rng);
        reporter.announced(now, meta.arrival, line, &mut self.rng);
        self.reporters.push(reporter);
        let index = self.reporters.len() - 1;
        self.by_key.insert(key, index);
        self.note_due(index);
        Some(index)
    }

    /// Whether a source has announced a run.
    pub fn knows(&self, source: SocketAddr) -> bool {
        self.reporters.iter().any(|reporter| reporter.key.source == source)
    }

    /// There is no account for this key: nothing may be reported as lost.
    pub fn give_up(&mut self, key: &SourceKey) {
        if let Some(index) = self.by_key.get(key) {
            self.reporters[*index].give_up();
        }
    }

    /// The reporter is about this row; some of its datagrams overtook the announcement.
    pub fn set_row(&mut self, reporter: usize, index: usize, row: &SourceAccount) {
        let reporter = &mut self.reporters[reporter];
        reporter.row = Some(index);
        let since = reporter.heard().sent;
        row.came_since(since).for_each(|number| reporter.note(number));
    }

    /// A datagram of a row with a reporter.
    #[inline]
    pub fn observe(
        &mut self,
        now: Nanos,
        reporter: usize,
        bytes: usize,
        (sequence, transit): (u32, i64),
    ) {
        let reporter = &mut self.reporters[reporter];
        self.credits[reporter.credit].earn(now, bytes);
        reporter.observe(sequence, transit);
    }

    /// A reply arrived; returns whether it is the answer to a last report.
    pub fn answered(&mut self, payload: &[u8]) -> bool {
        let Ok(reply) = Reply::decode(payload) else { return false };
        if reply.tag != fanout_tag() || reply.code != Code::CLOSING {
            return false;
        }
        let hex = |key: &str| u64::from_str_radix(reply.params.get(key)?, 16).ok();
        let (Some(run), Some(id)) = (hex("run"), hex("id")) else { return false };
        for reporter in &mut self.reporters {
            if u64::from(id as u32) == id && reporter.is(run, id as u32) {
                reporter.answered();
            }
        }
        true
    }

    /// The receiver leaves: sends last reports to all senders still heard.
    pub fn leave(&mut self, now: Now) {
        if self.leaving.is_none() {
            self.leaving = Some((GOODBYES, now.mono));
        }
    }

    /// Whether it may end: every sender answered, or all goodbyes were sent.
    pub fn has_left(&self, now: Nanos) -> bool {
        self.leaving.is_some_and(|(left, next)| {
            !self.reporters.iter().any(Reporter::is_leaving) && left < GOODBYES
                || left == 0 && next <= now
        })
    }

    /// When the next report may be due.
    pub fn next_due(&self) -> Option<Nanos> {
        self.next.into_iter().chain(self.leaving.map(|(_, next)| next)).min()
    }

    fn note_due(&mut self, reporter: usize) {
        self.next = self.next.into_iter().chain(self.reporters[reporter].due()).min();
    }

    /// Writes the reports that are due, as many as fit.
    pub fn poll(&mut self, now: Now, known: &Reported<'_>, out: &mut TxBatch) {
        let Reported { rows, names, drops, host } = *known;
        if let Some((left @ 1.., next)) = self.leaving
            && next <= now.mono
        {
            self.leaving = Some((left - 1, now.mono + GOODBYE_SPACING));
            self.reporters.iter_mut().for_each(|reporter| reporter.leave(now));
        }
        if self.next.is_none_or(|next| next > now.mono) && self.leaving.is_none() {
            return;
        }
        for reporter in &mut self.reporters {
            if !reporter.is_due(now.mono, &mut self.rng) {
                continue;
            }
            let found = reporter.row.and_then(|row| rows.get(row)).map(SourceAccount::found);
            let by = names.interface(reporter.key.interface).unwrap_or_default();
            let drops = drops.get(reporter.listens).map_or(0, |drops| drops.buffers);
            let host = host.read(reporter.key.source.ip(), reporter.key.interface);
            let host = host.map(|host| counts_of(&host.counted));
            let credit = &mut self.credits[reporter.credit];
            let local = ReporterHost { by, drops, host };
            let line = reporter.write(now, found.as_ref(), local, credit);
            if line.is_empty() {
                continue;
            }
            let dest = out.append_dest(reporter.dest);
            // One that does not fit is dropped: the next will come.
            let Some(slot) = out.push(dest, line.len()) else { break };
            slot.copy_from_slice(&line);
        }
        self.next = self.reporters.iter().filter_map(Reporter::due).min();
    }
}

/// Whether a destination address can be used as a source address.
fn is_own(ip: std::net::IpAddr) -> bool {
    !ip.is_multicast() && ip != std::net::IpAddr::V4(std::net::Ipv4Addr::BROADCAST)
}
