//! The lines between a fan-out's sender and its receivers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::stats::GapLog;
use udpkit::wire::{Announcement, Command, LINE_LEN, ReceiverReport};

fuzz_target!(|data: &[u8]| {
    let Ok(command) = Command::decode(data) else { return };
    if let Some(line) = Announcement::read(&command) {
        let bytes = line.encode();
        assert_eq!(bytes.len(), LINE_LEN);
        let again = Command::decode(&bytes).expect("what was written");
        assert_eq!(Announcement::read(&again), Some(line));
        // The log ignores marks that do not rise, whatever a sender sends.
        let mut log = GapLog::new(line.sent.min(1 << 60));
        log.set_mark(line.mark);
        log.observe(log.extend(line.tag.into()));
    }
    if let Some(report) = ReceiverReport::read(&command) {
        if let Some(mark) = &report.mark {
            assert!(mark.gaps.is_sorted_by(|one, other| one.1 < other.0));
            assert!(
                mark.gaps.iter().all(|(first, last)| {
                    (mark.from..=*last).contains(first) && *last < mark.upto
                })
            );
        }
        let bytes = report.encode(LINE_LEN);
        assert!(bytes.len() <= LINE_LEN);
        let again = Command::decode(&bytes).expect("what was written");
        let again = ReceiverReport::read(&again).expect("what was written");
        assert_eq!(again.lost, report.lost);
        // The host's counts give way where there is no room for them.
        let host = report.host.filter(|_| again.host.is_some());
        let report = ReceiverReport { host, mark: None, ..report };
        assert_eq!(ReceiverReport { mark: None, ..again }, report);
    }
});
