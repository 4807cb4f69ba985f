//! Restores what sockets lose when an interface is deleted and made again, or an address of this
//! host is replaced.
//!
//! Linux drops the memberships of a deleted interface and keeps their entries in the socket, where
//! they count against its limit and, in IPv6, stand in the way of a new join; the interface that is
//! made again under the same name has another index. A socket that is bound to an interface (by its
//! zone or by `SO_BINDTODEVICE`) stays with the old index and is opened anew. One that is bound to
//! an address only waits for it: the kernel delivers to it again once the address is back.

use super::followed_source::{FollowedSource, has_address};
use super::multicast::lists_membership;
use super::{InterfaceWatch, Socket, SocketPlan, interface_names};
use crate::batch::InterfaceChange;
use crate::sys::Membership;
use crate::units::{Endpoint, name_zones, with_port};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// What one socket of a loop must have.
#[derive(Clone, Debug)]
pub struct KeptSocket {
    /// How it was opened, with the port that it has.
    pub plan: SocketPlan,
    /// The groups that it has joined.
    pub memberships: Vec<Membership>,
    /// Sources excluded from each of them.
    pub excluded: Vec<IpAddr>,
    /// The peer, if the socket goes on from whatever address the route to it gives; `None` if it
    /// waits for the address that it is bound to.
    pub towards: Option<SocketAddr>,
}

impl KeptSocket {
    /// A socket without memberships.
    pub fn bound(plan: SocketPlan) -> Self {
        Self { plan, memberships: Vec::new(), excluded: Vec::new(), towards: None }
    }

    /// A socket that sends to `peer` from any address: opened by `plan`, which says nothing of the
    /// address, or an address that nobody asked for.
    pub fn towards(plan: SocketPlan, peer: SocketAddr) -> Self {
        Self { towards: Some(peer), ..Self::bound(plan) }
    }

    /// The same for each of these sockets, opened by `plan` one after the other.
    pub fn all_towards(plan: &SocketPlan, peer: SocketAddr, sockets: &[Socket]) -> Vec<Self> {
        let kept = |socket: &Socket| {
            let bind = with_port(plan.bind, socket.local_addr().port());
            Self::towards(SocketPlan { bind, ..plan.clone() }, peer)
        };
        sockets.iter().map(kept).collect()
    }

    /// A socket that sends to `peer` from the address that the user asked for, or from any if the
    /// plan has none.
    pub fn as_asked(plan: SocketPlan, peer: SocketAddr) -> Self {
        if plan.bind.ip().is_unspecified() { Self::towards(plan, peer) } else { Self::bound(plan) }
    }
}

/// The sockets of a loop with what they must have, in the loop's order.
pub struct Upkeep {
    watch: InterfaceWatch,
    /// Interfaces at the last look, by index.
    names: BTreeMap<u32, String>,
    /// The first index of each name.
    first: BTreeMap<String, u32>,
    sockets: Vec<Kept>,
}

/// What one look found and did.
#[derive(Default)]
pub struct Renewal {
    /// What is to be told, in order.
    pub changes: Vec<InterfaceChange>,
    /// Sockets that were opened anew, by number, with their memberships.
    pub replaced: Vec<(usize, Socket)>,
}

struct Kept {
    wanted: KeptSocket,
    groups: Vec<KeptMembership>,
    /// Whether the interface that it is bound to is gone, under this name.
    unbound: Option<String>,
    /// Whether this host has the address that it is bound to.
    has_address: bool,
    /// Its source address, if that is not asked for.
    source: Option<FollowedSource>,
}

struct KeptMembership {
    membership: Membership,
    /// The name of its interface; `None` where the route chose.
    name: Option<String>,
    lost: bool,
}

impl Upkeep {
    /// Follows changes from now on.
    ///
    /// # Errors
    ///
    /// The kernel does not tell of changes.
    pub fn open(sockets: Vec<KeptSocket>) -> std::io::Result<Self> {
        let watch = InterfaceWatch::open()?;
        let names: BTreeMap<u32, String> = interface_names().into_iter().collect();
        let first = names.iter().map(|(index, name)| (name.clone(), *index)).collect();
        let sockets = sockets.into_iter().map(|wanted| Kept::new(wanted, &names)).collect();
        Ok(Self { watch, names, first, sockets })
    }

    /// The subscription, to be waited for.
    pub fn watch(&mut self) -> &mut InterfaceWatch {
        &mut self.watch
    }

    /// Compares what the sockets have with what they must have, and restores it as far as the
    /// interfaces are there.
    pub fn renew(&mut self, sockets: &mut [&mut Socket]) -> Renewal {
        self.watch.drain();
        let mut done = Renewal::default();
        let names: BTreeMap<u32, String> = interface_names().into_iter().collect();
        if names.is_empty() {
            return done;
        }
        if names != self.names {
            name_zones(names.clone().into_iter().collect());
        }
        let before = std::mem::replace(&mut self.names, names);
        let gone: Vec<(u32, String)> =
            before.into_iter().filter(|(index, _)| !self.names.contains_key(index)).collect();
        self.note_renumbered(&mut done);
        let mut has = BTreeMap::new();
        let looks = self.sockets.iter_mut().zip(sockets).enumerate();
        for (number, (kept, socket)) in looks {
            if let Some(source) = &mut kept.source {
                let new = source.follow(socket, &mut kept.wanted.plan, &mut done.changes);
                done.replaced.extend(new.map(|new| (number, new)));
                if source.waits_for_route() && self.watch.follow_routes() {
                    // One may have come before it was followed.
                    let new = source.follow(socket, &mut kept.wanted.plan, &mut done.changes);
                    done.replaced.extend(new.map(|new| (number, new)));
                }
                continue;
            }
            kept.lose(socket, &gone, &mut done.changes);
            if kept.unbound.is_some() {
                let new = kept.bind_again(&self.names, &mut done.changes);
                done.replaced.extend(new.map(|new| (number, new)));
            } else {
                kept.join_again(socket, &self.names, &mut done.changes);
                kept.look_for_address(&mut has, &mut done.changes);
            }
            if kept.waits_for_route() {
                self.watch.follow_routes();
            }
        }
        done
    }

    /// Interfaces of a known name that now have another index than at first.
    fn note_renumbered(&mut self, done: &mut Renewal) {
        for (now, name) in &self.names {
            match self.first.get(name) {
                None => {
                    self.first.insert(name.clone(), *now);
                }
                Some(was) if was != now => {
                    done.changes.push(InterfaceChange::Renumbered { was: *was, now: *now });
                }
                Some(_) => {}
            }
        }
    }
}

impl Kept {
    fn new(wanted: KeptSocket, names: &BTreeMap<u32, String>) -> Self {
        let kept = |membership: &Membership| KeptMembership {
            membership: *membership,
            name: names.get(&membership.interface).cloned(),
            lost: false,
        };
        let groups = wanted.memberships.iter().map(kept).collect();
        let has_address = !is_own(wanted.plan.bind) || has_address(wanted.plan.bind);
        let source = wanted.towards.map(FollowedSource::towards);
        Self { wanted, groups, unbound: None, has_address, source }
    }

    /// Finds what went with the interfaces that are gone.
    fn lose(&mut self, socket: &Socket, gone: &[(u32, String)], told: &mut Vec<InterfaceChange>) {
        for (index, name) in gone {
            let mut groups: Vec<IpAddr> = Vec::new();
            for kept in self.groups.iter_mut().filter(|kept| !kept.lost) {
                let Membership { group, interface, .. } = kept.membership;
                // The entry that is left in the socket. Where the route chose the interface, the
                // kernel knows which it was.
                let stale = Membership { group, interface: *index, source: None };
                let lost = match interface {
                    0 => groups.contains(&group) || socket.leave(&stale).is_ok(),
                    on if on == *index => {
                        let _ = socket.leave(&stale);
                        true
                    }
                    _ => false,
                };
                kept.lost = lost;
                if lost && !groups.contains(&group) {
                    groups.push(group);
                }
            }
            told.extend(groups.into_iter().map(|group| InterfaceChange::MembershipLost {
                group: self.endpoint(group),
                interface: name.clone(),
            }));
            if self.bound_to() == Some(*index) {
                self.unbound = Some(name.clone());
                if is_own(self.wanted.plan.bind) {
                    let address = self.wanted.plan.bind.into();
                    told.push(InterfaceChange::AddressLost { address });
                }
            }
        }
    }

    /// Joins what was lost on the interfaces of the same names.
    fn join_again(
        &mut self,
        socket: &Socket,
        names: &BTreeMap<u32, String>,
        told: &mut Vec<InterfaceChange>,
    ) {
        let excluded = &self.wanted.excluded;
        let mut joined: Vec<(IpAddr, Option<String>)> = Vec::new();
        for kept in self.groups.iter_mut().filter(|kept| kept.lost) {
            let Some(interface) = index_of(kept.name.as_deref(), names) else { continue };
            let new = Membership { interface, ..kept.membership };
            if socket.join(&new).is_err() {
                continue;
            }
            block_all(socket, &new, excluded);
            (kept.membership, kept.lost) = (new, false);
            let on = kept.name.clone().or_else(|| only_member(new.group, names));
            if !joined.contains(&(new.group, on.clone())) {
                joined.push((new.group, on));
            }
        }
        told.extend(joined.into_iter().map(|(group, interface)| InterfaceChange::Rejoined {
            group: self.endpoint(group),
            interface,
        }));
    }

    /// Opens a socket on the interface of the same name as that which is gone, and joins its
    /// groups; `None` as long as that fails.
    fn bind_again(
        &mut self,
        names: &BTreeMap<u32, String>,
        told: &mut Vec<InterfaceChange>,
    ) -> Option<Socket> {
        let name = self.unbound.as_deref()?;
        let index = index_of(Some(name), names)?;
        let mut plan = self.wanted.plan.clone();
        plan.device = plan.device.map(|_| index);
        if let SocketAddr::V6(v6) = &mut plan.bind
            && v6.scope_id() != 0
        {
            v6.set_scope_id(index);
        }
        let socket = plan.open().ok()?;
        let moved = |of: &Membership| Membership { interface: index, ..*of };
        for kept in &self.groups {
            socket.join(&moved(&kept.membership)).ok()?;
        }
        let mut groups: Vec<IpAddr> = Vec::new();
        for kept in &mut self.groups {
            (kept.membership, kept.lost) = (moved(&kept.membership), false);
            block_all(&socket, &kept.membership, &self.wanted.excluded);
            if !groups.contains(&kept.membership.group) {
                groups.push(kept.membership.group);
            }
        }
        let interface = self.unbound.take();
        told.extend(groups.into_iter().map(|group| InterfaceChange::Rejoined {
            group: self.endpoint(group),
            interface: interface.clone(),
        }));
        self.wanted.plan = plan;
        if is_own(self.wanted.plan.bind) {
            let address = self.wanted.plan.bind.into();
            told.push(InterfaceChange::AddressBack { address });
        }
        Some(socket)
    }

    /// Whether this host still, or again, has the address; `has` holds what was asked before.
    fn look_for_address(
        &mut self,
        has: &mut BTreeMap<SocketAddr, bool>,
        told: &mut Vec<InterfaceChange>,
    ) {
        let bind = self.wanted.plan.bind;
        if !is_own(bind) {
            return;
        }
        let any_port = with_port(bind, 0);
        let has = *has.entry(any_port).or_insert_with(|| has_address(bind));
        if std::mem::replace(&mut self.has_address, has) == has {
            return;
        }
        let address = bind.into();
        told.push(if has {
            InterfaceChange::AddressBack { address }
        } else {
            InterfaceChange::AddressLost { address }
        });
    }

    /// The index of the interface that the kernel keeps the socket to.
    fn bound_to(&self) -> Option<u32> {
        let zone = match self.wanted.plan.bind {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id()),
            _ => None,
        };
        self.wanted.plan.device.or(zone)
    }

    fn waits_for_route(&self) -> bool {
        self.groups.iter().any(|kept| kept.lost && kept.name.is_none())
    }

    /// A group with the socket's port, without a zone.
    fn endpoint(&self, group: IpAddr) -> Endpoint {
        SocketAddr::new(group, self.wanted.plan.bind.port()).into()
    }
}

/// The index of an interface; 0, any, for none.
fn index_of(name: Option<&str>, names: &BTreeMap<u32, String>) -> Option<u32> {
    let Some(name) = name else { return Some(0) };
    names.iter().find(|(_, known)| *known == name).map(|(index, _)| *index)
}

/// The interface on which this host is a member of a group, if it is only one.
fn only_member(group: IpAddr, names: &BTreeMap<u32, String>) -> Option<String> {
    let mut on = names.iter().filter(|(index, _)| lists_membership(group, **index) == Some(true));
    let (_, name) = on.next()?;
    on.next().is_none().then(|| name.clone())
}

/// Excludes sources of a membership, as many as the kernel's list holds.
fn block_all(socket: &Socket, joined: &Membership, excluded: &[IpAddr]) {
    for source in excluded {
        if socket.block(&Membership { source: Some(*source), ..*joined }).is_err() {
            return;
        }
    }
}

/// Whether it is an address of one host, which comes and goes.
fn is_own(bind: SocketAddr) -> bool {
    !bind.ip().is_unspecified() && !bind.ip().is_multicast() && !bind.ip().is_loopback()
}
