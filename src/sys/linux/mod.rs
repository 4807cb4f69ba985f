//! Linux: the kernel's calls for many datagrams at once, its stamps, its counters and its error
//! queue.

mod address;
mod capabilities;
mod confine;
mod control;
mod disconnect;
mod error_queue;
mod host_id;
mod interface;
mod limits;
mod options;
mod process_memory;
mod receive;
mod send;
mod sharing;
mod socket_option;
mod time;

pub use capabilities::{NATIVE, ONLY_PORTABLE};
pub use confine::unprivileged_port_start;
pub use disconnect::disconnect;
pub use error_queue::read_error_queue;
pub use host_id::host_id;
pub use interface::{interface_addresses, interface_index, interface_name, interface_names};
pub use limits::{give_memory_back, limit_heaps};
pub use options::*;
pub use process_memory::ProcessMemory;
pub use receive::{ReceiveCall, has_recvmmsg};
pub use send::{SendCall, has_sendmmsg};
pub use sharing::{bind_device, refusals, set_user_timeout, share_port};
pub use time::{
    Timer, cpu_time, monotonic_now, process_cpu_time, real_now, real_time_error, sleep_until,
    tighten_timer_slack,
};
