//! What the examples of the documents need in a lab: hosts and addresses, the rules of firewalls and
//! routers, and the commands at other hosts. A document names a scenario in the line before an
//! example, with the host that it runs on: `<!-- lab: SCENARIO on HOST -->`.

use Part::{Behind, Opens, Run, Shown};
use Ready::{AtOnce, Bound, Joined, Says};
use Setup::{Nft, RulesShown, Shell};
use Topology::{Fanout, Nat, Pair, Path, TwoLinks, Wire};

/// A lab, and what is played in it.
pub struct Scenario {
    pub name: &'static str,
    pub topology: Topology,
    pub load: Load,
    /// Programs that it needs, beside those of every lab.
    pub tools: &'static [&'static str],
    pub setup: &'static [Setup],
    /// Shell commands before the first one of every part, in the folder that all parts share.
    pub prepare: &'static str,
    /// One after the other.
    pub parts: &'static [Part],
}

/// Labs of `scripts/lab`, with documentation addresses put in.
#[derive(Clone, Copy, PartialEq)]
pub enum Topology {
    /// `a` 192.0.2.1, `b` 192.0.2.10 and 192.0.2.11.
    Pair,
    /// As `Pair`, without offload.
    Wire,
    /// `client` 198.51.100.2, `router` 198.51.100.1 and 203.0.113.1, `server` 192.0.2.10 and
    /// 192.0.2.11. The router masquerades.
    Nat,
    /// `client` 198.51.100.2, `r1` 198.51.100.1 and 203.0.113.1, `r2` 203.0.113.2 and 192.0.2.1,
    /// `server` 192.0.2.10 and 192.0.2.11, without offload.
    Path,
    /// As `Path`, with a second link between the routers, 203.0.113.65 and 203.0.113.66; each flow of
    /// the client takes one of both.
    TwoLinks,
    /// `s` 192.0.2.1, `r1` 192.0.2.11, `r2` 192.0.2.12, ... and `switch`, without offload.
    Fanout(u32),
}

/// What it does to this machine.
#[derive(Clone, Copy, PartialEq)]
pub enum Load {
    /// Mostly waits.
    Waits,
    /// Keeps a processor busy.
    Works,
    /// Waits for half a minute and longer.
    Long,
}

/// A rule of a host, loaded before anything runs.
pub enum Setup {
    /// Shell commands on a host.
    Shell(&'static str, &'static str),
    /// Rules of nftables on a host, in a chain of this hook.
    Nft(&'static str, &'static str, &'static [&'static str]),
    /// The rules that the document shows before the example.
    RulesShown,
}

/// Something that runs on a host.
pub enum Part {
    /// A command that the document does not show and the later parts need.
    Behind(&'static str, &'static str, Ready),
    /// As [`Part::Behind`], run to its end, which must be a success.
    Run(&'static str, &'static str),
    /// The next example on this host, run to its end.
    Shown(&'static str),
    /// The next example on this host, which the later parts need.
    Opens(&'static str, Ready, Until),
}

/// When the next part may begin.
#[derive(Debug)]
pub enum Ready {
    AtOnce,
    /// A socket has this port.
    Bound(u16),
    /// The host is a member of this group.
    Joined(&'static str),
    /// This text has been printed.
    Says(&'static str),
}

/// How an example ends that others need.
#[derive(Clone, Copy, PartialEq)]
pub enum Until {
    /// By itself.
    End,
    /// By a signal, after what it shows was printed.
    Stopped,
}

const PLAIN: Scenario = Scenario {
    name: "",
    topology: Pair,
    load: Load::Waits,
    tools: &[],
    setup: &[],
    prepare: "",
    parts: &[Behind("b", "udpkit serve", Bound(8620)), Shown("a")],
};

/// The server at the end of a path or behind a NAT, and an example at its beginning.
const FROM_CLIENT: &[Part] = &[Behind("server", "udpkit serve", Bound(8620)), Shown("client")];

const KEYS: &str = "umask 077
    echo 0123456789abcdef0123456789abcdef > secret.key
    echo fedcba9876543210fedcba9876543210 > other.key";

const GROUP_RECEIVER: &str = "udpkit cast recv 239.1.2.3:5000 --idle 3s -q";

/// All scenarios; each has an example.
pub const SCENARIOS: &[Scenario] = &[
    // --- two hosts
    Scenario { name: "server", ..PLAIN },
    Scenario { name: "server-without-offload", topology: Wire, ..PLAIN },
    Scenario { name: "server-under-load", load: Load::Works, ..PLAIN },
    Scenario {
        name: "server-shown",
        load: Load::Works,
        parts: &[Opens("b", Bound(8620), Until::Stopped), Shown("a")],
        ..PLAIN
    },
    Scenario {
        name: "replies-lost",
        topology: Wire,
        setup: &[Nft("a", "input", &["udp sport 8620 numgen inc mod 10 9 drop"])],
        ..PLAIN
    },
    Scenario {
        name: "own-firewall",
        setup: &[Nft("a", "output", &["udp dport 9000 drop"])],
        parts: &[Shown("a")],
        ..PLAIN
    },
    Scenario {
        name: "server-with-key",
        prepare: KEYS,
        parts: &[Behind("b", "udpkit serve --key secret.key", Bound(8620)), Shown("a")],
        ..PLAIN
    },
    Scenario {
        name: "iperf3-server",
        tools: &["iperf3"],
        parts: &[Behind("b", "iperf3 -s --forceflush", Says("Server listening")), Shown("a")],
        ..PLAIN
    },
    Scenario {
        name: "udpstp-server",
        parts: &[Behind("b", "udpkit serve --udpstp", Bound(24_601)), Shown("a")],
        ..PLAIN
    },
    // Flows take one of four ways in turn, and one of these drops every fifth datagram.
    Scenario {
        name: "one-bad-path",
        load: Load::Works,
        topology: Wire,
        setup: &[Nft(
            "b",
            "input",
            &[
                "ct state new ct mark set numgen inc mod 4",
                "ct mark 0 udp length 1480 numgen inc mod 5 0 drop",
            ],
        )],
        ..PLAIN
    },
    Scenario {
        name: "shaped-interface",
        load: Load::Works,
        setup: &[Shell(
            "a",
            "tc qdisc replace dev eth0 root tbf rate 100mbit burst 15kb latency 30ms",
        )],
        ..PLAIN
    },
    // --- two routers
    Scenario {
        name: "bottleneck",
        topology: Path,
        load: Load::Works,
        setup: &[Shell(
            "r1",
            "tc qdisc replace dev wan root tbf rate 100mbit burst 15kb latency 30ms",
        )],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "two-queues",
        topology: Path,
        load: Load::Works,
        setup: &[
            Shell(
                "r1",
                "tc qdisc replace dev wan root handle 1: htb default 1
                 tc class add dev wan parent 1: classid 1:1 htb rate 1gbit quantum 9000
                 tc class add dev wan parent 1: classid 1:2 htb rate 7mbit burst 5kb",
            ),
            Nft(
                "r1",
                "forward",
                &["oifname wan udp length 1480 ip ecn { not-ect, ect0 } meta priority set 1:2"],
            ),
        ],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "two-links",
        topology: TwoLinks,
        setup: &[Nft("r2", "prerouting", &["iifname low udp dport 8620 numgen inc mod 5 0 drop"])],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "default-ports",
        topology: Path,
        parts: &[
            Behind(
                "server",
                "udpkit serve \
                 --probe-ports 1194,3478,4500,5060,10000,33434,51820,63000-63248",
                Bound(8620),
            ),
            Shown("client"),
        ],
        ..PLAIN
    },
    Scenario { name: "no-agent", topology: Path, parts: &[Shown("client")], ..PLAIN },
    Scenario {
        name: "filtered-ports",
        topology: Path,
        setup: &[Nft(
            "r2",
            "forward",
            &[
                "iifname lan udp dport 5001 drop",
                "iifname wan udp sport 5002 drop",
                "iifname lan udp dport 5003 reject with icmpx type admin-prohibited",
            ],
        )],
        parts: &[Opens("server", Bound(8620), Until::Stopped), Shown("client")],
        ..PLAIN
    },
    Scenario {
        name: "scan",
        topology: Path,
        tools: &["dnsmasq"],
        setup: &[Nft(
            "r2",
            "forward",
            &["udp dport 6000 drop", "udp dport 6001 reject with icmpx type admin-prohibited"],
        )],
        parts: &[
            Behind("server", "udpkit serve", Bound(8620)),
            Behind(
                "server",
                "dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
                 --user=root --pid-file=dnsmasq.pid",
                Bound(53),
            ),
            Shown("client"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "black-hole",
        topology: Path,
        setup: &[
            Shell("r1", "ip link set wan mtu 1280"),
            Shell("r2", "ip link set lan mtu 1280"),
            Nft("r1", "output", &["icmp type destination-unreachable drop"]),
        ],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "marks",
        topology: Path,
        setup: &[Nft(
            "r1",
            "forward",
            &[
                "iifname lan ip dscp ef ip dscp set cs0",
                "iifname wan ip ecn ect0 ip ecn set not-ect",
            ],
        )],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "policer",
        topology: Path,
        setup: &[Nft(
            "r1",
            "forward",
            &[
                "iifname lan udp dport 5000-5003 limit rate over 200/second burst 20 packets drop",
                "iifname lan udp dport 5000-5003 @th,96,32 0x2112a442 drop",
            ],
        )],
        parts: &[
            Behind("server", "udpkit serve --probe-ports 5000-5003", Bound(8620)),
            Shown("client"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "port-dropped",
        topology: Path,
        setup: &[Nft("r2", "forward", &["udp dport 8620 drop"])],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "stun-request",
        topology: Path,
        prepare: r"printf '\0\1\0\20\x21\x12\xa4\x42aaaaaaaaaaaa\x80\x22\0\14udpkit tests' > request",
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "limits-of-a-server",
        topology: Path,
        prepare: KEYS,
        parts: &[
            Opens("server", Bound(8620), Until::Stopped),
            Run("client", "udpkit blast 192.0.2.10 --key secret.key -b 1M -t 200ms -q"),
        ],
        ..PLAIN
    },
    // --- a NAT
    Scenario { name: "nat", topology: Nat, parts: FROM_CLIENT, ..PLAIN },
    Scenario { name: "idle-nat", topology: Nat, load: Load::Long, parts: FROM_CLIENT, ..PLAIN },
    Scenario {
        name: "symmetric-nat",
        topology: Nat,
        setup: &[Shell(
            "router",
            "nft flush chain inet lab translate
             nft add rule inet lab translate meta nfproto ipv4 oifname wan masquerade fully-random",
        )],
        parts: FROM_CLIENT,
        ..PLAIN
    },
    Scenario {
        name: "keep-alive",
        topology: Nat,
        parts: &[
            Behind("server", "udpkit recv 192.0.2.10:9000 -c 1 -q --out got", Bound(9000)),
            Opens("client", AtOnce, Until::Stopped),
            Run("server", "until [ \"$(cat got)\" = keepalive ]; do sleep 0.02; done"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "stun-server",
        topology: Nat,
        parts: &[
            Opens("server", Bound(3478), Until::Stopped),
            Run("client", "udpkit probe nat 192.0.2.10:3478 --sockets 2 -q"),
        ],
        ..PLAIN
    },
    // Each host has a mount namespace of its own for these names.
    Scenario {
        name: "two-stun-servers",
        topology: Nat,
        prepare: "echo 192.0.2.10 stun.example > hosts
             echo 192.0.2.11 other.example >> hosts
             mount --bind hosts /etc/hosts",
        parts: &[
            Behind("server", "udpkit serve 192.0.2.10:3478 --stun-alternate none", Bound(3478)),
            Behind("server", "udpkit serve 192.0.2.11:3478 --stun-alternate none", AtOnce),
            Shown("client"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "rewritten-marks",
        topology: Nat,
        setup: &[Nft("router", "forward", &["oifname wan ip dscp ef ip dscp set cs1"])],
        parts: &[Opens("server", Bound(9000), Until::End), Shown("client")],
        ..PLAIN
    },
    Scenario {
        name: "mtu-1400",
        topology: Nat,
        setup: MTU_1400,
        parts: &[ECHO, Shown("client"), Shown("client")],
        ..PLAIN
    },
    Scenario {
        name: "mtu-1400-once",
        topology: Nat,
        setup: MTU_1400,
        parts: &[ECHO, Shown("client")],
        ..PLAIN
    },
    // --- groups
    Scenario {
        name: "group-with-losses",
        topology: Fanout(5),
        setup: &[
            Nft("r2", "input", &["udp dport 5000 numgen random mod 100 < 1 drop"]),
            Nft("r3", "input", &["udp dport 5000 numgen random mod 100 < 5 drop"]),
            Nft("r4", "input", &["udp dport 5000 numgen random mod 100 < 10 drop"]),
            Nft("r5", "input", &["udp dport 5000 numgen random mod 100 < 50 drop"]),
        ],
        parts: &[
            Behind("r1", GROUP_RECEIVER, Joined("239.1.2.3")),
            Behind("r3", GROUP_RECEIVER, Joined("239.1.2.3")),
            Behind("r4", GROUP_RECEIVER, Joined("239.1.2.3")),
            Behind("r5", GROUP_RECEIVER, Joined("239.1.2.3")),
            Opens("r2", Joined("239.1.2.3"), Until::End),
            Shown("s"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "several-destinations",
        topology: Fanout(3),
        parts: &[
            Behind("r1", "udpkit cast recv :5000 -q", Bound(5000)),
            Behind("r2", "udpkit cast recv :5000 -q", Bound(5000)),
            Behind("r3", "udpkit cast recv :5000 -q", Bound(5000)),
            Shown("s"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "many-groups",
        topology: Fanout(1),
        parts: &[
            Opens("r1", Joined("239.2.0.199"), Until::Stopped),
            Run(
                "s",
                "udpkit cast send 239.2.0.0-199:5000 '[ff15::1%eth0]:5000' -s 100 -c 10 \
                 --receivers 201 -w 5s -q",
            ),
        ],
        ..PLAIN
    },
    Scenario {
        name: "content",
        topology: Fanout(1),
        prepare: "[ -e movie.bin ] || head -c 3000000 /dev/urandom > movie.bin",
        setup: &[Nft(
            "r1",
            "input",
            &["ip daddr 239.1.2.3 udp dport 5000 numgen inc mod 10 0 drop"],
        )],
        parts: &[Opens("r1", Joined("239.1.2.3"), Until::End), Shown("s")],
        ..PLAIN
    },
    Scenario {
        name: "subscribers",
        topology: Fanout(2),
        parts: &[
            Opens("s", Bound(8620), Until::End),
            Opens("r1", Says("receiving"), Until::End),
            Shown("r2"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "expected",
        topology: Fanout(1),
        parts: &[
            Opens("r1", Joined("239.1.2.3"), Until::End),
            Run("s", "udpkit cast send 239.1.2.3:5000 -s 1000 -c 1500 -b 10M -q"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "group-dropped",
        topology: Fanout(1),
        setup: &[RulesShown],
        parts: &[Opens("r1", Says("answering for"), Until::Stopped), Shown("s")],
        ..PLAIN
    },
    Scenario {
        name: "no-querier",
        topology: Fanout(1),
        load: Load::Long,
        setup: &[
            Shell("switch", "ip link set br0 type bridge mcast_snooping 1 mcast_igmp_version 3"),
            Shell("switch", "ip link set br0 type bridge mcast_membership_interval 2000"),
            // Without a querier that was heard once, a bridge floods every group.
            Shell(
                "switch",
                "ip link set br0 type bridge mcast_query_response_interval 10 \
                 mcast_query_interval 60000 mcast_startup_query_interval 60000 \
                 mcast_startup_query_count 1
                 ip link set br0 type bridge mcast_querier 1",
            ),
        ],
        parts: &[
            Behind("s", "udpkit cast send 239.1.2.3:5000 -s 100 -c 0 -i 150ms -q", AtOnce),
            Shown("r1"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "bad-switch-port",
        topology: Fanout(3),
        setup: &[RulesShown],
        parts: &[
            Behind("r1", GROUP_RECEIVER, Joined("239.1.2.3")),
            Behind("r2", GROUP_RECEIVER, Joined("239.1.2.3")),
            Behind("r3", GROUP_RECEIVER, Joined("239.1.2.3")),
            Shown("s"),
        ],
        ..PLAIN
    },
];

const MTU_1400: &[Setup] =
    &[Shell("router", "ip link set wan mtu 1400"), Shell("server", "ip link set eth0 mtu 1400")];

const ECHO: Part = Behind("server", "udpkit recv 192.0.2.10:9000 --echo -q", Bound(9000));
