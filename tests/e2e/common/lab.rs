//! Networks of namespaces, built by `scripts/lab` and removed after the test.

use super::process::{Running, run};
use super::{path, ports, secs, wait_until};
use std::env;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

/// What an nftables rule does to a datagram so that its checksum is wrong: it changes the payload by
/// one. With any fixed value, one datagram in 65,536 would keep its checksum, and where the changed
/// field is a time, all of one second would.
pub const DAMAGED: &str = "@th,96,32 set @th,96,32 ^ 1";

/// A running lab; dropping it, also in a panic, removes it.
///
/// Addresses are those of `scripts/lab help`: a pair is `a` 10.77.0.1 and `b` 10.77.0.2.
pub struct Lab {
    name: String,
}

/// The kernel's UDP counters of one namespace and address family, named as in `/proc/net/snmp`.
/// They count datagrams, not packets: a coalesced buffer counts once per segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounters {
    pub in_datagrams: u64,
    pub no_ports: u64,
    pub in_errors: u64,
    pub out_datagrams: u64,
    pub rcvbuf_errors: u64,
    pub sndbuf_errors: u64,
    pub in_csum_errors: u64,
}

impl Lab {
    /// Hosts `a` and `b` on one link.
    pub fn pair() -> Self {
        Self::up("pair", &[])
    }

    /// Host `client` behind a masquerading `router`, and `server` outside.
    pub fn nat() -> Self {
        Self::up("nat", &[])
    }

    /// Sender `s` and receivers `r1` to `rN` on one bridge.
    pub fn fanout(receivers: u32) -> Self {
        Self::up("fanout", &["--receivers", &receivers.to_string()])
    }

    /// Host `client`, routers `r1` and `r2`, and `server`, in one line; the routers only route.
    pub fn path() -> Self {
        Self::up("path", &[])
    }

    /// `scripts/lab impair` for this lab, with these options of the relay.
    pub fn impair(&self, options: &[&str]) -> Command {
        let mut command = script();
        command.args(["impair", "--name", &self.name]).args(options);
        command.env("UDPKIT", env!("CARGO_BIN_EXE_udpkit"));
        command
    }

    /// Any topology, with options of `scripts/lab up` such as `--no-offload`.
    pub fn up(topology: &str, options: &[&str]) -> Self {
        Self::try_up(topology, options).unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`Lab::up`]; the error is the script's output.
    pub fn try_up(topology: &str, options: &[&str]) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{count}", process::id());
        let mut up = script();
        let output = run(up.args(["up", topology, "--name", &name]).args(options), secs(30));
        if !output.success() {
            return Err(format!("cannot bring up a lab: {}", output.err().trim()));
        }
        Ok(Self { name })
    }

    /// The network namespace of a host of this lab.
    pub fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    /// A command to run on `host`; its process is the program itself.
    pub fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host), program]);
        command
    }

    /// The built binary, to run on `host`.
    pub fn udpkit(&self, host: &str) -> Command {
        self.command(host, env!("CARGO_BIN_EXE_udpkit"))
    }

    /// The server on `host`, once it serves.
    pub fn serve(&self, host: &str, args: &[&str]) -> Running {
        let server = Running::start(self.udpkit(host).arg("serve").args(args));
        server.wait_for_line("serving on", secs(10));
        server
    }

    /// This test binary, to run as a program on `host`: the ignored test of that name in `module`
    /// (what `module_path!()` says), and nothing else.
    pub fn ignored_test(&self, host: &str, module: &str, name: &str) -> Command {
        let binary = env::current_exe().expect("this binary has a path");
        let (_, module) = module.split_once("::").expect("a module below the crate");
        let mut command = self.command(host, &binary.display().to_string());
        command.args(["--ignored", "--exact", "--nocapture", &format!("{module}::{name}")]);
        command
    }

    /// Runs a shell script on `host` and returns what it printed; panics if it fails.
    pub fn shell(&self, host: &str, script: &str) -> String {
        run(self.command(host, "sh").args(["-c", script]), secs(10)).expect_success().out()
    }

    /// What a command without quotes prints on `host`. In the host's network, but with this
    /// machine's `/sys` and no shell, which costs less, for what is asked again and again.
    fn look(&self, host: &str, command: &str) -> String {
        let mut look = Command::new("nsenter");
        look.arg(format!("--net=/run/netns/{}", self.namespace(host)));
        run(look.args(command.split_whitespace()), secs(10)).expect_success().out()
    }

    /// Loads nftables commands or a ruleset on `host`.
    pub fn nft(&self, host: &str, rules: &str) {
        self.try_nft(host, rules).unwrap_or_else(|why| panic!("{why}\n{rules}"));
    }

    /// Adds a rule for what comes to `host`, before its kernel has looked at it; what it counts is
    /// counted by `dropped` in `inet t`.
    pub fn nft_early(&self, host: &str, rule: &str) {
        self.nft(
            host,
            &format!(
                "add table inet t
                 add counter inet t dropped
                 add chain inet t early {{ type filter hook prerouting priority -300; }}
                 add rule inet t early {rule}\n"
            ),
        );
    }

    /// As [`Lab::nft`]; the error is nft's output.
    pub fn try_nft(&self, host: &str, rules: &str) -> Result<(), String> {
        let mut nft = Running::start_with_input(self.command(host, "nft").args(["-f", "-"]));
        nft.write(rules);
        nft.close_input();
        let output = nft.wait(secs(10));
        output.success().then_some(()).ok_or_else(|| format!("nft: {}", output.err().trim()))
    }

    /// Packets and bytes of a named counter; `table` includes the family, as in `inet lab`.
    pub fn counter(&self, host: &str, table: &str, name: &str) -> (u64, u64) {
        let listed = self.look(host, &format!("nft -j list counter {table} {name}"));
        let listed = super::json(&listed);
        let counter = path(&listed, "nftables")
            .as_array()
            .and_then(|objects| objects.iter().find_map(|object| object.get("counter")))
            .unwrap_or_else(|| panic!("no counter in {listed}"));
        let number = |key| path(counter, key).as_u64().expect("a counter is a number");
        (number("packets"), number("bytes"))
    }

    /// The kernel's UDP counters over IPv4.
    pub fn snmp(&self, host: &str) -> UdpCounters {
        parse_snmp(&self.look(host, "cat /proc/net/snmp"))
    }

    /// The kernel's UDP counters over IPv6.
    pub fn snmp6(&self, host: &str) -> UdpCounters {
        parse_snmp6(&self.look(host, "cat /proc/net/snmp6"))
    }

    /// Waits until a socket on `host` is bound to the UDP port, for five seconds at most.
    pub fn wait_bound(&self, host: &str, port: u16) {
        ports::wait_until_bound(&format!("{host} of {}", self.name), port, || {
            self.shell(host, "cat /proc/net/udp /proc/net/udp6 2>/dev/null || true")
        });
    }

    /// Waits until `host` is a member of the group (`239.7.7.7`, `ff15::7`), for five seconds at
    /// most.
    pub fn wait_joined(&self, host: &str, group: &str) {
        let group: IpAddr = group.parse().expect("the address of a group");
        wait_until(&format!("{group} joined by {host} of {}", self.name), secs(5), || {
            let joined = self.look(host, "ip maddress show");
            joined.split_whitespace().any(|word| word.parse() == Ok(group))
        });
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = script().args(["down", "--name", &self.name]).output();
    }
}

/// Parses `/proc/net/snmp`: a line of names and a line of values per protocol.
pub fn parse_snmp(text: &str) -> UdpCounters {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        panic!("no Udp lines in {text}")
    };
    let pairs: Vec<_> = names.split_whitespace().zip(values.split_whitespace()).collect();
    pick(|wanted| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value))
}

/// Parses `/proc/net/snmp6`: a name and a value per line.
pub fn parse_snmp6(text: &str) -> UdpCounters {
    pick(|wanted| {
        text.lines()
            .filter_map(|line| line.strip_prefix("Udp6")?.split_once(char::is_whitespace))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value.trim())
    })
}

fn pick<'a>(value: impl Fn(&str) -> Option<&'a str>) -> UdpCounters {
    let number = |name: &str| {
        let text = value(name).unwrap_or_else(|| panic!("the kernel has no counter {name}"));
        text.parse().unwrap_or_else(|_| panic!("{name} is {text}, not a number"))
    };
    UdpCounters {
        in_datagrams: number("InDatagrams"),
        no_ports: number("NoPorts"),
        in_errors: number("InErrors"),
        out_datagrams: number("OutDatagrams"),
        rcvbuf_errors: number("RcvbufErrors"),
        sndbuf_errors: number("SndbufErrors"),
        in_csum_errors: number("InCsumErrors"),
    }
}

fn script() -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts/lab"))
}
