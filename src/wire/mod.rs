//! Bytes on the wire: encode and decode, without sockets or clocks.
