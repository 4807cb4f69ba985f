//! Renders records as text, live lines and JSON. No other module prints.
//!
//! Results go to standard output, messages and errors to standard error.

mod ascii;
mod blast;
mod blast_losses;
mod blast_scene;
mod capacity;
mod cast;
mod cast_check;
mod cast_copies;
mod cast_lines;
mod cast_stream;
mod clock;
mod datagram;
mod ecn;
mod fanout;
mod guard;
mod hlog;
mod html;
mod interval;
mod json;
mod limits;
pub mod live_view;
mod messages;
pub mod metrics;
mod monitor;
mod network_errors;
mod number;
mod output;
pub mod page;
mod page_file;
mod ping;
mod probe;
mod progress;
mod progress_line;
mod recv;
mod recv_scene;
mod relay;
mod relay_destinations;
mod relay_scene;
mod rows;
mod send;
mod serve;
mod server_state;
mod sheet;
mod size_table;
mod so_far;
mod spark;
mod stream_table;
mod system_facts;
mod trials;
mod udpstp;
mod udpstp_tr181;
pub mod words;

pub use ascii::{ascii, set_ascii};
pub use blast::{BlastView, IntervalLines, StreamCounter, blast_text};
pub use blast_scene::BlastScene;
pub use cast::{cast_interval_line, cast_received_text, cast_sent_text};
pub use cast_check::{cast_answered_text, cast_check_text};
pub use cast_lines::CastLine;
pub use clock::{Clock, TimeStyle};
pub use datagram::{DatagramPrinter, DatagramStyle, InterfaceNames};
pub use fanout::{FanoutScene, FanoutView};
pub use hlog::HistogramLog;
pub use html::{saved_page, sheet_page};
pub use interval::FlowDirection;
pub use live_view::{is_live_terminal, restore_terminal};
pub use messages::{
    Color, ask_password, detail, error, interface_news, note, set_color, set_quiet, set_verbose,
    status, usage, warning,
};
pub use monitor::{
    MONITOR_COLUMNS, MonitorReport, MonitorView, interval_text as monitor_interval_text,
    monitor_text, news_text,
};
pub use network_errors::{recv_trouble_line, send_trouble_line};
pub use output::{
    Output, Shown, output_was_lost, print_foreign_json, print_json, print_json_line, print_saved,
    print_text,
};
pub use page::Page;
pub use page_file::{keep_page, keep_sheet, set_html};
pub use ping::{
    PING_TABLE_HEAD, PingReport, PingScene, PingView, ReplyLines, ping_event_line,
    ping_refusal_line, ping_reply_line, ping_row, ping_table_row, ping_text, ping_timeout_line,
    ping_trouble_line,
};
pub use probe::{
    AllProgress, FailureReport, ProbeFailure, TimeoutProgress, all_progress_line, all_text,
    marks_text, mtu_text, nat_text, paths_text, ports_text, scan_text, shape_text, timeout_text,
    trace_text,
};
pub use progress::{Progress, ProgressLine, Standing, blast_bar_text, progress_text};
pub use recv::{RecvReport, RecvView, recv_interval_line, recv_status_line, recv_text};
pub use recv_scene::RecvScene;
pub use relay::{FLOW_COLUMNS, RelayReport, RelayView, relay_interval_line, relay_text};
pub use relay_scene::RelayScene;
pub use rows::{
    Columns, INTERVAL_COLUMNS, LineFormat, PORT_COLUMNS, RECEIVER_COLUMNS, RecordLines,
    SCANNED_COLUMNS, SOURCE_COLUMNS, TRIAL_COLUMNS, event_line, print_table,
};
pub use send::{SendReport, SendView, send_refusal_line, send_text};
pub use serve::{ServeLine, ServeLog, serve_line, serve_log_line};
pub use server_state::server_state_text;
pub use sheet::{Sheet, compared, merged, meshed, sheet, sheet_text};
pub use so_far::{LaneSoFar, SoFar, so_far_text};
pub use system_facts::system_facts;
pub use trials::{TrialsView, find_rate_text, sweep_text};
pub use udpstp::{UdpstpHeading, UdpstpView, udpstp_text, udpstp_whole};
pub use udpstp_tr181::{Tr181Document, tr181};
