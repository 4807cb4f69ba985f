//! The interface for protocols that are answered datagram by datagram, besides the control
//! dialogue: STAMP and STUN.
//!
//! A reflector sees only datagrams of its own [`Class`] and writes its answer
//! into a buffer that the server provides. It may keep state in bounded memory. The server does the
//! rest: it sends the answer back to the source, from the address that was contacted, and drops an
//! answer longer than the request or than the reflector's configured limit.

use super::reply_queue::ReplyQueue;
use crate::batch::{Datagram, Dest, RxMeta};
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::Class;
use crate::wire::stamp::StampKey;
use std::net::{IpAddr, Ipv4Addr};

/// A reflector's decision on a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reflection {
    /// The buffer holds an answer.
    Answered {
        /// TOS or traffic class to send it with; 0 for the socket's own.
        tos: u8,
    },
    /// The buffer holds an answer to be sent from another socket or address than the one contacted.
    Elsewhere {
        /// Number of the server's socket that sends it, from 0.
        socket: usize,
        /// Source address; `None` lets routing choose.
        from: Option<IpAddr>,
    },
    /// No answer: the datagram is not what it looked like, or needs none.
    Silent,
}

/// What changes for a reflector when files are read again.
#[derive(Clone, Copy, Debug)]
pub struct Reload<'a> {
    /// Maximum answers per source: a number and the time in which they are allowed; `None` for no
    /// limit.
    pub rate: Option<(u64, Nanos)>,
    /// The keys that are valid, the newest first; none if none is needed.
    pub keys: &'a [StampKey],
}

/// Answers the datagrams of one protocol.
pub trait Reflector {
    /// Answers a datagram by writing into `reply`, which is empty.
    ///
    /// `datagram.meta` has the time of arrival, TTL and TOS. The datagram is truncated
    /// ([`Datagram::truncated`]) if it is longer than the server's buffers.
    fn answer(&mut self, now: Now, datagram: &Datagram<'_>, reply: &mut Vec<u8>) -> Reflection;

    /// Called just before a reply is handed to the kernel, so that it can carry as late a transmit
    /// time as possible. Its length must not change.
    fn departing(&mut self, now: Now, dest: &Dest, reply: &mut [u8]) {
        let _ = (now, dest, reply);
    }

    /// Maximum length in bytes of an answer to a request of `asked` bytes.
    fn longest(&self, asked: usize) -> usize {
        asked
    }

    /// Files were read again.
    fn reload(&mut self, reload: &Reload<'_>) {
        let _ = reload;
    }

    /// The server's periodic tick: drop old state.
    fn on_tick(&mut self, now: Now) {
        let _ = now;
    }
}

/// Whether an answer to this datagram would have one unicast destination and one unicast source.
pub fn is_askable(meta: &RxMeta) -> bool {
    let one = |ip: IpAddr| !ip.is_multicast() && !ip.is_unspecified() && !is_broadcast(ip);
    meta.source.port() != 0 && one(meta.source.ip()) && meta.destination.is_none_or(one)
}

fn is_broadcast(ip: IpAddr) -> bool {
    ip.to_canonical() == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// The reflectors of a server.
#[derive(Default)]
pub(super) struct Reflectors {
    plugged: Vec<(Class, Box<dyn Reflector + Send>)>,
}

impl Reflectors {
    /// Installs a reflector, replacing one for the same protocol.
    pub fn plug(&mut self, class: Class, reflector: Box<dyn Reflector + Send>) {
        self.plugged.retain(|(known, _)| *known != class);
        self.plugged.push((class, reflector));
    }

    /// Lets the responsible reflector answer a datagram.
    pub fn answer(
        &mut self,
        class: Class,
        now: Now,
        datagram: &Datagram<'_>,
        outbox: &mut ReplyQueue,
    ) -> Reflection {
        let Some(reflector) = self.of(class) else { return Reflection::Silent };
        let mut reply = outbox.spare();
        let reflection = reflector.answer(now, datagram, &mut reply);
        let meta = &datagram.meta;
        let dest = match reflection {
            _ if reply.len() > reflector.longest(datagram.true_len) => None,
            Reflection::Answered { tos } => Some(Dest { tos, ..Dest::back_to(meta) }),
            Reflection::Elsewhere { socket, from } => {
                Some(Dest { from, socket, ..Dest::back_to(meta) })
            }
            Reflection::Silent => None,
        };
        match dest {
            Some(dest) => outbox.send(dest, class, reply),
            None => outbox.give_back(reply),
        }
        reflection
    }

    /// Lets the reflector that wrote a reply finish it just before sending.
    pub fn departing(&mut self, class: Class, now: Now, dest: &Dest, reply: &mut [u8]) {
        if let Some(reflector) = self.of(class) {
            reflector.departing(now, dest, reply);
        }
    }

    /// Tells the reflector of a protocol, if there is one, what was read again.
    pub fn reload(&mut self, class: Class, reload: &Reload<'_>) {
        if let Some(reflector) = self.of(class) {
            reflector.reload(reload);
        }
    }

    /// Passes the tick on.
    pub fn on_tick(&mut self, now: Now) {
        self.plugged.iter_mut().for_each(|(_, reflector)| reflector.on_tick(now));
    }

    fn of(&mut self, class: Class) -> Option<&mut (dyn Reflector + Send + 'static)> {
        self.plugged
            .iter_mut()
            .find(|(known, _)| *known == class)
            .map(|(_, reflector)| reflector.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{KeptDatagram, RxEntry, TxBatch};
    use crate::machine::{Next, Session};
    use crate::session::serve::{
        ServeCommand, ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamReport,
    };
    use crate::units::Nanos;
    use crate::wire::TicketKey;
    use std::collections::VecDeque;
    use std::net::SocketAddr;

    /// Answers with the datagram itself plus `growth` bytes; the last byte is set just before
    /// sending.
    struct Echo {
        growth: usize,
    }

    impl Reflector for Echo {
        fn answer(&mut self, _: Now, datagram: &Datagram<'_>, reply: &mut Vec<u8>) -> Reflection {
            if datagram.payload[0] == 0xFF {
                return Reflection::Silent;
            }
            assert!(reply.is_empty(), "a lent buffer is empty");
            reply.extend_from_slice(datagram.payload);
            reply.resize(reply.len() + self.growth, 0);
            Reflection::Answered { tos: 0 }
        }

        fn departing(&mut self, now: Now, _dest: &Dest, reply: &mut [u8]) {
            if let Some(last) = reply.last_mut() {
                *last = now.mono.0 as u8;
            }
        }
    }

    type Engine = (Vec<ServeCommand>, Vec<ServeEvent>);
    type Serve = ServeControl<VecDeque<ServeOrder>, Engine, fn() -> u64>;

    fn serve() -> Serve {
        let key = TicketKey([1; 32]);
        ServeControl::new(ServePolicy::default(), key, VecDeque::new(), Engine::default(), || 7)
    }

    fn at(nanos: u64) -> Now {
        Now { mono: Nanos(nanos), real: Nanos(nanos) }
    }

    const ASKED: &str = "192.0.2.9";

    /// Delivers a datagram at 1 ns and returns the answers sent at 2 ns.
    fn ask(serve: &mut Serve, payload: &[u8]) -> Vec<Vec<u8>> {
        let source: SocketAddr = "192.0.2.1:5".parse().unwrap();
        let destination: Option<IpAddr> = ASKED.parse().ok();
        let meta = RxMeta { source, destination, ..RxEntry::default().meta };
        serve.on_datagram(at(1), &Datagram { payload, true_len: payload.len(), meta });
        let mut out = TxBatch::new(4, 4_000);
        assert_eq!(serve.poll_transmit(at(2), &mut out), Next::Idle);
        for slot in out.slots() {
            let dest = out.dest(slot.dest).unwrap();
            assert_eq!((dest.addr, dest.from), (source, destination));
        }
        out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect()
    }

    fn stun() -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        bytes.resize(20, 0);
        bytes
    }

    #[test]
    fn a_datagram_reaches_the_reflector_of_its_protocol_and_no_other() {
        let stamp = vec![0; 44];
        let mut serve = serve();
        assert!(ask(&mut serve, &stamp).is_empty(), "nobody is plugged in");
        let mut serve = serve.with_reflector(Class::Stamp, Box::new(Echo { growth: 0 }));
        let mut expected = stamp.clone();
        expected[43] = 2;
        assert_eq!(ask(&mut serve, &stamp), [expected]);
        assert!(ask(&mut serve, &stun()).is_empty());
        assert!(ask(&mut serve, &[0xFF; 44]).is_empty(), "it wants no answer to this");
        assert!(ask(&mut serve, &[0; 13]).is_empty() && ask(&mut serve, &[0xD6; 44]).is_empty());
        // Control text still belongs to the dialogue.
        assert_eq!(ask(&mut serve, b"a HELP"), [b"a pad="]);
    }

    #[test]
    fn what_came_to_a_stream_s_socket_before_it_was_connected_is_answered() {
        let mut serve = serve().with_reflector(Class::Stamp, Box::new(Echo { growth: 0 }));
        let source: SocketAddr = "192.0.2.1:5".parse().unwrap();
        let meta = RxMeta { source, ..RxEntry::default().meta };
        let astray = vec![KeptDatagram { payload: vec![0; 44], meta }; 2];
        let news = StreamReport::Astray(astray);
        serve.orders.push_back(ServeOrder { session: 1, stream: 0, news });
        let mut out = TxBatch::new(4, 4_000);
        serve.poll_transmit(at(2), &mut out);
        let to: Vec<_> = out.slots().iter().map(|slot| out.dest(slot.dest).unwrap().addr).collect();
        assert_eq!(to, [source; 2]);
    }

    #[test]
    fn an_answer_that_is_longer_than_the_question_is_dropped() {
        let mut serve = serve().with_reflector(Class::Stun, Box::new(Echo { growth: 1 }));
        assert!(ask(&mut serve, &stun()).is_empty());
        let mut serve = serve.with_reflector(Class::Stun, Box::new(Echo { growth: 0 }));
        assert_eq!(ask(&mut serve, &stun()).len(), 1);
    }

    #[test]
    fn an_answer_that_no_batch_can_hold_does_not_block_those_behind_it() {
        let mut serve = serve().with_reflector(Class::Stamp, Box::new(Echo { growth: 0 }));
        assert!(ask(&mut serve, &[0; 5_000]).is_empty());
        assert_eq!(ask(&mut serve, &[0; 44]).len(), 1);
    }
}
