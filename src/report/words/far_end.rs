//! What to say of a far end that does not answer, in every command alike.

use std::net::SocketAddr;

/// The port of `udpkit serve` where none is named.
const PORT: u16 = 8620;

/// The command that starts the server on the port of `target`.
pub fn serve_command(target: SocketAddr) -> String {
    match target.port() {
        PORT => "`udpkit serve`".to_owned(),
        port => format!("`udpkit serve --port {port}`"),
    }
}

/// Nothing came back from `target`: the error, and the hint.
pub fn no_reply(target: SocketAddr) -> (String, String) {
    let hint = format!(
        "start {} there, and allow UDP port {} in both directions",
        serve_command(target),
        target.port()
    );
    (format!("no reply from {target}"), hint)
}

/// The host answered that nothing has the port of `target`: the error, and the hint.
pub fn port_closed(target: SocketAddr) -> (String, String) {
    let hint = format!("start {} there", serve_command(target));
    (format!("nothing listens on {target}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_command_are_named_and_only_another_port_is_an_option() {
        let (error, hint) = no_reply("192.0.2.1:8620".parse().unwrap());
        assert_eq!(error, "no reply from 192.0.2.1:8620");
        assert_eq!(hint, "start `udpkit serve` there, and allow UDP port 8620 in both directions");
        let (error, hint) = port_closed("[2001:db8::1]:9000".parse().unwrap());
        assert_eq!(error, "nothing listens on [2001:db8::1]:9000");
        assert_eq!(hint, "start `udpkit serve --port 9000` there");
    }
}
