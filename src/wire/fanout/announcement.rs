//! The periodic announcement from a fan-out's sender to its receivers.

use super::{count, fanout_tag, number, read_run, read_value};
use crate::units::Nanos;
use crate::wire::{Command, Verb};

/// Length of an announcement in bytes: no report is longer than the announcement it answers.
pub const LINE_LEN: usize = 600;

/// State of the sender's run, and how receivers should report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Identifier of the run, which reports repeat: only a host that received it can report.
    pub run: u64,
    /// The tag in the run's measurement headers.
    pub tag: u16,
    /// When this was written, on the sender's real-time clock.
    pub at: Nanos,
    /// When the first datagram was written, on the same clock; `None` before it.
    pub began: Option<Nanos>,
    /// Receivers known to the sender.
    pub receivers: u64,
    /// Interval between a receiver's reports, before randomisation.
    pub every: Nanos,
    /// The time over which first and last reports are spread.
    pub within: Nanos,
    /// Datagrams numbered so far.
    pub sent: u64,
    /// Losses are compared between receivers from this number on.
    pub mark: u64,
    /// Whether `sent` is the total: the run is over, and final reports are requested.
    pub over: bool,
    /// A value that reports must return, to prove that this arrived; `None` in announcements to a
    /// group.
    pub value: Option<u64>,
}

impl Announcement {
    /// Encodes the line, padded to [`LINE_LEN`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Numbers and a few keys, far below the limit.
        self.command().padded(LINE_LEN).encode().unwrap_or_default()
    }

    /// Encodes the line without padding, as the answer to a report of about the same length.
    pub fn encode_short(&self) -> Vec<u8> {
        self.command().encode().unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command { tag: fanout_tag(), verb: Verb::Stat, params: <_>::default() };
        let params = &mut command.params;
        params.push("run", format_args!("{:016x}", self.run));
        params.push("tag", self.tag);
        params.push("at", self.at.0);
        if let Some(began) = self.began {
            params.push("began", began.0);
        }
        params.push("receivers", self.receivers);
        params.push("every", self.every.0);
        params.push("within", self.within.0);
        params.push("mark", self.mark);
        params.push(if self.over { "total" } else { "sent" }, self.sent);
        if let Some(value) = self.value {
            params.push("value", format_args!("{value:016x}"));
        }
        command
    }

    /// Parses a line; `None` for any other command, for an implausible count, or for a mark above
    /// what was sent.
    pub fn read(command: &Command) -> Option<Self> {
        let params = &command.params;
        if command.verb != Verb::Stat || params.get("id").is_some() {
            return None;
        }
        let over = params.get("total").is_some();
        let sent = count(params, if over { "total" } else { "sent" })?;
        Some(Self {
            run: read_run(params)?,
            tag: number(params, "tag")?,
            at: Nanos(number(params, "at")?),
            began: params.parse("began").ok()?.map(Nanos),
            receivers: count(params, "receivers")?,
            every: Nanos(number(params, "every")?),
            within: Nanos(number(params, "within")?),
            mark: count(params, "mark").filter(|mark| *mark <= sent)?,
            sent,
            over,
            value: read_value(params).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement() -> Announcement {
        Announcement {
            run: 0xfeed,
            tag: 48_879,
            at: Nanos(1_764_000_000_000_000_000),
            began: Some(Nanos(1_763_999_999_000_000_000)),
            receivers: 12,
            every: Nanos::from_secs(1),
            within: Nanos::from_millis(20),
            sent: 5_000,
            mark: 4_000,
            over: false,
            value: None,
        }
    }

    #[test]
    fn a_line_is_text_of_one_length_and_is_read_back() {
        let bytes = announcement().encode();
        assert_eq!(bytes.len(), LINE_LEN);
        let head = "f STAT run=000000000000feed tag=48879 at=1764000000000000000 \
                    began=1763999999000000000 receivers=12 every=1000000000 within=20000000 \
                    mark=4000 sent=5000 pad=xxx";
        assert!(bytes.starts_with(head.as_bytes()), "{}", String::from_utf8_lossy(&bytes));
        let read = |line: &Announcement| {
            Announcement::read(&Command::decode(&line.encode()).expect("a command"))
        };
        assert_eq!(read(&announcement()), Some(announcement()));
        let last = Announcement { over: true, began: None, ..announcement() };
        assert_eq!(read(&last), Some(last));
        let alone = Announcement { value: Some(0x1234), ..announcement() };
        assert_eq!((read(&alone), alone.encode().len()), (Some(alone), LINE_LEN));
        let short = alone.encode_short();
        assert!(short.ends_with(b" sent=5000 value=0000000000001234\r\n"));
        assert_eq!(Announcement::read(&Command::decode(&short).expect("a command")), Some(alone));
    }

    #[test]
    fn what_lacks_a_number_is_no_announcement() {
        let whole = String::from_utf8(announcement().encode()).expect("text");
        for (from, to) in [
            ("run=000000000000feed", "run=feed"),
            ("tag=48879", "tag=66000"),
            ("at=", "when="),
            ("sent=5000", "sent=-5"),
            ("sent=5000", "sent=18446744073709551615"),
            ("sent=5000", "total=281474976710657"),
            ("receivers=12", "receivers=18446744073709551615"),
            ("mark=4000", "mark=5001"),
            ("mark=4000", "id=1"),
            ("STAT", "NOOP"),
        ] {
            let command = Command::decode(whole.replace(from, to).as_bytes()).expect("a command");
            assert_eq!(Announcement::read(&command), None, "{to}");
        }
    }
}
