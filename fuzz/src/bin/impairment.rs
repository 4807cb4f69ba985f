//! The text of impairments, and the traces and tables of delays that it names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::cli::Impairment;
use udpkit::impair::{InFlight, Line};
use udpkit::units::Nanos;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // What stands behind the first line is in every file that is named.
    let (text, file) = text.split_once('\n').unwrap_or((text, "1\n"));
    let value: Impairment = match text.parse() {
        Ok(value) => value,
        Err(error) => {
            let told = error.to_string();
            assert!(!told.is_empty() && !told.contains('\n'), "{told}");
            return;
        }
    };
    let printed = value.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(&value), "{printed}");
    let phases = match value.phases(|_| Ok(file.to_owned())) {
        Ok(phases) => phases,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let mut line = Line::new(phases, 7);
    let mut flight = InFlight::default();
    let (mut now, mut copies) = (Nanos::from_secs(1), 0_u64);
    for number in 0..100_usize {
        now += Nanos([0, 1_000, 20_000_000, 1 << 33][number % 4]);
        if let Some(fate) = line.carry_together(now, 3) {
            copies += if fate.is_ok() { 3 } else { 0 };
            continue;
        }
        line.carry(now, number * 40, number % 2 == 0, |arrival| {
            assert!(arrival.at >= now);
            // Values up to 1,000 copies are allowed; they all count.
            copies += 1;
            flight.insert(&arrival, number);
        });
        while flight.pop_due(now).is_some() {}
    }
    let counts = line.counts();
    assert_eq!(counts.passed, copies);
    assert_eq!(counts.offered + counts.duplicated, counts.dropped() + counts.passed);
    while let Some(at) = flight.next_due() {
        assert!(flight.pop_due(at).is_some());
    }
});
