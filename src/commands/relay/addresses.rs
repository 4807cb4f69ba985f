//! Where a relay listens and where it forwards to.

use super::error::RelayUsage;
use crate::cli::{DEFAULT_PORT, RelayArgs};
use crate::commands::Usage;
use crate::commands::bind::{Bind, parse_binds};
use crate::commands::cast::error::CastUsage;
use crate::commands::cast::listen::{self, Wanted};
use crate::commands::cast::targets::{Host, Role, expand, named_interfaces, needs_interface};
use crate::commands::cast::{GroupHost, GroupSpec};
use crate::commands::misread::{check_address, check_hosts, check_zones, device};
use crate::net::{FamilyChoice, KeptSocket, Socket, SocketPlan};
use crate::session::relay::{RelayListener, RelayTarget};
use crate::units::with_port;
use anyhow::Context;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// What is to be listened on, decided before any socket opens.
pub(super) struct Listening {
    binds: Vec<Bind>,
    groups: Vec<Wanted>,
}

/// The open sockets that clients send to.
pub(super) struct Listeners {
    pub sockets: Vec<Socket>,
    pub kept: Vec<KeptSocket>,
    pub known: Vec<RelayListener>,
}

impl Listening {
    /// Reads LISTEN.
    pub fn read(args: &RelayArgs, host: &Host) -> anyhow::Result<Self> {
        let family = FamilyChoice::from(args.family);
        let items = args.listen.split(',').map(str::trim).filter(|item| !item.is_empty());
        let (groups, binds): (Vec<String>, Vec<String>) =
            items.map(str::to_owned).partition(|item| is_shared(item, host));
        for item in groups.iter().chain(&binds) {
            check_address(item).map_err(Usage::from)?;
        }
        if groups.is_empty() {
            let flags =
                [("--interface", args.interface.is_empty()), ("--source", args.source.is_empty())];
            if let Some((flag, _)) = flags.into_iter().find(|(_, is_unused)| !is_unused) {
                return Err(Usage::from(RelayUsage::WithoutGroup { flag }).into());
            }
        }
        if groups.is_empty() && binds.is_empty() {
            let text = args.listen.clone();
            return Err(Usage::from(RelayUsage::NoListen { text }).into());
        }
        let binds = match binds.as_slice() {
            [] => Vec::new(),
            some => parse_binds(some, &DEFAULT_PORT.to_string(), family)?,
        };
        let addrs = expand(&groups, family, None)?;
        let interfaces = named_interfaces(&args.interface)?;
        let groups = listen::plan(&addrs, &interfaces, &args.source, &[], host);
        Ok(Self { binds, groups: groups.map_err(Usage::from)? })
    }

    /// What the relay is to know of each socket.
    pub fn listeners(&self) -> Vec<RelayListener> {
        let binds = self.binds.iter().map(|bind| RelayListener {
            address: bind.addr,
            interfaces: Vec::new(),
            is_shared: false,
        });
        let groups = self.groups.iter().map(|wanted| RelayListener {
            address: wanted.bind,
            interfaces: wanted.interfaces.clone(),
            is_shared: true,
        });
        binds.chain(groups).collect()
    }

    /// Opens every socket, or none.
    pub fn open(&self, plan: &SocketPlan, host: &Host) -> anyhow::Result<Listeners> {
        let (mut sockets, mut kept, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
        for bind in &self.binds {
            let own = |addr| SocketPlan { bind: addr, ..plan.clone() };
            let socket = bind.open(own)?;
            let address = socket.local_addr();
            kept.push(KeptSocket::bound(SocketPlan { dual_stack: bind.any, ..own(address) }));
            sockets.push(socket);
            listeners.push(RelayListener { address, interfaces: Vec::new(), is_shared: false });
        }
        let shared = SocketPlan { share_port: true, ..plan.clone() };
        let opened = listen::open(&self.groups, &shared, &host.names())?;
        for (socket, listen) in opened.sockets.into_iter().zip(opened.listens) {
            let (address, interfaces) = (listen.group, listen.interfaces);
            sockets.push(socket);
            listeners.push(RelayListener { address, interfaces, is_shared: true });
        }
        kept.extend(opened.kept);
        Ok(Listeners { sockets, kept, known: listeners })
    }
}

/// Whether a text names a group or a broadcast address to listen on.
fn is_shared(text: &str, host: &Host) -> bool {
    let Ok(GroupSpec { host: GroupHost::Addresses { all, .. }, .. }) = text.parse() else {
        return false;
    };
    all.iter().any(|ip| matches!(host.role(*ip), Role::Group | Role::Broadcast(_)))
}

/// What makes destinations of texts, also when the list is read again.
#[derive(Clone, Debug)]
pub(super) struct TargetPlan {
    /// DEST.
    dests: Vec<String>,
    /// `--to-file`.
    file: Option<std::path::PathBuf>,
    family: FamilyChoice,
    out_interface: Option<u32>,
    port_changes: Vec<(u16, u16)>,
}

impl TargetPlan {
    /// What the arguments say of destinations.
    pub fn new(args: &RelayArgs) -> anyhow::Result<Self> {
        check_hosts(&args.dests).map_err(Usage::from)?;
        Ok(Self {
            dests: args.dests.clone(),
            file: args.to_file.clone(),
            family: args.family.into(),
            out_interface: device(args.out_interface.as_deref())?,
            port_changes: args.rewrite_port.clone(),
        })
    }

    /// Reads all destinations, those of the file as it is now; none of them may be a listener.
    pub fn read(
        &self,
        listeners: &[RelayListener],
        host: &Host,
    ) -> anyhow::Result<Vec<RelayTarget>> {
        let mut texts = self.dests.clone();
        if let Some(path) = &self.file {
            let cannot = || format!("cannot read {}", path.display());
            let text = fs::read_to_string(path).with_context(cannot)?;
            let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            texts.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        }
        let mut targets: Vec<RelayTarget> = Vec::new();
        for text in &texts {
            for target in self.targets_of(text, host)? {
                let destination = target.address.into();
                if targets.contains(&target) {
                    return Err(Usage::from(RelayUsage::Twice { destination }).into());
                }
                if listeners.iter().any(|listener| self.is_loop(listener, &target, host)) {
                    return Err(Usage::from(RelayUsage::Loop { destination }).into());
                }
                targets.push(target);
            }
        }
        if targets.is_empty() {
            return Err(Usage::from(RelayUsage::NoDestination).into());
        }
        if self.out_interface.is_some() && targets.iter().all(|target| !target.is_shared) {
            return Err(Usage::from(RelayUsage::OutInterfaceUnused).into());
        }
        let has_port = |target: &RelayTarget| target.address.port() != 0;
        if !self.port_changes.is_empty() && targets.iter().all(has_port) {
            return Err(Usage::from(RelayUsage::RewriteUnused).into());
        }
        Ok(targets)
    }

    fn targets_of(&self, text: &str, host: &Host) -> anyhow::Result<Vec<RelayTarget>> {
        check_address(text).map_err(Usage::from)?;
        let unreadable =
            |wrong| Usage::from(RelayUsage::Destination { text: text.to_owned(), wrong });
        text.parse::<GroupSpec>().map_err(unreadable)?;
        let addrs = expand(&[text.to_owned()], self.family, None)?;
        check_zones(&addrs, self.out_interface).map_err(Usage::from)?;
        let mut targets = Vec::new();
        for addr in addrs {
            let role = host.role(addr.ip());
            if role == Role::Any {
                let address = addr.ip();
                return Err(Usage::from(RelayUsage::NotADestination { address }).into());
            }
            let is_shared = matches!(role, Role::Group | Role::Broadcast(_));
            let zone = match addr {
                SocketAddr::V6(v6) => v6.scope_id(),
                SocketAddr::V4(_) => 0,
            };
            let given = self.out_interface.filter(|_| is_shared).unwrap_or(zone);
            let interface = match role {
                Role::Broadcast(Some(own)) if given == 0 => own,
                _ => given,
            };
            if needs_interface(addr.ip()) && interface == 0 {
                let group = addr.ip();
                return Err(Usage::from(CastUsage::NeedsInterface { group }).into());
            }
            let address = if names_port(text) { addr } else { with_port(addr, 0) };
            targets.push(RelayTarget { address, interface, is_shared });
        }
        Ok(targets)
    }

    /// Whether what is sent to a target would arrive at a listener.
    fn is_loop(&self, listener: &RelayListener, target: &RelayTarget, host: &Host) -> bool {
        let RelayListener { address, interfaces, .. } = listener;
        let to = target.at_port(address.port(), &self.port_changes);
        if to.port() != address.port() || to.port() == 0 {
            return false;
        }
        // From one interface to another it is a bridge.
        let is_elsewhere = target.interface != 0
            && !interfaces.is_empty()
            && !interfaces.contains(&target.interface);
        if address.ip() == to.ip() {
            return !(target.is_shared && is_elsewhere);
        }
        let covers = match address.ip() {
            IpAddr::V4(ip) => ip.is_unspecified() && to.is_ipv4(),
            IpAddr::V6(ip) => ip.is_unspecified(),
        };
        covers && matches!(host.role(to.ip()), Role::Own | Role::Broadcast(_))
    }
}

/// Whether a destination is given with a port.
fn names_port(text: &str) -> bool {
    match text.rsplit_once(']') {
        Some((_, behind)) => behind.starts_with(':'),
        // Several colons without brackets are an IPv6 address alone.
        None => text.matches(':').count() == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Interface;

    fn host() -> Host {
        Host::with(vec![Interface {
            name: "eth0".to_owned(),
            index: 7,
            addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
            networks: vec!["10.0.0.1/24".parse().unwrap()],
            broadcasts: vec!["10.0.0.255".parse().unwrap()],
            loopback: false,
            running: true,
        }])
    }

    fn plan(dests: &[&str]) -> TargetPlan {
        TargetPlan {
            dests: dests.iter().map(|dest| (*dest).to_owned()).collect(),
            file: None,
            family: FamilyChoice::Any,
            out_interface: None,
            port_changes: Vec::new(),
        }
    }

    fn listener(address: &str, interfaces: &[u32]) -> RelayListener {
        let address: SocketAddr = address.parse().unwrap();
        let is_shared = address.ip().is_multicast();
        RelayListener { address, interfaces: interfaces.to_vec(), is_shared }
    }

    #[test]
    fn a_destination_without_a_port_gets_datagrams_at_the_port_of_arrival() {
        let dests = ["192.0.2.1:9", "192.0.2.2", "[2001:db8::1]:9", "[2001:db8::2]", "2001:db8::3"];
        let targets = plan(&dests).read(&[], &host()).unwrap();
        let ports: Vec<_> = targets.iter().map(|target| target.address.port()).collect();
        assert_eq!(ports, [9, 0, 9, 0, 0]);
        let at = |target: &RelayTarget| target.at_port(514, &[(514, 5514), (1, 2)]).port();
        assert_eq!(targets.iter().map(at).collect::<Vec<_>>(), [9, 5514, 9, 5514, 5514]);
    }

    #[test]
    fn groups_and_broadcast_addresses_are_shared_and_a_range_is_each_of_it() {
        let dests = ["239.1.2.3:5", "10.0.0.255:5", "255.255.255.255:5", "10.0.0.7-8:5"];
        let targets = plan(&dests).read(&[], &host()).unwrap();
        let told: Vec<_> =
            targets.iter().map(|target| (target.is_shared, target.interface)).collect();
        assert_eq!(told, [(true, 0), (true, 7), (true, 0), (false, 0), (false, 0)]);
    }

    #[test]
    fn a_listener_among_the_destinations_is_a_loop_and_no_other_is() {
        let mut bridge = plan(&["239.1.2.3:5"]);
        for (listen, interfaces, dest, is_loop) in [
            ("10.0.0.1:5", &[][..], "10.0.0.1:5", true),
            ("10.0.0.1:5", &[], "10.0.0.1:6", false),
            ("10.0.0.1:5", &[], "10.0.0.2:5", false),
            ("0.0.0.0:5", &[], "10.0.0.1:5", true),
            ("0.0.0.0:5", &[], "127.0.0.9:5", true),
            ("0.0.0.0:5", &[], "10.0.0.255:5", true),
            ("0.0.0.0:5", &[], "192.0.2.1:5", false),
            ("0.0.0.0:5", &[], "[fd00::1]:5", false),
            ("[::]:5", &[], "[fd00::1]:5", true),
            ("[::]:5", &[], "10.0.0.1:5", true),
            // Without a port it is that of arrival.
            ("0.0.0.0:5", &[], "10.0.0.1", true),
            ("239.1.2.3:5", &[7], "239.1.2.3:5", true),
            ("239.1.2.3:5", &[], "239.1.2.4:5", false),
        ] {
            let found = plan(&[dest]).read(&[listener(listen, interfaces)], &host());
            assert_eq!(found.is_err(), is_loop, "{listen} to {dest}");
            if let Err(error) = found {
                assert_eq!(crate::commands::code_of(&error), 2, "{error}");
            }
        }
        bridge.out_interface = Some(8);
        let on_other = [listener("239.1.2.3:5", &[7])];
        assert!(bridge.read(&on_other, &host()).is_ok());
        bridge.out_interface = Some(7);
        assert!(bridge.read(&on_other, &host()).is_err());
    }

    #[test]
    fn what_is_no_destination_or_named_twice_is_a_usage_error() {
        for dests in [
            &["0.0.0.0:5"][..],
            &["10.0.0.2:5", "10.0.0.2:5"],
            &["10.0.0.1-3:5", "10.0.0.3:5"],
            &["[ff02::1]:5"],
            &["10.0.0.2:0"],
            &["10.0.0.9-2:5"],
        ] {
            let error = plan(dests).read(&[], &host()).unwrap_err();
            assert_eq!(crate::commands::code_of(&error), 2, "{dests:?}: {error}");
        }
        let mut unused = plan(&["10.0.0.2:5"]);
        unused.port_changes = vec![(1, 2)];
        assert!(unused.read(&[], &host()).is_err());
    }
}
