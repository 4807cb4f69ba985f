//! The end of a test: how many datagrams the client says it has sent, and what this end received of
//! them.

use super::client::{State, Stream, Test};
use super::control::Iperf3Server;
use crate::machine::{Now, Orders};
use crate::record::{Iperf3End, Iperf3Received, Iperf3Sent, Iperf3Stage};
use crate::session::blast::Direction;
use crate::session::iperf3::results::{self, Length, ReceivedStream, SentStream};
use crate::session::serve::{ServeCommand, ServeEngine, ServeOrder};
use crate::units::Nanos;
use crate::wire::iperf3::{
    Iperf3Results, StreamResults, decode_message, encode_message, stream_id,
};
use serde_json::{Value, json};

/// How long the last datagrams may be under way, at most: a receiver ends once nothing arrived for
/// half a second.
const SETTLING: Nanos = Nanos::from_secs(5);

impl<O: Orders<ServeOrder>, E: ServeEngine> Iperf3Server<O, E> {
    /// The client's results are here: its receivers learn how many datagrams there were.
    pub(super) fn take_results(&mut self, connection: u64, text: &[u8], now: Now) {
        let told = decode_message::<Iperf3Results>(text).ok();
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let Some(test) = &mut client.test else { return };
        let plan = test.asked.plan;
        let of = |stream: u32| {
            let mut streams = told.iter().flat_map(|told| &told.streams);
            streams.find(|told| told.id == stream_id(stream))
        };
        let mut totals = Vec::new();
        for (number, stream) in (0u32..).zip(&mut test.streams) {
            let told = of(number);
            let omitted = told.and_then(|told| told.omitted_packets);
            stream.told_omitted = omitted.and_then(|omitted| u64::try_from(omitted).ok());
            stream.told = told.and_then(|told| numbers(told, test.length.omitted));
            match stream.told {
                None => return self.fail(connection, Iperf3End::BadResults, now),
                Some(total) if plan.is_up(number) => totals.push((number, total)),
                Some(_) => {}
            }
        }
        client.enter(State::Test(Iperf3Stage::Settling), now.mono, SETTLING);
        for (stream, total) in totals {
            self.engine.execute(ServeCommand::Total { session: connection, stream, total });
        }
    }

    /// Ends the streams that have not ended, and sends what they counted.
    pub(super) fn settle_now(&mut self, connection: u64, now: Now) {
        self.engine.execute(ServeCommand::Close { session: connection });
        self.take_orders(now);
        self.send_results(connection, now);
    }

    /// Every stream has ended.
    pub(super) fn send_results(&mut self, connection: u64, now: Now) {
        let Some(client) = self.clients.get(&connection) else { return };
        let Some(test) = &client.test else { return };
        let plan = test.asked.plan;
        let payload = u64::from(plan.payload);
        let streams = (0u32..).zip(&test.streams).map(|(number, stream)| {
            if plan.is_up(number) { received(stream) } else { sent(stream, payload) }
        });
        let sends = plan.direction != Direction::Up;
        let mut results = results::message(streams, sends, test.cpu, test.length);
        results.server_output_json = test.asked.wants_report.then(|| report(test));
        self.write(connection, encode_message(&results));
        self.await_goodbye(connection, now);
    }
}

/// How many datagrams a client has sent of a stream, those of the omitted time included. One of 3.21
/// that asks its kernel for more segments than a send may have (`--gsro` with small datagrams) counts
/// those of its first attempt, and says that it sent no byte.
fn numbers(told: &StreamResults, omitted_time: Nanos) -> Option<u64> {
    let all = u64::try_from(told.packets).ok()?;
    if told.bytes != 0 {
        return Some(all);
    }
    let omitted = told.omitted_packets.and_then(|omitted| u64::try_from(omitted).ok());
    let known = omitted.or((omitted_time == Nanos::ZERO).then_some(0));
    Some(known.unwrap_or(all).min(all))
}

/// Of a stream of which nothing arrived after the omitted time, the receiver does not know which of
/// the missing were sent before. The client does, from 3.14 on; before, it is the omitted time's
/// share of all.
pub(super) fn leave_out_omitted(stream: &mut Stream, length: Length) {
    let Some(told) = stream.told.filter(|_| length.omitted > Nanos::ZERO) else { return };
    if stream.received.datagrams > 0 {
        return;
    }
    let whole = u128::from((length.omitted + length.counted).0.max(1));
    let share = u128::from(told) * u128::from(length.omitted.0) / whole;
    let omitted = stream.told_omitted.or_else(|| u64::try_from(share).ok()).unwrap_or(0);
    let counted = told.saturating_sub(omitted);
    if counted < stream.received.lost {
        stream.received.lost = counted;
        stream.received.sender_total = Some(counted);
    }
}

/// What iperf3's results have no place for: duplicates, reordering, what was dropped at this host's
/// sockets, and what was never sent; as in the log.
fn report(test: &Test) -> Value {
    let received = test.received().as_ref().map(Iperf3Received::from);
    let sent = test.sent().as_ref().map(Iperf3Sent::from);
    json!({ "received": received, "sent": sent })
}

fn received(stream: &Stream) -> StreamResults {
    let received = stream.received;
    // What of the client's own count is not in the receiver's is of the omitted time.
    let omitted = stream.told.zip(received.sender_total);
    let omitted = omitted.map_or(0, |(told, counted)| told.saturating_sub(counted));
    ReceivedStream { received, omitted }.results()
}

fn sent(stream: &Stream, payload: u64) -> StreamResults {
    let counted = stream.sent.as_ref().map_or(0, |sent| sent.datagrams);
    SentStream { numbers: counted + stream.omitted, omitted: stream.omitted }.results(payload)
}
