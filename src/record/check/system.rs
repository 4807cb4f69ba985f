//! Errors of this host and of the network as a check's document has them.

use crate::batch::{NetworkError, OwnFinding};
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// An error of this host: the cause in one word, its number, and its text.
#[derive(Serialize)]
struct SystemError {
    code: &'static str,
    errno: i32,
    text: String,
}

impl SystemError {
    fn new(why: &OwnFinding) -> Self {
        Self { code: why.code(), errno: why.errno, text: why.to_string() }
    }
}

/// An ICMP error.
#[derive(Serialize)]
struct IcmpError {
    icmp_type: u8,
    icmp_code: u8,
    errno: i32,
    from: Option<IpAddr>,
    mtu_bytes: Option<u32>,
    text: String,
}

impl IcmpError {
    fn new(error: &NetworkError) -> Self {
        Self {
            icmp_type: error.icmp_type,
            icmp_code: error.icmp_code,
            errno: error.errno,
            from: error.offender,
            mtu_bytes: error.mtu,
            text: error.to_string(),
        }
    }
}

/// For `#[serde(serialize_with = …)]`: `{code, errno, text}`.
pub(super) fn error<S: Serializer>(why: &OwnFinding, to: S) -> Result<S::Ok, S::Error> {
    SystemError::new(why).serialize(to)
}

/// As [`error`], null for none.
#[expect(clippy::ref_option, reason = "what serde hands over")]
pub(super) fn maybe_error<S: Serializer>(
    why: &Option<OwnFinding>,
    to: S,
) -> Result<S::Ok, S::Error> {
    why.as_ref().map(SystemError::new).serialize(to)
}

/// For `#[serde(serialize_with = …)]`: `{icmp_type, icmp_code, errno, from, mtu_bytes, text}`.
pub(super) fn icmp<S: Serializer>(error: &NetworkError, to: S) -> Result<S::Ok, S::Error> {
    IcmpError::new(error).serialize(to)
}

/// As [`icmp`], null for none.
#[expect(clippy::ref_option, reason = "what serde hands over")]
pub(super) fn maybe_icmp<S: Serializer>(
    error: &Option<NetworkError>,
    to: S,
) -> Result<S::Ok, S::Error> {
    error.as_ref().map(IcmpError::new).serialize(to)
}
