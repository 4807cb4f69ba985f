//! Lines of the control protocol, parsing of their parameters, and their authentication.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use udpkit::session::blast::{TestPlan, read_counts, read_interval, read_sent};
use udpkit::session::serve::ServePolicy;
use udpkit::session::stat::read_state;
use udpkit::units::Nanos;
use udpkit::wire::{CONTROL_MAX, Command, ControlKey, Params, Reply, TicketKey};

fuzz_target!(|data: &[u8]| {
    if let Ok(command) = Command::decode(data) {
        if let Ok(bytes) = command.encode() {
            assert!(bytes.len() <= CONTROL_MAX);
            assert_eq!(Command::decode(&bytes), Ok(command.clone()));
        }
        params(&command.params);
    }
    if let Ok(reply) = Reply::decode(data) {
        if let Ok(bytes) = reply.encode() {
            assert!(bytes.len() <= CONTROL_MAX);
            assert_eq!(Reply::decode(&bytes), Ok(reply.clone()));
        }
        params(&reply.params);
    }
    if let Ok(key) = ControlKey::new(b"0123456789abcdef") {
        assert!(key.verify_command(data).is_err(), "nobody has the key");
        let (sealed, seal) = key.sign_command(data.to_vec());
        assert_eq!(key.verify_command(&sealed).ok(), Some(seal));
        assert!(key.verify_reply(data, seal).is_err(), "nobody has the key");
        let reply = key.sign_reply(data.to_vec(), seal);
        assert!(key.verify_reply(&reply, seal).is_ok_and(|bytes| reply.starts_with(bytes)));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = read_interval(text);
        let addr = ([192, 0, 2, 1], 9).into();
        assert!(!TicketKey([7; 32]).verify(text, addr, 5), "nobody was given a ticket");
    }
});

fn params(params: &Params) {
    let server = SocketAddr::from(([192, 0, 2, 1], 9));
    let state = read_state(server.into(), Nanos(1), params);
    assert!(state.refusals.len() <= CONTROL_MAX);
    if let Ok(plan) = TestPlan::read(params)
        && ServePolicy::default().admit(&plan).is_ok()
    {
        let mut again = Params::default();
        plan.write(&mut again);
        assert_eq!(TestPlan::read(&again), Ok(plan));
        let all = plan.all_streams();
        let share = (0..plan.streams).map(|stream| u128::from(plan.count_of(stream))).sum::<u128>();
        assert_eq!(share, u128::from(plan.count));
        assert!((0..all).filter(|stream| plan.is_up(*stream)).count() <= plan.streams as usize);
        let _ = plan.pacer(udpkit::units::Nanos::ZERO);
    }
    let _ = read_counts(params);
    let _ = read_sent(params);
}
