//! `probe HOST` as text: the verdict of each probe, what was left out, and the progress.

use crate::record::probe::{
    AllEvent, AllReport, KindVerdict, LeftOutReason, ProbeCaveat, ProbeKind,
};
use crate::record::{Flow, Sink, Worded};
use crate::report::guard::harmless_line;
use crate::report::progress::fitting;
use crate::report::words::far_end::no_agent;
use crate::report::words::probe_all::{agent_text, ended, left_out, progress};
use crate::report::words::progress::{at_most_left, whole_seconds};
use crate::report::{Page, note, status};
use crate::units::Nanos;
use console::Term;
use std::time::Instant;

/// The whole report.
pub fn all_text(report: &AllReport, page: Page) -> String {
    let took = Nanos(report.duration_ns);
    let head = format!("udpkit probe {}   {}   {took}", report.host, agent_text(report));
    let verdicts = report.verdicts();
    let mut blocks = vec![page.paragraph("", 2, &head)];
    let each = verdicts.iter();
    blocks.push(each.map(|one| page.labelled(one.kind.name(), &[one.verdict.text()])).collect());
    if let (Some(why), Some(target)) = (&report.no_agent, report.target) {
        let (error, hint) = no_agent(target, why);
        let hint = page.labelled("hint", hint.as_slice());
        blocks.push(format!("{}{hint}", page.labelled("no agent", &[error])));
    }
    blocks.push(format!(
        "{}{}{}",
        page.labelled("left out", &left_out(&report.left_out)),
        page.labelled("run alone", &alone(report)),
        page.labelled("caution", &cautions(report, &verdicts))
    ));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n")
}

/// The commands for what was left out, except those that need the missing remote agent.
fn alone(report: &AllReport) -> Vec<&str> {
    let left_out = report.left_out.iter();
    let own = left_out.filter(|left| left.reason != LeftOutReason::NoAgent);
    own.map(|left| left.command.as_str()).collect()
}

fn cautions(report: &AllReport, verdicts: &[KindVerdict<'_>]) -> Vec<String> {
    let interrupted = report.interrupted.then(|| ProbeCaveat::Interrupted.text());
    let of_kinds = verdicts.iter().flat_map(|found| {
        found.caveats.iter().map(|one| format!("{}: {}", found.kind, one.text()))
    });
    interrupted.into_iter().chain(of_kinds).collect()
}

/// `probe 192.0.2.1   3 s   at most 7 s left   nat running   ports, mtu done`, one line of the page;
/// the time since it began, and the one after which it ends.
pub fn all_progress_line(
    host: &str,
    ended: &[(ProbeKind, bool)],
    running: &[ProbeKind],
    (elapsed, limit): (Nanos, Nanos),
    page: Page,
) -> String {
    let mut parts = vec![format!("probe {host}   {}", whole_seconds(elapsed))];
    parts.extend((limit > elapsed).then(|| at_most_left(limit, elapsed)));
    parts.extend(progress(ended, running));
    fitting(&parts, "   ", page)
}

/// Shows which probes are running: on one line that is redrawn if standard error is a terminal,
/// with a line per probe otherwise.
pub struct AllProgress {
    host: String,
    /// The terminal to redraw on; `None` without one.
    term: Option<Term>,
    quiet: bool,
    began: Instant,
    limit: Nanos,
    ended: Vec<(ProbeKind, bool)>,
    running: Vec<ProbeKind>,
}

impl AllProgress {
    /// Progress that is printed, of probes that end within `limit`.
    pub fn shown(host: &str, limit: Nanos) -> Self {
        let term = Some(Term::stderr()).filter(Term::is_term);
        Self { term, quiet: false, ..Self::silent(host, limit) }
    }

    /// Progress that is not.
    pub fn silent(host: &str, limit: Nanos) -> Self {
        let (host, began) = (host.to_owned(), Instant::now());
        let (ended, running) = (Vec::new(), Vec::new());
        Self { host, term: None, quiet: true, began, limit, ended, running }
    }

    /// Clears the line, for the report that follows.
    pub fn clear(&mut self) {
        if let Some(term) = &self.term {
            // An error means that the terminal is gone.
            let _ = term.clear_line();
        }
    }

    fn line(&self, page: Page) -> String {
        let times = (self.began.elapsed().into(), self.limit);
        all_progress_line(&self.host, &self.ended, &self.running, times, page)
    }

    /// Says how it stands, as the user asked.
    pub fn status(&mut self) {
        self.clear();
        status(self.line(Page::new(Page::WIDEST)));
        self.draw();
    }

    /// Draws the line anew, as time goes on.
    pub fn draw(&self) {
        if let Some(term) = &self.term {
            let line = self.line(Page::new(usize::from(term.size().1)));
            let line = harmless_line(&line).to_string();
            let _ = term.clear_line();
            let _ = term.write_str(&line);
        }
    }
}

impl Sink<AllEvent> for AllProgress {
    fn take(&mut self, event: AllEvent) -> Flow {
        match event {
            AllEvent::Begun { kind } => self.running.push(kind),
            AllEvent::Ended { kind, found } => {
                self.running.retain(|other| *other != kind);
                self.ended.push((kind, found));
                if !self.quiet && self.term.is_none() {
                    note(format_args!("probe {}: {}", self.host, ended(kind, found)));
                }
            }
        }
        self.draw();
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_finished_and_running_kinds() {
        let mut progress = AllProgress::silent("192.0.2.1", Nanos::ZERO);
        for kind in [ProbeKind::Ports, ProbeKind::Nat, ProbeKind::Mtu, ProbeKind::Marks] {
            progress.take(AllEvent::Begun { kind });
        }
        let page = Page::new(80);
        assert_eq!(progress.line(page), "probe 192.0.2.1   0 s   ports, nat, mtu, marks running");
        for (kind, found) in [(ProbeKind::Mtu, true), (ProbeKind::Marks, false)] {
            progress.take(AllEvent::Ended { kind, found });
        }
        let line = "probe 192.0.2.1   0 s   ports, nat running   mtu done   marks no result";
        assert_eq!(progress.line(page), line);
    }
}
