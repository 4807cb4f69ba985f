//! The envelope of every JSON document.

use super::name_choice::{NameChoice, choices};
use super::run_facts::{RunFacts, run_facts};
use crate::batch::{RefusedConvenience, refused_conveniences};
use serde::Serialize;

/// Version of the JSON documents. Keys are only ever added within one version.
pub const SCHEMA: u32 = 1;

/// One document: the format version, the subcommand, and the summary's keys at the same level.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "{T}Document"))]
pub struct Document<T> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The subcommand, `blast` or `cast recv`.
    pub command: &'static str,
    /// What it lacks because the kernel refused an option to this process; left out if nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<RefusedConvenience>>"))]
    pub missing: Vec<RefusedConvenience>,
    /// Which address of each name is used that has several; left out if none has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameChoice>,
    /// What ran, where and when; left out if no command of udpkit runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<&'static RunFacts>,
    /// The summary; its keys are at the top level.
    #[serde(flatten)]
    pub body: T,
}

impl<T> Document<T> {
    /// Wraps a summary.
    pub fn new(command: &'static str, body: T) -> Self {
        Self {
            schema: SCHEMA,
            command,
            missing: refused_conveniences(),
            names: choices(),
            run: run_facts(),
            body,
        }
    }
}

/// One line of a stream of JSON objects.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event<T> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The kind of line: `datagram`, `interval`, `summary`.
    pub event: &'static str,
    /// The subcommand, `recv` or `ping`.
    pub command: &'static str,
    /// The record; its keys are at the top level.
    #[serde(flatten)]
    pub body: T,
}

impl<T> Event<T> {
    /// Wraps a record.
    pub fn new(event: &'static str, command: &'static str, body: T) -> Self {
        Self { schema: SCHEMA, event, command, body }
    }
}
