//! Results of a run as plain data, and the trait that receives them.
//!
//! A record is owned (or borrows one datagram), uses base units, and is serialised unchanged: its
//! field names are the JSON keys. A missing value is `None`, null in JSON, never 0.

mod address_move;
mod arrival_gaps;
mod blast;
mod blast_limits;
mod capacity;
mod capacity_judge;
mod cast;
mod cast_judge;
mod cast_notes;
mod cast_standing;
mod cast_stream;
mod changed_content;
mod check;
mod contradiction;
mod copies;
mod delay_quantiles;
mod document;
mod ecn;
mod ecn_counts;
mod fanout;
mod fanout_report_check;
mod find_rate;
pub mod finding;
mod host_losses;
mod interface_events;
mod iperf3;
mod iperf3_server;
mod limits;
mod local_failure;
mod log_level;
mod monitor;
mod monitor_standing;
mod name_choice;
mod occurrence;
mod outage;
mod ping;
mod ping_facts;
mod ping_judge;
mod ping_standing;
mod placed_losses;
pub mod probe;
mod rates;
mod recv;
mod refusal;
mod refused_sends;
mod relay;
mod reload;
mod report_check;
mod round_trips;
mod run_facts;
mod run_failure;
pub mod saved;
#[cfg(test)]
pub mod schema;
mod send;
mod serve;
mod serve_refusal;
mod serve_standing;
mod server_state;
mod sink;
mod size_rows;
mod stream_comparison;
mod stream_rows;
mod system_facts;
mod throughput_advice;
mod throughput_findings;
mod trials;
mod udpstp;
mod undelivered;
mod verdict;
mod way;

pub use crate::batch::LinkKind;
pub use crate::pace::AdjustmentType;
pub use address_move::AddressMove;
pub use arrival_gaps::{ArrivalGaps, ArrivalOutage};
pub use blast::{
    BURST_CLASSES, BlastHistograms, BlastInterval, BlastReceived, BlastReport, BlastSent,
    BurstLength, DirectedInterval, DirectionReport, HeaderShare, IoReport, Losses, Traffic,
    fell_short,
};
pub use blast_limits::{hold, measured};
pub use capacity::{
    CapacityHost, CapacityLimit, CapacityNote, CapacityReport, CoursePoint, SubInterval,
};
pub use capacity_judge::SearchFacts;
pub use cast::{
    CastDestination, CastEvent, CastGroup, CastInterval, CastReceived, CastSent, CastSource, Heard,
};
pub use cast_notes::{
    CastNote, CastWarning, Departure, FanoutCaveat, ReceivedCaveat, SilenceCause,
};
pub use cast_standing::{
    CastReceivers, CastReceiving, CastReceivingOf, CastSending, CastSendingTo,
};
pub use cast_stream::{CastForeign, CastGap, CastStream};
pub use changed_content::ChangedContent;
pub use check::{
    CastCheck, CastCheckVerdict, CheckAdvice, CheckAlternative, CheckAnswer, CheckAnswered,
    CheckCaveat, CheckEvent, CheckEvidence, CheckFinding, CheckInterface, CheckRoute, CheckSince,
    CheckStream, CheckSubject, CheckUndecided, CheckVerdict, HeldFlow, HeldMembership,
    Outcome as CheckOutcome, RemoteEnd, is_deaf, questions,
};
pub use contradiction::{Contradiction, Counted, Timed};
pub use copies::{CopyVerdict, FanoutCopy, copy_verdict};
pub use delay_quantiles::DelayQuantiles;
pub use document::{Document, Event, SCHEMA};
pub use ecn::{EcnClass, EcnFinding, ecn_findings};
pub use ecn_counts::EcnCounts;
pub use fanout::{
    CommonLoss, FanoutEvent, FanoutReceiver, FanoutStanding, LossOrigin, ReceiverState, Skew,
    rank_receivers,
};
pub use fanout_report_check::KnownFanout;
pub use find_rate::{FindRateReport, FoundBound, RateBound, RateGoal, RateVerdict, SearchEnd};
pub use finding::{Findings, Never, Worded};
pub use host_losses::{
    Certainty, HostReport, HostRole, LossFacts, LossGroup, LossPart, LossPlace, LossShares,
    SendFailures, host_reports, share_losses, split_drops, thrown_away,
};
pub use interface_events::InterfaceEvent;
pub use iperf3::{Iperf3Failure, Iperf3Phase, Iperf3Report};
pub use iperf3_server::{
    Iperf3End, Iperf3Objection, Iperf3Received, Iperf3Refusal, Iperf3Sent, Iperf3Stage,
};
pub use limits::{LimitFound, LimitReport, LimitUnit, LimitValue, hold_against};
pub use local_failure::LocalFailure;
pub use log_level::LogLevel;
pub use monitor::{
    MonitorCaveat, MonitorChange, MonitorEvent, MonitorInterval, MonitorLost, MonitorMeasured,
    MonitorNews, MonitorReload, MonitorRow, MonitorSummary, MonitorTarget, MonitorThreshold,
    MonitorWay,
};
pub use monitor_standing::MonitorStanding;
pub use name_choice::{NameChoice, note_choice};
pub use occurrence::Occurrence;
pub use outage::{Outage, join_ways};
pub use ping::{
    LossDirectionUnknown, Outcome, Percentile, PingBucket, PingDelay, PingEvent, PingHistograms,
    PingInterval, PingLost, PingReply, PingRow, PingSlice, PingSummary, PingTargetReport,
    PingTimeout, ReplyKind,
};
pub use ping_facts::{PingAsk, PingCaveat, PingProtocol, PingSchedule, ReplyChange, Timestamped};
pub use ping_standing::PingStanding;
pub use placed_losses::{KnownHosts, PlacedLosses, largest_parts};
pub use rates::{rates, rates_between};
pub use recv::{
    DatagramRecord, GapRecord, Received, RecvEnd, RecvEvent, RecvInterval, RecvStanding,
    RecvSummary, SocketRecord, SourceRecord, UdpFields,
};
pub use refusal::{RemoteRefusal, ServerReply};
pub use refused_sends::Refusal;
pub use relay::{
    RELAY_REFUSALS, RelayCaveat, RelayCounts, RelayDelay, RelayDestination, RelayDirection,
    RelayDropped, RelayEvent, RelayFlow, RelayFlowEnd, RelayInterval, RelayNote, RelayOthers,
    RelayRates, RelayRefusal, RelayRefused, RelayStanding, RelaySummary, RelayWay,
};
pub use reload::{ReloadFailure, ReloadFile};
pub use report_check::{
    IntervalSums, KnownRun, UncheckedHost, UncheckedSent, hold_numbers, hold_sent_against_received,
};
pub use round_trips::{ProbeReport, RoundTrips};
pub use run_facts::{RunFacts, note_run};
pub use run_failure::{FailureAdvice, RefusalCause, RunFailure};
pub use send::{Answer, Reply, SendEvent, SendRefusal, SendSummary, SendTarget, Trouble};
pub use serve::{ServeRecord, SessionEnd};
pub use serve_refusal::{ServeRefusal, ServeResource, plain_rate};
pub use serve_standing::{ServeService, ServeStanding};
pub use server_state::{RefusalCount, ServerLimits, ServerState};
pub use sink::{Flow, Sink, Watched, Watcher};
pub use size_rows::{AskedSizes, SizeCounts, SizeRow, SizesAsked};
pub use stream_comparison::{believe_streams, compare_streams, stream_rows};
pub use stream_rows::{StreamCounts, StreamRow};
pub use system_facts::{CapabilityRow, CapabilityState, SystemFacts};
pub use throughput_advice::ThroughputAdvice;
pub use throughput_findings::{
    LimitedBy, ThroughputAlternative, ThroughputCaveat, ThroughputEvidence, ThroughputFindings,
    ThroughputVerdict,
};
pub use trials::{
    HostLimit, LossShare, SeriesCaveat, SeriesEnd, SeriesMode, SweepReport, TrialOutcome,
    TrialPurpose, TrialReport, trial_outcome,
};
pub use udpstp::{
    UdpstpEnd, UdpstpFailure, UdpstpInterval, UdpstpParams, UdpstpRefusal, UdpstpReport,
    UdpstpServed, UdpstpTotals,
};
pub use undelivered::DeliveryError;
pub use verdict::{Circumstances, Goal, RunEnd, verdict};
pub use way::Way;
