//! Command line values: quantities, addresses, groups, code points.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fmt::Display;
use std::str::FromStr;
use udpkit::commands::{GroupHost, GroupSpec};
use udpkit::net::split_host_port;
use udpkit::pace::{SizeMix, SizeSequence};
use udpkit::units::{
    ByteCount, Genome, Limit, Nanos, Percent, Rate, SizeChoice, Sweep, Threshold, group_digits,
};
use udpkit::wire::{Dscp, Ecn, split_tos, tos};

fuzz_target!(|text: &str| {
    printed::<Nanos>(text);
    printed::<ByteCount>(text);
    printed::<Percent>(text);
    printed::<Limit>(text);
    printed::<Threshold>(text);
    printed::<SizeChoice>(text);
    printed::<Genome>(text);
    if let Ok(mix) = text.parse::<SizeMix>() {
        assert_eq!(mix.to_string().parse(), Ok(mix));
        let table = SizeSequence::new(&mix);
        assert_eq!(table.counts_to(u64::from(u32::MAX)).iter().sum::<u64>(), u64::from(u32::MAX));
    }
    if let Ok(sweep) = text.parse::<Sweep>() {
        assert!(sweep.rates().count() >= 2);
    }
    if let Ok(rate) = text.parse::<Rate>() {
        for payload in [0, 16, 65_527, u64::MAX] {
            let _ = rate.ratio_for(payload);
        }
    }
    if let Ok(count) = text.parse::<u64>() {
        assert_eq!(group_digits(count).replace(' ', ""), count.to_string());
    }
    if let Ok(dscp) = text.parse::<Dscp>() {
        assert_eq!(split_tos(tos(dscp, Ecn::NotEct)), (dscp, Ecn::NotEct));
        assert_eq!(Dscp::new(dscp.value()), Some(dscp));
    }
    let _ = text.parse::<Ecn>();
    let _ = split_host_port(text);
    match text.parse::<GroupSpec>() {
        Ok(GroupSpec { host: GroupHost::Addresses { all, .. }, port, .. }) => {
            assert!((1..=256).contains(&all.len()) && port > 0);
            assert!(all.iter().all(|ip| ip.is_ipv4() == all[0].is_ipv4()));
        }
        Ok(spec) => assert!(spec.port > 0),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// Parsed values can be printed, and errors have a message.
fn printed<T: FromStr<Err: Display> + Display>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => assert!(!value.to_string().is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
