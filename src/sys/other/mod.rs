//! Windows, macOS and FreeBSD: what they share by `socket2`, the standard library and POSIX, and the
//! little in which they differ.

mod batches;
mod capabilities;
mod clock;
mod confine;
mod error_queue;
mod host_id;
mod interface;
mod limits;
mod multicast;
mod options;
mod process_memory;
mod processors;
mod sharing;
mod socket_option;
mod timer;

pub use batches::{ReceiveCall, SendCall, has_recvmmsg, has_sendmmsg};
pub use capabilities::{NATIVE, ONLY_PORTABLE};
pub use clock::{
    cpu_time, monotonic_now, process_cpu_time, real_now, real_time_error, sleep_until,
    tighten_timer_slack,
};
pub use confine::unprivileged_port_start;
pub use error_queue::read_error_queue;
pub use host_id::host_id;
pub use interface::{interface_addresses, interface_index, interface_name, interface_names};
pub use limits::{give_memory_back, limit_heaps};
pub use multicast::{
    block, join, leave, set_multicast_interface, set_multicast_ttl, stop_multicast_loop,
};
pub use options::{
    FragmentationPolicy, ask_receive_buffer, ask_send_buffer, buffer_limits, disconnect,
    fragmentation_policy, restore_fragmentation, route_mtu, set_fragmentation, set_switch, set_tos,
    set_transmit_stamps, set_ttl, socket_drops, socket_queued,
};
pub use process_memory::ProcessMemory;
pub use processors::{allowed_processors, online_processors, pin_thread, processors};
pub use sharing::{bind_device, refusals, set_user_timeout, share_port};
pub use timer::Timer;
