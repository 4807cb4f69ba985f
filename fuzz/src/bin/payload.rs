//! Message options: escapes, hexadecimal, templates.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::units::Nanos;
use udpkit::wire::{Template, escape, parse_hex, to_hex, unescape};

fuzz_target!(|data: &[u8]| {
    assert_eq!(parse_hex(to_hex(data).as_bytes()).as_deref(), Ok(data));
    let escaped = escape(data);
    assert_eq!(unescape(escaped.as_bytes()).as_deref(), Ok(data), "{escaped}");
    if let Ok(bytes) = unescape(data) {
        assert!(bytes.len() <= data.len());
    }
    if let Ok(bytes) = parse_hex(data) {
        assert_eq!(parse_hex(to_hex(&bytes).as_bytes()), Ok(bytes));
    }
    if let Ok(template) = Template::parse(data)
        // A template may describe a very long payload; its length is checked before it is filled.
        && template.max_len() <= 65_527
    {
        let mut out = Vec::new();
        let mut random = fastrand::Rng::with_seed(data.len() as u64);
        template.fill(u64::MAX, Nanos(u64::MAX), &mut random, &mut out);
        assert!(out.len() <= template.max_len(), "{} > {}", out.len(), template.max_len());
    }
});
