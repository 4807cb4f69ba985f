//! `udpkit report`: saved documents, shown again, compared or merged.

use super::Exit;
use super::exit::{Usage, UsageError};
use crate::cli::ReportArgs;
use crate::record::Document;
use crate::record::saved::{
    Compared, Comparison, Merger, MeshError, Saved, compare, hold_changes, merge, mesh,
};
use crate::report::{self, Page, Sheet};
use crate::units::{ChangeLimit, Limit, ParseChangeError, ParseLimitError};
use anyhow::Context;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use thiserror::Error;

/// Files that do not suit what was asked for.
#[derive(Debug, Error)]
enum ReportUsage {
    /// Documents of several commands.
    #[error("{one} and {other} are of different commands")]
    Mixed { one: String, other: String },
    /// Documents without figures that can be compared.
    #[error("{name}: documents of this command cannot be compared")]
    NotCompared { name: String },
    /// Documents without figures that can be added.
    #[error("{name}: documents of this command cannot be merged")]
    NotMerged { name: String },
    /// Limits without a second document.
    #[error("--fail-if compares two files or more")]
    Alone,
    /// A limit that is none on a difference.
    #[error("--fail-if: {0}")]
    Change(#[from] ParseChangeError),
    /// A limit that is none on a figure.
    #[error("--fail-if: {0}")]
    Limit(#[from] ParseLimitError),
    /// Documents that are not of pairs of hosts.
    #[error(transparent)]
    Mesh(#[from] MeshError),
}

impl UsageError for ReportUsage {}

/// Runs `udpkit report`.
pub fn run(args: ReportArgs) -> anyhow::Result<Exit> {
    let all: anyhow::Result<Vec<Saved>> = args.files.iter().map(|file| read(file)).collect();
    let all = all?;
    if let Some(other) = all.iter().find(|one| one.command != all[0].command) {
        let (one, other) = (all[0].name.clone(), other.name.clone());
        return Err(Usage::from(ReportUsage::Mixed { one, other }).into());
    }
    match &all[..] {
        all if args.merge => merged(&args, all),
        all if args.mesh => meshed(&args, all),
        [one] => alone(&args, one),
        [base, others @ ..] => compared(&args, base, others),
        [] => Ok(Exit::Done),
    }
}

/// One document, as it is.
fn alone(args: &ReportArgs, one: &Saved) -> anyhow::Result<Exit> {
    if !args.fail_if.is_empty() {
        return Err(Usage::from(ReportUsage::Alone).into());
    }
    let sheet = report::sheet(one);
    report::keep_sheet(&sheet);
    if args.json {
        report::print_saved(one);
    } else {
        show(args, &sheet);
    }
    Ok(Exit::Done)
}

fn show(args: &ReportArgs, sheet: &Sheet) {
    if !args.quiet {
        report::print_text(&report::sheet_text(sheet, Page::of_stdout()));
    }
}

fn compared(args: &ReportArgs, base: &Saved, others: &[Saved]) -> anyhow::Result<Exit> {
    let limits: Vec<ChangeLimit> = limits(args)?;
    let comparisons: Vec<Comparison> = others.iter().map(|other| compare(base, other)).collect();
    if comparisons.iter().any(|one| one.differences.is_empty()) {
        return Err(Usage::from(ReportUsage::NotCompared { name: base.name.clone() }).into());
    }
    let limits = hold_changes(&limits, &comparisons);
    let found = Compared { comparisons, limits };
    let sheet = report::compared(&found);
    report::keep_sheet(&sheet);
    if args.json {
        report::print_json(&Document::new("report", &found));
    } else {
        show(args, &sheet);
    }
    let all_held = found.limits.iter().all(|limit| limit.held);
    Ok(if all_held { Exit::Done } else { Exit::LimitBroken })
}

fn merged(args: &ReportArgs, all: &[Saved]) -> anyhow::Result<Exit> {
    let Some(whole): Option<Merger> = merge(all) else {
        return Err(Usage::from(ReportUsage::NotMerged { name: all[0].name.clone() }).into());
    };
    let sheet = report::merged(&whole);
    report::keep_sheet(&sheet);
    if args.json {
        report::print_json(&Document::new("report", &whole));
    } else {
        show(args, &sheet);
    }
    Ok(Exit::Done)
}

fn meshed(args: &ReportArgs, all: &[Saved]) -> anyhow::Result<Exit> {
    let limits: Vec<Limit> = limits(args)?;
    let found = mesh(all, &limits).map_err(|error| Usage::from(ReportUsage::from(error)))?;
    let sheet = report::meshed(&found);
    report::keep_sheet(&sheet);
    if args.json {
        report::print_json(&Document::new("report", &found));
    } else {
        show(args, &sheet);
    }
    let all_held = found.limits.iter().all(|limit| limit.report.held);
    Ok(if all_held { Exit::Done } else { Exit::LimitBroken })
}

/// The limits, as what is shown wants them: on differences, or on figures.
fn limits<L: FromStr<Err: Into<ReportUsage>>>(args: &ReportArgs) -> Result<Vec<L>, Usage> {
    let read = |text: &String| text.parse().map_err(|error: L::Err| Usage::from(error.into()));
    args.fail_if.iter().map(read).collect()
}

/// Reads a document from a file, or from standard input for `-`.
fn read(file: &Path) -> anyhow::Result<Saved> {
    let name = file.display().to_string();
    let mut text = Vec::new();
    let taken = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut text).map(|_| ())
    } else {
        fs::read(file).map(|read| text = read)
    };
    taken.with_context(|| format!("cannot read {name}"))?;
    Ok(Saved::read(&name, &text)?)
}
