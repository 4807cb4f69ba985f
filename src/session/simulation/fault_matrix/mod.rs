//! Every state machine under every fault of the matrix: one function runs them all, and
//! docs/testing.md has the table of what is held.
//!
//! Of each run it is held that it ends in its time; that the counts add up; that it succeeds, or
//! says why not where the fault allows that; and that no verdict accuses what is sound. A machine is
//! a [`Machine`] in the list below; its function runs it once and leaves its counts and verdicts in
//! the [`Trial`].
//!
//! `cargo test --lib fault_matrix -- --nocapture` prints how each run ended.

mod blast;
mod iperf3;
mod messages;
mod monitor;
mod page;
mod ping;
mod prober;
mod scenario;
mod services;
mod stat;
mod udpstp;

pub use scenario::{Scenario, Tap, reflector};

use crate::netsim::{Fault, Weather, runs};
use crate::session::blast::{ReceiverSummary, SenderSummary};
use crate::session::cast::{ANSWER, CAST, CHECK, HOLD, SUBSCRIPTION};
use crate::session::probe::fault_tests as probes;
use crate::session::probe::nat::NAT;
use crate::session::probe::trace::TRACE;
use crate::session::probe::{PATHS, SCAN};
use crate::units::Nanos;
use std::fmt::{Debug, Write};

/// Makes a test of each machine, and the list of all for the table.
macro_rules! matrix {
    ($($test:ident: $machine:expr,)*) => {
        /// All of them, in the order of the table.
        const MACHINES: &[Machine] = &[$($machine,)*];

        $(#[test]
        fn $test() {
            meet(&$machine);
        })*

        /// The same machines in runs with events, a thousand in all.
        mod events {
            use super::*;

            $(#[test]
            fn $test() {
                meet_events(&$machine, EVENTFUL);
            })*
        }
    };
}

matrix! {
    blast_up: blast::UP,
    blast_down: blast::DOWN,
    blast_both: blast::BOTH,
    blast_search: blast::SEARCH,
    blast_probe: prober::PROBER,
    iperf3_up: iperf3::UP,
    iperf3_down: iperf3::DOWN,
    iperf3_both: iperf3::BOTH,
    udpstp_up: udpstp::UP,
    udpstp_down: udpstp::DOWN,
    ping_stamp: ping::STAMP,
    ping_echo: ping::ECHO,
    ping_flood: ping::FLOOD,
    monitor: monitor::MONITOR,
    send: messages::SEND,
    recv: messages::RECV,
    cast_group: CAST,
    cast_subscribers: SUBSCRIPTION,
    cast_check: CHECK,
    cast_check_hold: HOLD,
    cast_check_answer: ANSWER,
    probe_ports: probes::PORTS,
    probe_marks: probes::MARKS,
    probe_mtu: probes::MTU,
    probe_shape: probes::SHAPE,
    probe_timeout: probes::TIMEOUT,
    probe_scan: SCAN,
    probe_trace: TRACE,
    probe_nat: NAT,
    probe_paths: PATHS,
    probe_mtu_without_agent: probes::MTU_WITHOUT_AGENT,
    serve: services::SERVE,
    stat: stat::STAT,
}

/// How long a standstill or a blackout is.
const EVENT: Nanos = Nanos::from_secs(2);

/// How often each machine meets events: a thousand runs in all.
const EVENTFUL: u64 = 40;

/// A state machine and its remote end, as they meet the matrix.
pub struct Machine {
    /// The command, or the part of it.
    pub name: &'static str,
    /// What answers it.
    pub against: &'static str,
    /// Under each fault it runs with so many seeds.
    pub seeds: u64,
    /// When standstills and blackouts begin: while it is at work.
    pub event_at: Nanos,
    /// In what simulated time a run ends, whatever happens.
    pub ends_within: Nanos,
    /// Under which faults a run may fail.
    pub may_fail: fn(Fault) -> bool,
    /// What it never says unless numbers are forged; the rest of "never ...".
    pub never: &'static str,
    /// Runs it once.
    pub run: fn(&mut Trial),
}

/// What is held of a machine under a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// It succeeds, all counts add up, and nothing sound is accused.
    Success,
    /// It succeeds or says why not; all counts add up, and nothing sound is accused.
    Fairness,
    /// Numbers reach it that nobody sent: it ends, and its own counts add up.
    End,
}

impl Machine {
    fn held(&self, fault: Fault) -> Held {
        match fault {
            _ if fault.forges() => Held::End,
            _ if (self.may_fail)(fault) => Held::Fairness,
            _ => Held::Success,
        }
    }
}

/// For machines that succeed under every fault that does not forge.
pub fn never_fails(_fault: Fault) -> bool {
    false
}

/// One run of a machine: a fault, a seed, and what is found wrong.
pub struct Trial<'a> {
    pub fault: Fault,
    pub seed: u64,
    machine: &'a Machine,
    /// The rules that were checked.
    rules: Vec<&'static str>,
    wrong: Vec<String>,
    is_concluded: bool,
}

impl<'a> Trial<'a> {
    fn new(machine: &'a Machine, fault: Fault, seed: u64) -> Self {
        let (rules, wrong) = (Vec::new(), Vec::new());
        Self { fault, seed, machine, rules, wrong, is_concluded: false }
    }

    /// What the fault means, with its event while this machine is at work.
    pub fn weather(&self) -> Weather {
        if self.fault == Fault::Events {
            let mut weather = Weather::eventful(self.seed, self.machine.event_at);
            if (self.machine.may_fail)(Fault::Nat) {
                weather.middlebox = None;
            }
            return weather;
        }
        let event = self.machine.event_at..self.machine.event_at + EVENT;
        self.fault.weather().with_event_at(&event)
    }

    /// Whether what the near host sends may be refused by ICMP.
    pub fn is_refused(&self) -> bool {
        !self.weather().refusals.is_empty()
    }

    /// Whether the near host itself may refuse what it sends.
    pub fn is_down(&self) -> bool {
        !self.weather().downs.is_empty()
    }

    /// Whether the near host may be known by another port, or address, in the midst of the run.
    pub fn is_forgotten(&self) -> bool {
        !self.weather().losses.is_empty()
    }

    /// In what simulated time the run ends.
    pub fn deadline(&self) -> Nanos {
        self.machine.ends_within
    }

    /// Whether numbers may have reached the machine that nobody sent.
    pub fn is_forged(&self) -> bool {
        self.fault.forges()
    }

    /// Own counts add up, whatever came: `whole` is the sum of `parts`.
    pub fn own_sum(&mut self, rule: &'static str, whole: u64, parts: &[u64]) {
        self.rules.push(rule);
        if parts.iter().try_fold(0u64, |sum, part| sum.checked_add(*part)) != Some(whole) {
            self.wrong.push(format!("{rule}: {whole} of {parts:?}"));
        }
    }

    /// The same for counts with a share of the far end's.
    pub fn sum(&mut self, rule: &'static str, whole: u64, parts: &[u64]) {
        if !self.is_forged() {
            self.own_sum(rule, whole, parts);
        }
    }

    /// An own count is not more than another, whatever came.
    pub fn own_at_most(&mut self, rule: &'static str, part: u64, whole: u64) {
        self.rules.push(rule);
        if part > whole {
            self.wrong.push(format!("{rule}: {part} of {whole}"));
        }
    }

    /// The same for counts with a share of the far end's.
    pub fn at_most(&mut self, rule: &'static str, part: u64, whole: u64) {
        if !self.is_forged() {
            self.own_at_most(rule, part, whole);
        }
    }

    /// The counts of a throughput run's near streams hold their identities.
    fn hold_streams(&mut self, sent: &[SenderSummary], received: &[ReceiverSummary]) {
        for SenderSummary { sent, .. } in sent {
            let refused = sent.refused.iter().map(|cause| cause.datagrams).sum();
            self.never(("refused here", refused), !self.is_down() && refused > 0);
            let parts = [sent.datagrams, sent.unsent, refused];
            self.own_sum("offered = sent + never sent", sent.offered, &parts);
        }
        for ReceiverSummary { received, .. } in received {
            let parts = [received.firsts, received.duplicates, received.too_late];
            self.own_sum("received = firsts + duplicates + too late", received.datagrams, &parts);
        }
    }

    /// What would be an accusation of what is sound is not said.
    pub fn never(&mut self, accusation: impl Debug, is_said: bool) {
        if is_said && !self.is_forged() {
            self.wrong.push(format!("says {accusation:?}"));
        }
    }

    /// Ends the trial: when the run was over, whether it failed, and what it said.
    ///
    /// # Panics
    /// When anything was wrong.
    pub fn conclude(
        &mut self,
        at: Nanos,
        failure: Option<&dyn Debug>,
        verdict: &dyn Debug,
        report: &dyn Debug,
    ) {
        let Machine { name, event_at, ends_within, .. } = self.machine;
        let fault = self.fault;
        match failure {
            None => println!("{name:16} {fault:<17?} {verdict:?}"),
            Some(why) => println!("{name:16} {fault:<17?} failed: {why:?}"),
        }
        if let (Some(why), Held::Success) = (failure, self.machine.held(fault)) {
            self.wrong.push(format!("fails: {why:?}"));
        }
        if at > *ends_within {
            self.wrong.push(format!("ends at {at} only"));
        }
        if fault.is_event() && failure.is_none() && at <= *event_at {
            self.wrong.push(format!("is over at {at}, before the fault"));
        }
        self.is_concluded = true;
        let wrong = self.wrong.iter().fold(String::new(), |mut list, one| {
            let _ = writeln!(list, "  {one}");
            list
        });
        let seed = self.seed;
        assert!(wrong.is_empty(), "{name} under {fault:?}, seed {seed}:\n{wrong}{report:#?}");
    }
}

/// Runs a machine under every fault of a path, with all its seeds.
pub fn meet(machine: &Machine) {
    let seeds = 1..=runs(machine.seeds);
    let faults = Fault::ALL.into_iter().filter(|fault| *fault != Fault::Events);
    meet_all(machine, faults.flat_map(|fault| seeds.clone().map(move |seed| (fault, seed))));
}

/// Runs it with events, with `usual` seeds.
pub fn meet_events(machine: &Machine, usual: u64) {
    meet_all(machine, (1..=runs(usual)).map(|seed| (Fault::Events, seed)));
}

/// Runs it with all of these; fails with the list of those that are wrong.
fn meet_all(machine: &Machine, trials: impl Iterator<Item = (Fault, u64)>) {
    let fails = |(fault, seed): &(Fault, u64)| {
        let trial = std::panic::AssertUnwindSafe(|| run(machine, *fault, *seed));
        std::panic::catch_unwind(trial).is_err()
    };
    let wrong: Vec<_> = trials.filter(fails).collect();
    assert!(wrong.is_empty(), "{}: wrong under {wrong:?}", machine.name);
}

/// Runs it once; returns the rules that its counts kept.
fn run(machine: &Machine, fault: Fault, seed: u64) -> Vec<&'static str> {
    println!("{} under {fault:?}, seed {seed}", machine.name);
    let mut trial = Trial::new(machine, fault, seed);
    (machine.run)(&mut trial);
    assert!(trial.is_concluded, "{} has no end", machine.name);
    trial.rules
}

#[test]
fn a_sum_that_is_wrong_a_false_accusation_and_a_failure_are_noticed() {
    fn wrong_under(fault: Fault) -> String {
        let machine = Machine { run: |_| {}, ..ping::STAMP };
        let mut trial = Trial::new(&machine, fault, 1);
        trial.own_sum("own", 3, &[1, 1]);
        trial.own_sum("too large", 3, &[u64::MAX, 4]);
        trial.sum("told", 3, &[1, 1]);
        trial.at_most("part", 4, 3);
        trial.never("accused", true);
        trial.never("not accused", false);
        trial.wrong.join("; ")
    }
    let own = "own: 3 of [1, 1]; too large: 3 of [18446744073709551615, 4]";
    let all = format!("{own}; told: 3 of [1, 1]; part: 4 of 3; says \"accused\"");
    assert_eq!(wrong_under(Fault::Loss), all);
    assert_eq!(wrong_under(Fault::Extremes), own);
}

/// With this seed a probe request asks for its answers minutes later, and its client goes.
#[test]
fn answers_that_a_forged_request_asks_for_are_waited_for() {
    run(&services::SERVE, Fault::Extremes, 87);
}

/// With this seed all five probes of the closed loop or their answers are lost.
#[test]
fn a_path_that_loses_every_probe_by_chance_is_no_failure() {
    run(&ping::FLOOD, Fault::HeavyLoss, 17);
}

#[test]
fn a_run_that_fails_ends_late_or_misses_the_fault_is_noticed() {
    let concluded = |fault: Fault, at: Nanos, failure: Option<&dyn Debug>| {
        let machine = Machine { run: |_| {}, ..ping::STAMP };
        let trial = std::panic::AssertUnwindSafe(|| {
            Trial::new(&machine, fault, 1).conclude(at, failure, &"", &"");
        });
        std::panic::catch_unwind(trial).is_ok()
    };
    let in_time = ping::STAMP.ends_within;
    assert!(concluded(Fault::Clean, in_time, None));
    assert!(!concluded(Fault::Clean, in_time + Nanos(1), None));
    assert!(!concluded(Fault::Clean, in_time, Some(&"why")));
    assert!(concluded(Fault::Blackout, in_time, None));
    assert!(!concluded(Fault::Blackout, Nanos(1), None));
}
