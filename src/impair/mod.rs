//! What a path does to a datagram: loss, duplication, corruption, delay, jitter, reordering, a rate
//! with a queue, ECN marks. Pure: the time and the length come in, the fate comes out.
//!
//! Everything is seeded and in integers, so that one seed means the same fates on every machine.
//! Each impairment draws from a generator of its own: switching one on does not change what another
//! does. What is done to real datagrams, and what to simulated ones, is left to the callers.

mod chance;
mod corruption;
mod delay;
mod forwarding;
mod impairer;
mod loss;
mod queue;

pub use chance::Chance;
pub use corruption::{Corruption, Flip};
pub use delay::{Delay, Jitter, Reordering};
pub use forwarding::{Change, Forwarding};
pub use impairer::{Arrival, Drop, Duplication, ImpairCounts, Impairer, Impairments};
pub use loss::{GilbertElliott, Loss};
pub use queue::{Bottleneck, EcnMarking, QueueLimit};
