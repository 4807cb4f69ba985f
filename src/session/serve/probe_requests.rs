//! Incoming probe requests, and the answers that are due.

use super::probe::{Asked, Place, Probe, When};
use super::{ServeControl, ServeEngine, ServeOrder};
use crate::batch::{Datagram, ErrorOrigin, NetworkError};
use crate::machine::{Now, Orders};
use crate::units::Nanos;
use crate::wire::{Ask, Class, Echo, ReplyError};
use std::net::{IpAddr, SocketAddr};

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// Handles a datagram to `port` as a probe request; `false` if it belongs to no active probe.
    /// Requests behind another protocol's payload are looked for only on a probe's own ports.
    pub(super) fn on_ask(&mut self, now: Now, datagram: &Datagram<'_>, port: Option<u16>) -> bool {
        let payload = datagram.payload;
        let at_end = || {
            let whole = port.is_some() && !datagram.truncated();
            whole.then(|| Ask::decode_at_end(payload)).flatten().map(|ask| (ask, Place::End))
        };
        let found = Ask::decode(payload).map(|ask| (ask, Place::Start)).or_else(at_end);
        let Some((ask, place)) = found else { return false };
        let server = self.port.unwrap_or(0);
        let session = self.sessions.iter_mut().find(|(_, session)| session.has_probe_key(ask.key));
        let Some((id, session)) = session else { return false };
        session.heard = now.mono;
        let (id, owner) = (*id, session.client.ip());
        let Some((_, probe)) = &mut session.probe else { return false };
        let asked = Asked { ask: &ask, place, datagram, port: port.unwrap_or(server) };
        for answer in probe.take(now, id, &asked) {
            let wanted = if answer.echo.number > 0 || ask.delay > Nanos::ZERO {
                let due = now.mono + ask.delay + Nanos(ask.gap.0 * u64::from(answer.echo.number));
                let kept = self.pending.keep(due, answer);
                probe.waiting += usize::from(kept);
                kept
            } else {
                // An answer that cannot be queued is dropped; the client repeats its request.
                let charged = probe.charged(When::AtOnce, owner, answer.dest.addr, now.mono);
                let fits = self.outbox.has_room()
                    && self.limits.takes(When::AtOnce, charged, answer.len, now.mono);
                if fits {
                    probe.items.answer_left(ask.item);
                    let bytes = answer.bytes(&mut self.outbox);
                    self.outbox.send(answer.dest, Class::Measurement, bytes);
                }
                fits
            };
            if !wanted {
                probe.items.answer_withheld(ask.item);
            }
        }
        self.release_echoes(now);
        true
    }

    /// Queues the answers that are due; returns when the next one is.
    pub(super) fn release_echoes(&mut self, now: Now) -> Option<Nanos> {
        while self.outbox.has_room()
            && let Some(answer) = self.pending.take_due(now.mono)
        {
            let Some(session) = self.sessions.get_mut(&answer.session) else { continue };
            let owner = session.client.ip();
            let Some((_, probe)) = &mut session.probe else { continue };
            probe.waiting = probe.waiting.saturating_sub(1);
            let item = answer.echo.item;
            let charged = probe.charged(When::Later, owner, answer.dest.addr, now.mono);
            if self.limits.takes(When::Later, charged, answer.len, now.mono) {
                probe.items.answer_left(item);
                let bytes = answer.bytes(&mut self.outbox);
                self.outbox.send(answer.dest, Class::Measurement, bytes);
            } else {
                probe.items.answer_withheld(item);
            }
        }
        self.pending.next()
    }

    /// Counts answers that were dropped after waiting too long as withheld.
    pub(super) fn note_stale(&mut self) {
        while let Some((to, payload)) = self.outbox.next_stale() {
            if let Some(echo) = Echo::decode(&payload)
                && let Some(probe) = self.probe_with_tag(echo.tag, to.ip())
            {
                probe.items.answer_refused(echo.item);
                probe.items.answer_withheld(echo.item);
            }
            self.outbox.give_back(payload);
        }
    }

    /// An error from the network or this host about an answer.
    pub(super) fn echo_failed(&mut self, error: &NetworkError) {
        self.note_interface_mtu(error);
        let Some(echo) = Echo::decode(error.quoted()) else { return };
        let spoken = ReplyError {
            icmp_type: error.icmp_type,
            icmp_code: error.icmp_code,
            router: error.offender.filter(|_| error.origin != ErrorOrigin::Local),
        };
        let ip = error.destination.ip();
        if let Some(probe) = self.probe_with_tag(echo.tag, ip) {
            probe.items.note_error(echo.item, spoken);
        }
    }

    /// This host's interface refused an answer for its size. Linux names the MTU and the
    /// destination, and quotes nothing (ip(7), `IP_RECVERR`): whatever the answer was, the MTU is
    /// that of the interface towards the probes' clients at that address.
    fn note_interface_mtu(&mut self, error: &NetworkError) {
        let Some(mtu) = error.mtu.filter(|_| error.origin == ErrorOrigin::Local) else { return };
        let ip = error.destination.ip();
        for session in self.sessions.values_mut().filter(|session| session.client.ip() == ip) {
            if let Some((_, probe)) = &mut session.probe {
                probe.items.interface_mtu = Some(mtu);
            }
        }
    }

    /// The kernel refused to send an answer.
    pub(super) fn echo_refused(&mut self, to: SocketAddr, payload: &[u8]) {
        let Some(echo) = Echo::decode(payload) else { return };
        if let Some(probe) = self.probe_with_tag(echo.tag, to.ip()) {
            probe.items.answer_refused(echo.item);
            let spoken = ReplyError { icmp_type: 0, icmp_code: 0, router: None };
            probe.items.note_error(echo.item, spoken);
        }
    }

    /// The probe to which an answer for this address belonged.
    fn probe_with_tag(&mut self, tag: u16, ip: IpAddr) -> Option<&mut Probe> {
        let sessions = self.sessions.values_mut().filter(|session| session.client.ip() == ip);
        let mut probes = sessions.filter_map(|session| session.probe.as_mut());
        probes.find(|(_, probe)| probe.tag == tag).map(|(_, probe)| &mut **probe)
    }

    /// DATA: an address of a probe's client has shown its ticket. `false` if the session has no
    /// probe, or no room for more addresses.
    pub(super) fn prove_lane(&mut self, id: u64, address: SocketAddr, now: Nanos) -> Option<bool> {
        let (_, probe) = self.sessions.get_mut(&id)?.probe.as_mut()?;
        Some(probe.lanes.prove(address, now))
    }
}
