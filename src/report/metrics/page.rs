//! The page of metrics, in the form that was asked for.

use super::board::{Board, Series, Value};
use super::catalogue::families;
use super::family::{Family, FamilyKind, FamilyUnit, PREFIX};
use super::histogram::{CLASSIC, Histogram};
use super::protobuf;
use crate::wire::PageForm;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsPage {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// The page of all series as they are now.
pub fn metrics_page(board: &Board, form: PageForm) -> MetricsPage {
    let series = Snapshot(board.all());
    match form {
        PageForm::Protobuf => MetricsPage {
            content_type: "application/vnd.google.protobuf; \
                proto=io.prometheus.client.MetricFamily; encoding=delimited",
            body: series.protobuf(),
        },
        PageForm::OpenMetrics => MetricsPage {
            content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body: series.text(form),
        },
        PageForm::Text => {
            MetricsPage { content_type: prometheus_text::CONTENT_TYPE, body: series.text(form) }
        }
    }
}

/// All series, in the order of their families' addresses.
#[derive(Debug)]
struct Snapshot(Vec<Arc<Series>>);

impl Snapshot {
    /// Each family that has something to show, with what it shows.
    fn families(&self) -> impl Iterator<Item = (&'static Family, Vec<&Arc<Series>>)> {
        let place = |one: &Arc<Series>| std::ptr::from_ref(one.family).addr();
        let all = families().map(move |family| {
            // They are in the order of these addresses.
            let own = std::ptr::from_ref(family).addr();
            let first = self.0.partition_point(|one| place(one) < own);
            let own = self.0[first..].iter().take_while(|one| std::ptr::eq(one.family, family));
            let known =
                own.filter(|one| matches!(one.value, Value::Delays(_)) || one.number().is_some());
            (family, known.collect::<Vec<_>>())
        });
        all.filter(|(_, series)| !series.is_empty())
    }

    fn protobuf(&self) -> Vec<u8> {
        let mut page = Vec::new();
        self.families().for_each(|(family, series)| protobuf::append(&mut page, family, &series));
        page
    }

    fn text(self, form: PageForm) -> Vec<u8> {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(self));
        let mut page = String::new();
        // Nothing fails that is written to a string.
        let _ = match form {
            PageForm::OpenMetrics => text::encode(&mut page, &registry),
            PageForm::Text | PageForm::Protobuf => prometheus_text::encode(&mut page, &registry),
        };
        page.into_bytes()
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (family, series) in self.families() {
            let unit = family.unit.name().map(|unit| Unit::Other(unit.to_owned()));
            let kind = match family.kind {
                FamilyKind::Counter => MetricType::Counter,
                FamilyKind::Gauge => MetricType::Gauge,
                FamilyKind::Histogram => MetricType::Histogram,
            };
            let help = format!("{}.", family.help);
            let mut all = encoder.encode_descriptor(family.name, &help, unit.as_ref(), kind)?;
            for one in series {
                encode(family, &one.value, one.number(), all.encode_family(&&*one.labels)?)?;
            }
        }
        Ok(())
    }
}

fn encode(
    family: &Family,
    value: &Value,
    number: Option<u64>,
    mut to: MetricEncoder<'_>,
) -> fmt::Result {
    match (value, family.kind) {
        (Value::Delays(histogram), _) => delays(histogram, to),
        // A known number is known for good, and a gauge that is not known any more is 0 so long.
        (Value::Number(_), FamilyKind::Counter) if family.unit == FamilyUnit::Seconds => {
            let seconds = family.shown(number.unwrap_or_default());
            to.encode_counter::<NoLabelSet, _, u64>(&seconds, None)
        }
        (Value::Number(_), FamilyKind::Counter) => {
            to.encode_counter::<NoLabelSet, _, u64>(&number.unwrap_or_default(), None)
        }
        (Value::Number(_), _) => to.encode_gauge(&family.shown(number.unwrap_or_default())),
    }
}

fn delays(histogram: &Histogram, mut to: MetricEncoder<'_>) -> fmt::Result {
    let seen = histogram.snapshot();
    let bounds = CLASSIC.iter().map(|bound| bound.as_secs_f64()).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(seen.classic.iter().copied()).collect();
    let count = seen.classic.iter().sum();
    to.encode_histogram::<NoLabelSet>(seen.sum.as_secs_f64(), count, &buckets, None)
}
