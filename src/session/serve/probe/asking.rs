//! Asks as they arrive, and the answers that are due.

use super::super::{ServeControl, ServeEvent, ServeOrder};
use super::Probe;
use super::pending::DueEcho;
use crate::batch::{Datagram, Dest, ErrorOrigin, Fragmentation, NetworkError};
use crate::record::Sink;
use crate::session::{Now, Orders};
use crate::units::Nanos;
use crate::wire::{Ask, BackError, Class, Echo, pattern};
use std::net::SocketAddr;

/// Where an ask stood in its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    End,
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// Takes a datagram that came to `port` as an ask; `false` when it is none of a probe that is
    /// going on. Behind another protocol's shape it is looked for on a probe's own ports alone.
    pub(in super::super) fn on_ask(
        &mut self,
        now: Now,
        datagram: &Datagram<'_>,
        port: Option<u16>,
    ) -> bool {
        let payload = datagram.payload;
        let at_end = || {
            let whole = port.is_some() && !datagram.truncated();
            whole.then(|| Ask::decode_at_end(payload)).flatten().map(|ask| (ask, Place::End))
        };
        let found = Ask::decode(payload).map(|ask| (ask, Place::Start)).or_else(at_end);
        let Some((ask, place)) = found else { return false };
        let server = self.port.unwrap_or(0);
        let session = self.sessions.values_mut().find(|session| session.has_probe_key(ask.key));
        let Some(session) = session else { return false };
        session.heard = now.mono;
        let Some((_, probe)) = &mut session.probe else { return false };
        probe.take(now, datagram, &ask, place, port.unwrap_or(server));
        self.release_echoes(now);
        true
    }

    /// Queues the answers that are due; when the next will be.
    pub(in super::super) fn release_echoes(&mut self, now: Now) -> Option<Nanos> {
        let mut next = None;
        for (_, probe) in self.sessions.values_mut().filter_map(|session| session.probe.as_mut()) {
            while self.outbox.has_room()
                && let Some(answer) = probe.pending.take_due(now.mono)
            {
                if !probe.may_send(&answer, now.mono) {
                    probe.withheld += 1;
                    continue;
                }
                probe.items.answer_left(answer.echo.item);
                let mut bytes = self.outbox.spare();
                bytes.resize(answer.len, 0);
                answer.echo.encode(&mut bytes);
                self.outbox.send(answer.dest, Class::Measurement, bytes);
            }
            next = next.into_iter().chain(probe.pending.next()).min();
        }
        next
    }

    /// The network spoke of an answer, or this host refused to send it.
    pub(in super::super) fn echo_failed(&mut self, error: &NetworkError) {
        let Some(echo) = Echo::decode(error.quoted()) else { return };
        let spoken = BackError {
            icmp_type: error.icmp_type,
            icmp_code: error.icmp_code,
            router: error.offender.filter(|_| error.origin != ErrorOrigin::Local),
        };
        let ip = error.destination.ip();
        if let Some(probe) = self.probe_with_tag(echo.tag, ip) {
            probe.items.note_error(echo.item, spoken);
            if error.origin == ErrorOrigin::Local && error.mtu.is_some() {
                probe.items.interface_mtu = error.mtu;
            }
        }
    }

    /// The kernel did not take an answer.
    pub(in super::super) fn echo_refused(&mut self, to: SocketAddr, payload: &[u8]) {
        let Some(echo) = Echo::decode(payload) else { return };
        if let Some(probe) = self.probe_with_tag(echo.tag, to.ip()) {
            probe.items.answer_refused(echo.item);
            let spoken = BackError { icmp_type: 0, icmp_code: 0, router: None };
            probe.items.note_error(echo.item, spoken);
        }
    }

    /// The probe that an answer to this address belonged to.
    fn probe_with_tag(&mut self, tag: u16, ip: std::net::IpAddr) -> Option<&mut Probe> {
        let sessions = self.sessions.values_mut().filter(|session| session.client.ip() == ip);
        let mut probes = sessions.filter_map(|session| session.probe.as_mut());
        probes.find(|(_, probe)| probe.tag == tag).map(|(_, probe)| &mut **probe)
    }

    /// DATA: an address of a probe's client has shown its ticket. `false` when the session has no
    /// probe, or keeps no more addresses.
    pub(in super::super) fn prove_lane(&mut self, id: u64, address: SocketAddr) -> Option<bool> {
        let (_, probe) = self.sessions.get_mut(&id)?.probe.as_mut()?;
        Some(probe.lanes.prove(address))
    }
}

impl Probe {
    /// Counts an ask and keeps the answers that it wants.
    fn take(&mut self, now: Now, datagram: &Datagram<'_>, ask: &Ask, place: Place, port: u16) {
        let (meta, len) = (&datagram.meta, datagram.true_len);
        self.items.note(ask, meta, len, port);
        self.lanes.came(meta.source, len);
        let intact = place == Place::Start
            && datagram
                .payload
                .get(Ask::LEN..)
                .is_some_and(|rest| pattern::matches(Ask::LEN, rest));
        let echo = Echo {
            tag: ask.tag,
            sequence: ask.sequence,
            sent: ask.sent,
            arrived: meta.arrival,
            left: now.real,
            item: ask.item,
            number: 0,
            ttl: meta.ttl,
            tos: meta.tos.unwrap_or(0),
            intact,
            len: u16::try_from(len).unwrap_or(u16::MAX),
            fragment: meta.fragment.map(|bytes| u16::try_from(bytes).unwrap_or(u16::MAX)),
            port,
            source: meta.source,
        };
        let Some(dest) = self.way_back(datagram, ask) else {
            self.withheld += u64::from(ask.answers);
            return;
        };
        for number in 0..ask.answers {
            let due = now.mono + ask.delay + Nanos(ask.gap.0 * u64::from(number));
            let echo = Echo { number, ..echo };
            let len = usize::from(ask.answer_len).max(Echo::LEN);
            let kept = self.pending.keep(due, DueEcho { dest, echo, len });
            self.withheld += u64::from(!kept);
        }
    }

    /// Where answers to an ask go and leave from; `None` where there is no such way.
    fn way_back(&self, datagram: &Datagram<'_>, ask: &Ask) -> Option<Dest> {
        let meta = &datagram.meta;
        let socket = if ask.via.other_port() { self.alternate?.1 } else { meta.socket };
        let from = if ask.via.other_address() { Some(self.other?) } else { meta.destination };
        let policy = if ask.whole { Fragmentation::Probe } else { Fragmentation::Allow };
        let (tos, fragmentation) = (ask.answer_tos, Some(policy));
        Some(Dest { from, socket, tos, fragmentation, ..Dest::from(meta.source) })
    }

    /// Whether an answer may leave now; it is counted if so.
    fn may_send(&mut self, answer: &DueEcho, now: Nanos) -> bool {
        // The credit is asked first: it is what keeps strangers safe, the rate keeps this host so.
        self.lanes.takes(answer.dest.addr, answer.len) && self.allowance.takes(answer.len, now)
    }
}
