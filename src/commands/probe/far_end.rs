//! The far end that the arguments name, and how it is spoken to.

use crate::cli::FarEndArgs;
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::{Usage, key};
use crate::engine::random_u64;
use crate::net::{FamilyChoice, IoMode, Socket, SocketPlan, resolve, split_host_port};
use crate::report::{self, words};
use crate::session::Sealer;
use crate::session::probe::FarEnd;
use crate::units::Nanos;
use crate::wire::ControlKey;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How long it may keep silent.
const PATIENCE: Nanos = Nanos::from_secs(3);

/// A far end.
#[derive(Clone)]
pub struct Target {
    /// Its name as the user wrote it, without a port.
    pub name: String,
    /// Where it serves.
    pub addr: SocketAddr,
    /// This host's address on the way there, with port 0.
    pub local: SocketAddr,
    /// The interface to send and receive by; `None` for the route's.
    pub device: Option<u32>,
    key: Option<ControlKey>,
}

impl Target {
    /// The far end that the arguments name. Where a name has addresses of both families, it is said
    /// which is taken.
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
        Ok(Self { name, addr, local, device, key })
    }

    /// A socket on the way there, which tells all about what it receives.
    pub fn socket(&self) -> anyhow::Result<Socket> {
        let plan = SocketPlan {
            details: true,
            accounting: true,
            // A coalesced buffer would be one packet to whoever counts them on a virtual path.
            io: IoMode::Mmsg,
            device: self.device,
            ..SocketPlan::new(self.local)
        };
        Ok(plan.open()?)
    }

    /// The dialogue with it, by the loop's first socket.
    pub fn far_end(&self) -> io::Result<FarEnd> {
        Ok(FarEnd::new(self.addr, 0, self.sealer()?, PATIENCE))
    }

    /// What seals a dialogue with it.
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
