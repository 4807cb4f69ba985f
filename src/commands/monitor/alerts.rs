//! Runs the commands of thresholds, a few at a time, in threads of their own: the loop that sends
//! never waits for one.

use super::list::Commands;
use super::queue::Queue;
use crate::record::{MonitorChange, MonitorNews, Worded};
use crate::report;
use crate::report::words::monitor as words;
use crate::sys::error_text::io_error_text;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Commands that run at once, and those that wait for one of these to end.
const AT_ONCE: usize = 4;
const WAITING: usize = 64;
/// How long the end of the run waits for them.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A command with what it is told.
struct Alert {
    command: Arc<str>,
    facts: Vec<(&'static str, String)>,
}

/// The threads that run commands, none before the first.
pub(super) struct Alerts {
    commands: Commands,
    queue: Option<Queue<Alert>>,
    /// Those that wait or run.
    open: Arc<AtomicUsize>,
    skipped: u64,
}

impl Alerts {
    /// Commands by the thresholds' numbers.
    pub fn new(commands: Commands) -> Self {
        Self { commands, queue: None, open: Arc::default(), skipped: 0 }
    }

    /// A threshold is broken, or kept again: runs its command, if it has one.
    pub fn fire(&mut self, number: usize, news: &MonitorNews) {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(command) = commands.get(number).cloned().flatten() else { return };
        drop(commands);
        let alert = Alert { command, facts: facts(news) };
        let open = Arc::clone(&self.open);
        let queue = self.queue.get_or_insert_with(|| start(&open));
        self.open.fetch_add(1, Ordering::AcqRel);
        if !queue.push(alert, WAITING) {
            self.open.fetch_sub(1, Ordering::AcqRel);
            if self.skipped == 0 {
                report::warning(words::TOO_MANY_COMMANDS);
            }
            self.skipped += 1;
        }
    }

    /// Waits for the commands a while, and returns how many were not run.
    pub fn finish(self) -> u64 {
        if let Some(queue) = &self.queue {
            queue.close();
        }
        let since = Instant::now();
        while self.open.load(Ordering::Acquire) > 0 && since.elapsed() < LAST_WAIT {
            thread::sleep(Duration::from_millis(10));
        }
        self.skipped
    }
}

fn start(open: &Arc<AtomicUsize>) -> Queue<Alert> {
    let queue = Queue::<Alert>::default();
    for _ in 0..AT_ONCE {
        let (alerts, open) = (queue.clone(), Arc::clone(open));
        let work = move || {
            while let Some(alert) = alerts.next() {
                run(&alert);
                open.fetch_sub(1, Ordering::AcqRel);
            }
        };
        if let Err(error) = thread::Builder::new().name("alerts".to_owned()).spawn(work) {
            report::warning(words::no_threads(&io_error_text(&error)));
        }
    }
    queue
}

/// Runs a command to its end; standard output is the report's.
fn run(alert: &Alert) {
    let mut command = Command::new("sh");
    command.arg("-c").arg(&*alert.command).stdin(Stdio::null()).stdout(std::io::stderr());
    command.envs(alert.facts.iter().map(|(name, value)| (name, value)));
    let failed = match command.status() {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => io_error_text(&error),
    };
    report::warning(words::not_run(&alert.command, &failed));
}

/// What a command is told, in its environment.
fn facts(news: &MonitorNews) -> Vec<(&'static str, String)> {
    let address = news.address.map_or_else(String::new, |one| one.to_string());
    let mut facts = vec![
        ("UDPKIT_TARGET", news.target.clone()),
        ("UDPKIT_ADDRESS", address),
        ("UDPKIT_TIME_NS", news.time_ns.to_string()),
        ("UDPKIT_TEXT", news.change.text()),
    ];
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    match &news.change {
        MonitorChange::ThresholdBroken { condition, measured } => facts.extend([
            ("UDPKIT_STATE", "broken".to_owned()),
            ("UDPKIT_CONDITION", condition.to_string()),
            ("UDPKIT_PROBES", number(measured.probes)),
            ("UDPKIT_EXCEEDING", number(measured.exceeding)),
            ("UDPKIT_OUTAGE_NS", number(measured.outage_ns)),
        ]),
        MonitorChange::ThresholdHeld { condition, broken_ns } => facts.extend([
            ("UDPKIT_STATE", "held".to_owned()),
            ("UDPKIT_CONDITION", condition.to_string()),
            ("UDPKIT_BROKEN_NS", broken_ns.to_string()),
        ]),
        _ => {}
    }
    facts
}
