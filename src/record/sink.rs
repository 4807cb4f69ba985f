//! Where a session's events are delivered while it runs.

/// Whether the recipient still accepts events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Nobody reads any more (standard output was closed): end the run quietly.
    Closed,
}

/// Takes events of one kind as they happen: a report, or a vector in a test.
pub trait Sink<E> {
    /// Takes one event.
    fn take(&mut self, event: E) -> Flow;
}

/// Of a pair, the second is told; the first may carry out a session's commands.
impl<E, A, B: Sink<E>> Sink<E> for (A, B) {
    fn take(&mut self, event: E) -> Flow {
        self.1.take(event)
    }
}

impl<E, S: Sink<E> + ?Sized> Sink<E> for Box<S> {
    fn take(&mut self, event: E) -> Flow {
        (**self).take(event)
    }
}

/// Nobody is told.
impl<E> Sink<E> for () {
    fn take(&mut self, _event: E) -> Flow {
        Flow::Continue
    }
}

impl<E> Sink<E> for Vec<E> {
    fn take(&mut self, event: E) -> Flow {
        self.push(event);
        Flow::Continue
    }
}

/// Sees events beside the sink that takes them.
pub trait Watcher<E> {
    /// Looks at one event.
    fn see(&mut self, event: &E);
}

/// A sink whose events a watcher sees first, where there is one.
#[derive(Debug)]
pub struct Watched<S, W> {
    /// The sink.
    pub sink: S,
    /// The watcher; `None` for none.
    pub watcher: Option<W>,
}

impl<E, S: Sink<E>, W: Watcher<E>> Sink<E> for Watched<S, W> {
    fn take(&mut self, event: E) -> Flow {
        if let Some(watcher) = &mut self.watcher {
            watcher.see(&event);
        }
        self.sink.take(event)
    }
}
