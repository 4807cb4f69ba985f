//! Don't-fragment policy per datagram: the kernel sets it per socket, so it is changed between two
//! datagrams whose policies differ.

use crate::batch::{Fragmentation, TxBatch};
use crate::sys::{self, Family, FragmentationPolicy, Handle};
use std::io;
use std::ops::Range;

/// The policy in force on a socket.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// The policy of the last datagram; `None` when the socket's own is in force.
    chosen: Option<Fragmentation>,
    /// The socket's own policy, read before it is first changed.
    own: Option<FragmentationPolicy>,
}

impl Fragments {
    /// Applies a policy; `None` restores the socket's own. A refused permission to fragment only
    /// leaves the socket's own policy in force.
    pub fn choose(
        &mut self,
        fd: Handle<'_>,
        family: Family,
        wanted: Option<Fragmentation>,
    ) -> io::Result<()> {
        let done = self.apply(fd, family, wanted);
        if wanted == Some(Fragmentation::Allow) { Ok(()) } else { done }
    }

    fn apply(
        &mut self,
        fd: Handle<'_>,
        family: Family,
        wanted: Option<Fragmentation>,
    ) -> io::Result<()> {
        if wanted == self.chosen {
            return Ok(());
        }
        let own = match self.own {
            Some(own) => own,
            None => *self.own.insert(sys::fragmentation_policy(fd, family)?),
        };
        match wanted {
            Some(policy) => sys::set_fragmentation(fd, family, policy)?,
            None => sys::restore_fragmentation(fd, own)?,
        }
        self.chosen = wanted;
        Ok(())
    }
}

/// The policy of the first slots of `range` that share one, and where they end.
pub(super) fn run(batch: &TxBatch, range: Range<usize>) -> (Option<Fragmentation>, usize) {
    let of = |index: usize| batch.dest(batch.slots()[index].dest)?.fragmentation;
    let first = of(range.start);
    let end = range.clone().find(|index| of(*index) != first).unwrap_or(range.end);
    (first, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Dest;
    use std::net::SocketAddr;

    #[test]
    fn slots_of_one_policy_run_together() {
        let to = Dest::from("127.0.0.1:1".parse::<SocketAddr>().unwrap());
        let whole = Dest { fragmentation: Some(Fragmentation::Probe), ..to };
        let mut batch = TxBatch::new(8, 64);
        for dest in [to, to, whole, whole, to] {
            let id = batch.add_dest(dest);
            batch.push(id, 4).unwrap();
        }
        let probe = Some(Fragmentation::Probe);
        assert_eq!(run(&batch, 0..5), (None, 2));
        assert_eq!(run(&batch, 2..5), (probe, 4));
        assert_eq!(run(&batch, 3..5), (probe, 4));
        assert_eq!(run(&batch, 4..5), (None, 5));
    }
}
