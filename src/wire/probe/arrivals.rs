//! Arrivals of one item at the remote agent, as a value of STAT's `i…` lines: eleven
//! comma-separated fields, `-` for an unknown one. The first field includes duplicates; a `c…` line
//! gives their number if there are any, and a `w…` line the number of withheld answers.
//!
//! `count,first_ns,span_ns,source,moved,ttl,tos,bytes,fragment,port,answers[,TYPE.CODE@ROUTER]`

use crate::units::Nanos;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Arrivals of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// Datagrams, without duplicates.
    pub count: u32,
    /// Duplicates of these, made by the network.
    pub copies: u32,
    /// When the first arrived, on the remote agent's real-time clock.
    pub first: Nanos,
    /// When the last arrived, on the same clock.
    pub last: Nanos,
    /// The source of the first as seen by the remote agent.
    pub source: SocketAddr,
    /// Whether another datagram had another source.
    pub moved: bool,
    /// TTL or hop limit of the last as it arrived; `None` if not available to the remote agent.
    pub ttl: Option<u8>,
    /// TOS or traffic class of the last; `None` if not available to the remote agent.
    pub tos: Option<u8>,
    /// Payload bytes of the last.
    pub len: u16,
    /// Largest fragment of the last; `None` when it was not fragmented.
    pub fragment: Option<u16>,
    /// The port that the last was sent to.
    pub port: u16,
    /// Answers that the remote agent's kernel accepted.
    pub answers: u32,
    /// Requested answers that were not sent, from the `w…` line: the address was not verified, or a
    /// limit was reached.
    pub withheld: u32,
    /// The ICMP error for an answer; `None` if there was none.
    pub error: Option<ReplyError>,
}

/// An ICMP error, from a router or host, for the remote agent's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyError {
    /// ICMP or `ICMPv6` type; 0 when the agent's own host reported it.
    pub icmp_type: u8,
    /// ICMP or `ICMPv6` code.
    pub icmp_code: u8,
    /// The source of the error; `None` if unknown.
    pub router: Option<IpAddr>,
}

impl Arrivals {
    /// Splits a count that includes duplicates into datagrams and duplicates.
    pub fn split(&mut self, copies: u32) {
        let copies = copies.min(self.count.saturating_sub(1));
        (self.count, self.copies) = (self.count - copies, copies);
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dash = |value: Option<u16>| value.map_or_else(|| "-".to_owned(), |n| n.to_string());
        write!(
            f,
            "{},{},{},{},{},{},{},{},{},{},{}",
            self.count.saturating_add(self.copies),
            self.first.0,
            (self.last - self.first).0,
            self.source,
            u8::from(self.moved),
            dash(self.ttl.map(u16::from)),
            dash(self.tos.map(u16::from)),
            self.len,
            dash(self.fragment),
            self.port,
            self.answers,
        )?;
        let Some(ReplyError { icmp_type, icmp_code, router }) = self.error else { return Ok(()) };
        write!(f, ",{icmp_type}.{icmp_code}@")?;
        match router {
            Some(router) => write!(f, "{router}"),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for Arrivals {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut fields = text.split(',');
        let mut next = || fields.next().ok_or(());
        let count = number(next()?)?;
        let first = Nanos(number(next()?)?);
        let span = number::<u64>(next()?)?;
        Ok(Self {
            count,
            copies: 0,
            first,
            last: Nanos(first.0.checked_add(span).ok_or(())?),
            source: number(next()?)?,
            moved: number::<u8>(next()?)? != 0,
            ttl: known(next()?)?,
            tos: known(next()?)?,
            len: number(next()?)?,
            fragment: known(next()?)?,
            port: number(next()?)?,
            answers: number(next()?)?,
            withheld: 0,
            error: fields.next().map(back_error).transpose()?,
        })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, ()> {
    text.parse().map_err(|_| ())
}

fn known<T: FromStr>(text: &str) -> Result<Option<T>, ()> {
    if text == "-" { Ok(None) } else { number(text).map(Some) }
}

fn back_error(text: &str) -> Result<ReplyError, ()> {
    let (kind, router) = text.split_once('@').ok_or(())?;
    let (icmp_type, icmp_code) = kind.split_once('.').ok_or(())?;
    Ok(ReplyError {
        icmp_type: number(icmp_type)?,
        icmp_code: number(icmp_code)?,
        router: known(router)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals() -> Arrivals {
        Arrivals {
            count: 16,
            copies: 0,
            first: Nanos(1_000),
            last: Nanos(1_500),
            source: "192.0.2.1:4000".parse().unwrap(),
            moved: false,
            ttl: Some(62),
            tos: Some(184),
            len: 64,
            fragment: None,
            port: 5_000,
            answers: 16,
            withheld: 0,
            error: None,
        }
    }

    #[test]
    fn golden_lines() {
        let blocked = ReplyError { icmp_type: 3, icmp_code: 13, router: "192.0.2.9".parse().ok() };
        let source = "[2001:db8::1]:9".parse().unwrap();
        for (line, value) in [
            ("16,1000,500,192.0.2.1:4000,0,62,184,64,-,5000,16", arrivals()),
            (
                "16,1000,500,[2001:db8::1]:9,1,-,-,3000,1396,5000,0,3.13@192.0.2.9",
                Arrivals {
                    source,
                    moved: true,
                    ttl: None,
                    tos: None,
                    len: 3_000,
                    fragment: Some(1_396),
                    answers: 0,
                    error: Some(blocked),
                    ..arrivals()
                },
            ),
        ] {
            assert_eq!(value.to_string(), line);
            assert_eq!(line.parse(), Ok(value));
        }
    }

    #[test]
    fn a_line_that_is_cut_or_wrong_is_none() {
        let line = "16,1000,500,192.0.2.1:4000,0,62,184,64,-,5000,16,3.13@-";
        let error = line.parse::<Arrivals>().unwrap().error.unwrap();
        assert_eq!((error.icmp_type, error.icmp_code, error.router), (3, 13, None));
        let commas: Vec<usize> = line.match_indices(',').map(|(at, _)| at).collect();
        for at in &commas[..10] {
            assert_eq!(line[..*at].parse::<Arrivals>(), Err(()), "{}", &line[..*at]);
        }
        for wrong in [
            "16,18446744073709551615,500,192.0.2.1:4000,0,62,184,64,-,5000,16",
            "16,1000,500,192.0.2.1,0,62,184,64,-,5000,16",
            "16,1000,500,192.0.2.1:4000,0,62,184,64,-,5000,16,3@-",
            "-1,1000,500,192.0.2.1:4000,0,62,184,64,-,5000,16",
        ] {
            assert_eq!(wrong.parse::<Arrivals>(), Err(()), "{wrong}");
        }
    }
}
