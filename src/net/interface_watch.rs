//! The kernel's notices of changed interfaces, addresses and routes (rtnetlink(7)).

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io;
use std::os::fd::AsRawFd;

/// Groups of notices by their number (rtnetlink(7), `RTNLGRP_LINK` and so on).
const LINK: u32 = 1;
const IPV4_ADDRESS: u32 = 5;
const IPV4_ROUTE: u32 = 7;
const IPV6_ADDRESS: u32 = 9;
const IPV6_ROUTE: u32 = 11;

/// Bytes of one notice that are read; what it says is not used, so that the rest may be cut.
const NOTICE: usize = 64;
/// Most notices read at once: a host whose interfaces change without end must not stop the loop.
const MOST: usize = 4096;

/// A subscription to changes of interfaces and addresses. It only says that something changed: what
/// is the case now is asked of the kernel, so that a lost notice does no harm.
#[derive(Debug)]
pub struct InterfaceWatch {
    socket: Socket,
    routes: bool,
}

impl InterfaceWatch {
    /// Subscribes.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        let groups = [LINK, IPV4_ADDRESS, IPV6_ADDRESS].map(|group| 1 << (group - 1));
        socket.bind(&SocketAddr::new(0, groups.into_iter().sum()))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket, routes: false })
    }

    /// Notices of routes too, from now on; a router with many of them gets many. Returns whether
    /// they were not followed before.
    pub fn follow_routes(&mut self) -> bool {
        if self.routes {
            return false;
        }
        self.routes = [IPV4_ROUTE, IPV6_ROUTE]
            .into_iter()
            .all(|group| self.socket.add_membership(group).is_ok());
        self.routes
    }

    /// Reads what is queued, so that the next notice is an event again.
    pub fn drain(&mut self) {
        let mut notice = Vec::with_capacity(NOTICE);
        for _ in 0..MOST {
            notice.clear();
            match self.socket.recv(&mut notice, 0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An overflow of the queue is an error of one read.
                Ok(_) | Err(_) => {}
            }
        }
    }
}

impl Source for InterfaceWatch {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).deregister(registry)
    }
}
