//! What the server tells whoever asks by hand: HELP, and STAT outside a session.

use super::answer::Answer;
use super::command::Asked;
use super::policy::plain;
use super::{Probing, ServeControl, ServeEvent, ServeOrder, ServePolicy};
use crate::record::Sink;
use crate::session::Orders;
use crate::units::Rate;
use crate::wire::Code;

/// What the verbs take.
const VERBS: [(&str, &str); 8] = [
    ("helo", "pad,ticket"),
    (
        "test",
        "session,proof,kind,direction,streams,size,rate,time_ns,count,verify,interval_ns,window,burst,ports,host,host_streams",
    ),
    ("data", "session,stream,ticket,run"),
    ("stat", "session,proof,kind,from,about,sent,stop,seen"),
    ("rset", "session,proof"),
    ("noop", "session,proof"),
    ("help", "session,pad"),
    ("quit", "session,proof"),
];

/// For questions that left no room: an unproven address gets no more bytes than it sent.
const SHORTER: &[&str] =
    &["HELO TEST DATA STAT; longer: pad=xxx", "pad=xxxxx tells more", "pad=xxxxx", "pad="];

/// The reply to HELP: the verbs, their parameters, and the limits.
pub(super) fn help(policy: &ServePolicy) -> Answer {
    let mut answer = Answer::new(Code::HELP, "HELO TEST DATA STAT RSET NOOP HELP QUIT")
        .or_shorter(SHORTER)
        .or_hint("pad=");
    for (verb, params) in VERBS {
        answer = answer.with(verb, params);
    }
    if policy.max_rate != Rate::Max {
        answer = answer.with("max_rate", plain(policy.max_rate));
    }
    if policy.probing == Probing::Allowed {
        let held = policy.probe_ports.as_ref().map(ToString::to_string);
        let any = || format!("{}-{}", policy.on_demand.start(), policy.on_demand.end());
        answer = answer.with("probe_ports", held.unwrap_or_else(any));
    }
    answer.with("max_streams", policy.max_streams).with("max_time_ns", policy.max_duration.0)
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// The reply to a STAT that names no session: how the server stands.
    pub(super) fn server_status(&self, asked: &Asked<'_>) -> Answer {
        let sessions = self.sessions.len();
        Answer::new(Code::STATUS, format!("{sessions} sessions"))
            .with("sessions", sessions)
            .with("streams", self.open_streams())
            .with("opened", self.counts.opened)
            .with("refused", self.counts.refused)
            .with("strays", self.counts.strays)
            .with("up_s", (asked.now.mono - self.counts.since).0 / 1_000_000_000)
            .or_shorter(&["pad=xxxxx tells more", "pad=xxxxx", "pad="])
            .or_hint("pad=")
    }
}
