//! The server's half of the dialogue: how many replies an address or a source gets before it is
//! verified, in bounded memory.

mod remembered;
mod restraint;
mod source_limit;

pub(crate) use remembered::Remembered;
pub(crate) use restraint::{Restraint, answers_anything, print};
pub(crate) use source_limit::{SourceLimit, network};
