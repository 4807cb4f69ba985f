//! Prints received datagrams in the format of `--format`.

use super::Output;
use super::clock::{Clock, TimeStyle};
use super::json::json_text;
use crate::record::{DatagramRecord, Event, Flow, Received, UdpFields};
use crate::units::{Endpoint, Nanos};
use crate::wire::{escape_into, hex_into, split_tos, to_hex};
use std::fmt::Write;

/// How datagrams are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatagramStyle {
    /// One line, with the payload escaped so that it cannot control a terminal.
    #[default]
    Text,
    /// One line, with the payload in hexadecimal digits.
    Hex,
    /// One line, followed by the payload as `hexdump -C` shows it.
    Hexdump,
    /// Only the payload; control characters are escaped on a terminal.
    Raw,
    /// One JSON object per line.
    Json,
}

/// Looks up the name of an interface by its index.
pub type InterfaceNames = fn(u32) -> String;

/// Prints datagrams. It reuses its line buffer and clock, so that a line costs no allocation.
pub struct DatagramPrinter {
    style: DatagramStyle,
    line: String,
    clock: Clock,
    names: InterfaceNames,
    command: &'static str,
}

impl DatagramPrinter {
    /// A printer of one style, for the subcommand `command`.
    pub fn new(
        style: DatagramStyle,
        times: TimeStyle,
        command: &'static str,
        names: InterfaceNames,
    ) -> Self {
        Self { style, line: String::new(), clock: Clock::new(times), names, command }
    }

    /// Prints one datagram; `after` is the time since the request that it replies to.
    pub fn print(
        &mut self,
        out: &mut Output,
        received: &Received<'_>,
        after: Option<Nanos>,
    ) -> Flow {
        let datagram = received.datagram;
        match self.style {
            DatagramStyle::Raw => return out.payload(datagram.payload),
            DatagramStyle::Json => return out.json_text(&self.json(received, after)),
            DatagramStyle::Text | DatagramStyle::Hex | DatagramStyle::Hexdump => {}
        }
        out.line(self.text(received, after))
    }

    /// One datagram as a line of JSON.
    pub fn json(&self, received: &Received<'_>, after: Option<Nanos>) -> String {
        let record = record(received, after, self.names);
        json_text(&Event::new("datagram", self.command, &record))
    }

    /// One datagram as its line; with [`DatagramStyle::Hexdump`] the payload's lines follow.
    pub fn text(&mut self, received: &Received<'_>, after: Option<Nanos>) -> &str {
        let datagram = received.datagram;
        self.line.clear();
        self.clock.write(datagram.meta.arrival, &mut self.line);
        // Writing to a string cannot fail.
        let _ = write!(
            self.line,
            "  {:<21} {:>6}",
            Endpoint::from(datagram.meta.source),
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
        if self.style == DatagramStyle::Hexdump {
            hexdump(datagram.payload, &mut self.line);
            return &self.line;
        }
        self.line.push_str("  ");
        match self.style {
            DatagramStyle::Hex => hex_into(datagram.payload, &mut self.line),
            _ => escape_into(datagram.payload, &mut self.line),
        }
        &self.line
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

/// The record of a datagram for JSON.
fn record(received: &Received<'_>, after: Option<Nanos>, names: InterfaceNames) -> DatagramRecord {
    let datagram = received.datagram;
    let meta = &datagram.meta;
    DatagramRecord {
        arrival_ns: meta.arrival.0,
        source: meta.source.into(),
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

/// The payload as `hexdump -C` shows it: offset, 16 bytes, and their characters per line.
fn hexdump(payload: &[u8], text: &mut String) {
    for (row, bytes) in payload.chunks(16).enumerate() {
        let _ = write!(text, "\n{:08x}", row * 16);
        for column in 0..16 {
            text.push_str(if column % 8 == 0 { "  " } else { " " });
            match bytes.get(column) {
                Some(byte) => drop(write!(text, "{byte:02x}")),
                None => text.push_str("  "),
            }
        }
        let shown = bytes.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        text.push_str("  |");
        text.extend(shown);
        text.push('|');
    }
    let _ = write!(text, "\n{:08x}", payload.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hexdump_is_the_one_that_everybody_knows() {
        let mut text = String::new();
        hexdump(b"hello, datagram!\n\xff", &mut text);
        assert_eq!(
            text,
            "\n00000000  68 65 6c 6c 6f 2c 20 64  61 74 61 67 72 61 6d 21  |hello, datagram!|\
             \n00000010  0a ff                                             |..|\
             \n00000012"
        );
        text.clear();
        hexdump(b"", &mut text);
        assert_eq!(text, "\n00000000");
    }
}
