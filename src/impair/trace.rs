//! Traces of a link's capacity, as mahimahi records and replays those of cellular networks.

use crate::units::Nanos;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// The bytes that may leave at one opportunity.
pub const OPPORTUNITY: u64 = 1_500;

/// When a link can send: at each of these times 1,500 bytes, whatever waits meanwhile. An
/// opportunity at which nothing waits is lost; what is left of one serves the next datagram. The
/// trace begins anew at its last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Milliseconds since the start, none before another; the last is above zero.
    times: Arc<[u64]>,
}

/// Why a text is no trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseTraceError {
    /// A line that is no number.
    #[error("line {line}: {text} is not a time; write whole milliseconds since the start")]
    NoTime {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A time before that of the line before.
    #[error("line {line}: {time} ms is before {before} ms on the line before; times must not fall")]
    Falling {
        /// Counted from 1.
        line: usize,
        /// The time.
        time: u64,
        /// The one before it.
        before: u64,
    },
    /// A time of more than a year.
    #[error("line {line}: {time} ms is longer than a year")]
    TooLong {
        /// Counted from 1.
        line: usize,
        /// The time.
        time: u64,
    },
    /// No time, or none but zero.
    #[error(
        "it has no time above 0; write one a line, in milliseconds: a chance to send 1500 bytes"
    )]
    Empty,
}

const YEAR: u64 = 366 * 24 * 3_600_000;

/// The lines that are not empty and do not begin with `#`, with their numbers from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
}

impl FromStr for Trace {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        let mut times: Vec<u64> = Vec::new();
        for (line, text) in lines(text) {
            let no_time = || ParseTraceError::NoTime { line, text: shown(text) };
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let time = if is_number { text.parse().ok() } else { None };
            let time: u64 = time.ok_or_else(no_time)?;
            let before = times.last().copied().unwrap_or_default();
            if time < before {
                return Err(ParseTraceError::Falling { line, time, before });
            }
            if time > YEAR {
                return Err(ParseTraceError::TooLong { line, time });
            }
            times.push(time);
        }
        if times.last().is_none_or(|last| *last == 0) {
            return Err(ParseTraceError::Empty);
        }
        Ok(Self { times: times.into() })
    }
}

/// A line as an error shows it: files that are no traces at all have long ones.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String =
        text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push_str("...");
    }
    shown
}

impl Trace {
    fn period(&self) -> u64 {
        self.times.last().copied().unwrap_or(1) * 1_000_000
    }

    /// When an opportunity is, counted through all repetitions.
    fn time_of(&self, number: u64) -> Nanos {
        let (cycle, index) = (number / self.len(), number % self.len());
        let within = self.times[index as usize] * 1_000_000;
        Nanos(cycle.saturating_mul(self.period()).saturating_add(within))
    }

    /// The first opportunity that is not before this time.
    fn first_from(&self, time: Nanos) -> u64 {
        let period = self.period();
        // The last of a cycle is at the time at which the next begins.
        let cycle = time.0.saturating_sub(1) / period;
        let within = time.0 - cycle * period;
        let index = self.times.partition_point(|at| at * 1_000_000 < within);
        cycle * self.len() + index as u64
    }

    fn len(&self) -> u64 {
        self.times.len() as u64
    }
}

/// The opportunities of a trace as they are used up.
#[derive(Clone, Debug)]
pub(super) struct TraceProcess {
    trace: Trace,
    /// The opportunity in use.
    number: u64,
    left: u64,
}

impl TraceProcess {
    pub fn new(trace: Trace) -> Self {
        Self { trace, number: 0, left: OPPORTUNITY }
    }

    /// When the last of so many bytes leaves, which are ready at `ready`; times from the start.
    pub fn departure(&mut self, ready: Nanos, bytes: u64) -> Nanos {
        let first = self.trace.first_from(ready);
        if first > self.number {
            self.number = first;
            self.left = OPPORTUNITY;
        }
        if bytes > self.left || self.left == 0 {
            let behind = bytes - self.left;
            let whole = behind.saturating_sub(1) / OPPORTUNITY;
            self.number += 1 + whole;
            self.left = OPPORTUNITY - (behind - whole * OPPORTUNITY);
        } else {
            self.left -= bytes;
        }
        self.trace.time_of(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use std::collections::VecDeque;

    /// The same opportunity by opportunity, as mahimahi does it.
    fn oracle(times: &[u64], datagrams: &[(u64, u64)]) -> Vec<u64> {
        let mut coming: VecDeque<_> = datagrams.iter().copied().collect();
        let mut leaves = Vec::new();
        let period = times[times.len() - 1];
        let all = (0..).flat_map(|cycle| times.iter().map(move |time| cycle * period + time));
        for time in all.map(|millis| millis * 1_000_000) {
            let mut left = OPPORTUNITY;
            while let Some((_, bytes)) = coming.front_mut().filter(|(ready, _)| *ready <= time) {
                let part = left.min(*bytes);
                left -= part;
                *bytes -= part;
                if *bytes > 0 {
                    break;
                }
                leaves.push(time);
                coming.pop_front();
                if left == 0 {
                    break;
                }
            }
            if coming.is_empty() {
                break;
            }
        }
        leaves
    }

    #[test]
    fn every_departure_is_the_oracles() {
        let mut rng = Rng::with_seed(8);
        for round in 0..200 {
            let mut times: Vec<u64> = (0..rng.usize(1..30)).map(|_| rng.u64(0..60)).collect();
            times.push(rng.u64(60..80));
            times.sort_unstable();
            let text: Vec<_> = times.iter().map(u64::to_string).collect();
            let mut process = TraceProcess::new(text.join("\n").parse().unwrap());
            let mut now = 0;
            let datagram = |_| {
                // Some at once, some at the very time of an opportunity, some after a long pause.
                now += match rng.u32(0..8) {
                    0..4 => 0,
                    4..6 => rng.u64(0..20_000_000),
                    6 => 1_000_000 - now % 1_000_000,
                    _ => rng.u64(0..400_000_000),
                };
                (now, [rng.u64(1..1_500), 1_500, rng.u64(1_500..9_000)][rng.usize(0..3)])
            };
            let datagrams: Vec<_> = (0..200).map(datagram).collect();
            let found: Vec<_> = datagrams
                .iter()
                .map(|(ready, bytes)| process.departure(Nanos(*ready), *bytes).0)
                .collect();
            assert_eq!(found, oracle(&times, &datagrams), "round {round} of {times:?}");
        }
    }

    #[test]
    fn a_steady_trace_carries_its_rate() {
        // One opportunity a millisecond is 12 Mbit/s.
        let mut process = TraceProcess::new("1\n".parse().unwrap());
        let last = (0..1_000).map(|_| process.departure(Nanos::ZERO, 1_500)).last();
        assert_eq!(last, Some(Nanos::from_secs(1)));
        // What is sent at other times is as if it had not been there.
        assert_eq!(process.departure(Nanos(10_000_000_001), 1_500), Nanos::from_millis(10_001));
        assert_eq!(process.departure(Nanos(10_000_000_001), 0), Nanos::from_millis(10_002));
    }

    #[test]
    fn a_trace_is_a_number_a_line_that_does_not_fall() {
        let trace: Trace = "# a link\n0\n0\n\n 3 \n5\r\n".parse().unwrap();
        assert_eq!(trace.times.as_ref(), [0, 0, 3, 5]);
        for (text, told) in [
            ("1\nx\n", "line 2: x is not a time; write whole milliseconds since the start"),
            ("1\n+3\n", "line 2: +3 is not a time; write whole milliseconds since the start"),
            ("1.5", "line 1: 1.5 is not a time; write whole milliseconds since the start"),
            ("5\n\n4\n", "line 3: 4 ms is before 5 ms on the line before; times must not fall"),
            ("1\n99999999999\n", "line 2: 99999999999 ms is longer than a year"),
        ] {
            assert_eq!(text.parse::<Trace>().unwrap_err().to_string(), told);
        }
        for text in ["", "# only this", "0\n0\n"] {
            assert_eq!(text.parse::<Trace>(), Err(ParseTraceError::Empty), "{text}");
        }
        let long = format!("1\n{}\u{1b}[2J", "x".repeat(500));
        let told = long.parse::<Trace>().unwrap_err().to_string();
        assert!(told.len() < 120 && !told.contains('\u{1b}'), "{told}");
    }
}
