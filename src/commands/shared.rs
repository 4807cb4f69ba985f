//! Arguments turned into what the lower floors take.

use crate::cli::{FamilyArgs, IoArg};
use crate::net::{FamilyChoice, IoMode};

impl From<FamilyArgs> for FamilyChoice {
    fn from(args: FamilyArgs) -> Self {
        match (args.ipv4, args.ipv6) {
            (true, _) => Self::V4,
            (_, true) => Self::V6,
            _ => Self::Any,
        }
    }
}

impl From<IoArg> for IoMode {
    fn from(arg: IoArg) -> Self {
        match arg {
            IoArg::Auto => Self::Auto,
            IoArg::Gso => Self::Gso,
            IoArg::Mmsg => Self::Mmsg,
            IoArg::Plain => Self::Plain,
        }
    }
}
