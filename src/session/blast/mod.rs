//! Throughput test: sender and receiver of a stream, and the client's side of the control dialogue.

mod about;
mod capabilities;
mod capacity;
mod control;
mod data_format;
mod delay_params;
mod ecn_params;
mod events;
mod gap_params;
mod greeting;
mod greeting_reply;
mod host_params;
mod inspection;
mod memory;
mod merge;
mod moving;
mod omission;
mod opening;
mod outage_params;
mod own_address;
mod plan;
mod receiver;
mod receiver_counts;
mod receiver_plan;
mod repeated;
mod sender;
mod silences;
mod size_accounts;
mod stat_params;
mod stream_opening;
mod stream_params;

pub use about::Delays;
pub use capabilities::{ALL_CAPABILITIES, CAPABILITIES};
pub use capacity::{highest_rate, merge_courses};
pub use control::BlastControl;
pub use data_format::{DataFormat, Filling};
pub use delay_params::{DELAYS, delays_part};
pub use ecn_params::{MARKS, Marking, marks_text};
pub use events::{ControlCommand, ControlEvent, ControlOrder, ControlSummary, FarIo};
pub use gap_params::{GAPS, gaps_text};
pub use greeting::Greeting;
pub use greeting_reply::GreetingReply;
pub use host_params::{read_host, write_host};
pub use memory::{LARGEST_ANSWER, RECEIVED_AT_ONCE, largest_received, receiver_room, sender_room};
pub use merge::{IntervalMerger, merge_interval, merge_received, merge_sent};
pub use opening::{Opening, OpeningStep};
pub use outage_params::{OUTAGE_LIST, OUTAGES, outage_list_text, outages_text};
pub use own_address::STREAM_MOVES;
pub use plan::{Direction, TestPlan};
pub use receiver::BlastReceiver;
pub use receiver_plan::{ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary};
pub use sender::{BlastSender, SenderEvent, SenderOrder, SenderPlan, SenderSummary};
pub use size_accounts::{SizeAccount, merge_sizes, size_key, size_text};
pub use stat_params::{
    INTERVALS_A_REPLY, interval_text, read_counts, read_interval, read_sent, write_counts,
    write_sent,
};
pub use stream_opening::StreamOpening;
pub use stream_params::{class_key, class_text, stream_key, stream_text};
