//! Errors and hints about a server that does not reply, the same in all commands.

use crate::record::probe::NoAgent;
use crate::record::{RemoteRefusal, Worded};
use crate::units::Endpoint;
use std::net::IpAddr;

/// The default port of `udpkit serve`.
const PORT: u16 = 8620;

/// The hint where several servers share an address.
pub const ASK_ONE_SERVER: &str = "use the address of one of the servers, or have the load balancer \
                                  send all flows of a client to the same server";

/// That a stream reached another server than the session's.
pub fn several_servers(session: &str, stream: &str) -> String {
    format!(
        "several servers share this address: the session is at server {session}, and a stream \
         reached server {stream}"
    )
}

/// The command that starts the server on the port of `target`.
pub fn serve_command(target: Endpoint) -> String {
    match target.port() {
        PORT => "`udpkit serve`".to_owned(),
        port => format!("`udpkit serve --port {port}`"),
    }
}

/// No reply from `target`: the error and the hint.
pub fn no_reply(target: Endpoint) -> (String, String) {
    let hint = format!(
        "start {} there, and allow UDP port {} in both directions",
        serve_command(target),
        target.port()
    );
    (format!("no reply from {target}"), hint)
}

/// Port unreachable from `target`: the error and the hint.
pub fn port_closed(target: Endpoint) -> (String, String) {
    let hint = format!("start {} there", serve_command(target));
    (format!("nothing listens on {target}"), hint)
}

/// For datagrams that a router or firewall does not let through to `target`: the hint.
pub fn trace_path(target: Endpoint) -> String {
    format!("`udpkit probe trace {target}` shows where datagrams stop")
}

/// The note that a probe of `host` has begun; a zone is named as the interface is.
pub fn probing(host: &str, target: Endpoint) -> String {
    match target.ip() {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => format!("probing {target}"),
        _ => format!("probing {host}"),
    }
}

/// No remote agent at `target`: the error and the hint.
pub fn no_agent(target: Endpoint, why: &NoAgent) -> (String, Option<String>) {
    let hint = match why {
        NoAgent::NoReply { .. } | NoAgent::StoppedReplying { .. } => Some(no_reply(target).1),
        NoAgent::Unreachable { error, .. } if error.is_refusal() => Some(port_closed(target).1),
        NoAgent::Unreachable { .. } => Some(trace_path(target)),
        NoAgent::Refused { reply: RemoteRefusal::Refused { .. } } => {
            Some(format!("probes need {} there without `--no-probe`", serve_command(target)))
        }
        NoAgent::NotSent { found, .. } => found.hint().map(|hint| hint.text()),
        NoAgent::TtlExceeded { .. } => {
            Some(format!("`udpkit probe trace {}` shows the routers", target.ip()))
        }
        NoAgent::SeveralServers { .. } => Some(ASK_ONE_SERVER.to_owned()),
        // These messages say themselves what to do.
        NoAgent::Refused { .. } | NoAgent::Restarted { .. } | NoAgent::Interrupted => None,
    };
    (why.to_string(), hint)
}

/// The note that a name has addresses of both families, and `taken` is probed.
pub fn other_family(name: &str, taken: IpAddr, other: IpAddr) -> String {
    let flag = if other.is_ipv4() { "-4" } else { "-6" };
    format!("{name} has IPv4 and IPv6 addresses: probing {taken}; {flag} selects {other}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{ErrorOrigin, NetworkError};

    #[test]
    fn target_and_command_are_named_and_only_another_port_is_an_option() {
        let (error, hint) = no_reply("192.0.2.1:8620".parse().unwrap());
        assert_eq!(error, "no reply from 192.0.2.1:8620");
        assert_eq!(hint, "start `udpkit serve` there, and allow UDP port 8620 in both directions");
        let (error, hint) = port_closed("[2001:db8::1]:9000".parse().unwrap());
        assert_eq!(error, "nothing listens on [2001:db8::1]:9000");
        assert_eq!(hint, "start `udpkit serve --port 9000` there");
    }

    #[test]
    fn a_closed_port_wants_a_server_and_a_routers_refusal_a_trace() {
        let target: Endpoint = "192.0.2.10:8620".parse().unwrap();
        let to = "192.0.2.10:8620".parse().unwrap();
        for (code, errno, wanted) in [
            (3, 111, "start `udpkit serve` there"),
            (1, 113, "`udpkit probe trace 192.0.2.10:8620` shows where datagrams stop"),
            (13, 113, "`udpkit probe trace 192.0.2.10:8620` shows where datagrams stop"),
        ] {
            let error = NetworkError::new(ErrorOrigin::Icmp, (3, code), errno, to, &[]);
            let why = NoAgent::from_network(target, &error);
            assert_eq!(no_agent(target, &why).1.as_deref(), Some(wanted), "{why}");
        }
    }
}
