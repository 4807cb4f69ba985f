//! iperf3's messages: JSON, lengths, errors, greetings and the headers of datagrams.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::wire::iperf3::{
    ControlState, Counters, Iperf3Params, Iperf3Results, MAX_MESSAGE, decode_message,
    decode_server_error, encode_message, is_greeting_reply, message_length,
};

fuzz_target!(|data: &[u8]| {
    let Some((_, text)) = data.split_first() else { return };
    if let Ok(params) = decode_message::<Iperf3Params>(text) {
        let again = decode_message::<Iperf3Params>(&encode_message(&params)[4..]);
        assert_eq!(again, Ok(params));
    }
    if let Ok(results) = decode_message::<Iperf3Results>(text) {
        let _ = encode_message(&results);
    }
    for byte in text {
        assert!(ControlState::from_byte(*byte).is_none_or(|state| state.byte() == *byte));
    }
    if let Some(prefix) = text.first_chunk() {
        assert!(message_length(*prefix).unwrap_or(0) <= MAX_MESSAGE);
    }
    if let Some(numbers) = text.first_chunk() {
        let _ = decode_server_error(numbers);
    }
    let _ = is_greeting_reply(text);
    for counters in [Counters::Narrow, Counters::Wide] {
        assert_eq!(counters.decode(text).is_some(), text.len() >= counters.header_len());
    }
});
