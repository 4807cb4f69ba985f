//! Sentences of `serve` for its operator: a reload, the end, the service manager.

use super::terms::plural;
use crate::record::{ReloadFailure, ReloadFile, ServeRecord, Worded};
use crate::units::{Nanos, errno_text};

/// An event that concerns the operator alone.
pub(super) fn event(record: &ServeRecord) -> String {
    match record {
        ServeRecord::Draining { sessions: 0, .. } => "shutting down".to_owned(),
        ServeRecord::Draining { sessions, grace_ns } => format!(
            "shutting down: no new sessions; {} may end within {}",
            plural(*sessions as u64, "session"),
            Nanos(*grace_ns)
        ),
        ServeRecord::GraceOver { sessions } => format!(
            "the time for open sessions is over: {} ended",
            plural(*sessions as u64, "session")
        ),
        ServeRecord::Reloaded { files, sessions } => {
            let files: Vec<&str> = files.iter().map(|file| reload_file(*file)).collect();
            let mut line = match &files[..] {
                [] => "nothing to read again".to_owned(),
                files => format!("read again: {}", files.join(", ")),
            };
            if *sessions > 0 {
                let sessions = plural(*sessions as u64, "session");
                line.push_str(&format!("; {sessions} from before keep what they were granted"));
            }
            line
        }
        ServeRecord::NotReloaded { failure } => {
            format!("nothing was changed by the reload: {failure}")
        }
        ServeRecord::NotReloadable { failure } => {
            format!("a reload (SIGHUP) will change nothing: {failure}")
        }
        ServeRecord::NoServiceManager { socket, errno } => no_service_manager(socket, *errno),
        ServeRecord::StatusAsked { client } => {
            format!("{client} asked for the state of the server")
        }
        _ => String::new(),
    }
}

/// Why a service manager is told nothing.
pub fn no_service_manager(socket: &str, errno: Option<i32>) -> String {
    let why = match errno {
        None => "not a path, and not an abstract address".to_owned(),
        Some(errno) => errno_text(errno),
    };
    format!("the service manager is told nothing: NOTIFY_SOCKET {socket:?}: {why}")
}

impl Worded for ReloadFailure {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// A file that is read again.
fn reload_file(file: ReloadFile) -> &'static str {
    match file {
        ReloadFile::Key => "key",
        ReloadFile::Iperf3Users => "iperf3 users",
        ReloadFile::UdpstpKeys => "UDPSTP keys",
        ReloadFile::Policy => "policy",
    }
}
