//! The parameters of a test, from the client to the server.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The version that the client gives; no server acts on it.
pub const CLIENT_VERSION: &str = "3.21";

/// The parameters of a UDP test. Keys of an option that is not used are left out, as servers since
/// 3.18 check the type of every key that they know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iperf3Params {
    /// UDP instead of TCP: always.
    #[serde(default, deserialize_with = "flag")]
    pub udp: bool,
    /// Seconds at the start that are not counted, 0 to 600.
    #[serde(default, deserialize_with = "number")]
    pub omit: u64,
    /// Seconds of the test, without the omitted ones; 0 for no limit.
    #[serde(default, deserialize_with = "number")]
    pub time: u64,
    /// Payload bytes of all streams of one direction; 0 for no limit.
    #[serde(default, deserialize_with = "number")]
    pub num: u64,
    /// Datagrams of all streams of one direction; 0 for no limit.
    #[serde(default, deserialize_with = "number")]
    pub blockcount: u64,
    /// Streams in each direction.
    #[serde(default, deserialize_with = "small")]
    pub parallel: u32,
    /// The server sends.
    #[serde(default, skip_serializing_if = "is_off", deserialize_with = "flag")]
    pub reverse: bool,
    /// Both ends send (since 3.7).
    #[serde(default, skip_serializing_if = "is_off", deserialize_with = "flag")]
    pub bidirectional: bool,
    /// Payload bytes of each datagram.
    #[serde(default, deserialize_with = "small")]
    pub len: u32,
    /// Payload bits per second of each stream; 0, and left out, for no limit.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub bandwidth: u64,
    /// Payload bits per second of each stream that the server sends, at any moment; 0, and left
    /// out, for no limit (since 3.2).
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub fqrate: u64,
    /// Most datagrams sent between two checks of the rate; 0 for the server's choice.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub burst: u64,
    /// Microseconds between two checks of the rate; has no effect since 3.18.
    #[serde(default, deserialize_with = "number")]
    pub pacing_timer: u64,
    /// Socket buffer at both ends, in bytes; 0, and left out, for the system's.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub window: u64,
    /// The server sends with UDP segmentation offload (since 3.21).
    #[serde(default, serialize_with = "as_number", deserialize_with = "flag")]
    pub gso: bool,
    /// Bytes of each segment that it then sends.
    #[serde(default, deserialize_with = "number")]
    pub gso_dg_size: u64,
    /// Bytes of its buffer for that.
    #[serde(default, deserialize_with = "number")]
    pub gso_bf_size: u64,
    /// The server receives coalesced datagrams (since 3.21).
    #[serde(default, serialize_with = "as_number", deserialize_with = "flag")]
    pub gro: bool,
    /// Bytes of its buffer for that.
    #[serde(default, deserialize_with = "number")]
    pub gro_bf_size: u64,
    /// Type of service of the server's datagrams.
    #[serde(default, rename = "TOS", skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub tos: u64,
    /// 1 for 64-bit numbers in the datagrams (since 3.1).
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub udp_counters_64bit: u64,
    /// 1 for don't-fragment on the server's datagrams (IPv4, since 3.11).
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub dont_fragment: u64,
    /// 1 for the digits 0 to 9, repeated, in the server's datagrams (since 3.7).
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub repeating_payload: u64,
    /// 1 for the server's own report in its results.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "number")]
    pub get_server_output: u64,
    /// The token of a client that authenticates itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub authtoken: Option<String>,
    /// The client's version.
    #[serde(default, deserialize_with = "any_text")]
    pub client_version: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_off(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn as_number<S: Serializer>(flag: &bool, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(u8::from(*flag))
}

/// A whole number, in scientific notation too. As iperf3 does, a value of another type counts as if
/// it were not there.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value.as_u64().or_else(|| value.as_f64().map(|number| number as u64)).unwrap_or(0))
}

fn small<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    number(from).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// `true`, or a number that is not 0.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value.as_bool().unwrap_or_else(|| value.as_f64().is_some_and(|number| number != 0.0)))
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().map(str::to_owned))
}

fn any_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::iperf3::{decode_message, encode_message};

    fn least() -> Iperf3Params {
        Iperf3Params {
            udp: true,
            time: 10,
            parallel: 1,
            len: 1472,
            pacing_timer: 1_000,
            client_version: CLIENT_VERSION.to_owned(),
            ..Iperf3Params::default()
        }
    }

    #[test]
    fn parameters_have_the_keys_of_iperf3_and_none_of_an_unused_option() {
        let text = encode_message(&least());
        let expected = concat!(
            r#"{"udp":true,"omit":0,"time":10,"num":0,"blockcount":0,"parallel":1,"len":1472,"#,
            r#""pacing_timer":1000,"gso":0,"gso_dg_size":0,"gso_bf_size":0,"gro":0,"#,
            r#""gro_bf_size":0,"client_version":"3.21"}"#,
        );
        assert_eq!(std::str::from_utf8(&text[4..]), Ok(expected));
        assert_eq!(text[..4], (expected.len() as u32).to_be_bytes());
    }

    #[test]
    fn parameters_of_every_option_have_iperf_s_types() {
        let all = Iperf3Params {
            omit: 2,
            time: 0,
            num: 1_000_000,
            blockcount: 0,
            parallel: 4,
            reverse: true,
            bandwidth: 1_048_576,
            burst: 10,
            gso: true,
            gso_dg_size: 1472,
            gso_bf_size: 64_768,
            gro: true,
            gro_bf_size: 65_507,
            tos: 184,
            udp_counters_64bit: 1,
            dont_fragment: 1,
            authtoken: Some("QUJD".to_owned()),
            ..least()
        };
        let text = encode_message(&all);
        let expected = concat!(
            r#"{"udp":true,"omit":2,"time":0,"num":1000000,"blockcount":0,"parallel":4,"#,
            r#""reverse":true,"len":1472,"bandwidth":1048576,"burst":10,"pacing_timer":1000,"#,
            r#""gso":1,"gso_dg_size":1472,"gso_bf_size":64768,"gro":1,"gro_bf_size":65507,"#,
            r#""TOS":184,"udp_counters_64bit":1,"dont_fragment":1,"authtoken":"QUJD","#,
            r#""client_version":"3.21"}"#,
        );
        assert_eq!(std::str::from_utf8(&text[4..]), Ok(expected));
        assert_eq!(decode_message::<Iperf3Params>(expected.as_bytes()), Ok(all));
        let both = Iperf3Params { bidirectional: true, ..least() };
        assert_eq!(decode_message(&encode_message(&both)[4..]), Ok(both));
    }

    #[test]
    fn parameters_of_iperf_3_12_are_read() {
        // As Debian's iperf3 3.12 sends them for `-u -R -b 5M -l 1000`.
        let text = r#"{"udp":true,"omit":0,"time":10,"num":0,"blockcount":0,"parallel":1,
            "reverse":true,"len":1000,"bandwidth":5000000,"pacing_timer":1000,
            "client_version":"3.12"}"#;
        let params: Iperf3Params = decode_message(text.as_bytes()).unwrap();
        let expected = Iperf3Params {
            reverse: true,
            len: 1_000,
            bandwidth: 5_000_000,
            client_version: "3.12".to_owned(),
            ..least()
        };
        assert_eq!(params, expected);
    }

    #[test]
    fn what_has_another_type_is_as_if_it_were_not_there() {
        let text = r#"{"tcp":true,"time":"10","num":1e+16,"parallel":-1,"len":1472,"reverse":1,
            "authtoken":7,"client_version":null,"title":"x"}"#;
        let params: Iperf3Params = decode_message(text.as_bytes()).unwrap();
        assert!(!params.udp && params.reverse && params.authtoken.is_none());
        assert_eq!((params.time, params.num, params.parallel), (0, 10_000_000_000_000_000, 0));
    }
}
