//! Resolves names in threads of their own: a name server that does not answer holds up nobody but
//! those who ask it.

use super::queue::Queue;
use crate::batch::HostFault;
use crate::engine::Handle;
use crate::machine::Executor;
use crate::net::{FamilyChoice, NetError, resolve_all};
use crate::report;
use crate::report::words::monitor as words;
use crate::session::monitor::{MonitorCommand, MonitorOrder};
use std::net::SocketAddr;
use std::thread;

/// Names that are resolved at once.
const THREADS: usize = 8;

/// A question: its ticket, and host and port.
type Question = (u64, Box<str>);

/// The threads, which end with it.
pub(super) struct Resolver {
    family: FamilyChoice,
    to: Queue<MonitorOrder>,
    handle: Handle,
    /// The threads' questions; `None` as long as there was none.
    questions: Option<Queue<Question>>,
}

impl Resolver {
    /// A resolver whose answers go to a session, and wake its loop.
    pub fn new(family: FamilyChoice, to: Queue<MonitorOrder>, handle: Handle) -> Self {
        Self { family, to, handle, questions: None }
    }

    fn start(&self) -> Queue<Question> {
        let questions = Queue::<Question>::default();
        for _ in 0..THREADS {
            let (asked, to) = (questions.clone(), self.to.clone());
            let (family, handle) = (self.family, self.handle.clone());
            let work = move || {
                while let Some((ticket, host)) = asked.next() {
                    let found = found(&host, family);
                    to.push(MonitorOrder::Resolved { ticket, found }, usize::MAX);
                    handle.wake();
                }
            };
            if let Err(error) = thread::Builder::new().name("resolver".to_owned()).spawn(work) {
                let why = crate::sys::error_text::io_error_text(&error);
                report::warning(words::no_threads(&why));
            }
        }
        questions
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        if let Some(questions) = &self.questions {
            questions.close();
        }
    }
}

fn found(host: &str, family: FamilyChoice) -> Result<Vec<SocketAddr>, HostFault> {
    resolve_all(host, None, family).map(|found| found.addrs).map_err(|error| match error {
        NetError::Host { fault, .. } => fault,
        other => HostFault::Resolver { error: other.to_string() },
    })
}

impl Executor<MonitorCommand> for Resolver {
    fn execute(&mut self, command: MonitorCommand) {
        let MonitorCommand::Resolve { ticket, host } = command;
        if self.questions.is_none() {
            self.questions = Some(self.start());
        }
        if let Some(questions) = &self.questions {
            // Without a thread, nobody answers.
            questions.push((ticket, host), usize::MAX);
        }
    }
}
