//! Round trips beside a run: a thread of their own with a socket of its own.

use super::{Handle, Loop, LoopConfig, StreamError};
use crate::batch::TxBatch;
use crate::net::SocketPlan;
use crate::session::stamp::{ProbePhase, ProberPlan, ProberSummary, StampProber};
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// Probes that one batch holds.
const SLOTS: usize = 8;
/// Largest reply that is read whole.
const LARGEST: usize = 2_048;

/// A prober's thread. Dropping it ends it and waits for it.
pub struct RunningProber {
    phases: Sender<ProbePhase>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<ProberSummary>>>,
}

/// Tells a prober what the path carries, from any thread.
#[derive(Clone)]
pub struct ProbeSwitch {
    phases: Sender<ProbePhase>,
    handle: Handle,
}

impl ProbeSwitch {
    /// From now on the path is in this phase.
    pub fn set(&self, phase: ProbePhase) {
        // A prober that has ended needs no phase.
        let _ = self.phases.send(phase);
        self.handle.wake();
    }
}

impl RunningProber {
    /// Opens the socket and starts to probe the idle path.
    pub fn start(socket: &SocketPlan, plan: ProberPlan) -> Result<Self, StreamError> {
        let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
        let looped = Loop::new(vec![socket.open()?], None, config)?;
        let handle = looped.handle();
        let (phases, orders) = channel();
        let session = StampProber::new(plan, orders);
        let batch = TxBatch::new(SLOTS, SLOTS * session.probe_len());
        let thread = thread::Builder::new()
            .name("prober".to_owned())
            .spawn(move || looped.run(session, batch).map(|ended| ended.summary))?;
        Ok(Self { phases, handle, thread: Some(thread) })
    }

    /// The means to tell it the phase.
    pub fn switch(&self) -> ProbeSwitch {
        ProbeSwitch { phases: self.phases.clone(), handle: self.handle.clone() }
    }

    /// Ends it, once the answers on their way had their time; `None` when its socket failed.
    pub fn finish(mut self) -> Option<ProberSummary> {
        self.switch().set(ProbePhase::Over);
        let thread = self.thread.take()?;
        thread.join().ok()?.ok()
    }
}

impl Drop for RunningProber {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
