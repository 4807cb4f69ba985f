//! Reads the words of impairments.

use super::error::ParseImpairmentError;
use super::kind::Kind;
use super::part::{ALL, DelayPart, JitterPart, LARGEST, LossPart, Part, QueuePart, REORDER_WITHIN};
use super::tokens::{PLUS_MINUS, Token, quoted, shown};
use crate::impair::{ArrivalOrder, Outages, QueueLimit};
use crate::units::{ByteCount, Nanos, Nearest, ParseUnitError, Percent, Rate, nearest, whole};
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;
use std::str::FromStr;

type Read<T> = Result<T, ParseImpairmentError>;

/// What is read from an item.
pub(super) enum Item {
    /// The length of a phase that begins here.
    Length { length: Nanos, text: String },
    /// The rest of the run begins here.
    Rest,
    /// Nothing is done.
    Clean,
    /// An impairment.
    Part(Part),
}

/// The parts of an item, in order.
pub(super) fn read(item: &[Token]) -> Read<Vec<Item>> {
    let mut reader = Reader { tokens: item, at: 0, from: 0 };
    let mut found = Vec::new();
    if reader.is_at(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
        let length = reader.time()?;
        let text = reader.part();
        if length == Nanos::ZERO {
            return Err(ParseImpairmentError::ZeroLength { length: text });
        }
        found.push(Item::Length { length, text });
    } else if reader.takes("rest") {
        found.push(Item::Rest);
    }
    while reader.at < reader.tokens.len() {
        reader.from = reader.at;
        found.push(if reader.takes("clean") { Item::Clean } else { reader.impairment()? });
    }
    if found.is_empty() || matches!(found.as_slice(), [Item::Length { .. } | Item::Rest]) {
        return Err(ParseImpairmentError::Missing);
    }
    Ok(found)
}

/// The words of an item, and how far they are read.
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Where the impairment began.
    from: usize,
}

impl Reader<'_> {
    /// The impairment as given, as far as it is read.
    fn part(&self) -> String {
        let word = |token: &Token| {
            if token.is_quoted { quoted(&token.text) } else { token.text.clone() }
        };
        let words: Vec<_> = self.tokens[self.from..self.at].iter().map(word).collect();
        shown(&words.join(" "))
    }

    /// The next word, unless it is quoted.
    fn word(&self) -> Option<&str> {
        let token = self.tokens.get(self.at).filter(|token| !token.is_quoted);
        token.map(|token| token.text.as_str())
    }

    fn is_at(&self, is: impl Fn(&str) -> bool) -> bool {
        self.word().is_some_and(is)
    }

    /// Whether the next word is this one, which is then read.
    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.word() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// The next word must be this one.
    fn needs(&mut self, word: &str, kind: Kind) -> Read<()> {
        if self.takes(word) { Ok(()) } else { Err(self.unexpected(kind)) }
    }

    /// What is wrong with the next word, or that there is none.
    fn unexpected(&self, kind: Kind) -> ParseImpairmentError {
        let part = self.part();
        match self.tokens.get(self.at) {
            None => ParseImpairmentError::Incomplete { part, kind },
            Some(token) => {
                ParseImpairmentError::Unexpected { part, word: shown(&token.text), kind }
            }
        }
    }

    /// Whether a number comes next, which its unit may follow behind a blank.
    fn is_at_number(&self) -> bool {
        self.is_at(|word| {
            word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '\u{2212}'))
        })
    }

    /// The next quantity: a word, or a number and its unit in two.
    fn quantity<T>(&mut self) -> Read<(T, String)>
    where
        T: FromStr<Err = ParseUnitError>,
    {
        let word = self.word().unwrap_or_default().to_owned();
        self.at += 1;
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_number
            && let Some(unit) = self.word()
            && unit.starts_with(|c: char| c.is_alphabetic() || c == '%')
        {
            let both = format!("{word}{unit}");
            if let Ok(value) = both.parse() {
                self.at += 1;
                return Ok((value, both));
            }
        }
        let fault = |fault| ParseImpairmentError::Quantity { part: self.part(), fault };
        Ok((word.parse().map_err(fault)?, word))
    }

    fn needs_number(&self, kind: Kind) -> Read<()> {
        if self.is_at_number() { Ok(()) } else { Err(self.unexpected(kind)) }
    }

    fn share(&mut self, kind: Kind) -> Read<Percent> {
        self.needs_number(kind)?;
        Ok(self.quantity()?.0)
    }

    /// A time, with its unit: in most files of other tools a number alone is milliseconds.
    fn time(&mut self) -> Read<Nanos> {
        let (time, text) = self.quantity()?;
        with_unit(&self.part(), time, &text)
    }

    fn needs_time(&mut self, kind: Kind) -> Read<Nanos> {
        self.needs_number(kind)?;
        self.time()
    }

    fn needs_count(&mut self, least: u32, most: u32, kind: Kind) -> Read<u32> {
        self.needs_number(kind)?;
        let word = self.word().unwrap_or_default().to_owned();
        self.at += 1;
        let fault = |fault| ParseImpairmentError::Whole { part: self.part(), fault };
        whole(least..=most)(&word).map_err(fault)
    }

    fn needs_some(&mut self, kind: Kind) -> Read<NonZeroU32> {
        let count = self.needs_count(1, 1_000_000_000, kind)?;
        Ok(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
    }

    fn needs_file(&mut self, kind: Kind) -> Read<String> {
        let token = self.tokens.get(self.at).ok_or_else(|| self.unexpected(kind))?;
        self.at += 1;
        Ok(token.text.clone())
    }

    fn impairment(&mut self) -> Read<Item> {
        let word = self.word().unwrap_or_default();
        // `every 100` alone is a loss.
        let kind = if word == "every" { Some(Kind::Loss) } else { None };
        let kind = kind.or_else(|| Kind::ALL.into_iter().find(|kind| kind.name() == word));
        let Some(kind) = kind else {
            let names = Kind::ALL.map(Kind::name).into_iter().chain(["clean", "every", "rest"]);
            let nearest = Nearest(nearest(word, names).map(str::to_owned));
            let word = self.tokens.get(self.at).map_or(String::new(), |token| shown(&token.text));
            if self.is_at_number() && word.parse::<Nanos>().is_ok() {
                return Err(ParseImpairmentError::LengthInside { length: word });
            }
            return Err(ParseImpairmentError::Unknown { word, nearest });
        };
        self.at += usize::from(word != "every");
        let part = match kind {
            Kind::Only => Part::Only(self.sizes()?),
            Kind::Mtu => Part::Mtu(self.needs_count(68, 65_535, kind)?),
            Kind::Blackout => Part::Blackout,
            Kind::Loss => Part::Loss(self.loss()?),
            Kind::Duplicate => self.duplicate()?,
            Kind::Rate => self.rate()?,
            Kind::Trace => {
                let file = self.needs_file(kind)?;
                Part::Trace { file, queue: self.queue(kind)? }
            }
            Kind::Ecn => self.ecn()?,
            Kind::Corrupt => Part::Corrupt(self.share(kind)?),
            Kind::Cut => self.cut()?,
            Kind::Rewrite => Part::Rewrite(self.share(kind)?),
            Kind::Delay => Part::Delay(self.delay()?),
            Kind::Reorder => self.reorder()?,
        };
        Ok(Item::Part(part))
    }

    fn loss(&mut self) -> Read<LossPart> {
        let kind = Kind::Loss;
        if self.takes("every") {
            return Ok(LossPart::Every(NonZeroU64::from(self.needs_some(kind)?)));
        }
        if self.takes("burst") || self.takes("bursts") {
            return self.outages();
        }
        let share = self.share(kind)?;
        if !(self.takes("bursts") || self.takes("burst")) {
            return Ok(LossPart::Share(share));
        }
        self.takes("of");
        Ok(LossPart::Bursts { share, mean: self.needs_some(kind)? })
    }

    /// `5x20ms`: so many in each second, each of this length.
    fn outages(&mut self) -> Read<LossPart> {
        let kind = Kind::Loss;
        self.needs_number(kind)?;
        let word = self.word().unwrap_or_default().to_owned();
        let (count, length) =
            word.split_once(['x', '\u{d7}']).ok_or_else(|| self.unexpected(kind))?;
        self.at += 1;
        let part = self.part();
        let fault = |fault| ParseImpairmentError::Whole { part: part.clone(), fault };
        let per_second = whole(1..=1_000_000_000_u32)(count).map_err(fault)?;
        let fault = |fault| ParseImpairmentError::Quantity { part: part.clone(), fault };
        let length = with_unit(&part, length.parse().map_err(fault)?, length)?;
        if u64::from(per_second).saturating_mul(length.0) >= 1_000_000_000 {
            return Err(ParseImpairmentError::OutagesFillSecond { part });
        }
        Ok(LossPart::Outages(Outages { per_second, length }))
    }

    fn duplicate(&mut self) -> Read<Part> {
        let kind = Kind::Duplicate;
        let share = self.share(kind)?;
        let copies = if self.takes("copies") { self.needs_count(1, 1_000, kind)? } else { 1 };
        Ok(Part::Duplicate { share, copies: NonZeroU32::new(copies).unwrap_or(NonZeroU32::MIN) })
    }

    fn rate(&mut self) -> Read<Part> {
        let kind = Kind::Rate;
        if !self.is_at(|word| word == "max") {
            self.needs_number(kind)?;
        }
        let rate = self.quantity::<Rate>();
        let part = self.part();
        let rate = match rate {
            Ok((Rate::Bits(rate), _)) => rate,
            Ok(_) => return Err(ParseImpairmentError::NoBitRate { part }),
            Err(ParseImpairmentError::Quantity { fault: ParseUnitError::ZeroRate, .. }) => {
                return Err(ParseImpairmentError::ZeroRate { part });
            }
            Err(other) => return Err(other),
        };
        Ok(Part::Rate { rate, queue: self.queue(kind)? })
    }

    fn queue(&mut self, kind: Kind) -> Read<QueuePart> {
        let mut queue = QueuePart::DEFAULT;
        if self.takes("queue") {
            self.needs_number(kind)?;
            queue.limit = self.queue_limit()?;
        }
        if self.takes("overhead") {
            queue.overhead = self.needs_count(0, 65_535, kind)?;
        }
        Ok(queue)
    }

    /// A time or a size, each with its unit: `m` alone is minutes.
    fn queue_limit(&mut self) -> Read<QueueLimit> {
        let at = self.at;
        if let Ok((time, text)) = self.quantity::<Nanos>()
            && text.contains(char::is_alphabetic)
        {
            return Ok(QueueLimit::Time(time));
        }
        self.at = at;
        if let Ok((ByteCount(bytes), text)) = self.quantity()
            && text.contains(char::is_alphabetic)
        {
            return Ok(QueueLimit::Bytes(bytes));
        }
        self.at = at;
        let word = shown(self.word().unwrap_or_default());
        Err(ParseImpairmentError::NoQueue { part: self.part(), word })
    }

    fn ecn(&mut self) -> Read<Part> {
        let kind = Kind::Ecn;
        self.needs("mark", kind)?;
        if self.takes("at") {
            return Ok(Part::EcnAbove(self.needs_time(kind)?));
        }
        Ok(Part::EcnShare(self.share(kind)?))
    }

    fn cut(&mut self) -> Read<Part> {
        let kind = Kind::Cut;
        let share = if self.is_at_number() { self.share(kind)? } else { ALL };
        self.needs("to", kind)?;
        Ok(Part::Cut { share, to: self.needs_count(0, 65_535, kind)? })
    }

    /// `1000`, `500-`, `16-499`: bytes of payload.
    fn sizes(&mut self) -> Read<RangeInclusive<u32>> {
        let kind = Kind::Only;
        self.needs("size", kind)?;
        self.needs_number(kind)?;
        let word = self.word().unwrap_or_default().to_owned();
        self.at += 1;
        let part = self.part();
        let bound = |text: &str| {
            let fault = |fault| ParseImpairmentError::Whole { part: part.clone(), fault };
            whole(0..=LARGEST)(text).map_err(fault)
        };
        let (least, most) = match word.split_once('-') {
            None => (bound(&word)?, bound(&word)?),
            Some((least, "")) => (bound(least)?, LARGEST),
            Some((least, most)) => (bound(least)?, bound(most)?),
        };
        if least > most {
            return Err(ParseImpairmentError::NoSize { part });
        }
        Ok(least..=most)
    }

    fn delay(&mut self) -> Read<DelayPart> {
        let kind = Kind::Delay;
        let is_file = self.is_at(|word| word == "file");
        let base = if is_file { Nanos::ZERO } else { self.needs_time(kind)? };
        let jitter = if self.takes("file") {
            JitterPart::File(self.needs_file(kind)?)
        } else if self.takes(PLUS_MINUS) {
            let most = self.needs_time(kind)?;
            if most > base {
                return Err(ParseImpairmentError::JitterAboveDelay { part: self.part() });
            }
            if self.takes("normal") {
                JitterPart::Normal(most)
            } else if self.takes("pareto") {
                JitterPart::Pareto(most)
            } else {
                self.takes("uniform");
                JitterPart::Uniform(most)
            }
        } else {
            JitterPart::None
        };
        let order = if self.takes("unordered") { ArrivalOrder::Free } else { ArrivalOrder::Kept };
        Ok(DelayPart { base, jitter, order })
    }

    fn reorder(&mut self) -> Read<Part> {
        let kind = Kind::Reorder;
        let share = self.share(kind)?;
        if self.takes("for") {
            return Ok(Part::ReorderFor { share, hold: self.needs_time(kind)? });
        }
        self.needs("by", kind)?;
        let by = self.needs_some(kind)?;
        let within = if self.takes("within") { self.needs_time(kind)? } else { REORDER_WITHIN };
        Ok(Part::ReorderBy { share, by, within })
    }
}

/// The time, if its text has a unit; nothing needs none.
fn with_unit(part: &str, time: Nanos, text: &str) -> Read<Nanos> {
    if time == Nanos::ZERO || text.contains(char::is_alphabetic) {
        return Ok(time);
    }
    Err(ParseImpairmentError::NoUnit { part: part.to_owned(), number: text.to_owned() })
}
