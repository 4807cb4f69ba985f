//! All kinds of `probe` as text: a verdict each, and what was left out.

use super::{labelled, wrapped};
use crate::record::probe::AllReport;
use crate::units::Nanos;

/// The whole report.
pub fn all_text(report: &AllReport) -> String {
    let target = report.target.map(|target| target.to_string()).unwrap_or_default();
    let helper = if report.helper { "helper" } else { "no helper" };
    let took = Nanos(report.duration_ns);
    let mut text = format!("udpkit probe {}   {helper} at {target}   {took}\n\n", report.host);
    let verdicts = report.verdicts();
    for (kind, verdict) in &verdicts {
        text.push_str(&labelled(kind, std::slice::from_ref(&verdict.verdict)));
    }
    let left_out: Vec<String> = report
        .left_out
        .iter()
        .map(|left| format!("{}: {}; {}", left.kind, left.why, left.command))
        .collect();
    if !left_out.is_empty() {
        text.push('\n');
        text.push_str(&labelled("left out", &left_out));
    }
    if report.interrupted {
        text.push_str(&wrapped("  doubt: ", 9, "interrupted"));
    }
    for (kind, verdict) in verdicts {
        for doubt in &verdict.doubt {
            text.push_str(&wrapped("  doubt: ", 9, &format!("{kind}: {doubt}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::{LeftOut, PortsReport, Verdict};

    #[test]
    fn each_kind_has_its_verdict_and_what_is_left_out_its_command() {
        let mut verdict = Verdict::new("passes both ways: ".to_owned() + &"8 of 8 ".repeat(20));
        verdict.doubt = vec!["few tries".to_owned()];
        let report = AllReport {
            host: "host.example".to_owned(),
            target: "192.0.2.1:8620".parse().ok(),
            helper: true,
            ports: Some(PortsReport { verdict, ..PortsReport::default() }),
            left_out: vec![LeftOut {
                kind: "timeout",
                why: "silences beyond 5 s take longer".to_owned(),
                command: "udpkit probe timeout host.example".to_owned(),
            }],
            ..AllReport::default()
        };
        let text = all_text(&report);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("\n  ports      passes both ways"), "{text}");
        assert!(text.contains("\n  left out   timeout: silences beyond 5 s"), "{text}");
        assert!(text.ends_with("\n  doubt: ports: few tries\n"), "{text}");
    }
}
