//! Why a server could not open.

use crate::net::NetError;
use crate::sys::ConfineError;
use std::io;

/// Why a server could not open.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Its socket failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its loop failed.
    #[error("cannot start the server's loop")]
    Loop(#[from] io::Error),
    /// Dropping privileges failed.
    #[error(transparent)]
    Confine(#[from] ConfineError),
}
