//! The text of `--up`, `--down` and `--both`: what is done to the datagrams of a direction, and when.
//!
//! ```text
//! loss 1%, delay 40ms ± 10ms normal              impairments, with commas or blanks between them
//! 10s clean, 2s blackout, 5s loss 5% delay 20ms  phases: a length begins one, and what follows
//!                                                up to the next length belongs to it
//! 10s clean, rest loss 1%                        a last phase that does not end
//! ```
//!
//! Where every phase has a length, the first follows the last. Every impairment begins with its
//! name; nothing else depends on commas but that a length stands at the beginning or behind one.
//! A name of a file that holds a blank, a comma or a quote stands in double quotes.

mod error;
mod kind;
mod part;
mod read;
mod tokens;

pub use error::{ImpairmentFileError, ParseImpairmentError};
pub use kind::Kind;

use crate::impair::{DelayTable, Impairments, Phase, Trace};
use crate::units::Nanos;
use part::{Files, Part};
use read::Item;
use std::fmt;
use std::io;
use std::str::FromStr;

/// What is done to the datagrams of a direction, as the command line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impairment {
    /// One at least; only the last may be without a length.
    stages: Vec<Stage>,
}

/// The text of a phase: files are named, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stage {
    length: Option<Nanos>,
    /// At most one of a kind, in the order of kinds.
    parts: Vec<Part>,
}

impl Impairment {
    /// The phases for the model. `read` reads the text of a file that is named.
    pub fn phases(
        &self,
        read: impl FnMut(&str) -> io::Result<String>,
    ) -> Result<Vec<Phase>, ImpairmentFileError> {
        let mut files = Reading(read);
        let phase = |stage: &Stage| {
            let mut impairments = Impairments::default();
            for part in &stage.parts {
                part.add(&mut impairments, &mut files)?;
            }
            Ok(Phase { length: stage.length, impairments })
        };
        self.stages.iter().map(phase).collect()
    }
}

/// Reads files by a function.
struct Reading<F>(F);

impl<F: FnMut(&str) -> io::Result<String>> Reading<F> {
    fn text(&mut self, path: &str) -> Result<String, ImpairmentFileError> {
        let path = path.to_owned();
        (self.0)(&path).map_err(|error| ImpairmentFileError::Unreadable { path, error })
    }
}

impl<F: FnMut(&str) -> io::Result<String>> Files for Reading<F> {
    type Error = ImpairmentFileError;

    fn trace(&mut self, path: &str) -> Result<Trace, ImpairmentFileError> {
        let text = self.text(path)?;
        text.parse().map_err(|fault| ImpairmentFileError::Trace { path: path.to_owned(), fault })
    }

    fn delays(&mut self, path: &str) -> Result<DelayTable, ImpairmentFileError> {
        let text = self.text(path)?;
        text.parse().map_err(|fault| ImpairmentFileError::Delays { path: path.to_owned(), fault })
    }
}

impl FromStr for Impairment {
    type Err = ParseImpairmentError;

    fn from_str(text: &str) -> Result<Self, ParseImpairmentError> {
        let mut stages: Vec<Draft> = Vec::new();
        for item in tokens::items(text)? {
            let mut parts = read::read(&item)?.into_iter().peekable();
            let begins =
                match parts.next_if(|item| matches!(item, Item::Length { .. } | Item::Rest)) {
                    Some(Item::Length { length, text }) => Some((Some(length), text)),
                    Some(_) => Some((None, "rest".to_owned())),
                    None if stages.is_empty() => Some((None, String::new())),
                    None => None,
                };
            if let Some((length, text)) = begins {
                if let Some(last) = stages.last().filter(|last| last.length.is_none()) {
                    let before = last.shown();
                    return Err(ParseImpairmentError::NoLength { before, after: text });
                }
                stages.push(Draft { length, is_clean: false, parts: Vec::new() });
            }
            if let Some(stage) = stages.last_mut() {
                parts.try_for_each(|part| stage.add(part))?;
            }
        }
        let stages: Result<_, _> = stages.into_iter().map(Draft::finish).collect();
        Ok(Self { stages: stages? })
    }
}

/// A phase while it is read.
struct Draft {
    length: Option<Nanos>,
    is_clean: bool,
    parts: Vec<Part>,
}

impl Draft {
    fn add(&mut self, item: Item) -> Result<(), ParseImpairmentError> {
        let Item::Part(part) = item else {
            self.is_clean = true;
            return self.check_alone();
        };
        let kind = part.kind();
        if let Some(before) = self.parts.iter().find(|before| before.kind() == kind) {
            let (first, second) = (before.to_string(), part.to_string());
            return Err(ParseImpairmentError::Twice { kind, first, second });
        }
        self.parts.push(part);
        self.check_alone()
    }

    /// `clean` and `blackout` stand alone.
    fn check_alone(&self) -> Result<(), ParseImpairmentError> {
        let alone = |word, other: Option<&Part>| match other {
            Some(other) => Err(ParseImpairmentError::Alone { word, other: other.to_string() }),
            None => Ok(()),
        };
        if self.is_clean {
            return alone("clean", self.parts.first());
        }
        if self.parts.contains(&Part::Blackout) {
            let other = |part: &&Part| !matches!(part, Part::Blackout | Part::Only(_));
            return alone("blackout", self.parts.iter().find(other));
        }
        Ok(())
    }

    /// How it is called where it should have had a length.
    fn shown(&self) -> String {
        self.parts.first().map_or("clean".to_owned(), Part::to_string)
    }

    fn finish(mut self) -> Result<Stage, ParseImpairmentError> {
        self.parts.sort_by_key(Part::kind);
        let of = |kind| self.parts.iter().find(|part| part.kind() == kind);
        if let (Some(rate), Some(trace)) = (of(Kind::Rate), of(Kind::Trace)) {
            let (rate, trace) = (rate.to_string(), trace.to_string());
            return Err(ParseImpairmentError::TwoBottlenecks { rate, trace });
        }
        if let (Some(cut), Some(rewrite)) = (of(Kind::Cut), of(Kind::Rewrite)) {
            let (cut, rewrite) = (cut.to_string(), rewrite.to_string());
            return Err(ParseImpairmentError::CutAndRewrite { cut, rewrite });
        }
        if let Some(part @ Part::EcnAbove(_)) = of(Kind::Ecn)
            && of(Kind::Rate).or(of(Kind::Trace)).is_none()
        {
            return Err(ParseImpairmentError::MarksWithoutQueue { part: part.to_string() });
        }
        Ok(Stage { length: self.length, parts: self.parts })
    }
}

impl fmt::Display for Impairment {
    /// So that it reads back as the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_whole = self.stages.len() == 1;
        for (number, Stage { length, parts }) in self.stages.iter().enumerate() {
            let between = if number > 0 { ", " } else { "" };
            match length {
                Some(length) => write!(f, "{between}{} ", part::time(*length))?,
                None if is_whole => {}
                None => write!(f, "{between}rest ")?,
            }
            if parts.is_empty() {
                f.write_str("clean")?;
            }
            let between = if is_whole && length.is_none() { ", " } else { " " };
            for (number, part) in parts.iter().enumerate() {
                write!(f, "{}{part}", if number > 0 { between } else { "" })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
