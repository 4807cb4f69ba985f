//! The limits of a server: its flags, then its policy's file, then the defaults.

use super::error::ServeUsage;
use super::policy_file::PolicyFile;
use crate::cli::ServeArgs;
use crate::commands::Usage;
use crate::session::serve::{Lifetime, Probing, Reverse, ServePolicy};
use crate::units::{Nanos, PacketRate, Rate};

/// STAMP and STUN replies per source, unless another rate is given.
const STAMP_RATE: Rate = Rate::Packets(PacketRate(200_000_000));
const STUN_RATE: Rate = Rate::Packets(PacketRate(1_000_000));

/// The limits.
pub(super) struct Limits {
    pub policy: ServePolicy,
    /// STAMP replies per source: a number and the time in which they are allowed; `None` for no
    /// limit.
    pub stamp_rate: Option<(u64, Nanos)>,
    /// The same of STUN.
    pub stun_rate: Option<(u64, Nanos)>,
}

impl Limits {
    /// What the arguments say, and what they leave to the file.
    pub fn of(args: &ServeArgs, file: &PolicyFile) -> Result<Self, Usage> {
        for (flag, is_none) in [
            ("--max-sessions", args.max_sessions == Some(0)),
            ("--max-streams", args.max_streams == Some(0)),
            ("--max-duration", args.max_duration == Some(Nanos::ZERO)),
            ("--max-memory", args.max_memory.is_some_and(|bytes| bytes.0 == 0)),
        ] {
            if is_none {
                return Err(ServeUsage::Zero { flag }.into());
            }
        }
        let stamp_rate = args.stamp_rate.or(file.stamp_rate).unwrap_or(STAMP_RATE);
        let stun_rate = args.stun_rate.or(file.stun_rate).unwrap_or(STUN_RATE);
        Ok(Self {
            policy: policy(args, file),
            stamp_rate: datagrams(stamp_rate).ok_or(ServeUsage::StampRate)?,
            stun_rate: datagrams(stun_rate).ok_or(ServeUsage::StunRate)?,
        })
    }
}

/// A rate of datagrams as a number and a time, if there is a limit; `None` for one of bits.
#[allow(clippy::option_option, reason = "the outer one is only there to be an error")]
fn datagrams(rate: Rate) -> Option<Option<(u64, Nanos)>> {
    match rate {
        Rate::Bits(_) => None,
        rate => Some(rate.ratio_for(0)),
    }
}

fn policy(args: &ServeArgs, file: &PolicyFile) -> ServePolicy {
    let defaults = ServePolicy::default();
    let is = |flag: bool, of_file: Option<bool>| flag || of_file.unwrap_or(false);
    let no_probe = is(args.no_probe, file.no_probe);
    let no_reverse = is(args.no_reverse, file.no_reverse);
    let max_sessions = args.max_sessions.or(file.max_sessions);
    let max_memory = args.max_memory.or(file.max_memory);
    let allow = match &args.allow[..] {
        [] => file.allow.clone().unwrap_or_default(),
        allow => allow.to_vec(),
    };
    ServePolicy {
        max_sessions: max_sessions.map_or(defaults.max_sessions, |number| number as usize),
        max_streams: args.max_streams.or(file.max_streams).unwrap_or(defaults.max_streams),
        max_rate: args.max_rate.or(file.max_rate).unwrap_or(defaults.max_rate),
        max_duration: args.max_duration.or(file.max_duration).unwrap_or(defaults.max_duration),
        source_share: args.source_share.or(file.source_share).unwrap_or(defaults.source_share),
        max_memory: max_memory.map_or(defaults.max_memory, |bytes| bytes.0),
        probing: if no_probe { Probing::Refused } else { Probing::Allowed },
        probe_ports: args.probe_ports.clone(),
        reverse: if no_reverse { Reverse::Refused } else { Reverse::Allowed },
        allow,
        lifetime: if args.once { Lifetime::OneSession } else { Lifetime::Endless },
        grace: args.grace,
        ..defaults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, parse};

    fn args(line: &str) -> Box<ServeArgs> {
        match parse(line.split(' ').map(Into::into)).unwrap().command {
            Command::Serve(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = PolicyFile {
            max_rate: "1G".parse().ok(),
            max_sessions: Some(8),
            no_reverse: Some(true),
            allow: Some(vec!["192.0.2.0/24".parse().unwrap()]),
            stamp_rate: "5pps".parse().ok(),
            ..PolicyFile::default()
        };
        let limits = Limits::of(&args("udpkit serve --max-sessions 9"), &file).unwrap();
        let ServePolicy { max_rate, max_sessions, reverse, allow, .. } = limits.policy;
        assert_eq!((max_rate, max_sessions), ("1G".parse().unwrap(), 9));
        assert_eq!((reverse, allow.len()), (Reverse::Refused, 1));
        assert_eq!(limits.stamp_rate, "5pps".parse::<Rate>().unwrap().ratio_for(0));
        let limits = Limits::of(&args("udpkit serve --allow 10.0.0.1"), &file).unwrap();
        assert_eq!(limits.policy.allow, ["10.0.0.1/32".parse().unwrap()]);
        let limits = Limits::of(&args("udpkit serve"), &PolicyFile::default()).unwrap();
        let defaults = ServePolicy { grace: Nanos::from_secs(30), ..ServePolicy::default() };
        assert_eq!(limits.policy, defaults);
        let rate = |text: &str| text.parse::<Rate>().unwrap().ratio_for(0);
        assert_eq!((limits.stamp_rate, limits.stun_rate), (rate("200kpps"), rate("1kpps")));
    }
}
