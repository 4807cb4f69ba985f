//! What a receiver passes on besides its counts: the stored stream, and foreign datagrams.

use super::super::stream::Arrived;
use super::super::{Piece, Stream};
use super::{CastReceiver, Ending};
use crate::batch::Datagram;
use crate::machine::Now;
use crate::record::{CastEvent, Flow, Sink};

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// Passes a payload to the stored stream, if there is one.
    pub(super) fn store(&mut self, now: Now, arrived: &Arrived<'_>) {
        self.with_stream(|stream, mut ready| stream.take(arrived, now.mono, &mut ready));
    }

    /// Lets the stream write what is ready.
    pub(super) fn with_stream(&mut self, act: impl FnOnce(&mut Stream, &mut dyn FnMut(Piece<'_>))) {
        let Self { stream: Some(stream), sink, ending, .. } = self else { return };
        act(stream, &mut |piece| {
            let flow = sink.take(match piece {
                Piece::Content(bytes) => CastEvent::Content(bytes),
                Piece::Gap(gap) => CastEvent::Gap(gap),
            });
            if flow == Flow::Closed {
                *ending = Ending::Now;
            }
        });
    }

    /// A datagram that is not for this run: of another group, or on another interface.
    pub(super) fn take_foreign(&mut self, datagram: &Datagram<'_>) {
        let socket = self.config.listens.get(datagram.meta.socket).map(|listen| listen.group);
        let fact = self.foreign.observe(&datagram.meta, socket, &self.config.names);
        if let Some(fact) = fact {
            self.tell(CastEvent::Foreign(&fact));
        }
    }
}
