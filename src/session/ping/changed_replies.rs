//! Replies of a target that something on the path cut or altered, or whose probes it did.

use crate::record::ReplyChange;

/// First replies to a probe, by what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChangedReplies {
    /// Cut on the way out.
    pub out: u64,
    /// Cut on the way back.
    pub back: u64,
    /// Cut in an unknown direction.
    pub unknown: u64,
    /// The most payload bytes of a cut one.
    pub most: Option<u64>,
    /// Altered.
    pub altered: u64,
}

impl ChangedReplies {
    /// Counts a reply of `bytes`.
    pub fn note(&mut self, change: Option<ReplyChange>, bytes: u64) {
        let count = match change {
            None => return,
            Some(ReplyChange::Altered) => {
                self.altered += 1;
                return;
            }
            Some(ReplyChange::CutOut) => &mut self.out,
            Some(ReplyChange::CutBack) => &mut self.back,
            Some(ReplyChange::Cut) => &mut self.unknown,
        };
        *count += 1;
        self.most = self.most.max(Some(bytes));
    }

    /// Cut ones in all.
    pub fn cut(&self) -> u64 {
        self.out + self.back + self.unknown
    }
}
