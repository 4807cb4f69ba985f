//! Round-trip probes during a throughput run, on their own thread and socket.

use super::{Handle, Loop, LoopConfig, StreamError};
use crate::batch::TxBatch;
use crate::net::{KeptSocket, SocketPlan};
use crate::session::stamp::{ProbePhase, ProberPlan, ProberSummary, StampProber};
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// Probes per batch.
const SLOTS: usize = 8;
/// Largest reply that is received whole, in bytes.
const LARGEST: usize = 2_048;

/// A running prober thread. Dropping it stops the thread and waits for it.
pub struct RunningProber {
    phases: Sender<ProbePhase>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<ProberSummary>>>,
}

/// Tells a prober, from any thread, which load phase the path is in.
#[derive(Clone)]
pub struct ProbeSwitch {
    phases: Sender<ProbePhase>,
    handle: Handle,
}

impl ProbeSwitch {
    /// Sets the phase from now on.
    pub fn set(&self, phase: ProbePhase) {
        // A prober that has ended needs no phase.
        let _ = self.phases.send(phase);
        self.handle.wake();
    }
}

impl RunningProber {
    /// Opens the socket and starts probing the idle path.
    pub fn start(socket: &SocketPlan, plan: ProberPlan) -> Result<Self, StreamError> {
        let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
        let kept = socket.connect.map(|peer| KeptSocket::as_asked(socket.clone(), peer));
        let looped =
            Loop::new(vec![socket.open()?], None, config)?.keeping(kept.into_iter().collect())?;
        let handle = looped.handle();
        let (phases, orders) = channel();
        let session = StampProber::new(plan, orders);
        let batch = TxBatch::new(SLOTS, SLOTS * session.probe_len());
        let thread = thread::Builder::new()
            .name("prober".to_owned())
            .spawn(move || looped.run(session, batch).map(|ended| ended.summary))?;
        Ok(Self { phases, handle, thread: Some(thread) })
    }

    /// A handle to set the phase.
    pub fn switch(&self) -> ProbeSwitch {
        ProbeSwitch { phases: self.phases.clone(), handle: self.handle.clone() }
    }

    /// Stops probing after waiting for outstanding replies; `None` if its socket failed.
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
