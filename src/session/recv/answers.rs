//! A bounded queue of answers, each going back to its sender.

use super::loop_detection::LoopDetection;
use crate::batch::{Datagram, Dest, LocalSendFailure, SendOutcome, SendStop, TxBatch};
use crate::record::SendRefusal;
use crate::units::Nanos;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Maximum answers waiting; further datagrams are not answered.
const MOST: usize = 1024;

/// The answer to every datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answering {
    /// None.
    #[default]
    Silent,
    /// The datagram itself.
    Echo,
    /// Always this message.
    Message(Vec<u8>),
}

/// The queue.
#[derive(Debug)]
pub(super) struct Answers {
    answering: Answering,
    waiting: VecDeque<(Dest, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    pub sent: u64,
    pub lost: u64,
    meetings: LoopDetection,
    /// Datagrams not answered because the peer seems to answer everything, too.
    pub left_out: u64,
    /// Refusals by this host, by error number, each with the first destination affected.
    pub refused: Vec<SendRefusal>,
    explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

impl Answers {
    pub fn new(answering: Answering, explain: fn(i32, SocketAddr) -> LocalSendFailure) -> Self {
        let (waiting, spare) = (VecDeque::new(), Vec::new());
        Self {
            answering,
            waiting,
            spare,
            sent: 0,
            lost: 0,
            meetings: LoopDetection::default(),
            left_out: 0,
            refused: Vec::new(),
            explain,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Queues the answer to a datagram that arrived at this port, from the address that it was sent
    /// to.
    pub fn answer(&mut self, now: Nanos, datagram: &Datagram<'_>, port: u16) {
        let payload: &[u8] = match &self.answering {
            Answering::Silent => return,
            Answering::Echo => datagram.payload,
            Answering::Message(message) => message,
        };
        let meta = &datagram.meta;
        // Nobody can be reached at port 0.
        if self.waiting.len() == MOST || meta.source.port() == 0 {
            self.lost += 1;
            return;
        }
        if !self.meetings.admits(now, meta.source, port, datagram.payload) {
            self.left_out += 1;
            return;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(payload);
        let from = meta.destination.filter(|ip| is_unicast(*ip));
        let dest = Dest { from, socket: meta.socket, ..Dest::from(meta.source) };
        self.waiting.push_back((dest, bytes));
    }

    /// Writes what fits into the empty batch. Its table of destinations is reset, since an
    /// answering socket has an unlimited number of peers.
    pub fn write(&self, out: &mut TxBatch) {
        out.reset();
        for (dest, payload) in &self.waiting {
            let id = out.add_dest(*dest);
            let Some(bytes) = out.push(id, payload.len()) else { return };
            bytes.copy_from_slice(payload);
        }
    }

    /// Removes from the queue what was sent or refused, at this time since the start.
    pub fn settle(&mut self, at: Nanos, outcome: &SendOutcome) {
        self.drop_first(outcome.accepted);
        self.sent += outcome.accepted as u64;
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        // A directed broadcast address cannot be a source: let routing choose, once.
        if let Some((dest, _)) = self.waiting.front_mut()
            && dest.from.take().is_some()
        {
            return;
        }
        self.refuse(at, datagrams as u64, errno);
        self.drop_first(datagrams);
        self.lost += datagrams as u64;
    }

    fn refuse(&mut self, at: Nanos, datagrams: u64, errno: i32) {
        if let Some(known) = self.refused.iter_mut().find(|known| known.errno() == errno) {
            known.again(at, datagrams);
        } else if let Some((dest, _)) = self.waiting.front() {
            let refusal = SendRefusal::explained(&(self.explain)(errno, dest.addr));
            self.refused.push(SendRefusal { datagrams, ..refusal.at(at) });
        }
    }

    fn drop_first(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        self.spare.extend(self.waiting.drain(..count).map(|(_, bytes)| bytes));
    }
}

/// Whether an address looks like that of a single host.
fn is_unicast(ip: IpAddr) -> bool {
    !ip.is_multicast() && !ip.is_unspecified() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;

    fn asked(answers: &mut Answers, from: &str, at: &str) {
        ask(answers, from, at, b"hi");
    }

    fn ask(answers: &mut Answers, from: &str, at: &str, payload: &[u8]) {
        let mut meta = RxEntry::default().meta;
        meta.source = from.parse().unwrap();
        meta.destination = Some(at.parse().unwrap());
        answers.answer(Nanos(1), &Datagram { payload, true_len: payload.len(), meta }, 9);
    }

    #[test]
    fn an_answer_leaves_from_the_address_that_was_asked_unless_it_was_a_group() {
        let mut answers = Answers::new(Answering::Echo, LocalSendFailure::from_errno);
        asked(&mut answers, "192.0.2.1:5", "192.0.2.9");
        asked(&mut answers, "192.0.2.1:5", "239.1.1.1");
        asked(&mut answers, "192.0.2.1:5", "255.255.255.255");
        let mut out = TxBatch::new(8, 64);
        answers.write(&mut out);
        let from: Vec<_> =
            out.slots().iter().map(|slot| out.dest(slot.dest).unwrap().from).collect();
        assert_eq!(from, [Some("192.0.2.9".parse().unwrap()), None, None]);
        answers.settle(Nanos(7), &SendOutcome { accepted: 3, stop: None });
        assert!(answers.is_empty());
        assert_eq!((answers.sent, answers.lost), (3, 0));
    }

    #[test]
    fn a_refused_source_address_is_left_to_the_route_and_then_given_up() {
        let mut answers =
            Answers::new(Answering::Message(b"ok".to_vec()), LocalSendFailure::from_errno);
        asked(&mut answers, "192.0.2.1:5", "192.0.2.255");
        let refused =
            SendOutcome { accepted: 0, stop: Some(SendStop::Refused { datagrams: 1, errno: 22 }) };
        answers.settle(Nanos(7), &refused);
        let mut out = TxBatch::new(8, 64);
        answers.write(&mut out);
        assert_eq!(out.dests()[0].from, None);
        assert_eq!(out.payload(&out.slots()[0]), b"ok");
        answers.settle(Nanos(7), &refused);
        assert!(answers.is_empty());
        assert_eq!((answers.sent, answers.lost), (0, 1));
        assert_eq!((answers.refused[0].errno(), answers.refused[0].datagrams), (22, 1));
    }

    #[test]
    fn a_flood_of_questions_is_bounded_and_what_is_left_out_is_counted() {
        let mut answers = Answers::new(Answering::Echo, LocalSendFailure::from_errno);
        for number in 0..MOST + 5 {
            ask(&mut answers, "192.0.2.1:5", "192.0.2.9", &number.to_be_bytes());
        }
        asked(&mut answers, "192.0.2.1:0", "192.0.2.9");
        assert_eq!((answers.waiting.len(), answers.lost), (MOST, 6));
    }
}
