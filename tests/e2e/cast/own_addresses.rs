//! Own addresses are all that the kernel lists, however they were added.

use crate::common::{Lab, Output, require_lab, run, secs};

fn send(lab: &Lab, bind: &str) -> Output {
    let (group, bind) = if bind.contains(':') {
        ("[ff15::7]:5000", format!("[{bind}]"))
    } else {
        ("239.7.7.7:5000", bind.to_owned())
    };
    let args = ["cast", "send", group, "--bind", &bind, "-s", "10", "-c", "1"];
    run(lab.udpkit("a").args(args), secs(10))
}

fn receive(lab: &Lab, address: &str) -> Output {
    let at =
        if address.contains(':') { format!("[{address}]:5000") } else { format!("{address}:5000") };
    run(lab.udpkit("a").args(["cast", "recv", &at, "-t", "50ms"]), secs(10))
}

/// The addresses in the hint of a refusal of an address that is not of this host.
fn known(lab: &Lab) -> Vec<String> {
    let refused = send(lab, "192.0.2.77");
    assert_eq!(refused.code(), Some(1), "{}", refused.err());
    let said = refused.err();
    let (_, hint) = said.split_once("hint: this host has ").expect("a hint");
    let (list, _) = hint.split_once(';').expect("what stands for all");
    list.replace(" and ", ", ").split(", ").map(str::to_owned).collect()
}

#[test]
fn every_address_that_the_kernel_lists_is_an_own_one() {
    require_lab!();
    let lab = Lab::pair();
    lab.shell(
        "a",
        "set -e
         sysctl -qw net.ipv6.conf.eth0.use_tempaddr=2
         for name in d0 d1 d2; do ip link add $name type veth peer name ${name}b; done
         for name in d0 d1; do ip link set $name up; ip link set ${name}b up; done
         ip addr add 10.78.0.1/24 dev eth0
         ip addr add 10.78.1.1/32 dev eth0
         ip addr add 10.78.2.1 peer 10.78.2.2/32 dev eth0
         ip addr add 10.77.0.5/24 brd + dev eth0
         ip addr add 10.77.0.1/24 dev d0
         ip addr add 10.79.0.255/16 dev d0
         ip addr add 10.79.0.1/24 brd + dev d1
         ip addr add 10.78.5.1/24 dev d2
         ip -6 addr add fd78::1/64 dev eth0 nodad preferred_lft 0 valid_lft forever
         ip -6 addr add fd79::1/64 dev eth0 nodad mngtmpaddr preferred_lft 3600 valid_lft 3600",
    );
    let temporary = lab.shell("a", "sleep 2; ip -6 -o addr show dev eth0 temporary");
    let temporary = temporary.split_whitespace().find_map(|word| word.strip_suffix("/64"));
    let plain = [
        "10.77.0.1",
        "10.77.0.5",
        "10.78.0.1",
        "10.78.1.1",
        "10.78.2.1",
        "10.79.0.255",
        "10.79.0.1",
        "fd77::1",
        "fd78::1",
        "fd79::1",
    ];
    assert!(temporary.is_some(), "no temporary address");
    for own in plain.into_iter().chain(temporary) {
        for output in [send(&lab, own), receive(&lab, own)] {
            assert!(output.code().is_some_and(|code| code != 2), "{own}: {}", output.err());
            assert!(!output.err().contains("error:"), "{own}: {}", output.err());
        }
    }
    // On an interface that is down: the kernel refuses it, and nobody says that it is another's.
    for output in [send(&lab, "10.78.5.1"), receive(&lab, "10.78.5.1")] {
        assert!(!output.err().contains("this host has"), "{}", output.err());
    }
    // Neither the other end of a link nor a broadcast address is one.
    for (other, code) in [("10.78.2.2", 1), ("10.77.0.255", 2), ("10.77.0.2", 1), ("fd77::2", 1)] {
        assert_eq!(send(&lab, other).code(), Some(code), "{other}");
    }
    let known = known(&lab);
    assert!(known.len() > 4, "{known:?}");
    for listed in known {
        let output = send(&lab, &listed);
        assert_ne!(output.code(), Some(2), "{listed}: {}", output.err());
    }
}
