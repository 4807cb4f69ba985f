//! `udpkit cast send`: from arguments to a socket and a run.

use super::door;
use super::targets::{Host, Role, expand, named_interfaces, needs_interface};
use super::warnings;
use crate::batch::{Dest, LocalRefusal, TxBatch};
use crate::cli::CastSendArgs;
use crate::commands::payload::{PayloadLimit, PayloadPlan};
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{self, FamilyChoice, SocketPlan, split_host_port};
use crate::record::{CastSent, Document, Worded};
use crate::report::{self, FanoutView, print_json, print_text};
use crate::session::{
    CastSender, CastSenderConfig, CastSenderEnd, CastSenderSummary, PayloadSource, Spacing,
};
use crate::units::{Nanos, Rate};
use crate::wire::{CONTROL_MAX, Ecn, Header, tos};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Datagrams of one batch.
const SLOTS: usize = 1024;
/// Payload bytes of one batch, beyond the largest datagram.
const ARENA: usize = 1 << 20;
/// How often the live table is drawn.
const FRAME: Nanos = Nanos::from_millis(250);

/// Runs `udpkit cast send`.
pub(super) fn run(mut args: CastSendArgs) -> anyhow::Result<Exit> {
    let host = Host::ask()?;
    let family = FamilyChoice::from(args.family);
    let addrs = expand(&args.groups, family, None)?;
    let interfaces = named_interfaces(&args.interface)?;
    let from = args.bind.as_deref().map(|text| read_from(text, &addrs, &host)).transpose()?;
    let targets = targets(&addrs, &interfaces, from.and_then(|from| from.0), &host)?;
    if !args.quiet {
        let ttl = args.ttl.unwrap_or(1);
        warnings::before_sending(&targets, ttl, &host).iter().for_each(report::warning);
    }
    // A run with an end in time needs none in numbers.
    if (args.time.is_some() || args.repeat.is_some()) && args.payload.count.is_none() {
        args.payload.count = Some(u64::from(reads_input(&args)));
    }
    let header = if args.no_header { 0 } else { Header::LEN };
    let limit = PayloadLimit::for_peers(&addrs).behind(header);
    let payload = PayloadPlan::new(&args.payload, limit)?;
    let plan = match &args.open {
        None => socket_plan(&args, &addrs, from.map_or(0, |from| from.1)),
        Some(open) => door::open_plan(socket_plan(&args, &addrs, 0), open, &addrs, family, &host)?,
    };

    let broadcast = |addr: &&SocketAddr| matches!(host.role(addr.ip()), Role::Broadcast(_));
    let config = CastSenderConfig {
        broadcasts: addrs.iter().filter(broadcast).filter_map(|addr| ipv4(addr.ip())).collect(),
        targets,
        names: host.names(),
        tag: (!args.no_header).then(random_u64).transpose()?.map(|number| number as u16),
        spacing: spacing(&args, &payload)?,
        time: args.time,
        receivers: args.receivers.unwrap_or(0),
        wait: args.wait,
        explain: net::explain,
        ear: (!args.no_header || args.open.is_some()).then(|| door::ear(&args)).transpose()?,
    };
    let shown = !args.quiet && !args.json;
    let view = FanoutView::new(shown && !args.no_header, !args.quiet, causes(&args, &addrs));
    let signals = Signals::listen()?;
    let tick = view.is_live().then_some(FRAME);
    let timing = LoopConfig { largest: CONTROL_MAX + 1, tick, ..LoopConfig::default() };
    let socket = plan.open()?;
    if args.open.is_some() && !args.quiet {
        report::note(format_args!("open to receivers on {}", socket.local_addr()));
    }
    let engine = Loop::new(vec![socket], Some(signals), timing)?;
    let batch = TxBatch::new(SLOTS, ARENA + header + payload.largest());
    let mut end = match payload {
        PayloadPlan::Fixed(messages) => drive(engine, config, messages, view, batch)?,
        PayloadPlan::Stream(stream) => {
            let handle = engine.handle();
            let fed = stream.start(move || handle.wake());
            drive(engine, config, fed, view, batch)?
        }
    };
    end.sink.clear();
    Ok(finish(&args, end.summary))
}

fn ipv4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// Why receivers that are there may not answer, for these destinations.
fn causes(args: &CastSendArgs, addrs: &[SocketAddr]) -> Vec<String> {
    let group = addrs.iter().any(|addr| addr.ip().is_multicast());
    let mut all = vec![
        "nobody runs `udpkit cast recv` there, or runs it with --silent".to_owned(),
        "a firewall at a receiver, or here against the reports that come back".to_owned(),
    ];
    if group {
        all.push("a switch that snoops without a querier, or forgets a group after a while".into());
        all.push("the wrong interface: --interface names the one that groups leave by".to_owned());
        if args.ttl.unwrap_or(1) <= 1 {
            all.push("the TTL is 1 and the receivers are beyond a router: --ttl".to_owned());
        } else {
            all.push("no multicast routing on the way to the receivers".to_owned());
        }
    }
    all
}

fn drive<P: PayloadSource>(
    engine: Loop,
    config: CastSenderConfig,
    source: P,
    view: FanoutView,
    mut batch: TxBatch,
) -> anyhow::Result<CastSenderEnd<FanoutView>> {
    let session = CastSender::new(config, source, view, &mut batch);
    Ok(engine.run(session, batch)?.summary)
}

fn finish(args: &CastSendArgs, summary: CastSenderSummary) -> Exit {
    let CastSenderSummary { mut sent, failed, too_few } = summary;
    sent.limits = sent.standing.hold(&args.fail_if);
    let broken = sent.limits.iter().any(|limit| !limit.held);
    let unreached = unreached(&sent);
    if args.json {
        print_json(&Document::new("cast send", sent));
    } else if !args.quiet {
        // A closed standard output ends the run quietly.
        let _ = print_text(&report::cast_sent_text(&sent));
    }
    if let Some(error) = failed {
        report::error(error, None);
        return Exit::Failed;
    }
    if let Some(heard) = too_few {
        let wanted = args.receivers.unwrap_or(0);
        let wrong = format!("{heard} of {wanted} receivers were heard in time: nothing was sent");
        report::error(wrong, Some("start `udpkit cast recv` first, or wait longer with --wait"));
        return Exit::Failed;
    }
    for (wrong, hint) in &unreached {
        report::error(wrong, hint.as_deref());
    }
    match (unreached.is_empty(), broken) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::LimitBroken,
        (true, false) => Exit::Done,
    }
}

/// Destinations to which this host sent nothing at all, with the reason and what to do.
fn unreached(sent: &CastSent) -> Vec<(String, Option<String>)> {
    sent.destinations
        .iter()
        .filter(|one| one.sent == 0 && one.refused > 0)
        .map(|one| {
            let latest = one.refusals.last();
            let why = latest.map_or_else(|| "refused".to_owned(), |refusal| refusal.cause.text());
            let no_route = latest.is_some_and(|refusal| {
                LocalRefusal::of(refusal.errno()) == LocalRefusal::NetworkUnreachable
            });
            let group = latest.is_some_and(|refusal| refusal.destination.ip().is_multicast());
            let hint = match (no_route && group, &one.interface) {
                (true, None) => Some("name the interface with --interface".to_owned()),
                (true, Some(_)) if one.destination.starts_with('[') => Some(
                    "that interface has no route for ff00::/8 (ip -6 route show table local)"
                        .into(),
                ),
                _ => latest.and_then(|refusal| refusal.cause.hint()).map(|hint| hint.text()),
            };
            (format!("cannot send to {}: {why}", one.destination), hint)
        })
        .collect()
}

/// Whether the content comes from standard input or in pieces, which have an end of their own.
fn reads_input(args: &CastSendArgs) -> bool {
    let payload = &args.payload;
    payload.size.is_none()
        && payload.messages.is_empty()
        && (payload.file.is_none() || payload.chunk.is_some())
}

fn spacing(args: &CastSendArgs, payload: &PayloadPlan) -> Result<Spacing, Usage> {
    if let Some(every) = args.repeat {
        let PayloadPlan::Fixed(messages) = payload else {
            let wrong = "--repeat has nothing to send again: standard input is read once";
            return Err(Usage::with_hint(wrong, "give the messages behind --, or --file"));
        };
        if every == Nanos::ZERO {
            return Err(Usage::new("--repeat 0 is no time; use more than 0"));
        }
        return Ok(Spacing::Rounds(messages.per_round(), every));
    }
    Ok(match (args.interval, args.rate) {
        (Some(Nanos::ZERO), _) | (None, None | Some(Rate::Max)) => Spacing::None,
        (Some(every), _) => Spacing::Every(every),
        (None, Some(Rate::Bits(rate))) => Spacing::Bits(rate.0),
        (None, Some(Rate::Packets(rate))) => Spacing::Datagrams(rate.0),
    })
}

fn socket_plan(args: &CastSendArgs, addrs: &[SocketAddr], port: u16) -> SocketPlan {
    let mut plan = SocketPlan::for_peers(addrs);
    plan.bind.set_port(port);
    plan.broadcast = true;
    plan.multicast_ttl = Some(args.ttl.unwrap_or(1));
    // Unicast has no TTL of 0: its own lowest is 1.
    plan.ttl = args.ttl.map(|ttl| ttl.max(1));
    plan.multicast_loop = !args.no_loop;
    plan.tos = args.dscp.map(|dscp| tos(dscp, Ecn::NotEct));
    plan.io = args.io.into();
    // When a report arrived, and by which address, is the kernel's to tell.
    plan.details = true;
    plan.accounting = true;
    plan
}

/// Every way that a datagram goes: groups and broadcast by each interface, the rest by the route.
fn targets(
    addrs: &[SocketAddr],
    interfaces: &[u32],
    from: Option<IpAddr>,
    host: &Host,
) -> Result<Vec<Dest>, Usage> {
    let mut all = Vec::new();
    let mut interface_used = interfaces.is_empty();
    for addr in addrs {
        let zone = match addr {
            SocketAddr::V6(v6) => v6.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        let role = host.role(addr.ip());
        let by: Vec<u32> = match (role, interfaces) {
            (Role::Any, _) => {
                let shown = addr.ip();
                let hint = "name a group, a broadcast address or a host";
                return Err(Usage::with_hint(format!("{shown} is no destination"), hint));
            }
            (Role::Group, named) if zone != 0 => {
                interface_used |= named.contains(&zone);
                vec![zone]
            }
            (Role::Group, []) if needs_interface(addr.ip()) => {
                return Err(Usage::with_hint(
                    format!("group {} means another one on every link", addr.ip()),
                    format!("name the interface: [{}%eth0] or --interface eth0", addr.ip()),
                ));
            }
            (Role::Group | Role::Broadcast(None), named @ [_, ..]) => {
                interface_used = true;
                named.to_vec()
            }
            (Role::Broadcast(Some(own)), named) => {
                interface_used |= named.contains(&own);
                vec![own]
            }
            (Role::Group | Role::Broadcast(None) | Role::Own | Role::Other, _) => vec![0],
        };
        let from = from.filter(|from| from.is_ipv4() == addr.is_ipv4());
        all.extend(by.iter().map(|interface| Dest {
            from,
            interface: *interface,
            ..Dest::from(with_zone(*addr, role, *interface))
        }));
    }
    if !interface_used && !addrs.is_empty() {
        let wrong = "--interface is for groups and broadcast, and none of them can leave by it";
        return Err(Usage::with_hint(wrong, "unicast goes by the route"));
    }
    Ok(all)
}

/// A group of one link needs its zone in the address, too.
fn with_zone(addr: SocketAddr, role: Role, interface: u32) -> SocketAddr {
    match addr {
        SocketAddr::V6(mut v6) if role == Role::Group && needs_interface(addr.ip()) => {
            v6.set_scope_id(interface);
            v6.into()
        }
        other => other,
    }
}

/// The local address (`None` for the route's) and port (0 for the kernel's choice) of `--from`.
fn read_from(
    text: &str,
    addrs: &[SocketAddr],
    host: &Host,
) -> anyhow::Result<(Option<IpAddr>, u16)> {
    let parts = split_host_port(text)?;
    let port = match parts.port {
        None => 0,
        Some(port) => port.parse().map_err(|_| {
            Usage::new(format!("--from {text}: port {port:?} is not a number from 0 to 65535"))
        })?,
    };
    if parts.host.is_empty() {
        return Ok((None, port));
    }
    let ip: IpAddr = parts
        .host
        .parse()
        .map_err(|_| Usage::new(format!("--from {text}: {:?} is no address", parts.host)))?;
    match host.role(ip) {
        Role::Own => {}
        Role::Any => return Ok((None, port)),
        _ => {
            let wrong = format!("--from {text}: no address of this host");
            return Err(Usage::with_hint(wrong, format!("it has {}", host.known())).into());
        }
    }
    if !addrs.iter().any(|addr| addr.is_ipv4() == ip.is_ipv4()) {
        let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
        let wrong = format!("--from {text}: no destination is {family}");
        return Err(Usage::new(wrong).into());
    }
    Ok((Some(ip), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets_of(groups: &[&str], interfaces: &[u32]) -> Result<Vec<(String, u32)>, String> {
        let addrs: Vec<SocketAddr> = groups.iter().map(|text| text.parse().unwrap()).collect();
        targets(&addrs, interfaces, None, &Host::ask().unwrap())
            .map(|all| all.iter().map(|dest| (dest.addr.to_string(), dest.interface)).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn groups_and_limited_broadcast_leave_by_every_interface_and_unicast_by_the_route() {
        let all = targets_of(
            &["239.1.2.3:5", "255.255.255.255:5", "192.0.2.1:5", "[ff02::5]:5", "[ff15::5%9]:5"],
            &[3, 4],
        );
        let expected = [
            ("239.1.2.3:5", 3),
            ("239.1.2.3:5", 4),
            ("255.255.255.255:5", 3),
            ("255.255.255.255:5", 4),
            ("192.0.2.1:5", 0),
            ("[ff02::5%3]:5", 3),
            ("[ff02::5%4]:5", 4),
            ("[ff15::5%9]:5", 9),
        ];
        let expected = expected.map(|(addr, by)| (addr.to_owned(), by)).to_vec();
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn destinations_that_make_no_sense_are_refused() {
        for (groups, interfaces, part) in [
            (&["0.0.0.0:5"][..], &[][..], "is no destination"),
            (&["[ff02::5]:5"], &[], "means another one on every link"),
            (&["192.0.2.1:5"], &[3], "--interface is for groups"),
        ] {
            let wrong = targets_of(groups, interfaces).unwrap_err();
            assert!(wrong.contains(part), "{wrong}");
        }
    }

    #[test]
    fn a_source_address_must_be_this_hosts_and_of_a_family_that_is_sent_to() {
        let host = Host::ask().unwrap();
        let addrs = ["239.1.2.3:5".parse().unwrap()];
        let own = Some("127.0.0.1".parse().unwrap());
        assert_eq!(read_from("127.0.0.1:70", &addrs, &host).unwrap(), (own, 70));
        assert_eq!(read_from(":70", &addrs, &host).unwrap(), (None, 70));
        for (text, part) in [
            ("192.0.2.77", "no address of this host"),
            ("[::1]:5", "no destination is IPv6"),
            ("127.0.0.1:x", "not a number"),
            ("name:5", "is no address"),
        ] {
            let error = read_from(text, &addrs, &host).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
