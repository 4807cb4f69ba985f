//! The remote host of a probe, and the sockets and dialogue with it.

use crate::cli::FarEndArgs;
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::own_losses::OwnLosses;
use crate::commands::{Usage, key};
use crate::control::Sealer;
use crate::engine::random_u64;
use crate::net::{FamilyChoice, IoMode, Socket, SocketPlan, resolve, split_host_port};
use crate::report::{self, words};
use crate::session::probe::FarEnd;
use crate::units::Nanos;
use crate::wire::ControlKey;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// How long it may be silent.
const PATIENCE: Nanos = Nanos::from_secs(3);

/// A remote host.
#[derive(Clone)]
pub struct Target {
    /// Its name as given, without a port.
    pub name: String,
    /// The address of its server.
    pub addr: SocketAddr,
    /// The local address of the route, with port 0.
    pub local: SocketAddr,
    /// The interface to use; `None` for the route's.
    pub device: Option<u32>,
    key: Option<ControlKey>,
    /// What this host drops meanwhile.
    pub own_losses: Arc<OwnLosses>,
}

impl Target {
    /// Resolves the arguments. If a name has addresses of both families, a note says which is used.
    pub fn resolve(args: &FarEndArgs) -> anyhow::Result<Self> {
        check_hosts(std::slice::from_ref(&args.host)).map_err(Usage::from)?;
        let device = device(args.interface.as_deref())?;
        let addr = resolve(&args.host, Some(args.port), FamilyChoice::from(args.family))?;
        check_zones(&[addr], device).map_err(Usage::from)?;
        let name = split_host_port(&args.host)?.host;
        let key = key::read(args.key.as_deref())?;
        say_other_family(args, &name, addr);
        let any = match addr {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let route = SocketPlan { connect: Some(addr), device, ..SocketPlan::new((any, 0).into()) };
        let mut local = route.open()?.local_addr();
        local.set_port(0);
        let own_losses = Arc::new(OwnLosses::watch());
        Ok(Self { name, addr, local, device, key, own_losses })
    }

    /// A socket towards it, which reports all details of received datagrams.
    pub fn socket(&self) -> anyhow::Result<Socket> {
        let plan = SocketPlan {
            details: true,
            accounting: true,
            // On a virtual path, packet counters and policers would see a coalesced buffer as one
            // packet.
            io: IoMode::Mmsg,
            device: self.device,
            ..SocketPlan::new(self.local)
        };
        Ok(plan.open()?)
    }

    /// The dialogue with it, on the event loop's first socket.
    pub fn far_end(&self) -> io::Result<FarEnd> {
        Ok(FarEnd::new(self.addr, 0, self.sealer()?, PATIENCE))
    }

    /// What authenticates the dialogue.
    pub fn sealer(&self) -> io::Result<Sealer> {
        random_u64().map(|nonce| Sealer::new(self.key.clone(), nonce))
    }
}

fn say_other_family(args: &FarEndArgs, name: &str, address: SocketAddr) {
    if args.family.ipv4 || args.family.ipv6 || name.parse::<IpAddr>().is_ok() {
        return;
    }
    let other = if address.is_ipv4() { FamilyChoice::V6 } else { FamilyChoice::V4 };
    if let Ok(other) = resolve(&args.host, Some(args.port), other) {
        report::note(words::far_end::other_family(name, address.ip(), other.ip()));
    }
}
