//! The result of a UDPSTP test with the keys of TR-181's `IPLayerCapacity` objects, as obudpst prints
//! them: rates in Mbit/s, delays in seconds. What is not known is null.

use crate::record::{UdpstpFailure, UdpstpInterval, UdpstpReport, Way, Worded};
use crate::units::Endpoint;
use crate::wire::udpstp::{MOST_CONNECTIONS, UDPSTP_PORT};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Bytes that Ethernet adds: header; with frame check sequence; with a VLAN tag.
const ETHERNET: [u64; 3] = [14, 18, 22];
/// Headers of IPv4 and IPv6 with UDP.
const HEADERS: [u64; 2] = [28, 48];

/// The document, without the envelope of udpkit's own.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Tr181Document(Value);

/// The document of a result.
pub fn tr181(report: &UdpstpReport) -> Tr181Document {
    let failed = report.failure.map(|failure| failure.text()).unwrap_or_default();
    Tr181Document(json!({
        "IPLayerMaxConnections": MOST_CONNECTIONS,
        "IPLayerCapSupported": {
            "SoftwareVersion": env!("CARGO_PKG_VERSION"),
            "ControlProtocolVersion": report.version,
            "Metrics": "IPLR,Sampled_RTT,IPDV,IPRR,RIPR",
        },
        "Input": input(report),
        "Output": output(report),
        "ErrorStatus": report.failure.map_or(0, |failure| status(&failure)),
        "ErrorMessage": failed,
        "ErrorMessage2": "",
    }))
}

fn input(report: &UdpstpReport) -> Value {
    let host = report.target.map(|target: Endpoint| target.ip().to_string());
    let millis = |nanos: u64| nanos / 1_000_000;
    let params = report.params;
    json!({
        "Role": if report.direction == Way::Up { "Sender" } else { "Receiver" },
        "Host": host,
        "HostIPAddress": host,
        "ControlPort": report.target.map_or(UDPSTP_PORT, |target| target.port()),
        "JumboFramesPermitted": u8::from(report.jumbo),
        "NumberOfConnections": report.connections,
        "MinNumOfConnections": report.connections,
        "DSCP": params.map(|params| params.tos >> 2),
        "ECN": params.map(|params| params.tos & 3),
        "UDPPayloadDefault": report.payload_bytes,
        "UDPPayloadContent": "zeroes",
        "TestType": "Search",
        "NumberTestSubIntervals":
            params.map(|params| params.duration_ns / params.sub_interval_ns.max(1)),
        "TestSubInterval": params.map(|params| millis(params.sub_interval_ns)),
        "StatusFeedbackInterval": params.map(|params| millis(params.trial_ns)),
        "SeqErrThresh": params.map(|params| params.sequence_errors),
        "LowerThresh": params.map(|params| millis(params.low_delay_variation_ns)),
        "UpperThresh": params.map(|params| millis(params.upper_delay_variation_ns)),
        "RateAdjAlgorithm": params.map(|params| params.algorithm.to_uppercase()),
    })
}

fn output(report: &UdpstpReport) -> Value {
    let each = report.intervals.iter();
    json!({
        "BOMTime": report.began_unix_ns.map(time),
        "TestInterval": report.params.map(|params| params.duration_ns / 1_000_000_000),
        "TmaxUsed": 1_000,
        "TmaxRTTUsed": 3_000,
        "TimestampResolutionUsed": 1,
        "IncrementalResult": each.map(|one| incremental(report, one)).collect::<Vec<_>>(),
        "Summary": summary(report),
        "AtMax": report.maximum.map(|most| at_max(report, &most)),
        "Status": if report.failure.is_none() { "Complete" } else { "Error_Other" },
    })
}

fn incremental(report: &UdpstpReport, one: &UdpstpInterval) -> Value {
    let mut all = counts(one, "");
    let more = json!({
        "Interval": one.number,
        "Seconds": one.end_ns as f64 / 1e9,
        "TimeOfSubInterval": report.began_unix_ns.map(|began| time(began + one.end_ns)),
        "IPLayerCapacity": mbps(one.ip_bits_per_second),
    });
    add(&mut all, more);
    Value::Object(all)
}

fn at_max(report: &UdpstpReport, most: &UdpstpInterval) -> Value {
    let mut all = counts(most, "AtMax");
    let is_v6 = report.target.is_some_and(|target| target.ip().is_ipv6());
    let headers = HEADERS[usize::from(is_v6)];
    let ip = most.bytes + most.datagrams * headers;
    let with = |more: u64| {
        let share = (ip + most.datagrams * more) as f64 / ip.max(1) as f64;
        round(most.ip_bits_per_second as f64 / 1e6 * share)
    };
    let [plain, fcs, vlan] = ETHERNET.map(with);
    let more = json!({
        "Intervals": report.intervals.len(),
        "TimeOfMax": report.began_unix_ns.map(|began| time(began + most.end_ns)),
        "MaxIPLayerCapacity": mbps(most.ip_bits_per_second),
        "MaxETHCapacityNoFCS": plain,
        "MaxETHCapacityWithFCS": fcs,
        "MaxETHCapacityWithFCSVLAN": vlan,
    });
    add(&mut all, more);
    Value::Object(all)
}

/// The whole test as one: means of the rates and delays, sums of the counts.
fn summary(report: &UdpstpReport) -> Value {
    let (Some(totals), count) = (report.totals, report.intervals.len().max(1) as u64) else {
        return Value::Null;
    };
    let each = || report.intervals.iter();
    let mean = |values: Vec<u64>| {
        (!values.is_empty()).then(|| values.iter().sum::<u64>() / values.len() as u64)
    };
    let whole = UdpstpInterval {
        connections: each().map(|one| one.connections).max().unwrap_or(0),
        ip_bits_per_second: each().map(|one| one.ip_bits_per_second / count).sum(),
        datagrams: totals.datagrams,
        bytes: totals.bytes,
        lost: totals.lost,
        reordered: totals.reordered,
        duplicates: totals.duplicates,
        delay_variation_min_ns: each().filter_map(|one| one.delay_variation_min_ns).min(),
        delay_variation_mean_ns: mean(
            each().filter_map(|one| one.delay_variation_mean_ns).collect(),
        ),
        delay_variation_max_ns: each().filter_map(|one| one.delay_variation_max_ns).max(),
        rtt_variation_min_ns: each().filter_map(|one| one.rtt_variation_min_ns).min(),
        rtt_variation_mean_ns: mean(each().filter_map(|one| one.rtt_variation_mean_ns).collect()),
        rtt_variation_max_ns: each().filter_map(|one| one.rtt_variation_max_ns).max(),
        ..UdpstpInterval::default()
    };
    let mut all = counts(&whole, "Summary");
    let more = json!({
        "Intervals": report.intervals.len(),
        "IPLayerCapacitySummary": mbps(whole.ip_bits_per_second),
        "MinOnewayDelaySummary": report.clock_delta_min_ns.map(|nanos| nanos as f64 / 1e9),
        "MinRTTSummary": report.rtt_min_ns.map(seconds),
    });
    add(&mut all, more);
    Value::Object(all)
}

/// What all of them have; keys of ratios and ranges end in `suffix`.
fn counts(one: &UdpstpInterval, suffix: &str) -> Map<String, Value> {
    let sent = (one.datagrams + one.lost) as f64;
    let ratio = |count: u64| (sent > 0.0).then(|| count as f64 / sent);
    let range = |from: Option<u64>, to: Option<u64>| {
        from.zip(to).map(|(from, to)| seconds(to.saturating_sub(from)))
    };
    let fixed = json!({
        "ActiveConnections": one.connections,
        "DeliveredPercent": ratio(one.datagrams).map(|ratio| round(ratio * 100.0)),
        "LossCount": one.lost,
        "ReorderedCount": one.reordered,
        "ReplicatedCount": one.duplicates,
        "PDVMin": one.delay_variation_min_ns.map(seconds),
        "PDVAvg": one.delay_variation_mean_ns.map(seconds),
        "PDVMax": one.delay_variation_max_ns.map(seconds),
        "RTTMin": one.rtt_variation_min_ns.map(seconds),
        "RTTAvg": one.rtt_variation_mean_ns.map(seconds),
        "RTTMax": one.rtt_variation_max_ns.map(seconds),
    });
    let mut all = Map::new();
    add(&mut all, fixed);
    for (key, value) in [
        ("LossRatio", ratio(one.lost)),
        ("ReorderedRatio", ratio(one.reordered)),
        ("ReplicatedRatio", ratio(one.duplicates)),
        ("PDVRange", range(one.delay_variation_min_ns, one.delay_variation_max_ns)),
        ("RTTRange", range(one.rtt_variation_min_ns, one.rtt_variation_max_ns)),
    ] {
        all.insert(format!("{key}{suffix}"), json!(value));
    }
    all
}

fn add(all: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        all.extend(more);
    }
}

/// The numbers of obudpst's `ErrorStatus`: 0 for success, 50 and above for errors.
fn status(failure: &UdpstpFailure) -> u16 {
    match failure {
        UdpstpFailure::Refused { response_code, .. } => 100 + u16::from(response_code.0.code()),
        UdpstpFailure::ParametersRefused { response_code } => 150 + u16::from(*response_code),
        _ => 50,
    }
}

fn mbps(bits: u64) -> f64 {
    round(bits as f64 / 1e6)
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Two decimals, as obudpst has them.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn time(nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
    format!("{time:.6}")
}
