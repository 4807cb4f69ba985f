//! Counters of interfaces and their queueing disciplines, and the interface of a route, from the
//! kernel over rtnetlink(7).

use super::link::Link;
use super::rtnetlink::{Message, kind};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Most reads of one reply: a dump of thousands of interfaces needs fewer.
const MOST_READS: usize = 10_000;

/// A socket for questions to the kernel, one at a time: threads that read at once would have each
/// other's answers.
pub(super) struct RouteSocket(Mutex<Socket>);

impl RouteSocket {
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // The kernel writes its reply before the request returns: there is nothing to wait for.
        socket.set_non_blocking(true)?;
        Ok(Self(Mutex::new(socket)))
    }

    /// Every interface by its index.
    pub fn links(&self) -> io::Result<BTreeMap<u32, Link>> {
        let mut links = BTreeMap::new();
        self.ask(Message::links(), NLM_F_DUMP, |message| {
            if message.kind == kind::NEW_LINK
                && let Some(index) = message.interface()
            {
                links.insert(index, link_of(&message));
            }
        })?;
        self.ask(Message::qdiscs(), NLM_F_DUMP, |message| {
            if message.kind == kind::NEW_QDISC
                && let Some(link) = message.interface().and_then(|index| links.get_mut(&index))
            {
                add_qdisc(&message, link);
            }
        })?;
        Ok(links)
    }

    /// The index of the interface by which datagrams leave for an address.
    pub fn interface_to(&self, to: IpAddr) -> io::Result<Option<u32>> {
        let mut found = None;
        self.ask(Message::route_to(to), 0, |message| {
            if message.kind == kind::NEW_ROUTE {
                found = message.route_interface();
            }
        })?;
        Ok(found)
    }

    fn ask(&self, request: Message, flags: u16, mut each: impl FnMut(Message)) -> io::Result<()> {
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What an earlier question left unread is not the answer to this one.
        while socket.recv_from_full().is_ok() {}
        socket.send(&bytes, 0)?;
        for _ in 0..MOST_READS {
            let (reply, _) = match socket.recv_from_full() {
                Ok(reply) => reply,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if take_messages(&reply, &mut each)? || flags & NLM_F_DUMP == 0 {
                return Ok(());
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Passes on every message of a reply; returns whether it was the last one.
fn take_messages(mut rest: &[u8], each: &mut impl FnMut(Message)) -> io::Result<bool> {
    while !rest.is_empty() {
        let Some(length) = rest.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes) as usize)
        else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let Some(message) = rest.get(..length).filter(|_| length > 0) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        // One that the library cannot read, for example of a newer kernel, is passed over.
        match NetlinkMessage::<Message>::deserialize(message).map(|read| read.payload) {
            Ok(NetlinkPayload::InnerMessage(message)) => each(message),
            Ok(NetlinkPayload::Done(_)) => return Ok(true),
            Ok(NetlinkPayload::Error(error)) => return Err(error.to_io()),
            _ => {}
        }
        // Messages begin at multiples of four bytes.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn link_of(message: &Message) -> Link {
    Link {
        name: message.link_name().unwrap_or_default(),
        loopback: message.is_loopback(),
        stats: message.link_stats(),
        ..Link::default()
    }
}

/// Adds what the queueing discipline at the root counted. Those below it report theirs upwards, so
/// that its count includes them.
fn add_qdisc(message: &Message, link: &mut Link) {
    let Some((drops, packets)) = message.qdisc_counts().filter(|_| message.is_root()) else {
        return;
    };
    let add = |sum: &mut Option<u64>, count: Option<u32>| {
        if let Some(count) = count {
            *sum = Some(sum.unwrap_or(0).saturating_add(count.into()));
        }
    };
    add(&mut link.qdisc_drops, drops);
    // The segments of a GSO buffer count one by one.
    add(&mut link.qdisc_packets, packets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_counters_and_is_the_route_to_this_host() {
        let socket = RouteSocket::open().unwrap();
        let links = socket.links().unwrap();
        let (index, lo) = links.iter().find(|(_, link)| link.name == "lo").unwrap();
        assert!(lo.loopback && lo.stats.is_some(), "{lo:?}");
        let to = socket.interface_to("127.0.0.1".parse().unwrap()).unwrap();
        assert_eq!(to, Some(*index));
    }

    #[test]
    fn threads_that_ask_at_once_have_each_its_own_answer() {
        let (socket, here) = (RouteSocket::open().unwrap(), "127.0.0.1".parse().unwrap());
        let ask = || {
            let index = socket.interface_to(here).unwrap().unwrap();
            assert_eq!(socket.links().unwrap()[&index].name, "lo");
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|_| ask()));
            }
        });
    }

    #[test]
    fn a_reply_that_is_cut_is_an_error_and_never_read_beyond() {
        let mut none = |_| panic!("no message");
        for bytes in [&[1][..], &[0, 0, 0, 0, 0], &[200, 0, 0, 0, 1, 2, 3]] {
            assert!(take_messages(bytes, &mut none).is_err(), "{bytes:?}");
        }
        assert!(!take_messages(&[], &mut none).unwrap());
    }
}
