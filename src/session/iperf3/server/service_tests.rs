//! What an operator has a server of iperf3 clients do while tests run: end, and read its files again.

use super::simulated_client::{COOKIE, World, address, params, results};
use crate::record::{BlastReceived, Iperf3End, ServeRecord};
use crate::session::serve::{ServePolicy, ServeReload, StreamReport};
use crate::wire::iperf3::test_users::{KEY, LIST};
use crate::wire::iperf3::{Iperf3Users, OldTokens, encode_message};
use std::sync::Arc;

const ERROR: u8 = 0xFE;
const BUSY: u8 = 0xFF;

fn reloaded(policy: ServePolicy, users: Option<Arc<Iperf3Users>>) -> StreamReport {
    let (stamp_rate, stun_rate, key, files) = (None, None, None, Vec::new());
    let reload =
        ServeReload { files, policy, key, stamp_rate, stun_rate, users, udpstp_keys: None };
    StreamReport::Reloaded(Box::new(reload))
}

/// Ends a test whose ten datagrams arrived, and returns how it and others ended.
fn ended(world: &mut World, client: u64) -> Vec<Iperf3End> {
    world.feed(client, &results(&[10]));
    let received = BlastReceived {
        datagrams: 10,
        firsts: 10,
        sender_total: Some(10),
        ..BlastReceived::default()
    };
    world.received(client, 0, &received);
    world.feed(client, &[16]);
    let ended = |record| match record {
        ServeRecord::Iperf3Closed { ended, .. } => Some(ended),
        _ => None,
    };
    world.log().into_iter().filter_map(ended).collect()
}

#[test]
fn a_server_that_drains_lets_tests_end_and_refuses_others() {
    let mut world = World::new(ServePolicy::default());
    let client = world.ending(address(1, 4_000), &params(1));
    let waiting = world.connect(address(3, 4_000));
    world.feed(waiting, COOKIE);
    world.report(0, 0, StreamReport::Drain);
    assert_eq!(world.told(waiting), [BUSY]);
    let refused = world.connect(address(2, 4_000));
    assert_eq!(world.told(refused), [BUSY]);
    assert_eq!(ended(&mut world, client), [Iperf3End::Done]);
}

#[test]
fn users_and_limits_that_were_read_again_are_for_tests_from_then_on() {
    let mut world = World::new(ServePolicy::default());
    let before = world.ending(address(1, 4_000), &params(1));
    let users = Iperf3Users::read(&KEY, LIST, OldTokens::Refused).ok().map(Arc::new);
    let policy = ServePolicy { max_sessions: 2, ..ServePolicy::default() };
    world.report(0, 0, reloaded(policy, users));
    let client = world.connect(address(2, 4_000));
    let third = world.connect(address(3, 4_000));
    assert_eq!(world.told(third), [BUSY]);
    world.feed(client, COOKIE);
    let told = world.feed(client, &encode_message(&params(1)));
    assert_eq!(told.first(), Some(&ERROR), "no user, no test");
    assert_eq!(ended(&mut world, before), [Iperf3End::Done]);
}
