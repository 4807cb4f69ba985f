//! Measurement headers and coalesced buffers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::batch::{RxEntry, split_buffer};
use udpkit::wire::{
    Class, END_LEN, Header, LOAD_REPORT_LEN, LoadReport, RATE_NOTICE_LEN, RateNotice, classify,
    decode_end, encode_end, udp_checksum,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = Header::decode(data) {
        assert_eq!(classify(data), Class::Measurement);
        let mut bytes = [0; Header::LEN];
        header.encode(&mut bytes);
        assert_eq!(bytes, data[..Header::LEN]);
        if let Some(total) = decode_end(data) {
            let mut end = [0; END_LEN];
            encode_end(&header, total, &mut end);
            assert_eq!(end, data[..END_LEN]);
        }
        if let Some(report) = LoadReport::decode(data, header.tag) {
            let mut again = [0; LOAD_REPORT_LEN];
            report.encode(header.tag, header.sent, &mut again);
            assert_eq!(again, data[..LOAD_REPORT_LEN]);
        }
        if let Some(notice) = RateNotice::decode(data, header.tag) {
            let mut again = [0; RATE_NOTICE_LEN];
            notice.encode(header.tag, header.sent, &mut again);
            assert_eq!(again, data[..RATE_NOTICE_LEN]);
        }
    }
    let here = ([127, 0, 0, 1], 9).into();
    assert_ne!(udp_checksum(here, here, data), Some(0));
    let Some((stride, bytes)) = data.split_first_chunk::<2>() else { return };
    let stride = usize::from(u16::from_le_bytes(*stride));
    let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), stride, ..RxEntry::default() };
    let mut whole = Vec::new();
    for datagram in split_buffer(&entry, bytes) {
        assert!(!datagram.truncated());
        assert!(stride == 0 || datagram.payload.len() <= stride);
        whole.extend_from_slice(datagram.payload);
    }
    assert_eq!(whole, bytes);
});
