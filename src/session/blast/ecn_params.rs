//! Encodes and decodes how datagrams were marked as STAT parameters, and how streams are to be
//! marked as TEST parameters.

use crate::record::EcnCounts;
use crate::wire::{Ecn, Params};

/// How a run's streams mark what they send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marking {
    /// None is marked.
    #[default]
    Alike,
    /// The client's are, all alike.
    Marked,
    /// Each stream with an ECN field of its own: not-ECT, ECT(0), ECT(1).
    EachItsOwn,
}

/// The ECN fields of a run that compares them, in the order of its streams.
const COMPARED: [Ecn; 3] = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1];

impl Marking {
    /// Streams in each direction of a run that compares.
    pub const STREAMS: u32 = COMPARED.len() as u32;
    /// The parameter.
    const KEY: &'static str = "ecn";

    /// The ECN field of a stream of so many in each direction; `None` for its socket's.
    pub fn of_stream(self, stream: u32) -> Option<Ecn> {
        match self {
            Self::Alike | Self::Marked => None,
            Self::EachItsOwn => Some(COMPARED[stream as usize % COMPARED.len()]),
        }
    }

    /// The parameter of a request; `None` where nothing is marked.
    pub fn param(self) -> Option<(&'static str, &'static str)> {
        let value = match self {
            Self::Alike => return None,
            Self::Marked => "marked",
            Self::EachItsOwn => "compare",
        };
        Some((Self::KEY, value))
    }

    /// Reads it.
    pub fn read(params: &Params) -> Self {
        match params.get(Self::KEY) {
            Some("compare") => Self::EachItsOwn,
            Some(_) => Self::Marked,
            None => Self::Alike,
        }
    }
}

/// The parameter with the marks of a receiver's datagrams.
pub const MARKS: &str = "marks";

/// Counts as a parameter value: four numbers separated by colons.
pub fn marks_text(counts: &EcnCounts) -> String {
    let EcnCounts { not_ect, ect0, ect1, ce } = counts;
    format!("{not_ect}:{ect0}:{ect1}:{ce}")
}

/// Reads [`marks_text`]; `None` for anything else, and for other than so many datagrams.
pub fn read_marks(text: &str, datagrams: u64) -> Option<EcnCounts> {
    any_marks(text).filter(|counts| counts.total() == datagrams)
}

/// Reads [`marks_text`]; `None` for anything else.
pub(super) fn any_marks(text: &str) -> Option<EcnCounts> {
    let numbers: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [not_ect, ect0, ect1, ce] = numbers[..] else { return None };
    Some(EcnCounts { not_ect, ect0, ect1, ce })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_survive_the_dialogue_and_are_believed_only_of_what_arrived() {
        let counts = EcnCounts { not_ect: 1, ect0: 20, ect1: 300, ce: 4_000 };
        assert_eq!(marks_text(&counts), "1:20:300:4000");
        assert_eq!(read_marks("1:20:300:4000", 4_321), Some(counts));
        for wrong in ["", "1:20:300", "1:20:300:4000:5", "1:20:300:x", "18446744073709551615:1:1:1"]
        {
            assert_eq!(read_marks(wrong, 4_321), None, "{wrong}");
        }
        assert_eq!(read_marks("1:20:300:4000", 4_320), None);
    }

    #[test]
    fn streams_take_the_fields_in_turn_where_they_are_compared() {
        let fields: Vec<_> = (0..6).map(|stream| Marking::EachItsOwn.of_stream(stream)).collect();
        let turn = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1].map(Some);
        assert_eq!(fields, [turn, turn].concat());
        assert_eq!(Marking::Alike.of_stream(1), None);
        for marking in [Marking::Alike, Marking::Marked, Marking::EachItsOwn] {
            let mut params = Params::default();
            marking.param().into_iter().for_each(|(key, value)| params.push(key, value));
            assert_eq!(Marking::read(&params), marking);
        }
    }
}
