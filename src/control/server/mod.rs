//! The server's half of the dialogue: how a reply is shortened to what an unverified address may
//! get, how many replies an address or a source gets, whether a session's client is still there,
//! and which HELOs were used. All of it in bounded memory.

mod answer;
mod bounded_map;
mod liveness;
mod loop_prevention;
mod source_limit;
mod used_helos;

pub(crate) use answer::{Answer, LINE, PaddingHint, ROOM, with_value};
pub(crate) use bounded_map::BoundedMap;
pub(crate) use liveness::{Liveness, Standing};
pub(crate) use loop_prevention::{LoopPrevention, answers_anything, print};
pub(crate) use source_limit::{SourceLimit, network};
pub(crate) use used_helos::{UsedHelo, UsedHelos};
