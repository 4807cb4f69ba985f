//! A monitor as a service: what the service manager hears, and the commands of thresholds.

use crate::common::{Running, free_udp_port, secs, udpkit, wait_until};
use std::fs;
use std::os::unix::net::UnixDatagram;

/// The next message to the service manager with this word.
fn hear(manager: &UnixDatagram, word: &str) -> String {
    manager.set_read_timeout(Some(secs(60))).expect("a socket with a time-out");
    let mut bytes = [0; 256];
    loop {
        let length = manager.recv(&mut bytes).expect("a message in time");
        let told = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if told.contains(word) {
            return told;
        }
    }
}

#[test]
fn a_service_manager_hears_that_it_is_ready_alive_reloading_and_stopping() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    let file = dir.path().join("list.toml");
    fs::write(&file, "[[target]]\naddress = \"127.0.0.1:9\"\n").unwrap();
    let mut command = udpkit();
    command.arg("monitor").arg(&file).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000000");
    let monitor = Running::start(&mut command);
    assert_eq!(hear(&manager, "READY"), "READY=1");
    assert_eq!(hear(&manager, "WATCHDOG"), "WATCHDOG=1");
    assert_eq!(hear(&manager, "WATCHDOG"), "WATCHDOG=1");
    monitor.signal("HUP");
    assert!(hear(&manager, "RELOADING").starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(hear(&manager, "READY"), "READY=1");
    monitor.signal("TERM");
    assert_eq!(hear(&manager, "STOPPING"), "STOPPING=1");
    assert_eq!(monitor.wait(secs(30)).code(), Some(1), "nobody answered");
}

#[test]
fn a_command_is_told_what_happened_when_a_threshold_breaks_and_when_it_is_kept_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let port = free_udp_port();
    let command = format!(
        "echo \"$UDPKIT_STATE $UDPKIT_TARGET $UDPKIT_CONDITION\" >>{}; echo said",
        log.display()
    );
    let target = format!("127.0.0.1:{port}");
    let args = ["-i", "50ms", "-w", "200ms", "--jsonl", "--alert", "outage>400ms", "--run"];
    let monitor = Running::start(udpkit().args(["monitor", &target]).args(args).arg(&command));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let broken = format!("broken {target} outage>400ms\n");
    wait_until("the command of the outage", secs(60), || said() == broken);
    let server = Running::start(udpkit().args(["serve", &target]));
    let both = format!("{broken}held {target} outage>400ms\n");
    wait_until("the command of its end", secs(60), || said() == both);
    monitor.signal("INT");
    let output = monitor.wait(secs(30)).expect_success();
    assert!(!output.out().contains("said\n"), "standard output is the report's");
    assert!(output.err().contains("said"), "{}", output.err());
    drop(server);
}
