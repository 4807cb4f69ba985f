//! System calls: the only module with `unsafe` and `libc`.
//!
//! Each function is one system call (or one loop over its result), takes slices and plain types,
//! and returns `io::Result`. Handling of errors is left to `net`.
#![allow(unsafe_code)]

mod address;
mod confine;
mod control;
mod disconnect;
mod error_queue;
mod interface;
mod limits;
mod options;
mod process_memory;
mod receive;
mod send;
mod socket_option;
mod time;

pub use confine::{
    Account, AccountError, ConfineError, ConfinePlan, Confined, KeptCapabilities, is_root,
    unprivileged_port_start,
};
pub use disconnect::disconnect;
pub use error_queue::{QueuedMessage, read_error_queue};
pub use interface::{
    InterfaceAddress, interface_addresses, interface_index, interface_name, interface_names,
};
pub use limits::{give_memory_back, limit_heaps, raise_descriptor_limit};
pub use options::*;
pub use process_memory::ProcessMemory;
pub use receive::{ReceiveCall, has_recvmmsg};
pub use send::{OutMessage, SendCall, has_sendmmsg};
pub use time::{
    Timer, cpu_time, monotonic_now, process_cpu_time, real_now, real_time_error, sleep_until,
    tighten_timer_slack,
};

/// Error numbers that `net` and its callers distinguish (errno(3)).
pub mod errno {
    pub use libc::{
        EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, ECONNREFUSED, EHOSTDOWN,
        EHOSTUNREACH, EINPROGRESS, EINTR, EINVAL, EIO, EMSGSIZE, ENETDOWN, ENETUNREACH, ENOBUFS,
        ENODEV, ENOMEM, ENONET, ENOPROTOOPT, ENOSYS, EOPNOTSUPP, EPERM, EPROTO,
    };
}
