//! The remote host of a probe, and the sockets and dialogue with it.

use crate::cli::FarEndArgs;
use crate::commands::address_race::{choose, hello};
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::own_losses::OwnLosses;
use crate::commands::{Usage, key};
use crate::control::Sealer;
use crate::engine::random_u64;
use crate::net::{
    FamilyChoice, IoMode, KeptSocket, Resolved, Socket, SocketPlan, resolve_all, split_host_port,
};
use crate::report::{self, words};
use crate::session::probe::FarEnd;
use crate::units::{Nanos, any_address, with_port};
use crate::wire::ControlKey;
use std::io;
use std::net::{IpAddr, SocketAddr};
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
    /// Its address of the other family, if the user left the choice.
    pub other_family: Option<IpAddr>,
    /// The local address of the route, with port 0.
    pub local: SocketAddr,
    /// The interface to use; `None` for the route's.
    pub device: Option<u32>,
    key: Option<ControlKey>,
    /// How often the dialogue says something; zero for only as often as the session needs.
    keepalive: Nanos,
    /// What this host drops meanwhile.
    pub own_losses: Arc<OwnLosses>,
}

impl Target {
    /// Resolves the arguments. If a name has addresses of both families, a note says which is used.
    pub fn resolve(args: &FarEndArgs) -> anyhow::Result<Self> {
        check_hosts(std::slice::from_ref(&args.host)).map_err(Usage::from)?;
        let device = device(args.interface.as_deref())?;
        let family = FamilyChoice::from(args.family);
        let Resolved { addrs, other_family } = resolve_all(&args.host, Some(args.port), family)?;
        check_zones(&addrs, device).map_err(Usage::from)?;
        let name = split_host_port(&args.host)?.host;
        let key = key::read(args.key.as_deref())?;
        let plan = SocketPlan { device, ..SocketPlan::new(any_address(addrs[0])) };
        let addr = choose(&name, &addrs, &plan, || hello(key.as_ref()));
        let other = |other: &SocketAddr| other.is_ipv4() != addr.is_ipv4();
        let other_family = addrs.iter().copied().chain(other_family).find(other);
        let other_family = other_family.map(|other| other.ip());
        let other_family = other_family.filter(|_| family == FamilyChoice::Any);
        if let Some(other) = other_family {
            report::note(words::far_end::other_family(&name, addr.ip(), other));
        }
        let any = SocketPlan::new(any_address(addr));
        let route = SocketPlan { connect: Some(addr), device, ..any };
        let local = with_port(route.open()?.local_addr(), 0);
        let own_losses = Arc::new(OwnLosses::watch());
        let keepalive = args.keepalive.every;
        Ok(Self { name, addr, other_family, local, device, key, keepalive, own_losses })
    }

    /// A socket towards it, which reports all details of received datagrams.
    pub fn socket(&self) -> anyhow::Result<Socket> {
        Ok(self.socket_plan().open()?)
    }

    /// What goes on from another address of this host: sockets of [`Target::socket`].
    pub fn kept(&self, sockets: &[Socket]) -> Vec<KeptSocket> {
        KeptSocket::all_towards(&self.socket_plan(), self.addr, sockets)
    }

    fn socket_plan(&self) -> SocketPlan {
        SocketPlan {
            details: true,
            accounting: true,
            // On a virtual path, packet counters and policers would see a coalesced buffer as one
            // packet.
            io: IoMode::Mmsg,
            device: self.device,
            ..SocketPlan::new(self.local)
        }
    }

    /// The dialogue with it, on the event loop's first socket.
    pub fn far_end(&self) -> io::Result<FarEnd> {
        let far_end = FarEnd::new(self.addr, 0, self.sealer()?, PATIENCE);
        Ok(far_end.with_keepalive(self.keepalive))
    }

    /// What authenticates the dialogue.
    pub fn sealer(&self) -> io::Result<Sealer> {
        random_u64().map(|nonce| Sealer::new(self.key.clone(), nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::resolutions;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        far_end: FarEndArgs,
    }

    #[test]
    fn one_look_up_serves_the_probe_and_the_note_on_the_other_family() {
        for (words, other) in [
            ("probe localhost", None),
            ("probe -6 ::1", Some(false)),
            ("probe 127.0.0.1", Some(false)),
        ] {
            let before = resolutions();
            let target = Target::resolve(&Line::parse_from(words.split(' ')).far_end).unwrap();
            assert_eq!(resolutions() - before, 1, "{words}");
            if let Some(other) = other {
                assert_eq!(target.other_family.is_some(), other, "{words}");
            }
        }
    }
}
