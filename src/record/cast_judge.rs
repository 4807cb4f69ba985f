//! What to keep in mind of a fan-out's figures, judged from them.

use super::{
    CastReceived, CastSource, Certainty, FanoutCaveat, FanoutReceiver, FanoutStanding, LossPart,
    LossPlace, ReceivedCaveat, ReceiverState,
};

/// Receivers whose contradictory reports are listed individually.
const CONTRADICTIONS: usize = 5;

impl FanoutStanding {
    /// The same with what to keep in mind about it.
    #[must_use]
    pub fn with_caveats(mut self) -> Self {
        let mut caveats = Vec::new();
        if self.receivers_left_out > 0 {
            caveats.push(FanoutCaveat::TableFull { reports: self.receivers_left_out });
        }
        let contradicted = self.receivers.iter().filter_map(|one| {
            let (receiver, contradiction) = (one.receiver.clone(), one.contradiction?);
            Some(FanoutCaveat::Contradicted { receiver, contradiction })
        });
        caveats.extend(contradicted.take(CONTRADICTIONS));
        let silent = |one: &&FanoutReceiver| one.state == ReceiverState::Silent;
        let receivers = self.receivers.iter().filter(silent).count() as u64;
        if receivers > 0 {
            caveats.push(FanoutCaveat::Silent { receivers });
        }
        self.caveats = caveats;
        self
    }
}

impl CastReceived {
    /// Says why its sockets dropped what they dropped, by what the host counted.
    pub fn explain_drops(&mut self, parts: &[LossPart]) {
        self.caveats.retain(|one| !matches!(one, ReceivedCaveat::SocketDrops { .. }));
        self.caveats.extend(parts.iter().map(|part| {
            let LossPart { place, datagrams: buffers, certainty } = *part;
            ReceivedCaveat::SocketDrops { buffers, place, certainty }
        }));
    }

    /// The same with what to keep in mind about it.
    #[must_use]
    pub fn with_caveats(mut self) -> Self {
        let mut caveats = Vec::new();
        if let Some(datagrams @ 1..) = self.strays {
            caveats.push(ReceivedCaveat::NoHeader { datagrams });
        }
        if self.socket_drops > 0 {
            let (place, certainty) = (LossPlace::SocketOther, Certainty::Exact);
            let buffers = self.socket_drops;
            caveats.push(ReceivedCaveat::SocketDrops { buffers, place, certainty });
        }
        let count = |which: fn(&CastSource) -> bool| {
            self.sources.iter().filter(|one| which(one)).count() as u64
        };
        let open = count(|one| one.lost.is_some() && one.sender_total.is_none());
        if open > 0 {
            caveats.push(ReceivedCaveat::EndUnknown { sources: open });
        }
        let late = count(|one| {
            one.first_sequence.is_some_and(|first| first > 0) && one.joined_before != Some(true)
        });
        if late > 0 {
            caveats.push(ReceivedCaveat::JoinedLate { sources: late });
        }
        if self.reader_pause_ns > 0 {
            caveats.push(ReceivedCaveat::HostPaused { pause_ns: self.reader_pause_ns });
        }
        self.caveats = caveats;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Contradiction;

    #[test]
    fn what_to_keep_in_mind_is_read_off_the_figures() {
        let source = CastSource { lost: Some(3), first_sequence: Some(40), ..<_>::default() };
        let whole = CastSource {
            sender_total: Some(9),
            joined_before: Some(true),
            first_sequence: Some(1),
            ..source.clone()
        };
        let received = CastReceived {
            strays: Some(7),
            socket_drops: 2,
            reader_pause_ns: 5,
            sources: vec![source, whole],
            ..CastReceived::default()
        };
        let expected = [
            ReceivedCaveat::NoHeader { datagrams: 7 },
            ReceivedCaveat::SocketDrops {
                buffers: 2,
                place: LossPlace::SocketOther,
                certainty: Certainty::Exact,
            },
            ReceivedCaveat::EndUnknown { sources: 1 },
            ReceivedCaveat::JoinedLate { sources: 1 },
            ReceivedCaveat::HostPaused { pause_ns: 5 },
        ];
        assert_eq!(received.with_caveats().caveats, expected);
        assert_eq!(CastReceived::default().with_caveats().caveats, []);
    }

    #[test]
    fn receivers_that_contradict_or_are_silent_are_named_or_counted() {
        let one = |state, contradiction| FanoutReceiver {
            receiver: "10.0.0.2:5".to_owned(),
            state,
            contradiction,
            ..FanoutReceiver::default()
        };
        let contradiction = Contradiction::MoreArrived { arrived: 9, sent: 8 };
        let mut receivers = vec![one(ReceiverState::Live, Some(contradiction)); 7];
        receivers.extend([one(ReceiverState::Silent, None), one(ReceiverState::Done, None)]);
        let standing =
            FanoutStanding { receivers, receivers_left_out: 3, ..FanoutStanding::default() };
        let receiver = "10.0.0.2:5".to_owned();
        let mut expected = vec![FanoutCaveat::TableFull { reports: 3 }];
        expected.extend(vec![FanoutCaveat::Contradicted { receiver, contradiction }; 5]);
        expected.push(FanoutCaveat::Silent { receivers: 1 });
        assert_eq!(standing.with_caveats().caveats, expected);
    }
}
