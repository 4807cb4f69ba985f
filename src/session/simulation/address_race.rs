//! A name with several addresses on the simulated network: the first to answer is taken, whatever
//! the others do (RFC 8305 §5).

use super::paths::{clean, lossy, with_delay};
use crate::batch::{Datagram, Dest};
use crate::impair::Impairments;
use crate::netsim::{ClosedPorts, ErrorBudget, Host, Link, Network, Responder, SimSocket};
use crate::session::AddressRace;
use crate::units::Nanos;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// What stands at an address.
#[derive(Clone, Debug)]
enum Place {
    /// Nobody has the address.
    Nobody,
    /// A host without a server: it says that the port is closed.
    Closed,
    /// A server behind this path.
    Server(Impairments),
}

/// Which address of a name wins, and after how long.
fn race(seed: u64, places: &[Place]) -> (Option<usize>, Nanos) {
    let mut network = Network::new(seed);
    let near = network.add(Host::at("192.0.2.1").behind(Link::both(&clean())));
    let ours = |index: usize| SocketAddr::from(([192, 0, 2, 1], 4_000 + index as u16));
    let theirs = |index: usize| SocketAddr::from(([192, 0, 2, 101 + index as u8], 8_620));
    let mut sockets = Vec::new();
    for (index, place) in places.iter().enumerate() {
        sockets.push(SimSocket::connected(ours(index), theirs(index)));
        let mut host = Host::at(&theirs(index).ip().to_string());
        match place {
            Place::Nobody => {}
            Place::Closed => {
                host.closed_ports =
                    ClosedPorts::Unreachable(ErrorBudget::new(6, Nanos::from_secs(1)));
                network.add(host);
            }
            Place::Server(path) => {
                let far = network.add(host.behind(Link::both(path)));
                let server = Responder::new(
                    |_, datagram: &Datagram<'_>, queue: &mut VecDeque<(Dest, Vec<u8>)>| {
                        queue.push_back((datagram.meta.source.into(), datagram.payload.to_vec()));
                    },
                );
                network.start(far, &[SimSocket::bound(theirs(index))], server);
            }
        }
    }
    let addrs = (0..places.len()).map(theirs).collect();
    let running = network.start(near, &sockets, AddressRace::new(addrs, b"anybody?".to_vec()));
    network.run(&[running.id()], Nanos::from_secs(30));
    let (at, now) = (network.instant(), network.now(running.id()));
    (running.finish(now), at)
}

fn server(delay_ms: u64) -> Place {
    Place::Server(with_delay(Nanos::from_millis(delay_ms)))
}

#[test]
fn the_first_of_two_that_answer_at_once_is_taken_and_the_other_is_never_asked() {
    let (winner, at) = race(1, &[server(5), server(1)]);
    assert_eq!(winner, Some(0));
    assert!(at < Nanos::from_millis(50), "{at}");
}

#[test]
fn a_silent_first_address_costs_a_quarter_of_a_second() {
    let (winner, at) = race(2, &[Place::Nobody, server(5)]);
    assert_eq!(winner, Some(1));
    assert!((Nanos::from_millis(250)..Nanos::from_millis(300)).contains(&at), "{at}");
}

#[test]
fn a_closed_first_port_costs_a_round_trip() {
    let (winner, at) = race(3, &[Place::Closed, server(5)]);
    assert_eq!(winner, Some(1));
    assert!(at < Nanos::from_millis(50), "{at}");
}

#[test]
fn a_near_second_address_overtakes_a_far_first_one() {
    let (winner, at) = race(4, &[server(400), Place::Nobody, server(5)]);
    assert_eq!(winner, Some(2));
    assert!((Nanos::from_millis(500)..Nanos::from_millis(560)).contains(&at), "{at}");
}

#[test]
fn no_answer_is_no_winner() {
    for places in [vec![Place::Nobody, Place::Nobody], vec![Place::Closed, Place::Closed]] {
        assert_eq!(race(5, &places).0, None, "{places:?}");
    }
}

#[test]
fn through_loss_of_three_in_ten_an_address_with_a_server_wins() {
    let lossy_path = || Place::Server(Impairments { loss: lossy(30), ..clean() });
    let mut won = 0;
    for seed in 0..100 {
        let (winner, _) = race(seed, &[Place::Nobody, lossy_path(), Place::Closed, lossy_path()]);
        assert!(matches!(winner, None | Some(1 | 3)), "seed {seed}: {winner:?}");
        won += usize::from(winner.is_some());
    }
    assert!(won >= 95, "{won} of 100");
}
