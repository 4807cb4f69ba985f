//! A capacity test with a UDPSTP server, by udpkit's own two ends.

use super::{Machine, Tap, Trial};
use crate::batch::TxBatch;
use crate::netsim::{Fault, Host, Mailbox, Network, SimSocket, Way};
use crate::session::serve::ServeEvent;
use crate::session::udpstp::{
    BATCH, UdpstpClient, UdpstpCommand, UdpstpOrder, UdpstpPlan, UdpstpPolicy, UdpstpServer,
};
use crate::units::Nanos;
use crate::wire::udpstp::{
    DirectionAsked, LoadHeader, Modifiers, TestAction, TestParams, UDPSTP_PORT, VERSION,
};
use std::net::{IpAddr, SocketAddr};

pub const UP: Machine = Machine {
    name: "udpstp up",
    against: "the server of UDPSTP clients",
    seeds: 1,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(30),
    may_fail,
    never: "counts more than came, or leaves a connection open",
    run: |trial| run(trial, DirectionAsked::Upstream),
};

pub const DOWN: Machine =
    Machine { name: "udpstp down", run: |trial| run(trial, DirectionAsked::Downstream), ..UP };

const NEAR: [u8; 4] = [192, 0, 2, 1];
const FAR: [u8; 4] = [198, 51, 100, 1];
/// Of the near host, where a NAT stands before it.
const EXTERNAL: [u8; 4] = [203, 0, 113, 1];
const CONNECTIONS: u8 = 2;
/// Longer than the server keeps a client that is silent.
const FORGOTTEN: Nanos = Nanos::from_secs(10);

/// A test stays with the ports that it began with, and nothing of it is repeated once load flows.
fn may_fail(fault: Fault) -> bool {
    fault.forges() || matches!(fault, Fault::HeavyLoss | Fault::Bursts | Fault::Events)
}

fn plan(direction: DirectionAsked, target: SocketAddr) -> UdpstpPlan {
    UdpstpPlan {
        target,
        version: VERSION,
        direction,
        connections: CONNECTIONS,
        ident: 77,
        // Enough to count, and not more.
        bandwidth_mbps: 4,
        modifiers: Modifiers::default(),
        params: TestParams { time_s: 5, ..TestParams::default() },
        authentication: None,
        patience: Nanos::from_secs(8),
        seed: 7,
    }
}

/// Load PDUs of the test itself that came to a host.
fn load(tap: &Tap) -> u64 {
    let is_load = |payload: &Vec<u8>| {
        LoadHeader::decode(payload).is_ok_and(|header| header.action == TestAction::Test)
    };
    tap.payloads(Way::Back).iter().filter(|payload| is_load(payload)).count() as u64
}

fn run(trial: &mut Trial<'_>, direction: DirectionAsked) {
    let weather = trial.weather();
    let mut network = Network::new(trial.seed);
    let taps = [Tap::default(), Tap::default()];
    let [near, far] = [NEAR, FAR].map(|address| Host::at(&IpAddr::from(address).to_string()));
    let near = network.add(weather.near(taps[0].on(near), EXTERNAL.into()));
    let far = network.add(weather.far_of_tcp(taps[1].on(far)));
    let batch = || TxBatch::new(BATCH.0, BATCH.1);
    let orders = Mailbox::<UdpstpOrder>::new();
    let mail = (Mailbox::<UdpstpCommand>::new(), Mailbox::<ServeEvent>::new());
    let target = SocketAddr::from((FAR, UDPSTP_PORT));
    let server = UdpstpServer::new(UdpstpPolicy::default(), orders.clone(), mail.clone(), 1);
    let server = network.start_with(far, &[SimSocket::bound(target)], server, batch());
    let socket = |index: u8| SimSocket::bound((NEAR, 40_000 + u16::from(index)).into());
    let sockets: Vec<SimSocket> = (0..CONNECTIONS).map(socket).collect();
    let client = UdpstpClient::new(plan(direction, target), ());
    let client = network.start_with(near, &sockets, client, batch());
    let mut port = 50_000;
    let mut step = |network: &mut Network, until: Nanos| {
        let goes_on = network.step(until);
        for command in mail.0.drain() {
            match command {
                UdpstpCommand::Open { test, .. } => {
                    port += 1;
                    let socket = SimSocket::bound((FAR, port).into());
                    let socket = network.open_socket(server.id(), socket);
                    orders.push(UdpstpOrder::Opened { test, socket, port });
                    network.wake(server.id());
                }
                UdpstpCommand::Close { socket } => network.close_socket(server.id(), socket),
            }
        }
        goes_on
    };
    while !network.is_over(client.id()) {
        assert!(step(&mut network, trial.deadline()), "hangs at {}", network.instant());
    }
    let at = network.instant();
    let report = client.finish(network.now(client.id())).report;
    while step(&mut network, at + FORGOTTEN) {}
    let open = server.with(|server| server.connections()) as u64;
    trial.own_sum("connections open at the end: none", open, &[]);
    let at_receiver = match direction {
        DirectionAsked::Upstream => &taps[1],
        DirectionAsked::Downstream => &taps[0],
    };
    let totals = report.totals.unwrap_or_default();
    trial.at_most("counted <= load that came", totals.datagrams, load(at_receiver));
    trial.at_most("intervals <= those of the test", report.intervals.len() as u64, 5);
    let failure = report.failure.as_ref().map(|failure| failure as &dyn std::fmt::Debug);
    trial.conclude(at, failure, &report.maximum.map(|most| most.ip_bits_per_second), &report);
}
