//! The results that both ends exchange after a test.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What one end counted. The client's are sent first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Iperf3Results {
    /// Processor time of the process over the test, in percent of a core.
    #[serde(default)]
    pub cpu_util_total: f64,
    /// Of it, in user mode.
    #[serde(default)]
    pub cpu_util_user: f64,
    /// Of it, in kernel mode.
    #[serde(default)]
    pub cpu_util_system: f64,
    /// -1 from a receiver, 0 from a sender of UDP.
    #[serde(default, deserialize_with = "whole")]
    pub sender_has_retransmits: i64,
    /// The streams, in the order in which they were opened.
    pub streams: Vec<StreamResults>,
    /// What else a server has counted, for a client that asks for it.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub server_output_json: Option<Value>,
}

/// What one end counted of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamResults {
    /// The stream's number ([`stream_id`]).
    #[serde(deserialize_with = "whole")]
    pub id: i64,
    /// Payload bytes sent or received, without those of the omitted time.
    #[serde(deserialize_with = "whole")]
    pub bytes: i64,
    /// -1 for UDP.
    #[serde(default, deserialize_with = "whole")]
    pub retransmits: i64,
    /// Jitter in seconds.
    #[serde(default)]
    pub jitter: f64,
    /// Datagrams missing below the highest number, with those of the omitted time; 0 from a sender.
    #[serde(deserialize_with = "whole")]
    pub errors: i64,
    /// Of these, in the omitted time (since 3.14).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub omitted_errors: Option<i64>,
    /// From a sender, the datagrams sent; from a receiver, the highest number received. Both with
    /// those of the omitted time.
    #[serde(deserialize_with = "whole")]
    pub packets: i64,
    /// Of these, in the omitted time (since 3.14).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub omitted_packets: Option<i64>,
    /// Start in seconds, always 0 (since 3.2).
    #[serde(default)]
    pub start_time: f64,
    /// End in seconds after the omitted time (since 3.2).
    #[serde(default)]
    pub end_time: f64,
}

/// A number as iperf3's JSON library writes it: one below 0 may be as large as 64 bits can hold,
/// and a large one is in scientific notation.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl From<Number> for i64 {
    fn from(number: Number) -> Self {
        match number {
            Number::Signed(number) => number,
            Number::Unsigned(number) => number.cast_signed(),
            Number::Float(number) => number as Self,
        }
    }
}

fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Number::deserialize(from).map(i64::from)
}

fn maybe_whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<Number>::deserialize(from)?.map(i64::from))
}

/// The number that iperf3 gives to a stream, counted from 0 in the order of opening: 1, 3, 4, 5, …
pub fn stream_id(stream: u32) -> i64 {
    match stream {
        0 => 1,
        later => i64::from(later) + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::iperf3::{MessageFault, decode_message, encode_message};

    #[test]
    fn streams_are_numbered_as_iperf3_does() {
        assert_eq!([0, 1, 2, 127].map(stream_id), [1, 3, 4, 129]);
    }

    #[test]
    fn results_have_every_key_that_iperf3_requires_and_whole_numbers_without_a_fraction() {
        let stream = StreamResults {
            id: 1,
            bytes: 147_200,
            retransmits: -1,
            jitter: 0.000_012_5,
            errors: 3,
            omitted_errors: Some(0),
            packets: 103,
            omitted_packets: Some(0),
            start_time: 0.0,
            end_time: 1.5,
        };
        let results = Iperf3Results {
            cpu_util_total: 12.5,
            cpu_util_user: 2.5,
            cpu_util_system: 10.0,
            sender_has_retransmits: 0,
            streams: vec![stream],
            server_output_json: None,
        };
        let expected = concat!(
            r#"{"cpu_util_total":12.5,"cpu_util_user":2.5,"cpu_util_system":10.0,"#,
            r#""sender_has_retransmits":0,"streams":[{"id":1,"bytes":147200,"retransmits":-1,"#,
            r#""jitter":0.0000125,"errors":3,"omitted_errors":0,"packets":103,"#,
            r#""omitted_packets":0,"start_time":0.0,"end_time":1.5}]}"#,
        );
        let text = encode_message(&results);
        assert_eq!(std::str::from_utf8(&text[4..]), Ok(expected));
        assert_eq!(decode_message(expected.as_bytes()), Ok(results));
    }

    #[test]
    fn numbers_are_read_as_cjson_writes_them() {
        // -1 as Debian's iperf3 3.12 writes it, and ten petabytes.
        let text = r#"{"sender_has_retransmits":18446744073709551615,"streams":[{"id":1,
            "bytes":1e+16,"retransmits":18446744073709551615,"jitter":4.1941559483442035e-05,
            "errors":-3,"omitted_errors":0,"packets":425,"omitted_packets":7}]}"#;
        let results: Iperf3Results = decode_message(text.as_bytes()).unwrap();
        let told = &results.streams[0];
        assert_eq!((results.sender_has_retransmits, told.retransmits), (-1, -1));
        assert_eq!((told.bytes, told.errors, told.packets), (10_000_000_000_000_000, -3, 425));
        assert_eq!((told.omitted_errors, told.omitted_packets), (Some(0), Some(7)));
    }

    #[test]
    fn results_of_iperf_3_1_and_3_12_lack_what_came_later() {
        let old = r#"{"cpu_util_total":1.5,"cpu_util_user":0.5,"cpu_util_system":1.0,
            "sender_has_retransmits":-1,"streams":[{"id":1,"bytes":1000,"retransmits":-1,
            "jitter":0.5,"errors":0,"packets":1}]}"#;
        let results: Iperf3Results = decode_message(old.as_bytes()).unwrap();
        let StreamResults { omitted_packets, end_time, packets, .. } = results.streams[0];
        assert_eq!((omitted_packets, end_time, packets), (None, 0.0, 1));
        for bad in ["{}", r#"{"streams":[{"id":1}]}"#, r#"{"streams":[{"id":1,"bytes":"1"}]}"#] {
            let read = decode_message::<Iperf3Results>(bad.as_bytes());
            assert_eq!(read, Err(MessageFault::NotReadable), "{bad}");
        }
    }
}
