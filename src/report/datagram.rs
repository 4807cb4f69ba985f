//! Received datagrams, one line each, in the format that was asked for.

use super::Output;
use crate::record::{DatagramRecord, Event, Flow, Received, UdpFields};
use crate::units::Nanos;
use crate::wire::{escape_into, hex_into, split_tos, to_hex};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// How datagrams are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatagramStyle {
    /// A line, the payload escaped so that it cannot garble a terminal.
    #[default]
    Text,
    /// A line, the payload in hexadecimal digits.
    Hex,
    /// The payload alone; on a terminal, what it would obey is escaped.
    Raw,
    /// A JSON object a line.
    Json,
}

impl DatagramStyle {
    /// Whether what is printed is for programs, so that all other talk goes elsewhere.
    pub fn for_programs(self) -> bool {
        matches!(self, Self::Raw | Self::Json)
    }
}

/// Tells the name of an interface by its index.
pub type InterfaceNames = fn(u32) -> String;

/// Prints datagrams; keeps its line and its clock, so that a line costs no allocation.
pub struct DatagramPrinter {
    style: DatagramStyle,
    line: String,
    clock: Clock,
    names: InterfaceNames,
}

impl DatagramPrinter {
    /// A printer of one style.
    pub fn new(style: DatagramStyle, names: InterfaceNames) -> Self {
        Self { style, line: String::new(), clock: Clock::new(), names }
    }

    /// Prints one datagram; `after` is the time since the datagram that it answers.
    pub fn print(
        &mut self,
        out: &mut Output,
        received: &Received<'_>,
        after: Option<Nanos>,
    ) -> Flow {
        let datagram = received.datagram;
        match self.style {
            DatagramStyle::Raw => return out.payload(datagram.payload),
            DatagramStyle::Json => {
                return out
                    .json_line(&Event::new("datagram", &record(received, after, self.names)));
            }
            DatagramStyle::Text | DatagramStyle::Hex => {}
        }
        self.line.clear();
        self.clock.write(datagram.meta.arrival, &mut self.line);
        // Writing to a string cannot fail.
        let _ = write!(
            self.line,
            "  {:<21} {:>6}",
            datagram.meta.source.to_string(),
            datagram.true_len
        );
        if datagram.truncated() {
            let _ = write!(self.line, " (truncated to {})", datagram.payload.len());
        }
        if let Some(after) = after {
            let _ = write!(self.line, "  after {after}");
        }
        if let Some(header) = &received.header {
            self.write_header(header, received);
        }
        self.line.push_str("  ");
        match self.style {
            DatagramStyle::Hex => hex_into(datagram.payload, &mut self.line),
            _ => escape_into(datagram.payload, &mut self.line),
        }
        out.line(&self.line)
    }

    fn write_header(&mut self, header: &UdpFields, received: &Received<'_>) {
        let meta = &received.datagram.meta;
        let line = &mut self.line;
        let UdpFields { source_port, destination_port, length, .. } = header;
        let _ = write!(line, "  ports {source_port} > {destination_port}  length {length}");
        let _ = match header.checksum {
            Some(checksum) => write!(line, "  checksum 0x{checksum:04x}"),
            None => write!(line, "  checksum -"),
        };
        let _ = match meta.ttl {
            Some(ttl) => write!(line, "  ttl {ttl}"),
            None => write!(line, "  ttl -"),
        };
        let _ = match meta.tos {
            Some(tos) => {
                let (dscp, ecn) = split_tos(tos);
                write!(line, "  dscp {dscp}  ecn {ecn}")
            }
            None => write!(line, "  dscp -  ecn -"),
        };
        let _ = match meta.destination {
            Some(destination) => write!(line, "  to {destination}"),
            None => write!(line, "  to -"),
        };
        if meta.interface != 0 {
            let _ = write!(line, " on {}", (self.names)(meta.interface));
        }
    }
}

/// A datagram as its JSON line tells it.
fn record(received: &Received<'_>, after: Option<Nanos>, names: InterfaceNames) -> DatagramRecord {
    let datagram = received.datagram;
    let meta = &datagram.meta;
    DatagramRecord {
        arrival_ns: meta.arrival.0,
        source: meta.source,
        destination: meta.destination,
        port: received.local.port(),
        interface: (meta.interface != 0).then(|| names(meta.interface)),
        length: datagram.true_len as u64,
        truncated: datagram.truncated(),
        header: received.header,
        ttl: meta.ttl,
        dscp: meta.tos.map(|tos| tos >> 2),
        ecn: meta.tos.map(|tos| tos & 3),
        after_ns: after.map(|after| after.0),
        text: std::str::from_utf8(datagram.payload).ok().map(str::to_owned),
        hex: to_hex(datagram.payload),
    }
}

/// Local time of day; the second's text is kept, as most datagrams share it with the one before.
struct Clock {
    zone: TimeZone,
    second: u64,
    text: String,
}

impl Clock {
    fn new() -> Self {
        Self { zone: TimeZone::system(), second: u64::MAX, text: String::new() }
    }

    /// Writes `16:46:03.123456`.
    fn write(&mut self, at: Nanos, line: &mut String) {
        let second = at.0 / 1_000_000_000;
        if second != self.second {
            self.second = second;
            self.text = match Timestamp::from_second(second as i64) {
                Ok(stamp) => {
                    stamp.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
                }
                // Beyond the year 9999.
                Err(_) => "--:--:--".to_owned(),
            };
        }
        let _ = write!(line, "{}.{:06}", self.text, at.0 % 1_000_000_000 / 1000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_microseconds_of_the_day() {
        let mut clock = Clock { zone: TimeZone::UTC, second: u64::MAX, text: String::new() };
        let mut line = String::new();
        clock.write(Nanos(86_399_000_001_999), &mut line);
        assert_eq!(line, "23:59:59.000001");
        line.clear();
        clock.write(Nanos(86_399_999_999_999), &mut line);
        assert_eq!(line, "23:59:59.999999");
    }
}
