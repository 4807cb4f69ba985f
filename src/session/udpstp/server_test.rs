//! One connection at a server: from its admission to its end.

use super::SILENCE;
use super::data_phase::{DataPhase, Flow, PhaseEnd, Sent};
use super::load_receiver::LoadReceiver;
use super::load_sender::LoadSender;
use super::params::{ParamLimits, within};
use super::rate_control::{FirstRow, RateControl};
use super::server_admission::Keys;
use super::server_policy::UdpstpPolicy;
use super::sub_intervals::ip_bits_per_second;
use crate::batch::{Datagram, Dest, TxBatch};
use crate::machine::Now;
use crate::pace::{FastRows, RatePayload, SendingRates};
use crate::record::{UdpstpEnd, UdpstpServed, Way};
use crate::session::serve::Reverse;
use crate::units::{IpFamily, Nanos};
use crate::wire::udpstp::{
    ActivationResponse, Checksums, DirectionAsked, SendingRate, SetupRequest, TestActivation,
};
use std::net::{IpAddr, SocketAddr};

/// How far a connection is.
#[derive(Debug)]
enum Stage {
    /// Until then its activation may come.
    Waiting(Nanos),
    Running(SocketAddr, Box<DataPhase>),
    Over(UdpstpEnd),
}

/// A connection at a server.
#[derive(Debug)]
pub(super) struct ServerTest {
    /// Where its Setup Request came from.
    pub client: SocketAddr,
    /// The address of this host that it went to; `None` if unknown.
    pub local: Option<IpAddr>,
    /// The request.
    pub request: SetupRequest,
    /// Its keys.
    pub keys: Keys,
    /// Its socket and port, once they are open.
    pub port: Option<(usize, u16)>,
    stage: Stage,
    /// The answer to its activation, for repeats.
    answer: Vec<u8>,
    answer_is_due: bool,
    served: Option<UdpstpServed>,
    began: Nanos,
}

impl ServerTest {
    /// A connection that was admitted now, to a client that is to activate it within three seconds.
    pub fn new(
        (client, local): (SocketAddr, Option<IpAddr>),
        request: SetupRequest,
        keys: Keys,
        now: Now,
    ) -> Self {
        Self {
            client,
            local,
            request,
            keys,
            port: None,
            stage: Stage::Waiting(now.mono + SILENCE),
            answer: Vec::new(),
            answer_is_due: false,
            served: None,
            began: now.mono,
        }
    }

    /// Whether it waits for its activation.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_))
    }

    /// How it ended; `None` while it goes on.
    pub fn end(&self) -> Option<UdpstpEnd> {
        if let Stage::Over(end) = self.stage { Some(end) } else { None }
    }

    /// What was counted; `None` if it was not activated.
    pub fn served(&self) -> Option<UdpstpServed> {
        self.served
    }

    /// How long it was there.
    pub fn age(&self, now: Now) -> Nanos {
        now.mono - self.began
    }

    /// The server ends.
    pub fn stop(&mut self) {
        match &mut self.stage {
            Stage::Running(_, phase) => phase.stop(),
            Stage::Waiting(_) => self.stage = Stage::Over(UdpstpEnd::ServerEnds),
            Stage::Over(_) => {}
        }
    }

    /// This host stood still.
    pub fn pause(&mut self, length: Nanos) {
        match &mut self.stage {
            Stage::Waiting(until) => *until += length,
            Stage::Running(_, phase) => phase.pause(length),
            Stage::Over(_) => {}
        }
    }

    /// So many Load PDUs that were written last did not leave.
    pub fn give_back(&mut self, datagrams: u32) {
        if let Stage::Running(_, phase) = &mut self.stage {
            phase.give_back(datagrams);
        }
    }

    /// Takes what came to its port.
    #[inline]
    pub fn on_datagram(
        &mut self,
        now: Now,
        datagram: &Datagram<'_>,
        (policy, seed): (&UdpstpPolicy, u64),
    ) {
        let source = datagram.meta.source;
        match &mut self.stage {
            Stage::Running(peer, phase) if *peer == source => {
                if !phase.on_datagram(now, datagram)
                    && TestActivation::decode(datagram.payload, self.request.version).is_ok()
                {
                    // Its answer was lost.
                    self.answer_is_due = true;
                }
                self.look_at_phase();
            }
            // A NAT may have given it another port, but not another address.
            Stage::Waiting(_) if source.ip() == self.client.ip() => {
                self.take_activation(now, (source, datagram.payload), (policy, seed));
            }
            _ => {}
        }
    }

    fn take_activation(
        &mut self,
        now: Now,
        (source, pdu): (SocketAddr, &[u8]),
        (policy, seed): (&UdpstpPolicy, u64),
    ) {
        let version = self.request.version;
        let Ok(asked) = TestActivation::decode(pdu, version) else { return };
        if asked.response.is_some() || !self.is_authentic(now, pdu) {
            return;
        }
        let table = SendingRates {
            payload: if self.request.modifiers.traditional_mtu {
                RatePayload::Traditional
            } else {
                RatePayload::Reduced
            },
            fast: if self.request.modifiers.jumbo { FastRows::Jumbo } else { FastRows::SameSize },
        };
        let highest = policy.highest_row(&table, self.request.bandwidth.mbps);
        let limits = ParamLimits { time_s: policy.longest_secs(), highest_row: highest };
        let params = within(&asked.params, limits);
        let sends = asked.direction == DirectionAsked::Downstream;
        let is_refused = sends && policy.serve.reverse == Reverse::Refused;
        let first =
            if sends && !self.keys.are_proven() { FirstRow::Lowest } else { FirstRow::AsAsked };
        let rate = RateControl::new(table, params, (highest, first));
        let response = TestActivation {
            version,
            direction: asked.direction,
            response: Some(if is_refused {
                ActivationResponse::BadParameter
            } else {
                ActivationResponse::Accepted
            }),
            params,
            sending_rate: if sends { SendingRate::default() } else { rate.rate() },
        };
        let time = (now.real.0 / 1_000_000_000) as u32;
        self.answer = response.encode(self.keys.seal(time), Checksums::Unused);
        self.answer_is_due = true;
        self.client = source;
        if is_refused {
            self.stage = Stage::Over(UdpstpEnd::NotActivated);
            return;
        }
        let flow = if sends {
            Flow::Sending(LoadSender::new(rate.rate(), IpFamily::of(source), seed))
        } else {
            Flow::Receiving(Box::new(LoadReceiver::new(now.mono)))
        };
        let direction = if sends { Way::Down } else { Way::Up };
        self.served = Some(UdpstpServed { direction, ..UdpstpServed::default() });
        let phase = DataPhase::new(version, params, flow, Some(rate), now);
        self.stage = Stage::Running(source, Box::new(phase));
    }

    fn is_authentic(&self, now: Now, pdu: &[u8]) -> bool {
        let Keys::Derived(keys, _) = &self.keys else { return true };
        let time = (now.real.0 / 1_000_000_000) as u32;
        TestActivation::is_signed(pdu, &keys.client) && TestActivation::signature(pdu).is_of(time)
    }

    fn look_at_phase(&mut self) {
        let Stage::Running(_, phase) = &mut self.stage else { return };
        let family = IpFamily::of(self.client);
        while let Some((_, told)) = phase.next_told() {
            if let Some(served) = &mut self.served {
                served.datagrams += u64::from(told.stats.datagrams);
                served.lost += u64::from(told.stats.lost);
                let rate = ip_bits_per_second(&told.stats, family);
                served.max_ip_bits_per_second = served.max_ip_bits_per_second.max(Some(rate));
            }
        }
        let end = match phase.end() {
            None => return,
            Some(PhaseEnd::Done) => UdpstpEnd::Done,
            Some(PhaseEnd::Early) => UdpstpEnd::Early,
            Some(PhaseEnd::Silent) => UdpstpEnd::Silent,
        };
        self.stage = Stage::Over(end);
    }

    /// Writes what is due and says when to ask again; `None` if the batch is full.
    pub fn poll(
        &mut self,
        now: Now,
        (out, wrote): (&mut TxBatch, &mut Vec<Sent>),
    ) -> Option<Nanos> {
        let Some((socket, _)) = self.port else { return Some(Nanos::MAX) };
        let (from, peer) = (self.local, self.client);
        if self.answer_is_due {
            let dest = out.add_dest(Dest { from, socket, ..Dest::from(peer) });
            out.push(dest, self.answer.len())?.copy_from_slice(&self.answer);
            wrote.push(Sent::Other);
            self.answer_is_due = false;
        }
        let next = match &mut self.stage {
            Stage::Over(_) => return Some(Nanos::MAX),
            Stage::Waiting(until) => {
                if now.mono < *until {
                    return Some(*until);
                }
                self.stage = Stage::Over(UdpstpEnd::NotActivated);
                return Some(Nanos::MAX);
            }
            Stage::Running(peer, phase) => {
                let tos = phase.params().tos;
                let dest = out.add_dest(Dest { from, socket, tos, ..Dest::from(*peer) });
                phase.poll(now, (out, dest), wrote)
            }
        };
        self.look_at_phase();
        next
    }
}
