//! The answer for people who type commands: HELP.

use super::{Probing, ServePolicy};
use crate::control::server::{Answer, PaddingHint};
use crate::record::plain_rate;
use crate::units::Rate;
use crate::wire::{Code, Tag, Verb};

/// The parameters of each verb.
const VERBS: [(Verb, &[&str]); 8] = [
    (Verb::Helo, &["pad", "ticket"]),
    (
        Verb::Test,
        &[
            "session",
            "proof",
            "kind",
            "direction",
            "streams",
            "size",
            "rate",
            "time_ns",
            "count",
            "verify",
            "interval_ns",
            "window",
            "burst",
            "ecn",
            "outage_ns",
            "sizes",
            "ports",
            "host",
            "host_streams",
            "capacity",
            "host_rate",
        ],
    ),
    (Verb::Data, &["session", "proof", "stream", "run"]),
    (Verb::Stat, &["session", "proof", "kind", "from", "about", "sent", "stop", "seen"]),
    (Verb::Rset, &["session", "proof"]),
    (Verb::Noop, &["session", "proof"]),
    (Verb::Help, &["session", "proof"]),
    (Verb::Quit, &["session", "proof"]),
];
/// Parameters that every verb accepts; `nonce` only with a key.
const ANY: [&str; 3] = ["pad", "ticket", "nonce"];
/// How many verbs are named where there is no room for all.
const FIRST: usize = 4;

/// The complete reply to HELP, as sent for the tag `a`.
pub fn help_reply(policy: &ServePolicy) -> String {
    String::from_utf8_lossy(&help(policy).encode(Tag::default())).into_owned()
}

/// The reply to HELP: verbs, their parameters, limits, and reply codes.
pub(super) fn help(policy: &ServePolicy) -> Answer {
    let names: Vec<&str> = VERBS.iter().map(|(verb, _)| verb.as_str()).collect();
    let mut answer = Answer::new(Code::HELP, names.join(" "))
        .or_shorter(&[format!("{} pad=xxxxx", names[..FIRST].join(" "))])
        .or_shorter(&[PaddingHint::PadForMore, PaddingHint::PadLetters, PaddingHint::Pad])
        .or_hint(PaddingHint::Pad);
    for (verb, params) in VERBS {
        answer = answer.with(&verb.as_str().to_lowercase(), params.join(","));
    }
    answer = answer.with("any", ANY.join(","));
    if policy.max_rate != Rate::Max {
        answer = answer.with("max_rate", plain_rate(policy.max_rate));
    }
    if policy.probing == Probing::Allowed {
        let held = policy.probe_ports.as_ref().map(ToString::to_string);
        let any = || format!("{}-{}", policy.on_demand.start(), policy.on_demand.end());
        answer = answer.with("probe_ports", held.unwrap_or_else(any));
    }
    answer = answer
        .with("max_streams", policy.max_streams)
        .with("max_time_ns", policy.max_duration.0)
        .with("max_sessions", policy.max_sessions);
    for class in 2..=5 {
        let codes = Code::ALL.iter().filter(|(code, _)| code.0 / 100 == class);
        let codes: Vec<String> = codes.map(|(code, name)| format!("{}:{name}", code.0)).collect();
        answer = answer.with(&format!("{class}xx"), codes.join(","));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reply;

    /// The names of parameters that the server's code reads.
    fn read_in(source: &'static str) -> Vec<&'static str> {
        let code = source.split("#[cfg(test)]").next().unwrap();
        let after = code.split("params.").skip(1);
        let calls = after.filter(|call| call.starts_with("get(") || call.starts_with("parse"));
        let name =
            |call: &'static str| call.split_once("(\"")?.1.split_once('"').map(|(name, _)| name);
        calls.filter_map(name).collect()
    }

    #[test]
    fn the_listing_names_every_parameter_that_is_read() {
        let listed: Vec<&str> = VERBS.iter().flat_map(|(_, params)| *params).copied().collect();
        let mut read = 0;
        for source in [
            include_str!("command.rs"),
            include_str!("dialogue.rs"),
            include_str!("migration.rs"),
            include_str!("opening.rs"),
            include_str!("probe_granting.rs"),
            include_str!("probe_status.rs"),
            include_str!("server_status.rs"),
            include_str!("../blast/plan.rs"),
        ] {
            for name in read_in(source) {
                assert!(listed.contains(&name) || ANY.contains(&name), "{name} is not listed");
                read += 1;
            }
        }
        assert!(read > 20, "{read}");
    }

    #[test]
    fn the_whole_listing_fits_one_reply() {
        let policy = ServePolicy {
            max_rate: "999.999kpps".parse().unwrap(),
            probe_ports: "53,123,500,3478,5060,8801-8810,50000-50100".parse().ok(),
            ..ServePolicy::default()
        };
        let reply = help(&policy).encode(Tag::new("a1234567").unwrap());
        let reply = Reply::decode(&reply).unwrap();
        let keys: Vec<&str> = reply.params.iter().map(|(key, _)| key).collect();
        let expected = [
            "helo",
            "test",
            "data",
            "stat",
            "rset",
            "noop",
            "help",
            "quit",
            "any",
            "max_rate",
            "probe_ports",
            "max_streams",
            "max_time_ns",
            "max_sessions",
            "2xx",
            "3xx",
            "4xx",
            "5xx",
        ];
        assert_eq!(keys, expected);
        let codes: usize = keys[14..]
            .iter()
            .map(|class| reply.params.get(class).unwrap().split(',').count())
            .sum();
        assert_eq!(codes, Code::ALL.len());
    }
}
