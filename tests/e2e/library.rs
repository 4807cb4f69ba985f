//! The library's builders and the programs of `examples`.

use crate::common::{json, path, run, secs, skip, udpkit};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use udpkit::{Fanout, Ping, Throughput};

/// Where cargo puts the examples, which it builds for all tests together, not for one of them.
fn examples() -> PathBuf {
    PathBuf::from(udpkit().get_program()).with_file_name("examples")
}

#[test]
fn every_example_runs_and_prints_a_record() {
    let example = |name: &str| Command::new(examples().join(name));
    if !examples().join("throughput").exists() {
        skip!("the examples are not built: cargo build --examples");
    }
    let throughput = run(&mut example("throughput"), secs(30)).expect_success();
    let report = json(&throughput.out());
    assert!(path(&report, "failure").is_null(), "{report}");
    let ping = json(&run(&mut example("ping"), secs(30)).expect_success().out());
    assert_eq!(path(&ping, "targets.0.sent"), 50, "{ping}");
    let fanout = run(&mut example("fanout"), secs(30)).expect_success().out();
    assert!(fanout.ends_with("hello\nhello\n"), "{fanout}");
}

#[test]
fn what_cannot_be_right_is_an_error_with_a_hint_and_nothing_is_printed() {
    let wrong = Throughput::to("192.0.2.1:x").run().expect_err("no port");
    assert!(wrong.is_usage(), "{wrong}");
    let wrong = Throughput::of_this_host().streams(65).run().expect_err("too many");
    assert!(wrong.is_usage() && wrong.to_string().contains("65"), "{wrong}");
    let wrong = Ping::to("127.0.0.1:9").interval(Duration::ZERO).count(1).run();
    assert!(wrong.expect_err("too often").is_usage());
    let wrong = Fanout::to("127.0.0.1:9").message("x").receivers(1).without_header().run();
    assert!(wrong.expect_err("without the header nobody reports").is_usage());
}

#[test]
fn a_server_that_is_not_there_is_a_report_with_a_failure() {
    let port = crate::common::free_udp_port();
    let report = Throughput::to(format!("127.0.0.1:{port}"))
        .time(Duration::from_millis(100))
        .run()
        .expect("it began");
    assert!(report.failure.is_some());
}
