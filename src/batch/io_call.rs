//! The system calls that move datagrams in batches.

use serde::Serialize;
use std::fmt;

/// A send call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TxCall {
    /// `sendmmsg` with GSO: the kernel segments large buffers.
    Gso,
    /// `sendmmsg`: many datagrams per call.
    Mmsg,
    /// `sendmsg`: one datagram per call.
    #[default]
    Plain,
}

/// A receive call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RxCall {
    /// `recvmmsg` with GRO: a buffer may hold several datagrams.
    Gro,
    /// `recvmmsg`: many datagrams per call.
    Mmsg,
    /// `recvmsg`: one datagram per call.
    #[default]
    Plain,
}

impl TxCall {
    const ALL: [(Self, &str); 3] =
        [(Self::Gso, "gso"), (Self::Mmsg, "mmsg"), (Self::Plain, "plain")];

    /// The call of this name; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(call, _)| *call)
    }
}

impl RxCall {
    const ALL: [(Self, &str); 3] =
        [(Self::Gro, "gro"), (Self::Mmsg, "mmsg"), (Self::Plain, "plain")];

    /// The call of this name; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(call, _)| *call)
    }
}

impl fmt::Display for TxCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gso => "gso",
            Self::Mmsg => "mmsg",
            Self::Plain => "plain",
        })
    }
}

impl fmt::Display for RxCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gro => "gro",
            Self::Mmsg => "mmsg",
            Self::Plain => "plain",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_one_name_in_text_in_json_and_on_the_wire() {
        for (call, name) in TxCall::ALL {
            assert_eq!((call.to_string(), TxCall::from_name(name)), (name.to_owned(), Some(call)));
            assert_eq!(serde_json::to_value(call).unwrap(), name);
        }
        for (call, name) in RxCall::ALL {
            assert_eq!((call.to_string(), RxCall::from_name(name)), (name.to_owned(), Some(call)));
            assert_eq!(serde_json::to_value(call).unwrap(), name);
        }
        for name in ["", "GSO", "gso ", "io_uring", "\u{1b}[2J"] {
            assert_eq!((TxCall::from_name(name), RxCall::from_name(name)), (None, None), "{name}");
        }
        assert_eq!((TxCall::from_name("gro"), RxCall::from_name("gso")), (None, None));
    }
}
