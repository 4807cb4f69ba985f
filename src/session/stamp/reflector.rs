//! The session-reflector: stateful, so that loss on the way out is told from loss on the way back
//! (RFC 8762 §4.3).
//!
//! It answers in the format of the request, with the same length. Anything that looks like a reply,
//! or repeats a time stamp of this clock where a reply would, is never answered, so that two
//! reflectors do not answer each other; packets that do not continue like those of a sender are
//! answered a few times. Packets to a group or broadcast address are not answered either.

use super::options::{self, Known};
use crate::batch::{Datagram, Dest};
use crate::control::server::BoundedMap;
use crate::control::server::SourceLimit;
use crate::control::server::{LoopPrevention, print};
use crate::machine::Now;
use crate::session::serve::{Reflection, Reflector, Reload, is_askable};
use crate::units::Nanos;
use crate::wire::stamp::{
    ErrorEstimate, FollowUp, PacketForm, StampKey, StampReply, StampRequest, StampingMethod,
    TWAMP_REPLY_LEN, TimeFormat, Timestamp, TlvKind, Tlvs,
};
use crate::wire::{Ecn, split_tos, tos};
use std::net::{IpAddr, SocketAddr};

/// Maximum sessions remembered; beyond it the least recently heard restart their counts.
const SESSIONS: usize = 65_536;
/// Silence after which a session is dropped, at the earliest: TWAMP's REFWAIT (RFC 5357 §4.2).
const SILENCE: Nanos = Nanos::from_secs(900);
/// Maximum senders with non-zero padding whose last packet is remembered, and for how long.
const PADDED: usize = 16_384;
const PADDED_SILENCE: Nanos = Nanos::from_secs(60);
/// Maximum step of a sender's sequence numbers, and of the seconds in its time stamps, between two
/// packets: those of text differ more, or not at all.
const STRIDE: u32 = 65_536;
/// Maximum age of a time stamp of this clock when it comes back.
const OWN_STAMP: Nanos = Nanos::from_secs(60);
/// How often the kernel is asked for the accuracy of its clock.
const CLOCK: Nanos = Nanos::from_secs(10);

/// Whether to answer requests that are shorter than any reply: TWAMP's of 14 to 40 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShortRequests {
    /// They are not answered: no spoofed source gets more bytes than were sent in its name.
    #[default]
    Ignored,
    /// They are answered, with TWAMP's 41 bytes: an amplification of up to three.
    Answered,
}

/// Configuration of a reflector.
#[derive(Clone, Debug, Default)]
pub struct StampPolicy {
    /// The key of the authenticated mode; with one, nothing else is answered.
    pub key: Option<StampKey>,
    /// Maximum answers per source: a number and the time in which they are allowed; `None` for no
    /// limit.
    pub rate: Option<(u64, Nanos)>,
    /// What to do with short requests.
    pub short: ShortRequests,
}

/// Identifies a test session: the two addresses, the sender's port, the SSID. The reflector's port
/// is that of `socket`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SessionKey {
    source: SocketAddr,
    destination: Option<IpAddr>,
    socket: usize,
    ssid: u16,
}

/// State of a test session.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: u32,
    reflected: u32,
    /// The last reply, once it was sent, for follow-up telemetry.
    before: FollowUp,
}

/// The session-reflector. `C` returns the error estimate of the real-time clock.
pub struct StampReflector<C> {
    policy: StampPolicy,
    /// Keys that were valid before, and still are.
    earlier: Vec<StampKey>,
    clock: C,
    error: ErrorEstimate,
    asked_clock: Nanos,
    sessions: BoundedMap<SessionKey, Counts>,
    limit: SourceLimit,
    restraint: LoopPrevention,
    /// The last packet of each sender with non-zero padding.
    padded: BoundedMap<SocketAddr, Padded>,
}

/// Number and time stamp of a packet whose padding may be anything.
#[derive(Clone, Copy, Debug, Default)]
struct Padded {
    seq: u32,
    sent: u64,
}

impl Padded {
    /// Whether the next packet continues the same sender's sequence.
    fn goes_on_with(self, next: Self) -> bool {
        let seconds = |packet: Self| (packet.sent >> 32) as u32;
        let is_near = |a: u32, b: u32| a.wrapping_sub(b) <= STRIDE || b.wrapping_sub(a) <= STRIDE;
        self.seq != next.seq
            && self.sent != next.sent
            && is_near(self.seq, next.seq)
            && is_near(seconds(self), seconds(next))
    }
}

impl<C: FnMut() -> ErrorEstimate> StampReflector<C> {
    /// A reflector without sessions.
    pub fn new(policy: StampPolicy, mut clock: C) -> Self {
        Self {
            limit: SourceLimit::new(policy.rate),
            restraint: LoopPrevention::default(),
            padded: BoundedMap::new(PADDED, PADDED_SILENCE),
            policy,
            earlier: Vec::new(),
            error: clock(),
            clock,
            asked_clock: Nanos::ZERO,
            sessions: BoundedMap::new(SESSIONS, SILENCE),
        }
    }

    /// The request, if it should be answered, the length of its reply, and the key it was signed
    /// with, if keys are needed.
    fn admit(&self, now: Now, datagram: &Datagram<'_>) -> Option<Admitted> {
        let bytes = datagram.payload;
        if datagram.truncated() || !is_askable(&datagram.meta) {
            return None;
        }
        let form = PacketForm::of(self.policy.key.as_ref());
        let len = match form {
            PacketForm::Open if bytes.len() < TWAMP_REPLY_LEN => match self.policy.short {
                ShortRequests::Ignored => return None,
                ShortRequests::Answered => TWAMP_REPLY_LEN,
            },
            _ => bytes.len(),
        };
        if is_reply(form, bytes) || repeats_own_stamp(form, bytes, now.real) {
            return None;
        }
        if self.policy.key.is_none() {
            let request = StampRequest::decode(bytes).ok()?;
            return Some(Admitted { request, len, key: None });
        }
        self.keys().find_map(|key| {
            let request = StampRequest::decode_signed(bytes, key).ok()?;
            Some(Admitted { request, len, key: Some(key.clone()) })
        })
    }

    /// The keys that are valid.
    fn keys(&self) -> impl Iterator<Item = &StampKey> {
        self.policy.key.iter().chain(&self.earlier)
    }

    /// The key that a reply was signed with.
    fn key_of(&self, reply: &[u8]) -> Option<&StampKey> {
        let signed = self.keys().find(|key| StampReply::decode_signed(reply, key).is_ok());
        signed.or(self.policy.key.as_ref())
    }

    /// Whether a request comes from a sender: one that could come from a responder is answered only
    /// now and then.
    fn is_senders(&mut self, now: Nanos, datagram: &Datagram<'_>, request: &StampRequest) -> bool {
        let (source, bytes) = (datagram.meta.source, datagram.payload);
        let what = print(&asked_for(request));
        // Nobody else has the key.
        if self.policy.key.is_none() && !is_zero(bytes, 16..PacketForm::Open.len()) {
            let this = Padded { seq: request.seq, sent: request.sent.bits };
            let last = self.padded.entry(now, source, Padded::default);
            let goes_on = std::mem::replace(last, this).goes_on_with(this);
            if !goes_on && !self.restraint.knows(source, what) {
                return self.restraint.admits_error(now, source);
            }
        }
        self.restraint.admits_question(now, source, what)
    }
}

/// A request that is to be answered.
struct Admitted {
    request: StampRequest,
    /// Length of the reply.
    len: usize,
    /// The key that signed it.
    key: Option<StampKey>,
}

/// What distinguishes a sender's packets: number, time stamp, session.
fn asked_for(request: &StampRequest) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes[..4].copy_from_slice(&request.seq.to_be_bytes());
    bytes[4..12].copy_from_slice(&request.sent.bits.to_be_bytes());
    bytes[12..].copy_from_slice(&request.ssid.to_be_bytes());
    bytes
}

/// Whether the bytes of a range, as far as they exist, are zero.
fn is_zero(bytes: &[u8], range: std::ops::Range<usize>) -> bool {
    let range = range.start.min(bytes.len())..range.end.min(bytes.len());
    bytes[range].iter().all(|byte| *byte == 0)
}

impl<C: FnMut() -> ErrorEstimate> Reflector for StampReflector<C> {
    fn answer(&mut self, now: Now, datagram: &Datagram<'_>, reply: &mut Vec<u8>) -> Reflection {
        let Some(Admitted { request, len, key }) = self.admit(now, datagram) else {
            return Reflection::Silent;
        };
        let meta = &datagram.meta;
        let session = session_key(meta.source, meta.destination, meta.socket, request.ssid);
        let is_senders = self.is_senders(now.mono, datagram, &request);
        let counts = self.sessions.entry(now.mono, session, Counts::default);
        counts.received = counts.received.wrapping_add(1);
        if !is_senders || !self.limit.admits(now.mono, meta.source.ip()) {
            return Reflection::Silent;
        }
        let seq = counts.reflected;
        counts.reflected = counts.reflected.wrapping_add(1);
        let format = request.sent.format;
        let base = StampReply {
            seq,
            sent: Timestamp::of(now.real, format),
            error: ErrorEstimate { format, ..self.error },
            received: Timestamp::of(meta.arrival, format),
            request,
            ttl: meta.ttl.unwrap_or(255),
        };
        let key = key.as_ref();
        match key {
            None => reply.extend_from_slice(&base.encode()[..len.min(PacketForm::Open.len())]),
            // Signed just before sending, when it is complete.
            Some(key) => reply.extend_from_slice(&base.encode_signed(key)),
        }
        let tlvs_at = reply.len();
        reply.extend_from_slice(datagram.payload.get(tlvs_at..).unwrap_or_default());
        let known = Known {
            tos: meta.tos,
            received: counts.received,
            reflected: counts.reflected,
            before: counts.before,
            key,
            asked_seq: request.seq,
            reply_seq: seq,
        };
        let wanted = options::answer(&mut reply[tlvs_at..], &known);
        // Like the request, unless another is requested (RFC 5357 §4.2); never ECN-capable.
        let dscp = wanted.unwrap_or(split_tos(known.tos.unwrap_or(0)).0);
        Reflection::Answered { tos: tos(dscp, Ecn::NotEct) }
    }

    fn departing(&mut self, now: Now, dest: &Dest, reply: &mut [u8]) {
        // Which one is looked for only where there are several.
        let key = match &self.earlier[..] {
            [] => self.policy.key.as_ref(),
            _ => self.key_of(reply),
        };
        let form = PacketForm::of(key);
        let Ok(told) = StampReply::decode_unverified(reply, form) else { return };
        let sent = Timestamp::of(now.real, told.error.format);
        StampReply::restamp(reply, sent, key);
        if Tlvs::behind(reply, form.len()).any(|tlv| tlv.kind == TlvKind::FollowUp) {
            let session = session_key(dest.addr, dest.from, dest.socket, told.request.ssid);
            if let Some(counts) = self.sessions.find(&session) {
                let method = StampingMethod::Software;
                counts.before = FollowUp { seq: told.seq, sent_bits: sent.bits, method };
            }
        }
    }

    fn longest(&self, asked: usize) -> usize {
        match self.policy.short {
            ShortRequests::Ignored => asked,
            ShortRequests::Answered => asked.max(TWAMP_REPLY_LEN),
        }
    }

    fn reload(&mut self, reload: &Reload<'_>) {
        if reload.rate != self.policy.rate {
            self.policy.rate = reload.rate;
            self.limit = SourceLimit::new(reload.rate);
        }
        let mut keys = reload.keys.iter().cloned();
        self.policy.key = keys.next();
        self.earlier = keys.collect();
    }

    fn on_tick(&mut self, now: Now) {
        self.sessions.forget(now.mono);
        if now.mono - self.asked_clock >= CLOCK {
            self.asked_clock = now.mono;
            self.error = (self.clock)();
        }
    }
}

fn session_key(
    source: SocketAddr,
    destination: Option<IpAddr>,
    socket: usize,
    ssid: u16,
) -> SessionKey {
    SessionKey { source, destination, socket, ssid }
}

/// Whether the bytes have what only a reply has: a receive time stamp between fields that are zero
/// in both kinds. A request has zeros there, or, from TWAMP, padding: random padding is mistaken
/// for a reply once in 65,536 sessions.
fn is_reply(form: PacketForm, bytes: &[u8]) -> bool {
    let zero = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|field| field.iter().all(|byte| *byte == 0))
    };
    match form {
        PacketForm::Open => bytes.len() >= TWAMP_REPLY_LEN && !zero(16..24) && zero(38..40),
        PacketForm::Signed => !zero(32..40) && zero(4..16),
    }
}

/// Whether the bytes have a time stamp of this host's clock where a reply repeats that of its
/// request: then they are a reply to a reply from here, whatever else they contain.
fn repeats_own_stamp(form: PacketForm, bytes: &[u8], now: Nanos) -> bool {
    let Ok(told) = StampReply::decode_unverified(bytes, form) else { return false };
    let bits = told.request.sent.bits;
    // The error estimate next to it, which tells the format, may not be repeated.
    bits != 0
        && [TimeFormat::Ntp, TimeFormat::Ptp].into_iter().any(|format| {
            let stamp = Timestamp { bits, format }.near(now);
            Nanos(stamp.0.abs_diff(now.0)) <= OWN_STAMP
        })
}
