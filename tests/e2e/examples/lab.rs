//! Plays the examples of a scenario in a lab with the documents' addresses, beside the commands of
//! other hosts that they need.

use super::markdown::Block;
use super::play::{Host, Playing, place};
use super::scenarios::{Part, Ready, SCENARIOS, Scenario, Setup, Topology, Until};
use crate::common::{Lab, Output, Running, comes_true, run, secs, tool_available};
use std::path::Path;

/// Most seconds that a part may take.
const LONGEST_SECS: u64 = 90;

/// A scenario with the blocks that it plays, in the order of its shown parts.
pub struct Performance<'a> {
    pub scenario: &'static Scenario,
    pub blocks: Vec<&'a Block>,
}

/// The performances of these blocks. The errors are of blocks that name no scenario, or not the
/// hosts that it shows, and of scenarios without a block.
pub fn performances(blocks: &[Block]) -> (Vec<Performance<'_>>, Vec<String>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for block in blocks {
        let Some(stage) = &block.lab else { continue };
        if !SCENARIOS.iter().any(|scenario| scenario.name == stage.scenario) {
            faults.push(format!("{}: no scenario {}", place(block), stage.scenario));
        }
    }
    for scenario in SCENARIOS {
        let shown: Vec<_> = scenario.parts.iter().filter_map(shown_host).collect();
        let own = blocks
            .iter()
            .filter(|block| block.lab.as_ref().is_some_and(|lab| lab.scenario == scenario.name));
        let own: Vec<_> = own.collect();
        if own.is_empty() {
            faults.push(format!("no example of the scenario {}", scenario.name));
        }
        for blocks in own.chunks(shown.len()) {
            match in_order(blocks, &shown) {
                Some(blocks) => found.push(Performance { scenario, blocks }),
                None => faults.push(format!(
                    "{}: the scenario {} shows blocks on: {}",
                    place(blocks[0]),
                    scenario.name,
                    shown.join(" ")
                )),
            }
        }
    }
    (found, faults)
}

fn shown_host(part: &Part) -> Option<&'static str> {
    match part {
        Part::Shown(host) | Part::Opens(host, ..) => Some(host),
        Part::Behind(..) | Part::Run(..) => None,
    }
}

/// One block for each host, in the order of the hosts, all of one document.
fn in_order<'a>(blocks: &[&'a Block], hosts: &[&str]) -> Option<Vec<&'a Block>> {
    let mut left = blocks.to_vec();
    let mut take = |host: &&str| {
        let at = left.iter().position(|block| {
            block.file == blocks[0].file && block.lab.as_ref().is_some_and(|lab| lab.host == *host)
        })?;
        Some(left.remove(at))
    };
    hosts.iter().map(&mut take).collect()
}

impl Performance<'_> {
    /// A tool that this machine does not have.
    pub fn missing(&self) -> Option<String> {
        self.scenario.tools.iter().find_map(|tool| tool_available(tool).err())
    }

    /// Whether one of its blocks has this in its place, or its scenario in its name.
    pub fn is_named(&self, text: &str) -> bool {
        self.scenario.name.contains(text) || self.blocks.iter().any(|b| place(b).contains(text))
    }

    /// Plays it; the result is what was printed, the error what differs.
    pub fn play(&self) -> Result<String, String> {
        let lab = build(self.scenario.topology);
        let folder = tempfile::tempdir().expect("a folder");
        for setup in self.scenario.setup {
            prepare(&lab, setup, &self.blocks);
        }
        let mut stage = Stage {
            lab: &lab,
            folder: folder.path(),
            prepare: self.scenario.prepare,
            behind: Vec::new(),
            open: Vec::new(),
            printed: String::new(),
        };
        let mut blocks = self.blocks.iter();
        for part in self.scenario.parts {
            let next = shown_host(part).and_then(|_| blocks.next().copied());
            stage.play(part, next).map_err(|why| stage.explain(&why))?;
        }
        stage.end()
    }
}

/// The hosts with all that runs on them.
struct Stage<'a> {
    lab: &'a Lab,
    folder: &'a Path,
    prepare: &'a str,
    behind: Vec<(&'static str, Running)>,
    open: Vec<(Playing<'a>, Until)>,
    printed: String,
}

impl<'a> Stage<'a> {
    fn play(&mut self, part: &Part, block: Option<&'a Block>) -> Result<(), String> {
        match part {
            Part::Behind(host, command, ready) => {
                let running = Running::start(&mut self.shell(host, &format!("exec {command}")));
                let is_ready = self.becomes(host, ready, |text| {
                    running.wait_for_stderr(secs(0), |err| err.contains(text))
                        || running.stdout_so_far().contains(text)
                });
                self.behind.push((command, running));
                is_ready
            }
            Part::Run(host, command) => {
                let output = run(&mut self.shell(host, command), secs(LONGEST_SECS));
                output.success().then_some(()).ok_or_else(|| described(command, &output))
            }
            Part::Shown(host) => {
                let block = block.expect("a block for each part that is shown");
                let playing = Playing::start(block, &self.host(host), LONGEST_SECS);
                playing.ends_within(secs(LONGEST_SECS + 5));
                self.printed += &playing.printed();
                playing.finish()
            }
            Part::Opens(host, ready, until) => {
                let block = block.expect("a block for each part that is shown");
                let playing = Playing::start(block, &self.host(host), LONGEST_SECS);
                let is_ready = self.becomes(host, ready, |text| playing.has_printed(text));
                self.open.push((playing, *until));
                is_ready
            }
        }
    }

    fn host(&self, name: &'a str) -> Host<'a> {
        Host { lab: self.lab, name, folder: self.folder, prepare: self.prepare }
    }

    fn shell(&self, host: &'static str, script: &str) -> std::process::Command {
        let mut command = self.host(host).command("bash");
        command.args(["-c", &format!("{}\n{script}", self.prepare)]);
        command
    }

    /// Waits until something on a host is ready for what comes next.
    fn becomes(
        &self,
        host: &str,
        ready: &Ready,
        mut has_printed: impl FnMut(&str) -> bool,
    ) -> Result<(), String> {
        let bound = |port: &u16| {
            let hex = format!(":{port:04X} ");
            self.lab.shell(host, "cat /proc/net/udp /proc/net/udp6").contains(&hex)
        };
        let joined = |group: &str| self.lab.shell(host, "ip maddress show").contains(group);
        let is_ready = comes_true(secs(10), || match ready {
            Ready::AtOnce => true,
            Ready::Bound(port) => bound(port),
            Ready::Joined(group) => joined(group),
            Ready::Says(text) => has_printed(text),
        });
        is_ready.then_some(()).ok_or_else(|| format!("{host} is not ready: {ready:?}"))
    }

    /// Ends what still runs and compares what it printed.
    fn end(mut self) -> Result<String, String> {
        for (playing, until) in std::mem::take(&mut self.open) {
            if until == Until::End {
                playing.ends_within(secs(LONGEST_SECS + 5));
            }
            self.printed += &playing.printed();
            let found = if until == Until::End { playing.finish() } else { playing.stop() };
            found.map_err(|why| self.explain(&why))?;
        }
        Ok(self.printed)
    }

    /// With the output of all that was played beside.
    fn explain(&self, why: &str) -> String {
        let mut text = format!("{why}{}", self.printed);
        for (playing, _) in &self.open {
            text += &format!("\nbeside:{}", playing.printed());
        }
        for (command, running) in &self.behind {
            let out = running.stdout_so_far();
            text += &format!("\nbehind: {command} (running: {})\n{out}", running.is_running());
        }
        text
    }
}

fn described(command: &str, output: &Output) -> String {
    format!("{command}: {}\n{}\n{}", output.status, output.out(), output.err())
}

// --- the lab -----------------------------------------------------------------------------------

fn build(topology: Topology) -> Lab {
    const GROUPS: &str = "ip route add 224.0.0.0/4 dev eth0\n\
                          ip route add 255.255.255.255/32 dev eth0";
    let lab;
    let readdress = |lab: &Lab, host: &str, device: &str, addresses: &[&str], routes: &str| {
        let mut script = format!("set -e\nip -4 address flush dev {device}\n");
        for address in addresses {
            script += &format!("ip address add {address}/24 brd + dev {device}\n");
        }
        lab.shell(host, &format!("{script}{routes}"));
    };
    match topology {
        Topology::Pair | Topology::Wire => {
            let options: &[&str] = if topology == Topology::Wire { &["--no-offload"] } else { &[] };
            lab = Lab::up("pair", options);
            readdress(&lab, "a", "eth0", &["192.0.2.1"], GROUPS);
            readdress(&lab, "b", "eth0", &["192.0.2.10", "192.0.2.11"], GROUPS);
        }
        Topology::Nat => {
            lab = Lab::nat();
            let out = "ip route add default via 198.51.100.1";
            readdress(&lab, "client", "eth0", &["198.51.100.2"], out);
            readdress(&lab, "router", "lan", &["198.51.100.1"], "");
            let out = "ip route add 192.0.2.0/24 dev wan";
            readdress(&lab, "router", "wan", &["203.0.113.1"], out);
            let back = "ip route add 203.0.113.0/24 dev eth0";
            readdress(&lab, "server", "eth0", &["192.0.2.10", "192.0.2.11"], back);
        }
        Topology::Path | Topology::TwoLinks => {
            lab = Lab::up("path", &["--no-offload"]);
            let out = "ip route add default via 198.51.100.1";
            readdress(&lab, "client", "eth0", &["198.51.100.2"], out);
            readdress(&lab, "r1", "lan", &["198.51.100.1"], "");
            let out = "ip route add default via 203.0.113.2";
            readdress(&lab, "r1", "wan", &["203.0.113.1"], out);
            let back = "ip route add default via 203.0.113.1";
            readdress(&lab, "r2", "lan", &["203.0.113.2"], back);
            readdress(&lab, "r2", "wan", &["192.0.2.1"], "");
            let back = "ip route add default via 192.0.2.1";
            readdress(&lab, "server", "eth0", &["192.0.2.10", "192.0.2.11"], back);
            if topology == Topology::TwoLinks {
                join_again(&lab);
            }
        }
        Topology::Fanout(receivers) => {
            let number = receivers.to_string();
            lab = Lab::up("fanout", &["--receivers", &number, "--no-offload"]);
            readdress(&lab, "s", "eth0", &["192.0.2.1"], GROUPS);
            for n in 1..=receivers {
                let address = format!("192.0.2.{}", 10 + n);
                readdress(&lab, &format!("r{n}"), "eth0", &[&address], GROUPS);
            }
        }
    }
    lab
}

/// Joins the routers by a second link; each flow of the client takes one of both.
fn join_again(lab: &Lab) {
    let r2 = lab.namespace("r2");
    lab.shell(
        "r1",
        &format!(
            "set -e
             ip link add low type veth peer name low netns {r2}
             ip address add 203.0.113.65/30 dev low
             ip link set low up
             ip nexthop add id 1 via 203.0.113.2 dev wan
             ip -n {r2} address add 203.0.113.66/30 dev low
             ip -n {r2} link set low up
             ip nexthop add id 2 via 203.0.113.66 dev low
             ip nexthop add id 3 group 1/2
             ip route replace 192.0.2.0/24 nhid 3
             echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy"
        ),
    );
    // The router on the second link answers from there.
    lab.shell(
        "r2",
        "for one in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$one; done
         echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
         echo 1 >/proc/sys/net/ipv4/icmp_errors_use_inbound_ifaddr",
    );
}

fn prepare(lab: &Lab, setup: &Setup, blocks: &[&Block]) {
    match setup {
        Setup::Shell(host, script) => drop(lab.shell(host, &format!("set -e\n{script}"))),
        Setup::Nft(host, hook, rules) => {
            let mut text = format!(
                "add table inet doc\n\
                 add chain inet doc {hook} {{ type filter hook {hook} priority -150; }}\n"
            );
            for rule in *rules {
                text += &format!("add rule inet doc {hook} {rule}\n");
            }
            lab.nft(host, &text);
        }
        Setup::RulesShown => {
            let rules = blocks.iter().map(|block| &block.rules).max_by_key(|rules| rules.len());
            for script in rules.into_iter().flatten() {
                let (_, rest) = script.split_once("scripts/lab run ").expect("it starts so");
                let (host, command) = rest.split_once(" -- ").expect("a command behind a host");
                lab.shell(host, command);
            }
        }
    }
}
