//! Names with several addresses, addresses in another notation, and addresses of several servers.

use crate::common::{Lab, Output, Running, json, path, require_lab, run, secs, text};
use std::fs;
use std::path::PathBuf;

/// What names mean on one host of a lab: `ip netns exec` puts the file in the place of /etc/hosts.
struct Hosts(PathBuf);

impl Hosts {
    fn of(lab: &Lab, host: &str, lines: &str) -> Self {
        let folder = PathBuf::from("/etc/netns").join(lab.namespace(host));
        fs::create_dir_all(&folder).expect("a folder for the names of a namespace");
        fs::write(folder.join("hosts"), lines).expect("the names of a namespace");
        Self(folder)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn serve(lab: &Lab, args: &[&str]) -> Running {
    let server = Running::start(lab.udpkit("b").args([&["serve"], args].concat()));
    server.wait_for_line("dropped to", secs(10));
    server
}

fn ask(lab: &Lab, words: &str) -> Output {
    run(lab.udpkit("a").args(words.split(' ')), secs(40))
}

#[test]
fn the_address_that_answers_first_is_used_and_said() {
    require_lab!();
    let lab = Lab::pair();
    let names = "fd77::9 two.example\n10.77.0.2 two.example\n10.77.0.2 one.example\n\
                 fd77::2 six.example\n10.77.0.9 six.example\nfd77::2 only.example\n";
    let _hosts = Hosts::of(&lab, "a", names);
    let _server = serve(&lab, &[]);
    let open = ["cast", "send", "--open=:8700", "-s", "100", "-t", "60s"];
    let sender = Running::start(lab.udpkit("b").args(open));
    sender.wait_for_line("open to receivers", secs(10));
    for words in [
        "blast NAME -t 100ms --rate 1M -J",
        "ping NAME -c 2 -i 10ms -J",
        "probe marks NAME -J",
        "cast recv --sender NAME:8700 -c 1 -J",
    ] {
        // The first address of a name is alive, or the second; then a name that has the living alone.
        for (name, used, unused, other, only) in [
            ("two.example", "10.77.0.2:8", "fd77::9", "[fd77::9]:8", "one.example"),
            ("six.example", "[fd77::2]:8", "10.77.0.9", "10.77.0.9:8", "only.example"),
        ] {
            let output = ask(&lab, &words.replace("NAME", name)).expect_success();
            let said = output.err();
            assert!(said.contains(&format!("{name}: using {used}")), "{words}: {said}");
            let race = format!("the first to answer; it also has {unused}");
            assert!(said.contains(&race), "{words}: {said}");
            let report = json(&output.out());
            assert_eq!(text(&report, "names.0.name"), name, "{words}: {report:#}");
            assert!(text(&report, "names.0.address_used").starts_with(used), "{report:#}");
            assert_eq!(path(&report, "names.0.address_answered"), true, "{words}: {report:#}");
            let told = text(&report, "names.0.other_addresses.0");
            assert!(told.starts_with(other), "{words}: {report:#}");
            let one = ask(&lab, &words.replace("NAME", only)).expect_success();
            assert!(!one.err().contains("the first to answer"), "{words}: {}", one.err());
            assert!(json(&one.out()).get("names").is_none(), "{words}");
        }
    }
}

#[test]
fn where_no_address_answers_all_are_named() {
    require_lab!();
    let lab = Lab::pair();
    let _hosts = Hosts::of(&lab, "a", "fd77::2 two.example\n10.77.0.2 two.example\n");
    for words in ["blast two.example --wait 500ms", "probe marks two.example"] {
        let output = ask(&lab, words);
        assert_eq!(output.code(), Some(1), "{words}: {}", output.err());
        let said = output.err();
        assert!(said.contains("two.example: no address answered; using "), "{words}: {said}");
        assert!(said.contains("fd77::2") && said.contains("10.77.0.2"), "{words}: {said}");
    }
}

#[test]
fn an_ipv4_mapped_address_is_the_ipv4_address() {
    require_lab!();
    let lab = Lab::pair();
    let server = serve(&lab, &["[::ffff:10.77.0.2]:8620", "--allow", "::ffff:10.77.0.1"]);
    drop(Running::start(lab.udpkit("b").args(["recv", "[::ffff:10.77.0.2]:9000", "-q"])));
    for words in [
        "blast ::ffff:10.77.0.2 -t 100ms --rate 1M -J",
        "blast 10.77.0.2 --bind ::ffff:10.77.0.1 -t 100ms --rate 1M -J",
        "ping ::ffff:10.77.0.2 -c 1 -J",
        "probe marks ::ffff:10.77.0.2 -J",
        "probe trace ::ffff:10.77.0.2 -J",
        "send [::ffff:10.77.0.2]:8620 -J -- hello",
    ] {
        let mut said = json(&ask(&lab, words).expect_success().out());
        // What was typed stands in it, too.
        said["run"].take();
        let said = said.to_string();
        assert!(said.contains("10.77.0.2"), "{words}: {said}");
        assert!(!said.contains("::ffff:10.77.0.2"), "{words}: {said}");
    }
    drop(server);
    // Another's address is still refused.
    let _server = serve(&lab, &["--allow", "::ffff:10.77.0.9"]);
    let refused = ask(&lab, "blast 10.77.0.2 -t 100ms --rate 1M -J");
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err().contains("550"), "{}", refused.err());
}

/// Spreads port 8620 of `b` over two servers, by flow or by client.
fn balance(lab: &Lab, by: &str) {
    lab.nft(
        "b",
        &format!(
            "table inet balancer {{
                chain in {{ type nat hook prerouting priority dstnat;
                    udp dport 8620 redirect to : {by} mod 2 map {{ 0 : 8630, 1 : 8640 }}
                }}
             }}"
        ),
    );
}

#[test]
fn an_address_shared_by_several_servers_is_told() {
    require_lab!();
    let lab = Lab::pair();
    let _one = serve(&lab, &["-p", "8630"]);
    let _other = serve(&lab, &["-p", "8640"]);
    balance(&lab, "numgen inc");
    for server in ["10.77.0.2", "fd77::2"] {
        let output = ask(&lab, &format!("blast {server} -t 100ms --rate 1M -J"));
        assert_eq!(output.code(), Some(1), "{}", output.err());
        let report = json(&output.out());
        assert_eq!(text(&report, "failure.code"), "several_servers", "{report:#}");
        let (one, other) =
            (text(&report, "failure.session_server"), text(&report, "failure.stream_server"));
        assert_ne!(one, other);
        assert_eq!(text(&report, "failure_advice.code"), "ask_one_server");
    }
}

#[test]
fn an_address_shared_by_several_servers_has_no_bad_path() {
    require_lab!();
    let lab = Lab::pair();
    let _one = serve(&lab, &["-p", "8630"]);
    let _other = serve(&lab, &["-p", "8640"]);
    balance(&lab, "numgen inc");
    for server in ["10.77.0.2", "fd77::2"] {
        let output = ask(&lab, &format!("probe paths {server} -J")).expect_success();
        let report = json(&output.out());
        assert_eq!(text(&report, "no_agent.code"), "several_servers", "{report:#}");
        assert_eq!(text(&report, "verdict.code"), "no_difference", "{report:#}");
    }
}

#[test]
fn a_balancer_that_keeps_a_client_with_one_server_is_none() {
    require_lab!();
    let lab = Lab::pair();
    let _one = serve(&lab, &["-p", "8630"]);
    let _other = serve(&lab, &["-p", "8640"]);
    for (server, by) in [("10.77.0.2", "jhash ip saddr"), ("fd77::2", "jhash ip6 saddr")] {
        balance(&lab, by);
        ask(&lab, &format!("blast {server} -t 100ms --rate 1M -J")).expect_success();
        lab.nft("b", "delete table inet balancer");
    }
}
