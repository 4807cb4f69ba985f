//! The dialogue of a probe with the real server, over links that lose, duplicate and delay: what is
//! reported to have arrived has, and no dialogue hangs.

use super::client_and_server::{PATIENCE, Serve, client_address, serve, server_address};
use super::paths::{clean, held, jittery, lossy, twice, with_delay};
use crate::batch::{Datagram, DestId, TxBatch};
use crate::control::Sealer;
use crate::impair::{Chance, Impairments, Loss};
use crate::machine::{Next, Now, Session};
use crate::netsim::{Host, HostId, Link, Mailbox, Network, Running, SimSocket, runs};
use crate::record::probe::NoAgent;
use crate::session::probe::{FarEnd, ProofState, sooner};
use crate::session::serve::{PortsOpened, ServeCommand, ServeOrder, ServePolicy, StreamReport};
use crate::units::Nanos;
use crate::wire::{Ask, ControlKey, Echo};
use std::collections::BTreeSet;

const ASKS: u32 = 50;
const GAP: Nanos = Nanos::from_millis(5);
/// How long to wait for echoes.
const WAIT: Nanos = Nanos::from_secs(2);

#[derive(Debug, PartialEq)]
enum Stage {
    Granting,
    Proving,
    Asking(u32, Nanos),
    Telling,
    Closing,
}

/// A minimal kind of probe: it verifies its socket, sends 50 requests, and fetches the counts.
struct Asker {
    far: FarEnd,
    stage: Stage,
    echoes: BTreeSet<u32>,
    /// STAT's report: arrivals with copies, and the numbers.
    told: Option<(u32, BTreeSet<u32>)>,
    /// Whether numbers are changed on the way.
    is_lied_to: bool,
}

impl Asker {
    fn new(sealer: Sealer) -> Self {
        let mut far = FarEnd::new(server_address(), 0, sealer, PATIENCE);
        far.probe("9000".parse().unwrap());
        Self { far, stage: Stage::Granting, echoes: BTreeSet::new(), told: None, is_lied_to: false }
    }

    fn go_on(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.stage {
            Stage::Granting if self.far.granted().is_some() => {
                self.far.prove(0);
                self.stage = Stage::Proving;
                Next::Send
            }
            Stage::Proving if self.far.proof(0) == ProofState::Proven => {
                self.stage = Stage::Asking(0, now.mono);
                Next::Send
            }
            Stage::Asking(_, at) if now.mono < at => Next::WaitUntil(at),
            Stage::Asking(ASKS, _) => {
                self.far.ask_rows();
                self.far.ask_seen(7);
                self.stage = Stage::Telling;
                Next::Send
            }
            Stage::Asking(number, at) => {
                let Some(granted) = self.far.granted() else { return Next::Idle };
                let ask = Ask::new(granted.tag, granted.key, 7, number, now.real);
                ask.encode(out.push(DestId::CONNECTED, Ask::PADDED).unwrap());
                let next = at + if number + 1 == ASKS { WAIT } else { GAP };
                self.stage = Stage::Asking(number + 1, next);
                Next::Send
            }
            Stage::Telling => {
                if let (Some(rows), Some(seen)) = (self.far.rows(), self.far.seen(7)) {
                    let count = rows.get(&7).map_or(0, |row| row.count);
                    let numbers = (0..ASKS).filter(|number| seen.contains(*number)).collect();
                    self.told = Some((count, numbers));
                    self.far.close();
                    self.stage = Stage::Closing;
                    return Next::Send;
                }
                Next::Idle
            }
            _ => Next::Idle,
        }
    }
}

impl Session for Asker {
    type Summary = ();

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let far = self.far.poll(now, out);
        if far == Next::Done {
            return Next::Done;
        }
        sooner(far, self.go_on(now, out))
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if let Some(echo) = Echo::decode(datagram.payload) {
            let whose = (echo.item, echo.port, echo.source);
            assert!(self.is_lied_to || whose == (7, 9_000, client_address()));
            self.echoes.insert(echo.sequence);
            return;
        }
        self.far.on_datagram(now, datagram);
    }

    fn on_stop(&mut self, _now: Now) {}

    fn finish(self, _now: Now) {}
}

/// A server with only its own port, and the client.
struct Pair {
    network: Network,
    client_host: HostId,
    server: Running<Serve>,
    orders: Mailbox<ServeOrder>,
    commands: Mailbox<ServeCommand>,
    asker: Running<Asker>,
}

impl Pair {
    fn new(seed: u64, path: &Impairments, key: Option<u8>) -> Self {
        let key = key.and_then(|byte| ControlKey::new(&[byte; 16]).ok());
        let mut network = Network::new(seed);
        let (here, there) = (client_address(), server_address());
        let client_host = network.add(Host::at("192.0.2.1").behind(Link::both(path)));
        let server_host = network.add(Host::at("192.0.2.2"));
        let (server, orders, (commands, _)) = serve(ServePolicy::default(), seed);
        let server = server.with_key(key.clone()).on_ports(there.port(), &[]);
        let server = network.start(server_host, &[SimSocket::bound(there)], server);
        let asker = Asker::new(Sealer::new(key, seed));
        let asker = network.start(client_host, &[SimSocket::connected(here, there)], asker);
        for process in [server.id(), asker.id()] {
            network.set_tick(process, Nanos::from_millis(50));
        }
        Self { network, client_host, server, orders, commands, asker }
    }

    fn run(&mut self) {
        let deadline = Nanos::from_secs(100);
        while !self.network.is_over(self.asker.id()) {
            let goes_on = self.network.step(deadline);
            self.asker.with(|asker| assert!(goes_on, "hangs at {:?}", asker.stage));
            for command in self.commands.drain() {
                let ServeCommand::OpenPorts(request) = command else { continue };
                assert!(
                    self.asker.with(|asker| asker.is_lied_to) || request.ports.is_empty(),
                    "the server's own port is open already"
                );
                let news = StreamReport::Ports(Box::<PortsOpened>::default());
                self.orders.push(ServeOrder { session: request.session, stream: 0, news });
                self.network.wake(self.server.id());
            }
        }
    }
}

#[test]
fn what_is_told_to_have_arrived_has_and_what_came_back_is_part_of_it() {
    for seed in 0..40 {
        let path = Impairments {
            loss: if seed % 4 == 0 { Loss::None } else { lossy(20) },
            duplication: twice(if seed % 3 == 0 { 10 } else { 0 }),
            delay: jittery(Nanos::from_millis(1), Nanos::from_millis(20)),
            reordering: held(150, Nanos::from_millis([15, 300][seed as usize % 2])),
            ..Impairments::default()
        };
        let mut pair = Pair::new(seed, &path, (seed % 2 == 0).then_some(7));
        pair.run();
        pair.asker.with(|asker| {
            let lost = asker.far.lost();
            assert_eq!(lost, None, "seed {seed}");
            let (count, numbers) = asker.told.clone().expect("it was told");
            assert_eq!(count as usize, numbers.len(), "seed {seed}");
            assert!(asker.echoes.is_subset(&numbers), "seed {seed}: an echo of what never came");
            if path.loss == Loss::None {
                assert_eq!(numbers.len(), ASKS as usize, "seed {seed}");
                assert_eq!(asker.echoes.len(), ASKS as usize, "seed {seed}");
            } else {
                assert!(numbers.len() < ASKS as usize, "seed {seed}: nothing was lost of 50");
            }
            assert_eq!(asker.far.seen_as(), Some(client_address()));
        });
    }
}

#[test]
fn a_way_back_that_is_closed_after_the_grant_leaves_arrivals_to_tell() {
    // The link back loses every echo but lets the dialogue through. They are told apart by their
    // order on the link: the first few replies pass, and those after all 50 echoes.
    let mut pair = Pair::new(3, &clean(), None);
    let loss = Loss::Ranges(std::iter::once(5..5 + u64::from(ASKS)).collect());
    let back = Impairments { loss, ..clean() };
    pair.network.host(pair.client_host).link().back.impose(back);
    pair.run();
    pair.asker.with(|asker| {
        assert_eq!((asker.far.lost(), asker.echoes.len()), (None, 0));
        assert_eq!(asker.told.as_ref().map(|(count, _)| *count), Some(ASKS));
        assert_eq!(pair.server.with(|server| server.sessions()), 0, "it said QUIT");
    });
}

#[test]
fn a_silent_host_is_no_helper_within_the_patience() {
    let mut pair = Pair::new(1, &Impairments { loss: lossy(100), ..clean() }, None);
    pair.run();
    pair.asker.with(|asker| {
        let lost = asker.far.lost();
        let silent = |lost: &NoAgent| matches!(lost, NoAgent::NoReply { target, .. } if target.to_string() == "192.0.2.2:9000");
        assert!(lost.is_some_and(silent), "{lost:?}");
    });
}

#[test]
fn a_way_of_two_seconds_each_is_waited_for_step_by_step() {
    let path = with_delay(Nanos::from_secs(2));
    for seed in 0..4 {
        let mut pair = Pair::new(seed, &path, (seed % 2 == 0).then_some(7));
        pair.run();
        pair.asker.with(|asker| {
            assert_eq!((asker.far.lost(), asker.told.is_some()), (None, true), "seed {seed}");
            assert!(asker.far.round_trip() >= Nanos::from_secs(4));
        });
    }
}

#[test]
fn a_pause_of_this_host_is_not_the_helpers_silence() {
    let mut far = FarEnd::new(server_address(), 0, Sealer::new(None, 1), PATIENCE);
    let mut out = TxBatch::new(8, 1 << 14);
    let at = |mono: Nanos| Now { mono, real: mono };
    far.poll(at(Nanos(1)), &mut out);
    let length = Nanos::from_secs(60);
    far.on_pause(length);
    far.poll(at(Nanos(2) + length), &mut out);
    assert_eq!(far.lost(), None);
    far.poll(at(Nanos(2) + length + PATIENCE), &mut out);
    assert!(far.lost().is_some());
}

#[test]
fn numbers_of_any_size_end_neither_helper_nor_client() {
    for seed in 0..runs(150) {
        let extremes = Chance::percent([1, 10, 50][seed as usize % 3]);
        let mut pair = Pair::new(seed, &clean(), None);
        let link = pair.network.host(pair.client_host).link();
        (link.out.extremes, link.back.extremes) = (extremes, extremes);
        pair.asker.with(|asker| asker.is_lied_to = true);
        pair.run();
    }
}
