//! What the ports' counts come to, in words.

use crate::record::probe::{IcmpWord, NotTold, PortPath, PortRow, PortsReport, Verdict};
use crate::session::probe::words::{copies_words, withheld};
use crate::wire::{Dscp, PortList};

/// Ports of one kind are named as far as this many letters go.
const LETTERS: usize = 48;
/// What a port that looks filtered may be where others are rejected.
pub(super) const LIMITED: &str =
    "filtered out: rejected as the others, by a router that limits its ICMP errors";
/// Fewer tries than this are few.
const FEW: u32 = 4;

/// Order in which paths are told: what stops datagrams first.
const ORDER: [PortPath; 10] = [
    PortPath::FilteredOut,
    PortPath::RejectedOut,
    PortPath::TtlExceeded,
    PortPath::FilteredBack,
    PortPath::RejectedBack,
    PortPath::NotTold,
    PortPath::NotSent,
    PortPath::Unknown,
    PortPath::Passes,
    PortPath::NotOpened,
];

/// Ports that share a path and what was said of it.
struct Group<'a> {
    path: PortPath,
    word: Option<&'a IcmpWord>,
    rows: Vec<&'a PortRow>,
}

impl Group<'_> {
    fn ports(&self) -> String {
        named(self.rows.iter().map(|row| row.port))
    }

    fn sum(&self, of: impl Fn(&PortRow) -> u64) -> u64 {
        self.rows.iter().map(|row| of(row)).sum()
    }

    /// `16 of 16 arrived there, 0 of 16 replies came`.
    fn counts(&self) -> String {
        let sent = self.sum(|row| row.sent);
        let replies = self.sum(|row| row.replies);
        if self.rows.iter().any(|row| row.arrived.is_none()) {
            return format!("{replies} of {sent} were answered");
        }
        let arrived = self.sum(|row| row.arrived.unwrap_or(0));
        let there = format!("{arrived} of {sent} arrived there");
        if arrived == 0 { there } else { format!("{there}, {replies} of {arrived} replies came") }
    }

    fn with_ports(&self) -> String {
        format!("{} {}", self.ports(), self.sentence())
    }

    fn sentence(&self) -> String {
        match self.path {
            PortPath::Passes => format!("passes both ways: {}", self.counts()),
            PortPath::NotOpened => {
                let why = self.rows.first().and_then(|row| row.not_opened.as_deref());
                format!("not asked: {}", why_not_words(why.unwrap_or("failed")))
            }
            PortPath::NotTold => {
                let why = self.rows.first().and_then(|row| row.not_told);
                let why = why.map_or("", not_told_words);
                format!("not told: {}; {why}", self.counts())
            }
            PortPath::NotSent => {
                let why = self.rows.first().and_then(|row| row.not_sent.as_deref());
                format!("not sent: {}", why.unwrap_or("this host refuses"))
            }
            PortPath::Unknown => "not known: the helper had not told".to_owned(),
            path => match self.word {
                Some(word) => format!("{}: {}; {}", path.words(), said(word), self.counts()),
                None => format!("{}: {}", path.words(), self.counts()),
            },
        }
    }
}

/// Why silence is not called a filter.
fn not_told_words(why: NotTold) -> &'static str {
    match why {
        NotTold::Chance => "that may be chance, by what the path loses beside it",
        NotTold::LimitOnFlows => "only so many flows pass, whichever ports they go to",
        NotTold::LimitOnRate => "others like them passed when they were asked slowly",
    }
}

/// What a helper's word for a port that it could not open means.
pub(super) fn why_not_words(word: &str) -> String {
    match word {
        "policy" => "the helper listens where its --probe-ports says, and not there".to_owned(),
        "in-use" => "another program has the port there".to_owned(),
        "privileged" => "the helper may not listen on ports below 1024".to_owned(),
        "limit" => "the helper has no more ports to give".to_owned(),
        _ => "the helper could not listen there".to_owned(),
    }
}

/// `port unreachable (3/3), said by 192.0.2.1`.
fn said(word: &IcmpWord) -> String {
    let by = word.said_by.map_or_else(String::new, |ip| format!(", said by {ip}"));
    format!("{} ({}/{}){by}", word.meaning, word.icmp_type, word.icmp_code)
}

/// Ports as ranges, cut where there are too many to read.
pub(super) fn named(ports: impl Iterator<Item = u16>) -> String {
    let list: PortList = ports.collect();
    let text = list.to_string();
    if text.len() <= LETTERS {
        return text;
    }
    let cut = text[..LETTERS].rfind(',').unwrap_or(LETTERS);
    format!("{} ... ({} ports)", &text[..cut], list.len())
}

/// Fills in what the rows come to.
pub fn judge(report: &mut PortsReport) {
    let passing = || report.ports.iter().filter(|row| row.path == PortPath::Passes);
    let arrived = |row: &PortRow| row.arrived.unwrap_or(row.replies);
    report.lost_out = passing().map(|row| row.sent.saturating_sub(arrived(row))).sum();
    report.lost_back = passing().map(|row| arrived(row).saturating_sub(row.replies)).sum();
    report.verdict = verdict(report);
}

fn verdict(report: &PortsReport) -> Verdict {
    let groups = groups(&report.ports);
    let mut verdict = match &groups[..] {
        [only] => Verdict::new(only.sentence()),
        several => Verdict {
            evidence: several.iter().map(Group::with_ports).collect(),
            ..Verdict::new(overview(report.ports.len(), several))
        },
    };
    if let Some(passing) = report.beside.flows_passing {
        verdict.verdict = format!(
            "a limit on flows: {passing} of {} ports pass, whichever were asked first; a new flow to \
             a port gets nothing",
            report.ports.len()
        );
    }
    beside(report, &mut verdict.evidence);
    evidence(report, &groups, &mut verdict.evidence);
    alternatives(report, &groups, &mut verdict.could_also_be);
    doubts(report, &mut verdict.doubt);
    verdict
}

/// `7 of 13 ports pass both ways; filtered on the way out: 5001`.
fn overview(ports: usize, groups: &[Group<'_>]) -> String {
    let pass = groups.iter().find(|group| group.path == PortPath::Passes);
    let pass = pass.map_or(0, |group| group.rows.len());
    let mut words = format!("{pass} of {ports} ports pass both ways");
    for path in ORDER.iter().filter(|path| **path != PortPath::Passes) {
        let of_path = groups.iter().filter(|group| group.path == *path);
        let mut rows = of_path.flat_map(|group| &group.rows).peekable();
        if rows.peek().is_some() {
            words.push_str(&format!("; {}: {}", path.words(), named(rows.map(|row| row.port))));
        }
    }
    words
}

fn groups(rows: &[PortRow]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows {
        let word = match row.path {
            PortPath::RejectedOut | PortPath::TtlExceeded => row.icmp_out.as_ref(),
            PortPath::RejectedBack => row.icmp_back.as_ref(),
            _ => None,
        };
        let alike = |group: &&mut Group<'_>| {
            let same_word = match (group.word, word) {
                (Some(a), Some(b)) => {
                    (a.icmp_type, a.icmp_code, a.said_by) == (b.icmp_type, b.icmp_code, b.said_by)
                }
                (a, b) => a.is_none() && b.is_none(),
            };
            let reason = group.rows.first().and_then(|row| row.not_opened.as_ref());
            let why = group.rows.first().and_then(|row| row.not_told);
            group.path == row.path
                && same_word
                && reason == row.not_opened.as_ref()
                && why == row.not_told
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { path: row.path, word, rows: vec![row] }),
        }
    }
    groups.sort_by_key(|group| ORDER.iter().position(|path| *path == group.path));
    groups
}

/// What was asked beside the ports, where something rests on it.
fn beside(report: &PortsReport, lines: &mut Vec<String>) {
    let beside = &report.beside;
    if beside.fresh_sent > 0 {
        lines.push(format!(
            "asked again, in random order and slowly; beside them {} of {} came through from a new \
             socket to the helper's own port",
            beside.fresh_replies, beside.fresh_sent
        ));
    }
    if beside.recovered > 0 {
        let rate = report.per_second;
        lines.push(format!(
            "{} ports were silent at {rate} datagrams a second and passed when they were asked \
             slowly: a limit on the rate, or a burst of loss",
            beside.recovered
        ));
    }
    let by_chance = report.ports.iter().any(|row| row.not_told == Some(NotTold::Chance));
    if by_chance && beside.sent > beside.replies {
        let lost = (beside.sent - beside.replies) as f64 * 100.0 / beside.sent as f64;
        lines.push(format!("the path loses {lost:.0} %, out and back, of what passes"));
    }
}

fn evidence(report: &PortsReport, groups: &[Group<'_>], lines: &mut Vec<String>) {
    let told = [PortPath::RejectedOut, PortPath::TtlExceeded];
    let words = groups.iter().filter(|group| !told.contains(&group.path));
    for group in words {
        let word = group.rows.iter().find_map(|row| row.icmp_out.as_ref());
        lines.extend(word.map(|word| format!("ICMP came for {}: {}", group.ports(), said(word))));
    }
    let asked: Vec<&PortRow> = report.ports.iter().filter(|row| row.sent > 0).collect();
    let moved = asked
        .iter()
        .filter_map(|row| row.arrived_at.filter(|at| *at != row.port).zip(Some(row.port)));
    for (at, port) in moved.take(3) {
        lines.push(format!("sent to port {port}, arrived at port {at}: redirected on the way"));
    }
    let changed = asked.iter().find(|row| {
        row.source_port_changed == Some(true) || row.source_address_changed == Some(true)
    });
    if let (Some(row), Some(source)) = (changed, report.source)
        && let Some(seen) = row.source_seen
    {
        let all = asked.iter().all(|row| row.source_seen == Some(seen));
        let whose = if all { String::new() } else { format!(" (to port {})", row.port) };
        lines.push(format!(
            "the source {source} arrived as {seen}{whose}: a NAT or a relay is on the way"
        ));
    } else if asked.iter().any(|row| row.source_seen.is_some()) {
        lines.push("source address and port arrived as they were sent".to_owned());
    }
    if let Some(row) = asked.iter().find(|row| row.source_varied == Some(true)) {
        lines.push(format!("the source of port {} was not the same all the time", row.port));
    }
    if let Some(row) = asked.iter().find(|row| row.answered_from.is_some())
        && let Some(from) = row.answered_from
    {
        lines.push(format!("replies of port {} came from {from}", row.port));
    }
    marks(report, &asked, lines);
}

/// DSCP and ECN, where they did not arrive as they were sent.
fn marks(report: &PortsReport, asked: &[&PortRow], lines: &mut Vec<String>) {
    let dscp =
        |value: u8| Dscp::new(value).map_or_else(|| value.to_string(), |dscp| dscp.to_string());
    for (way, of) in [
        ("out", (|row: &PortRow| row.dscp_out) as fn(&PortRow) -> Option<u8>),
        ("back", |row| row.dscp_back),
    ] {
        let other = asked.iter().filter_map(|row| of(row)).find(|value| *value != report.dscp_sent);
        if let Some(value) = other {
            let sent = dscp(report.dscp_sent);
            lines.push(format!("DSCP {sent} arrives as {} on the way {way}", dscp(value)));
        }
    }
    for (way, of) in [
        ("out", (|row: &PortRow| row.ecn_out) as fn(&PortRow) -> Option<u8>),
        ("back", |row| row.ecn_back),
    ] {
        let other = asked.iter().filter_map(|row| of(row)).find(|value| *value != report.ecn_sent);
        if let Some(value) = other {
            let sent = report.ecn_sent;
            lines.push(format!("ECN {sent} arrives as {value} on the way {way}"));
        }
    }
}

fn alternatives(report: &PortsReport, groups: &[Group<'_>], lines: &mut Vec<String>) {
    let any = |path: PortPath| groups.iter().any(|group| group.path == path);
    if any(PortPath::FilteredOut) {
        lines.push("filtered out: by the helper's own host, before its socket".to_owned());
    }
    if any(PortPath::FilteredOut) && any(PortPath::RejectedOut) {
        lines.push(LIMITED.to_owned());
    }
    let target = report.target;
    let by_target = groups.iter().any(|group| {
        group.path == PortPath::RejectedOut && group.word.is_some_and(|word| word.said_by == target)
    });
    if by_target {
        lines.push("rejected out: by another host behind the helper's address".to_owned());
    }
    if any(PortPath::TtlExceeded) {
        lines.push("in a routing loop: a way of more than 255 routers".to_owned());
    }
    if any(PortPath::FilteredBack) {
        lines.push("filtered back: by this host's own firewall, before its socket".to_owned());
    }
}

fn doubts(report: &PortsReport, lines: &mut Vec<String>) {
    if report.lost_out + report.lost_back > 0 {
        lines.push(format!(
            "ports that pass lost {} on the way out and {} on the way back",
            report.lost_out, report.lost_back
        ));
    }
    let copies = |of: fn(&PortRow) -> u64| report.ports.iter().map(of).sum();
    lines.extend(copies_words(
        copies(|row| row.duplicates.unwrap_or(0)),
        copies(|row| row.duplicates_back),
    ));
    if report.tries < FEW {
        lines.push(format!(
            "{} tries a port in the first pass: a short burst of loss looks like a filter",
            report.tries
        ));
    }
    let Some(helper) = &report.helper else { return };
    lines.extend(withheld(helper.withheld));
    lines.extend(helper.lost.iter().map(|why| format!("broken off: {why}")));
    if report.stopped_early {
        lines.push("interrupted before its end".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(port: u16, path: PortPath, arrived: u64, replies: u64) -> PortRow {
        PortRow { port, path, sent: 16, arrived: Some(arrived), replies, ..PortRow::default() }
    }

    fn judged(ports: Vec<PortRow>) -> Verdict {
        let mut report = PortsReport { tries: 16, ports, ..PortsReport::default() };
        judge(&mut report);
        report.verdict
    }

    #[test]
    fn one_port_is_one_sentence() {
        let verdict = judged(vec![row(5_000, PortPath::FilteredBack, 16, 0)]);
        let expected = "filtered on the way back: 16 of 16 arrived there, 0 of 16 replies came";
        assert_eq!(verdict.verdict, expected);
        assert_eq!(verdict.could_also_be.len(), 1);
        let verdict = judged(vec![row(5_000, PortPath::FilteredOut, 0, 0)]);
        assert_eq!(verdict.verdict, "filtered on the way out: 0 of 16 arrived there");
    }

    #[test]
    fn ports_of_one_fate_are_told_together_and_the_stopped_first() {
        let word = IcmpWord {
            icmp_type: 3,
            icmp_code: 13,
            meaning: "communication administratively prohibited".to_owned(),
            said_by: "192.0.2.1".parse().ok(),
            count: 4,
        };
        let rejected = PortRow { icmp_out: Some(word), ..row(5_002, PortPath::RejectedOut, 0, 0) };
        let verdict = judged(vec![
            row(5_000, PortPath::Passes, 16, 16),
            row(5_001, PortPath::Passes, 16, 15),
            rejected,
            row(5_003, PortPath::FilteredOut, 0, 0),
        ]);
        assert_eq!(
            verdict.verdict,
            "2 of 4 ports pass both ways; filtered on the way out: 5003; rejected on the way out: \
             5002"
        );
        assert_eq!(
            verdict.evidence,
            [
                "5003 filtered on the way out: 0 of 16 arrived there",
                "5002 rejected on the way out: communication administratively prohibited (3/13), \
                 said by 192.0.2.1; 0 of 16 arrived there",
                "5000-5001 passes both ways: 32 of 32 arrived there, 31 of 32 replies came",
            ]
        );
        assert_eq!(verdict.doubt, ["ports that pass lost 0 on the way out and 1 on the way back"]);
    }

    #[test]
    fn what_was_changed_on_the_way_is_evidence() {
        let mut changed = row(5_000, PortPath::Passes, 16, 16);
        changed.source_seen = "203.0.113.1:61000".parse().ok();
        changed.source_port_changed = Some(true);
        changed.arrived_at = Some(6_000);
        changed.dscp_out = Some(46);
        let mut report = PortsReport {
            tries: 3,
            source: "10.0.0.2:4000".parse().ok(),
            ports: vec![changed],
            ..PortsReport::default()
        };
        judge(&mut report);
        assert_eq!(
            report.verdict.evidence,
            [
                "sent to port 5000, arrived at port 6000: redirected on the way",
                "the source 10.0.0.2:4000 arrived as 203.0.113.1:61000: a NAT or a relay is on the way",
                "DSCP 0 arrives as EF(46) on the way out",
            ]
        );
        assert!(report.verdict.doubt[0].starts_with("3 tries a port"));
    }

    #[test]
    fn a_long_list_of_ports_is_cut_and_counted() {
        let names = named((0..100).map(|number| 5_000 + 2 * number));
        assert!(names.len() < 70 && names.ends_with(" ... (100 ports)"), "{names}");
        assert_eq!(named([53, 54, 55, 80].into_iter()), "53-55,80");
    }
}
