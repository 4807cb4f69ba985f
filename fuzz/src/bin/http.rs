//! Requests for the page of `--metrics`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::wire::read_page_request;

fuzz_target!(|data: &[u8]| {
    let Some(read) = read_page_request(data) else { return };
    // What follows a complete request does not change it.
    let mut longer = data.to_vec();
    longer.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
    if read.is_ok() {
        assert_eq!(read_page_request(&longer), Some(read));
    }
});
