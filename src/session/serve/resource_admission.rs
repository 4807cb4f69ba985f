//! Whether a session gets the streams and the memory that it asks for, within the limits in total
//! and per source.

use super::run_resources::{Left, RunResources};
use super::session_state::ServerSession;
use super::source_shares::{Bound, Used};
use super::{ServeControl, ServeEngine, ServeOrder};
use crate::machine::Orders;
use crate::record::{ServeRefusal, ServeResource};
use crate::session::blast::TestPlan;
use std::net::SocketAddr;

/// Maximum bytes of a session without run or probe: its state and the replies that it keeps.
const SESSION_BYTES: u64 = 32 << 10;
impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// The resources for a session's next run, counting its own previous streams as free; or why
    /// there are none.
    pub(super) fn room_for(
        &self,
        id: u64,
        client: SocketAddr,
        plan: &TestPlan,
    ) -> Result<RunResources, ServeRefusal> {
        let used = self.used(client, Some(id), ServerSession::granted_streams);
        let bound = self.bound(self.policy.max_all_streams as u64);
        let streams = u64::from(plan.all_streams());
        bound.admit(used, streams).map_err(|full| full.refusal(ServeResource::Streams, used))?;
        // Those that are open without a run are still to get theirs.
        let sessions = self.used(client, Some(id), |other| u64::from(other.memory() > 0));
        let left = Left::of(&self.policy, sessions, self.memory_used(id, client));
        RunResources::within(left, plan, &self.policy)
            .map_err(|need| self.no_memory(need, left.free()))
    }

    /// Whether a session may have `need` bytes besides what others have.
    pub(super) fn admit_memory(
        &self,
        id: u64,
        client: SocketAddr,
        need: u64,
    ) -> Result<(), ServeRefusal> {
        let left = self.memory_left(id, client);
        if need <= left { Ok(()) } else { Err(self.no_memory(need, left)) }
    }

    /// Bytes that a session may have besides what others have.
    fn memory_left(&self, id: u64, client: SocketAddr) -> u64 {
        Bound::of_memory(&self.policy).room(self.memory_used(id, client))
    }

    /// Bytes that others have.
    fn memory_used(&self, id: u64, client: SocketAddr) -> Used {
        let mut used = self.used(client, Some(id), ServerSession::memory);
        used.all = used.all.saturating_add(self.sessions.len() as u64 * SESSION_BYTES);
        used
    }

    /// Bytes that all sessions have.
    pub(super) fn granted_memory(&self) -> u64 {
        let of_sessions = self.sessions.values().map(ServerSession::memory);
        let of_sessions = of_sessions.fold(0, u64::saturating_add);
        of_sessions.saturating_add(self.sessions.len() as u64 * SESSION_BYTES)
    }

    fn no_memory(&self, needed_bytes: u64, free_bytes: u64) -> ServeRefusal {
        let bound = Bound::of_memory(&self.policy);
        ServeRefusal::Memory {
            needed_bytes,
            free_bytes,
            limit_bytes: bound.all,
            source_limit_bytes: bound.of_source(),
        }
    }
}
