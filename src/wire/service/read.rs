//! Reads untrusted bytes of an answer; no read goes past the end.

use crate::wire::is_harmful;

/// The bytes not yet read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Skips the next bytes; `None` if they are not `expected`.
    pub fn expect(&mut self, expected: &[u8]) -> Option<()> {
        (self.take(expected.len())? == expected).then_some(())
    }
}

/// The longest text of an answer that is shown, in characters.
const SHOWN: usize = 40;

/// Text of an answer made fit to be shown: one line, without control characters, truncated.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let clean = text.trim().chars().map(|c| if is_harmful(c) { '?' } else { c });
    clean.take(SHOWN).collect()
}

/// The first line of a text.
pub(super) fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
}

/// The value of a header such as `Call-ID`; upper and lower case in its name do not differ.
pub(super) fn header<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    text.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (found, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":")?;
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_stops_at_the_end_and_a_failed_read_takes_nothing() {
        let mut reader = Reader(&[1, 2, 3]);
        assert_eq!(reader.u16(), Some(0x0102));
        assert_eq!(reader.u16(), None);
        assert_eq!(reader.u8(), Some(3));
        assert_eq!(reader.u8(), None);
    }

    #[test]
    fn a_header_is_found_in_any_letters_and_text_is_made_fit_to_show() {
        let text = b"SIP/2.0 200 OK\r\nCALL-id:  abc \r\n\r\n";
        assert_eq!(header(text, "Call-ID"), Some(&b"abc"[..]));
        assert_eq!(header(text, "SIP/2.0 200 OK"), None);
        assert_eq!(shown(b" a\x1b[1mb\xff "), "a?[1mb\u{fffd}");
        assert_eq!(shown("a\u{202e}b\u{9b}".as_bytes()), "a?b?");
        assert_eq!(shown(&[b'x'; 99]).len(), SHOWN);
    }
}
