//! Reads a list of targets: TOML, of which every fault is told at once, with its line. What the texts
//! mean is found elsewhere.

use super::fault::Fault;
use crate::units::{Nearest, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most faults that are told.
const MOST_FAULTS: usize = 20;

/// The faults of a list, in the order of their lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(usize, Fault)>);

impl Faults {
    /// Adds one with its line; 0 stands for the command line, or the whole list.
    pub fn add(&mut self, line: usize, fault: Fault) {
        self.0.push((line, fault));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as one message.
    pub fn told(mut self, path: &str) -> String {
        self.0.sort_unstable_by_key(|(line, _)| *line);
        let more = self.0.len().saturating_sub(MOST_FAULTS);
        let one = |(line, fault): &(usize, Fault)| match line {
            0 => fault.to_string(),
            line => format!("line {line}: {fault}"),
        };
        let mut told: Vec<String> = self.0.iter().take(MOST_FAULTS).map(one).collect();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        let told = told.join("; ");
        if path.is_empty() { told } else { format!("{path}: {told}") }
    }
}

/// A value of the list: its text, or its number as one.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub line: usize,
    pub key: String,
    /// The text, or the texts of an array.
    pub texts: Vec<String>,
}

/// A table of the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    /// Where it begins.
    pub line: usize,
    pub values: Vec<Value>,
}

/// A list as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub defaults: Section,
    pub targets: Vec<Section>,
    pub thresholds: Vec<Section>,
}

/// The keys of each kind of table.
const DEFAULT_KEYS: &[&str] = &["interval", "size", "dscp", "key", "protocol", "port"];
const TARGET_KEYS: &[&str] =
    &["address", "name", "interval", "size", "dscp", "key", "protocol", "port"];
const THRESHOLD_KEYS: &[&str] = &["when", "run", "targets"];
const TOP_KEYS: &[&str] = &["defaults", "target", "threshold"];

/// Reads a text, as far as it can be.
pub(super) fn read(text: &str, faults: &mut Faults) -> Written {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(1, |span| lines.at(span.start));
        faults.add(line, Fault::Syntax(error.message().replace('\n', ", ")));
    }
    let mut written = Written::default();
    for (key, value) in table.get_ref() {
        let line = lines.at(key.span().start);
        let name: &str = key.get_ref();
        match name {
            "defaults" => {
                let section = sections(&lines, name, (line, value), DEFAULT_KEYS, faults);
                written.defaults = section.into_iter().next().unwrap_or_default();
            }
            "target" => {
                written.targets = sections(&lines, name, (line, value), TARGET_KEYS, faults);
            }

            "threshold" => {
                written.thresholds = sections(&lines, name, (line, value), THRESHOLD_KEYS, faults);
            }
            _ => faults.add(line, unknown(name, TOP_KEYS)),
        }
    }
    written
}

/// The tables of `[name]` or of each `[[name]]`.
fn sections(
    lines: &Lines,
    name: &str,
    (line, value): (usize, &Spanned<DeValue<'_>>),
    keys: &[&str],
    faults: &mut Faults,
) -> Vec<Section> {
    let is_one = name == "defaults";
    let form = if is_one { name.to_owned() } else { format!("[{name}]") };
    match value.get_ref() {
        DeValue::Table(table) if is_one => vec![section(lines, line, table, keys, faults)],
        DeValue::Array(all) if !is_one => {
            let mut sections = Vec::with_capacity(all.len());
            for one in all {
                let line = lines.at(one.span().start);
                match one.get_ref() {
                    DeValue::Table(table) => {
                        sections.push(section(lines, line, table, keys, faults));
                    }
                    _ => faults.add(line, Fault::NoTable(form.clone())),
                }
            }
            sections
        }
        _ => {
            faults.add(line, Fault::NoTable(form.clone()));
            Vec::new()
        }
    }
}

fn section(
    lines: &Lines,
    line: usize,
    table: &DeTable<'_>,
    keys: &[&str],
    faults: &mut Faults,
) -> Section {
    let mut section = Section { line, values: Vec::with_capacity(table.len()) };
    for (key, value) in table {
        let line = lines.at(key.span().start);
        let name: &str = key.get_ref();
        if !keys.contains(&name) {
            faults.add(line, unknown(name, keys));
            continue;
        }
        let is_array = matches!(value.get_ref(), DeValue::Array(_));
        let texts = match value.get_ref() {
            DeValue::Array(all) => all.iter().map(|one| plain(one.get_ref())).collect(),
            one => plain(one).map(|text| vec![text]),
        };
        match texts {
            Some(texts) if is_array == (name == "targets") => {
                section.values.push(Value { line, key: name.to_owned(), texts });
            }
            _ if name == "targets" => {
                faults.add(line, Fault::NoNames(name.to_owned()));
            }
            _ => faults.add(line, Fault::NoText(name.to_owned())),
        }
    }
    section
}

/// A text, or a number as it is written.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn unknown(name: &str, keys: &[&str]) -> Fault {
    let meant = nearest(name, keys.iter().copied());
    Fault::Unknown {
        key: name.to_owned(),
        known: keys.join(", "),
        nearest: Nearest(meant.map(str::to_owned)),
    }
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(place, _)| place).collect())
    }

    /// The line, from 1, of a place.
    fn at(&self, place: usize) -> usize {
        self.0.partition_point(|end| *end < place) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_the_line_of_everything() {
        let mut faults = Faults::default();
        let written = read(
            "[defaults]\ninterval = \"2s\"\n\n[[target]]\naddress = \"a\"\nsize = 64\n\n\
             [[target]]\naddress = \"b\"\n\n[[threshold]]\nwhen = \"outage>1s\"\ntargets = [\"a\"]\n",
            &mut faults,
        );
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(written.defaults.values[0].texts, ["2s"]);
        let [a, b] = &written.targets[..] else { panic!("{written:?}") };
        assert_eq!((a.line, b.line), (4, 8));
        assert_eq!((a.values[1].line, a.values[1].texts[0].as_str()), (6, "64"));
        assert!(written.thresholds[0].values.iter().any(|one| one.texts == ["a"]));
    }

    #[test]
    fn all_faults_are_told_at_once_and_in_order() {
        let mut faults = Faults::default();
        read(
            "[default]\n[[target]]\nadress = \"a\"\ninterval = true\n[target2]\n[[threshold]]\n\
             targets = \"a\"\n",
            &mut faults,
        );
        let told = faults.told("x.toml");
        for part in [
            "x.toml: line 1: default is not a key here: use defaults, target, threshold; did you mean \
             defaults?",
            "line 3: adress is not a key here",
            "did you mean address?",
            "line 4: interval: write a text in quotes, or a number",
            "line 5: target2 is not a key",
            "line 7: targets: write names",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let mut faults = Faults::default();
        read("[[target]]\naddress = \n[[target\n", &mut faults);
        let told = faults.told("y");
        assert!(told.contains("line 2") && told.contains("line 3"), "{told}");
    }
}
