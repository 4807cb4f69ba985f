//! The streams of clients' tests: what opens them, and what becomes of them.

use super::control::{Iperf3Server, is_same, name};
use super::ending::leave_out_omitted;
use crate::batch::Datagram;
use crate::machine::{Now, Orders};
use crate::record::{Iperf3Stage, LocalFailure, ServeRecord};
use crate::session::serve::{
    Iperf3Stream, ServeCommand, ServeEngine, ServeOrder, StreamReport, StreamRequest,
};
use crate::wire::iperf3::greeting_reply;

impl<O: Orders<ServeOrder>, E: ServeEngine> Iperf3Server<O, E> {
    /// A datagram arrived that belongs to no stream: it may open one. Anything else is a stranger's,
    /// or of a test that is over.
    pub(super) fn greeted(&mut self, now: Now, datagram: &Datagram<'_>) {
        let peer = datagram.meta.source;
        if datagram.truncated() {
            return;
        }
        let Some(reply) = greeting_reply(datagram.payload) else { return };
        // Its socket is being opened, or has just been.
        let streams = self.clients.values().flat_map(|client| &client.test).flat_map(|test| {
            test.streams.iter().filter(|stream| !stream.ended).map(|stream| stream.peer)
        });
        if streams.into_iter().any(|known| known == Some(peer)) {
            return;
        }
        let asking = self.clients.iter_mut().find(|(_, client)| {
            client.is_at(Iperf3Stage::Streams) && is_same(client.address, peer)
        });
        let Some((connection, client)) = asking else { return };
        Self::renew_greeting(client, now);
        let Some(test) = &mut client.test else { return };
        let Some(number) = test.next_stream() else { return };
        let Some(stream) = test.streams.get_mut(number as usize) else { return };
        stream.peer = Some(peer);
        let (asked, local) = (test.asked, datagram.meta.destination);
        let request = StreamRequest {
            session: *connection,
            stream: number,
            peer,
            local,
            interface: datagram.meta.interface,
            tag: 0,
            plan: asked.plan,
            one_host: local.is_some_and(|local| local.to_canonical() == peer.ip().to_canonical()),
            buffer: asked.window.map_or(test.room.buffer, |window| window.min(test.room.buffer)),
            go_ahead: Vec::new(),
            iperf3: Some(Iperf3Stream {
                reply,
                counters: asked.counters,
                omit: asked.omit,
                filling: asked.filling,
                tos: asked.tos,
                dont_fragment: asked.dont_fragment,
            }),
        };
        self.engine.execute(ServeCommand::Open(Box::new(request)));
        self.take_orders(now);
    }

    pub(super) fn take_order(&mut self, order: ServeOrder, now: Now) {
        let (connection, number) = (order.session, order.stream);
        match order.news {
            StreamReport::Astray(datagrams) => return self.astray.extend(datagrams),
            StreamReport::Reloaded(reload) => return self.reload(*reload),
            StreamReport::Drain => return self.drain(now),
            _ => {}
        }
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let in_streams = client.is_at(Iperf3Stage::Streams);
        let (address, session) = (client.address.into(), name(connection));
        let Some(test) = &mut client.test else { return };
        let is_up = test.asked.plan.is_up(number);
        let Some(stream) = test.streams.get_mut(number as usize) else { return };
        let mut failed = |failure: LocalFailure| {
            stream.failure = Some(failure.clone());
            let (client, session, stream) = (address, session.clone(), number);
            Some(ServeRecord::StreamFailed { client, session, stream, failure })
        };
        let record = match order.news {
            StreamReport::Opened(Ok(())) => {
                stream.opened = true;
                None
            }
            StreamReport::Opened(Err(failure)) => failed(failure),
            StreamReport::Failed(failure) => {
                let record = failed(failure);
                stream.ended = true;
                record
            }
            StreamReport::Progress(received) => {
                stream.received = *received;
                None
            }
            StreamReport::Sending(datagrams) => {
                stream.sending = datagrams;
                None
            }
            StreamReport::Omitted(datagrams) => {
                stream.omitted = datagrams;
                None
            }
            StreamReport::Processor { user_ns, system_ns } => {
                test.cpu = Some((user_ns, system_ns));
                None
            }
            StreamReport::Received(received, delay, _) => {
                (stream.received, stream.delay) = (*received, Some(delay));
                stream.ended = true;
                leave_out_omitted(stream, test.length);
                let (datagrams, lost) = (stream.received.datagrams, stream.received.lost);
                let (client, stream) = (address, number);
                Some(ServeRecord::StreamReceived { client, session, stream, datagrams, lost })
            }
            StreamReport::Sent(sent, _) if !is_up => {
                let datagrams = sent.datagrams;
                stream.sent = Some(sent);
                stream.ended = true;
                let (client, stream) = (address, number);
                Some(ServeRecord::StreamSent { client, session, stream, datagrams })
            }
            StreamReport::Sent(..)
            | StreamReport::Outages(_)
            | StreamReport::Sizes(_)
            | StreamReport::Astray(_)
            | StreamReport::Ports(_)
            | StreamReport::Refused
            | StreamReport::Interval(_)
            | StreamReport::LostInMove(_)
            | StreamReport::Host(_)
            | StreamReport::Reloaded(_)
            | StreamReport::NotReloaded(_)
            | StreamReport::Drain => None,
        };
        let begins = in_streams && test.has_opened_all();
        if let Some(record) = record {
            self.log(record, now);
        }
        if begins {
            self.begin(connection, now);
        }
    }
}
