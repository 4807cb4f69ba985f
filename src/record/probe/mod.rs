//! Results of the kinds of `probe`, one file each, and their common verdict.

mod agent;
mod all;
mod marks;
mod mtu;
mod nat;
mod paths;
mod port_path;
mod ports;
mod ports_findings;
mod refused_here;
mod scan;
mod shape;
mod timeout;
mod trace;
mod traffic;
mod undelivered;

pub use agent::{AgentReport, ControlEvidence, ControlLoss, NoAgent, ProbeCaveat};
pub use all::{AllEvent, AllReport, KindVerdict, LeftOut, LeftOutReason, ProbeKind};
pub use marks::{
    MarkChange, MarkRow, MarksAlternative, MarksCaveat, MarksEvidence, MarksFindings, MarksReport,
    MarksVerdict,
};
pub use mtu::{
    FragmentMtu, FragmentRow, KnownBy, MtuAlternative, MtuCaveat, MtuDirection, MtuEvidence,
    MtuLimit, MtuReport, MtuVerdict, PathMtu, TooBig,
};
pub use nat::{
    AddressUnknown, AnswerSource, Dependence, Hairpin, NatAlternative, NatAnswer, NatCaveat,
    NatControl, NatEvidence, NatMeaning, NatQuestion, NatReport, NatSocket, NatTest, NatUnknown,
    NatVerdict, PortChoice,
};
pub use paths::{
    FlowRow, Leg, Parting, PathsAlternative, PathsCaveat, PathsDifference, PathsEvidence,
    PathsFindings, PathsReport, PathsVerdict, WayRow,
};
pub use port_path::{Inconclusive, NotOpened, PortPath};
pub use ports::{PortRow, PortsBeside, PortsFindings, PortsReport};
pub use ports_findings::{
    PathPorts, PortGroup, PortsAlternative, PortsCaveat, PortsEvidence, PortsVerdict,
};
pub use refused_here::RefusedHere;
pub use scan::{
    PortState, PortsStopped, ScanAlternative, ScanCaveat, ScanEvidence, ScanFindings, ScanReport,
    ScanVerdict, ScannedAlone, ScannedPort,
};
pub use shape::{
    Counted, PayloadFinding, PayloadKind, PayloadRow, RateLimit, ShapeAlternative, ShapeCaveat,
    ShapeEvidence, ShapeReport, ShapeVerdict, SizeSet, TrainPurpose, TrainRow, Way,
};
pub use timeout::{
    IdleLimit, IdleOutcome, IdleReplies, IdleTimer, IdleTimerReport, IdleTrial, IdleUnknown,
    RefreshUnknown, TimeoutCaveat, TimeoutEvent, TimeoutEvidence, TimeoutFindings, TimeoutReport,
    TimeoutUnknown, TimeoutVerdict,
};
pub use trace::{
    FlowsEnd, TraceAlternative, TraceAnswer, TraceCaveat, TraceDistance, TraceEnd, TraceEvidence,
    TraceFindings, TraceFlow, TraceHop, TraceIcmp, TraceLoop, TraceReport, TraceSeen, TraceTry,
    TraceVerdict,
};
pub use traffic::{Outcome, ProbeTraffic};
pub use undelivered::IcmpError;

pub use crate::batch::{ErrorOrigin, IcmpMeaning};
