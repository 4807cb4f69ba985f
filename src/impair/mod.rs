//! What a path does to a datagram: loss, duplication, corruption, delay, jitter, reordering, a rate
//! with a queue, ECN marks. Pure: the time and the length come in, the fate comes out.
//!
//! Everything is seeded and in integers, so that one seed means the same fates on every machine.
//! Each impairment draws from a generator of its own: switching one on does not change what another
//! does. What is done to real datagrams, and what to simulated ones, is left to the callers.

mod chance;
mod corruption;
mod delay;
mod distribution;
mod forwarding;
mod impairer;
mod in_flight;
mod line;
mod loss;
mod outages;
mod queue;
mod trace;

pub use chance::Chance;
pub use corruption::{Corruption, Flip};
pub use delay::{ArrivalOrder, Delay, Hold, Jitter, Reordering};
pub use distribution::{DelayTable, ParseDelayTableError};
pub use forwarding::{Change, Forwarding};
pub use impairer::{Arrival, Drop, Duplication, ImpairCounts, Impairer, Impairments};
pub use in_flight::InFlight;
pub use line::{Line, Phase};
pub use loss::{GilbertElliott, Loss};
pub use outages::Outages;
pub use queue::{Bottleneck, Capacity, EcnMarking, QueueLimit};
pub use trace::{ParseTraceError, Trace};

/// A seed for the part of that number of what a seed decides: the finalizer of splitmix64, by which
/// neighbouring numbers have nothing in common.
fn mixed(seed: u64, number: u64) -> u64 {
    let mut value = seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
