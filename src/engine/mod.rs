//! The event loop, which connects a session with its sockets and the clock.

mod any_session;
mod byte_loop;
mod byte_server_loop;
mod clocks;
mod confinement;
mod event_loop;
mod handle;
mod interface_wait;
mod iperf3_port;
mod local_failure;
mod loop_config;
mod moderation;
mod page_port;
mod pause_watch;
mod placement;
mod port;
mod probe_ports;
mod prober;
mod random;
#[cfg(test)]
mod read_slack_tests;
mod relay_loop;
mod server;
mod server_error;
mod server_log;
mod server_plan;
mod server_service;
mod server_sockets;
mod server_streams;
mod server_traffic;
mod server_watch;
mod service_manager;
mod signals;
mod socket_registry;
mod steady_arrivals;
mod stream;
mod stun;
mod tally;
mod udpstp_port;

pub use byte_loop::ByteLoop;
pub use confinement::PrivilegeDrop;
pub use event_loop::{Ended, Loop};
pub use handle::Handle;
pub use interface_wait::InterfaceWait;
pub use loop_config::{LoopConfig, WakePrecision};
pub use page_port::{Page, PagePort, Render, RunningPage};
pub use placement::Placement;
pub use prober::{ProbeSwitch, RunningProber};
pub use random::{random_key, random_u64};
pub use relay_loop::{RelayLoop, RelayLoopConfig, Reload};
pub use server::{Server, host_id};
pub use server_error::ServerError;
pub use server_plan::{ServerPlan, UdpstpServerPlan};
pub use server_service::{ServeFiles, ServicePlan};
pub use server_watch::ServerWatch;
pub use service_manager::{NoServiceManager, ServiceManager};
pub use signals::{SecondSignal, Signals};
pub use socket_registry::SocketRegistry;
pub use stream::{
    RunningStream, StreamEnd, StreamError, StreamPlan, StreamRole, StreamSinks, TestEnd,
    TestStream, stream_buffer,
};
pub use stun::{AlternatePort, StunPlan};
pub use tally::Tally;
