//! The stream's thread, and the way between it and the control session.

use super::plan::BlastPlan;
use crate::batch::TxBatch;
use crate::engine::{Handle, Loop, LoopConfig};
use crate::net::IoUsed;
use crate::record::{BlastInterval, BlastSent, Flow, Sink};
use crate::report::BlastView;
use crate::session::blast::{
    BlastSender, ControlEvent, ControlOrder, Opening, SenderEvent, SenderOrder, SenderPlan,
};
use crate::units::Nanos;
use crate::wire::CONTROL_MAX;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// Payload of one send call: as much as stays in the cache with what the receiver reads. One GSO
/// buffer of 1472-byte datagrams carried twice what four at once did.
const CALL_BYTES: usize = 65_536;
/// Datagrams of one send call, however small they are.
const CALL_DATAGRAMS: usize = 1_024;
/// How often the stream looks up from its work.
const TICK: Nanos = Nanos::from_millis(100);

/// What the stream left behind.
#[derive(Clone, Debug)]
pub struct StreamEnd {
    /// The sender's counts.
    pub sent: BlastSent,
    /// Batch calls used.
    pub io: IoUsed,
    /// Send buffer granted, in bytes.
    pub send_buffer: u64,
    /// Processor time of the thread.
    pub cpu: Nanos,
}

/// Starts the stream when the control session says so, and shows what comes.
pub struct Driver {
    plan: BlastPlan,
    orders: Sender<ControlOrder>,
    control: Handle,
    view: BlastView,
    stream: Option<Stream>,
    intervals: Vec<BlastInterval>,
}

struct Stream {
    handle: Handle,
    thread: JoinHandle<Option<StreamEnd>>,
}

impl Driver {
    /// A driver without a stream yet.
    pub fn new(
        plan: BlastPlan,
        orders: Sender<ControlOrder>,
        control: Handle,
        view: BlastView,
    ) -> Self {
        Self { plan, orders, control, view, stream: None, intervals: Vec::new() }
    }

    /// Waits for the stream and takes the driver apart.
    pub fn into_parts(self) -> (Option<StreamEnd>, Vec<BlastInterval>, BlastView) {
        let end = self.stream.and_then(|stream| {
            stream.handle.stop();
            stream.thread.join().ok().flatten()
        });
        (end, self.intervals, self.view)
    }

    fn start(&self, session: String, tag: u16) -> anyhow::Result<Stream> {
        let socket = self.plan.stream.open()?;
        let config = LoopConfig { tick: Some(TICK), spin: false, largest: CONTROL_MAX + 1 };
        let stream = Loop::new(vec![socket], None, config)?;
        let handle = stream.handle();
        let payload = self.plan.test.payload as usize;
        let sender_plan =
            SenderPlan { tag, payload, time: self.plan.test.time, count: self.plan.test.count };
        let opening = Opening::new(session, 0, self.plan.patience);
        let plan = self.plan.clone();
        let (_orders, inbox) = channel::<SenderOrder>();
        let session = BlastSender::new(
            sender_plan,
            Some(opening),
            move |start| plan.pacer(start),
            inbox,
            Ignore,
        );
        let (orders, control) = (self.orders.clone(), self.control.clone());
        let thread = thread::Builder::new().name("sender".to_owned()).spawn(move || {
            let datagrams = (CALL_BYTES / payload).clamp(1, CALL_DATAGRAMS);
            let bytes = (datagrams * payload).max(2 * CONTROL_MAX);
            let ended = stream.run(session, TxBatch::new(datagrams, bytes));
            let (order, end) = match ended {
                Ok(ended) => {
                    let socket = &ended.sockets[0];
                    let (io, send_buffer) = (socket.io_used(), socket.buffer_sizes().send_granted);
                    let broken = ended.summary.broken;
                    let sent = ended.summary.sent;
                    let total = sent.datagrams;
                    let end =
                        StreamEnd { sent, io, send_buffer: send_buffer as u64, cpu: ended.cpu };
                    (ControlOrder::SenderEnded { total, broken }, Some(end))
                }
                Err(error) => {
                    let broken = Some(format!("the sender's loop failed: {error}"));
                    (ControlOrder::SenderEnded { total: 0, broken }, None)
                }
            };
            // The control session may have ended first; then nobody waits for this.
            let _ = orders.send(order);
            control.wake();
            end
        })?;
        Ok(Stream { handle, thread })
    }
}

impl Sink<ControlEvent> for &mut Driver {
    fn take(&mut self, event: ControlEvent) -> Flow {
        match event {
            ControlEvent::Granted { session, tag } => {
                self.view.started();
                match self.start(session, tag) {
                    Ok(stream) => self.stream = Some(stream),
                    Err(error) => {
                        let broken = Some(error.to_string());
                        let _ = self.orders.send(ControlOrder::SenderEnded { total: 0, broken });
                    }
                }
                Flow::Continue
            }
            ControlEvent::Interval(interval) => {
                self.intervals.push(interval);
                self.view.interval(&interval)
            }
            ControlEvent::StopStreams => {
                if let Some(stream) = &self.stream {
                    stream.handle.stop();
                }
                Flow::Continue
            }
        }
    }
}

/// The sender's progress is not shown: the far end's counts are.
struct Ignore;

impl Sink<SenderEvent> for Ignore {
    fn take(&mut self, _event: SenderEvent) -> Flow {
        Flow::Continue
    }
}
