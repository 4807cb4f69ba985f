//! The kinds of `probe` as machines: a file (or folder) each.
//!
//! Kinds that need a helper embed a [`FarEnd`], which speaks the dialogue for them; those that ask
//! it in rounds ([`Kind`]) are driven by [`Helped`].

mod far_end;
mod helped;
pub mod marks;
pub mod mtu;
mod rounds;
pub mod shape;
pub mod shots;
pub mod trace;
// A kind's machine: one line here and one file beside this.

pub use far_end::{FarEnd, Granted, LaneState, NoHelper, Seen, sooner};
pub use helped::{Helped, HelpedEnd, Manner};
pub use rounds::{Kind, Told};
