//! One connection of a client: its Setup and Activation Requests, repeated until they are answered,
//! and the test.

use super::SILENCE;
use super::client_plan::UdpstpPlan;
use super::data_phase::{DataPhase, Flow, PhaseEnd, Sent};
use super::load_receiver::LoadReceiver;
use super::load_sender::LoadSender;
use crate::batch::{Datagram, Dest, TxBatch};
use crate::machine::Now;
use crate::record::{UdpstpFailure, UdpstpRefusal};
use crate::units::{IpFamily, Nanos};
use crate::wire::udpstp::{
    ActivationResponse, Bandwidth, Checksums, DirectionAsked, LEAST_VERSION, Pdu, PduKey,
    SendingRate, SessionKeys, SetupRequest, SetupResponse, Signature, TestActivation,
};
use std::net::SocketAddr;

/// Time after which a request is repeated.
const REPEAT: Nanos = Nanos::from_millis(500);
/// The first version whose PDUs are all signed.
const SIGNED: u16 = 20;

/// How far a connection is.
#[derive(Debug)]
enum Stage {
    Setup,
    Activation(SocketAddr),
    Running(SocketAddr, Box<DataPhase>),
    Over,
}

/// A connection of a client.
#[derive(Debug)]
pub(super) struct ClientConnection {
    index: u8,
    version: u16,
    stage: Stage,
    began: Option<Nanos>,
    /// When the request is sent next.
    next: Nanos,
    keys: Option<SessionKeys>,
    /// The request that waits for its answer.
    pdu: Vec<u8>,
    errno: Option<i32>,
    failure: Option<UdpstpFailure>,
    /// What is known of a test that is over.
    past: Option<Box<DataPhase>>,
}

impl ClientConnection {
    /// A connection that has asked for nothing, and will in this version.
    pub fn new(index: u8, version: u16) -> Self {
        Self {
            index,
            version,
            stage: Stage::Setup,
            began: None,
            next: Nanos::ZERO,
            keys: None,
            pdu: Vec::new(),
            errno: None,
            failure: None,
            past: None,
        }
    }

    /// Why it failed; `None` while it did not.
    pub fn failure(&self) -> Option<UdpstpFailure> {
        self.failure
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// The version that both ends speak.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The test, running or over; `None` before.
    pub fn phase(&self) -> Option<&DataPhase> {
        match &self.stage {
            Stage::Running(_, phase) => Some(phase),
            _ => self.past.as_deref(),
        }
    }

    /// The same, to take something out of it.
    pub fn phase_mut(&mut self) -> Option<&mut DataPhase> {
        match &mut self.stage {
            Stage::Running(_, phase) => Some(phase),
            _ => self.past.as_deref_mut(),
        }
    }

    /// Ends it: a running test in dialogue with the server, another at once.
    pub fn stop(&mut self) {
        match &mut self.stage {
            Stage::Running(_, phase) => phase.stop(),
            _ => self.stage = Stage::Over,
        }
    }

    /// This host stood still.
    pub fn pause(&mut self, length: Nanos) {
        self.began = self.began.map(|began| began + length);
        if let Stage::Running(_, phase) = &mut self.stage {
            phase.pause(length);
        }
    }

    fn fail(&mut self, failure: UdpstpFailure) {
        self.failure = Some(failure);
        self.close();
    }

    fn close(&mut self) {
        if let Stage::Running(_, phase) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.past = Some(phase);
        }
    }

    /// An ICMP error about what was sent to this address.
    pub fn on_error(&mut self, to: SocketAddr, errno: i32, is_closed: bool) {
        self.errno = Some(errno);
        let target = match self.stage {
            Stage::Setup => to,
            Stage::Activation(target) if target == to => target,
            _ => return,
        };
        if is_closed {
            self.fail(UdpstpFailure::PortClosed { target: target.into() });
        }
    }

    /// Takes what came.
    #[inline]
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>, plan: &UdpstpPlan) {
        let source = datagram.meta.source;
        match &mut self.stage {
            Stage::Running(peer, phase) if *peer == source => {
                phase.on_datagram(now, datagram);
                self.look_at_end();
            }
            Stage::Setup if source == plan.target => self.take_setup(now, datagram.payload, plan),
            Stage::Activation(peer) if *peer == source => {
                let peer = *peer;
                self.take_activation(now, (peer, datagram), plan);
            }
            // Null Requests, and what others send.
            _ => {}
        }
    }

    fn take_setup(&mut self, now: Now, pdu: &[u8], plan: &UdpstpPlan) {
        let Ok((fields, response)) = SetupRequest::decode_response(pdu) else { return };
        if (fields.ident, fields.index) != (plan.ident, self.index) {
            return;
        }
        let is_old = (LEAST_VERSION..self.version).contains(&fields.version);
        match response {
            SetupResponse::Accepted(port) if port > 0 => {
                let key = self.keys.as_ref().map(|keys| &keys.server);
                if key.is_some_and(|key| !SetupRequest::is_signed(pdu, key)) {
                    return self.fail(UdpstpFailure::NotAuthentic);
                }
                let mut address = plan.target;
                address.set_port(port);
                self.stage = Stage::Activation(address);
                (self.began, self.next) = (Some(now.mono), now.mono);
                self.pdu.clear();
            }
            // An older server says which version it speaks.
            SetupResponse::BadVersion if is_old => {
                self.version = fields.version;
                self.next = now.mono;
                self.pdu.clear();
            }
            other => self.fail(UdpstpFailure::Refused {
                response_code: UdpstpRefusal(other),
                version: fields.version,
            }),
        }
    }

    fn take_activation(
        &mut self,
        now: Now,
        (peer, datagram): (SocketAddr, &Datagram<'_>),
        plan: &UdpstpPlan,
    ) {
        let pdu = datagram.payload;
        let answer = match TestActivation::decode(pdu, self.version) {
            Ok(answer) => answer,
            // Its answer was lost, and the load is here: the test is as it was asked for.
            Err(_) if Pdu::of(pdu) == Some(Pdu::Load) => TestActivation {
                version: self.version,
                direction: plan.direction,
                response: Some(ActivationResponse::Accepted),
                params: plan.params,
                sending_rate: SendingRate::default(),
            },
            Err(_) => return,
        };
        let key = self.keys.as_ref().map(|keys| &keys.server);
        let is_load = Pdu::of(pdu) == Some(Pdu::Load);
        if !is_load && key.is_some_and(|key| !TestActivation::is_signed(pdu, key)) {
            return self.fail(UdpstpFailure::NotAuthentic);
        }
        match answer.response {
            None => {}
            Some(ActivationResponse::Accepted) => {
                let flow = match plan.direction {
                    DirectionAsked::Upstream => Flow::Sending(LoadSender::new(
                        answer.sending_rate,
                        IpFamily::of(plan.target),
                        plan.seed ^ u64::from(self.index),
                    )),
                    DirectionAsked::Downstream => {
                        Flow::Receiving(Box::new(LoadReceiver::new(now.mono)))
                    }
                };
                let params = answer.params;
                let mut phase = DataPhase::new(self.version, params, flow, None, now);
                if is_load {
                    phase.on_datagram(now, datagram);
                }
                self.stage = Stage::Running(peer, Box::new(phase));
            }
            Some(ActivationResponse::BadParameter) => {
                self.fail(UdpstpFailure::ParametersRefused { response_code: 2 });
            }
            Some(ActivationResponse::Other(response_code)) => {
                self.fail(UdpstpFailure::ParametersRefused { response_code });
            }
        }
    }

    fn look_at_end(&mut self) {
        let Stage::Running(_, phase) = &self.stage else { return };
        match phase.end() {
            None => return,
            Some(PhaseEnd::Done) => {}
            Some(PhaseEnd::Early) => self.failure = Some(UdpstpFailure::EndedEarly),
            Some(PhaseEnd::Silent) => {
                self.failure = Some(UdpstpFailure::Silent { waited_ns: SILENCE.0 });
            }
        }
        self.close();
    }

    /// Writes what is due and says when to ask again; `None` if the batch is full.
    pub fn poll(
        &mut self,
        now: Now,
        (out, wrote): (&mut TxBatch, &mut Vec<Sent>),
        plan: &UdpstpPlan,
    ) -> Option<Nanos> {
        let socket = usize::from(self.index);
        let to = match &mut self.stage {
            Stage::Over => return Some(Nanos::MAX),
            Stage::Running(peer, phase) => {
                let tos = phase.params().tos;
                let dest = out.add_dest(Dest { socket, tos, ..Dest::from(*peer) });
                let next = phase.poll(now, (out, dest), wrote);
                self.look_at_end();
                return if self.is_over() { Some(Nanos::MAX) } else { next };
            }
            Stage::Setup => plan.target,
            Stage::Activation(address) => *address,
        };
        let began = *self.began.get_or_insert(now.mono);
        if now.mono >= began + plan.patience {
            self.give_up(to, plan);
            return Some(Nanos::MAX);
        }
        if now.mono >= self.next {
            if self.pdu.is_empty() {
                self.pdu = self.request(now, plan);
            }
            let dest = out.add_dest(Dest { socket, ..Dest::from(to) });
            out.push(dest, self.pdu.len())?.copy_from_slice(&self.pdu);
            wrote.push(Sent::Other);
            self.next = now.mono + REPEAT;
        }
        Some(self.next.min(began + plan.patience))
    }

    fn give_up(&mut self, to: SocketAddr, plan: &UdpstpPlan) {
        let (target, waited_ns) = (to.into(), plan.patience.0);
        self.fail(match self.stage {
            Stage::Setup => UdpstpFailure::NoReply { target, waited_ns, errno: self.errno },
            _ => UdpstpFailure::NotActivated { target, waited_ns },
        });
    }

    /// The request that is due.
    fn request(&mut self, now: Now, plan: &UdpstpPlan) -> Vec<u8> {
        let time = (now.real.0 / 1_000_000_000) as u32;
        let key_id = plan.authentication.as_ref().map_or(0, |with| with.key_id);
        let signature = Signature { time, key_id };
        if matches!(self.stage, Stage::Setup) {
            return self.setup_request(signature, plan);
        }
        let activation = TestActivation {
            version: self.version,
            direction: plan.direction,
            response: None,
            params: plan.params,
            sending_rate: SendingRate::default(),
        };
        let key = self.keys.as_ref().map(|keys| (&keys.client, signature));
        activation.encode(key, Checksums::Unused)
    }

    fn setup_request(&mut self, signature: Signature, plan: &UdpstpPlan) -> Vec<u8> {
        let each = plan.bandwidth_mbps / u16::from(plan.connections.max(1));
        let request = SetupRequest {
            version: self.version,
            index: self.index,
            count: plan.connections,
            ident: plan.ident,
            bandwidth: Bandwidth {
                upstream: plan.direction == DirectionAsked::Upstream,
                mbps: if plan.bandwidth_mbps > 0 { each.max(1) } else { 0 },
            },
            modifiers: plan.modifiers,
        };
        self.keys = None;
        let Some(with) = &plan.authentication else {
            return request.encode(Checksums::Unused).to_vec();
        };
        let key: PduKey = if self.version >= SIGNED {
            let keys = with.key.derive(signature.time);
            self.keys.insert(keys).client.clone()
        } else {
            with.key.as_it_is()
        };
        request.encode_signed(&key, signature, Checksums::Unused).to_vec()
    }
}
