//! JSON Schemas of the documents, made from the types in the tests, which write them to
//! `docs/reference/schema` and hold every document against them.

use super::finding::Never;
use super::probe::{
    AllReport, MarksReport, MtuReport, NatReport, PathsReport, PortsReport, ScannedAlone,
    ShapeReport, TimeoutReport, TraceReport,
};
use super::saved::{Compared, Merger, Mesh};
use super::{
    BlastReport, CastCheck, CastReceived, CastSent, CheckAnswered, Document, FindRateReport,
    MonitorSummary, Occurrence, PingSummary, RecvSummary, RelaySummary, SendSummary, ServerState,
    SweepReport, UdpstpReport,
};
use crate::batch::{HostCounter, HostCounters};
use crate::units::{Endpoint, Metric, Threshold};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::path::Path;

/// A statement as JSON has it: its code, its figures, and its text.
pub struct Told<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Told<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Told_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let figures = generator.subschema_for::<T>();
        let text = json_schema!({
            "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } }
        });
        json_schema!({ "allOf": [figures, text] })
    }
}

/// Any statement.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Statement {
    code: String,
    text: String,
}

/// An error from the network and how often it was received.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct ErrorRow {
    error: Statement,
    times: u64,
    #[serde(flatten)]
    seen: Occurrence,
}

macro_rules! rate {
    ($name:ident, $bits:ident, $packets:ident) => {
        /// A rate under one key of two.
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct $name {
            $bits: Option<u64>,
            $packets: Option<f64>,
        }
    };
}

rate!(GoalRate, goal_bps, goal_pps);
rate!(AnyRate, rate_bps, rate_pps);
rate!(LimitRate, limit_bps, limit_pps);

impl JsonSchema for Endpoint {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl JsonSchema for Metric {
    fn schema_name() -> Cow<'static, str> {
        "Metric".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": Self::ALL.map(|(name, _)| name) })
    }
}

impl JsonSchema for Never {
    fn schema_name() -> Cow<'static, str> {
        "Never".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "not": {} })
    }
}

impl JsonSchema for HostCounters {
    fn schema_name() -> Cow<'static, str> {
        "HostCounters".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let keys = HostCounter::ALL.map(HostCounter::key).to_vec();
        let count = json_schema!({ "type": ["integer", "null"], "minimum": 0 });
        let all: serde_json::Map<_, _> =
            keys.iter().map(|key| ((*key).to_owned(), count.clone().to_value())).collect();
        json_schema!({ "type": "object", "properties": all, "required": keys })
    }
}

/// What a run prints that could not start.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Failed {
    failure: Statement,
}

/// The documents that a command can print.
type Documents = fn(&mut SchemaGenerator) -> Vec<Schema>;

fn one<A: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Schema> {
    vec![generator.subschema_for::<Document<A>>()]
}

fn two<A: JsonSchema, B: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Schema> {
    [one::<A>(generator), one::<B>(generator)].concat()
}

/// Every command with its documents.
const COMMANDS: [(&str, Documents); 22] = [
    ("send", one::<SendSummary>),
    ("recv", one::<RecvSummary>),
    ("cast send", one::<CastSent>),
    ("cast recv", one::<CastReceived>),
    ("cast check", one::<CastCheck>),
    ("cast check --answer", one::<CheckAnswered>),
    ("relay", one::<RelaySummary>),
    ("blast", |to| [two::<SweepReport, FindRateReport>(to), one::<BlastReport>(to)].concat()),
    ("blast --udpstp", one::<UdpstpReport>),
    ("ping", one::<PingSummary>),
    ("monitor", one::<MonitorSummary>),
    ("probe", one::<AllReport>),
    ("probe ports", two::<PortsReport, ScannedAlone>),
    ("probe nat", one::<NatReport>),
    ("probe timeout", one::<TimeoutReport>),
    ("probe mtu", one::<MtuReport>),
    ("probe marks", one::<MarksReport>),
    ("probe shape", one::<ShapeReport>),
    ("probe trace", one::<TraceReport>),
    ("probe paths", one::<PathsReport>),
    ("stat", one::<ServerState>),
    ("report", |to| [two::<Compared, Merger>(to), one::<Mesh>(to)].concat()),
];

/// The schema of all documents: what a command prints is one of its own.
fn schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut each = Vec::new();
    for (command, documents) in COMMANDS {
        let mut any = documents(&mut generator);
        any.push(generator.subschema_for::<Document<Failed>>());
        each.push(serde_json::json!({
            "if": { "properties": { "command": { "const": command } } },
            "then": { "title": format!("udpkit {command}"), "anyOf": any },
        }));
    }
    let definitions = generator.take_definitions(true);
    // A definition a line, so that a change of a type is a change of few lines.
    let lines: Vec<String> = definitions
        .iter()
        .map(|(name, of)| format!("  {}: {of}", Value::from(name.as_str())))
        .collect();
    let top = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Documents of udpkit --json",
        "type": "object",
        "required": ["schema", "command"],
        "properties": {
            "schema": { "const": super::SCHEMA },
            "command": { "enum": COMMANDS.map(|(command, _)| command) },
        },
        "allOf": each,
        "$defs": {},
    });
    let top = format!("{top:#}\n");
    let (before, behind) = top.split_once("\"$defs\": {}").unwrap();
    format!("{before}\"$defs\": {{\n{}\n  }}{behind}", lines.join(",\n"))
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/schema/udpkit.json");
    let made = schema();
    if std::env::var_os("UDPKIT_UPDATE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let held = std::fs::read_to_string(&file).unwrap_or_default();
    let hint = "UDPKIT_UPDATE=1 cargo test --lib record::schema";
    assert!(held == made, "{} is out of date; write it by {hint}", file.display());
}
