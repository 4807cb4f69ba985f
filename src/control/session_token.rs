//! What a client keeps of its session: the name, and the liveness value from the server's last
//! reply.
//!
//! The server renews the value continuously. Returning a recent one proves that the client still
//! receives; that alone keeps the session, and above all the streams towards the client, alive.

use crate::wire::{Code, Params, Reply};

/// Stop repeating a command after the server called the value too old this often in a row.
const STALE_IN_A_ROW: u32 = 3;

/// A session as its client knows it; empty before it is open.
#[derive(Clone, Debug, Default)]
pub struct SessionToken {
    name: String,
    value: String,
    /// What proves this end's address, where it is another than the session's; empty where not.
    ticket: String,
    stale: u32,
}

impl SessionToken {
    /// The session's name; empty before it is open.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records that the session is open under this name.
    pub fn open(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// The liveness value that was received last; empty before any.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Takes the liveness value from a reply, or the ticket of another address than the session's.
    /// Returns true if the command was rejected because that was too old, or missing, and must be
    /// sent again with the new one.
    pub fn note(&mut self, reply: &Reply) -> bool {
        let value = reply.params.get("proof");
        if let Some(value) = value {
            value.clone_into(&mut self.value);
        }
        let ticket = reply.params.get("ticket").filter(|_| reply.code == Code::STALE);
        ticket.unwrap_or_default().clone_into(&mut self.ticket);
        if reply.code != Code::STALE || (value.is_none() && ticket.is_none()) {
            self.stale = 0;
            return false;
        }
        self.stale += 1;
        self.stale <= STALE_IN_A_ROW
    }

    /// Adds the session's name and liveness value to a command.
    pub fn write(&self, params: &mut Params) {
        if !self.name.is_empty() {
            params.push("session", &self.name);
        }
        if !self.value.is_empty() {
            params.push("proof", &self.value);
        }
        if !self.ticket.is_empty() {
            params.push("ticket", &self.ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_is_returned_and_a_stale_command_is_asked_again_but_not_for_ever() {
        let mut held = SessionToken::default();
        let written = |held: &SessionToken| {
            let mut params = Params::default();
            held.write(&mut params);
            params.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        let reply = |text: &str| Reply::decode(text.as_bytes()).unwrap();
        assert!(written(&held).is_empty());
        held.open("ab");
        assert!(!held.note(&reply("a 250-proof=01\r\na 250 hello\r\n")));
        assert_eq!(written(&held), ["session=ab", "proof=01"]);
        assert!(!held.note(&reply("a 211 status\r\n")));
        for number in 0..5 {
            let again = held.note(&reply("a 454-proof=02\r\na 454 stale\r\n"));
            assert_eq!(again, number < 3, "{number}");
        }
        assert_eq!(written(&held), ["session=ab", "proof=02"]);
        assert!(!held.note(&reply("a 454 stale\r\n")));
        // From another address than the session's, with a ticket that is returned once.
        assert!(held.note(&reply("a 454-ticket=77\r\na 454 stale\r\n")));
        assert_eq!(written(&held), ["session=ab", "proof=02", "ticket=77"]);
        assert!(!held.note(&reply("a 211-moved=192.0.2.1:9\r\na 211 status\r\n")));
        assert_eq!(written(&held), ["session=ab", "proof=02"]);
        assert!(held.note(&reply("a 454-proof=03\r\na 454 stale\r\n")));
    }
}
