//! What a session needs done outside of it.

/// Carries out the commands of a session. A command is carried out when the call returns, and what
/// came of it is then among the session's orders.
pub trait Executor<C> {
    /// Carries out one command.
    fn execute(&mut self, command: C);
}

/// Of a pair, the first acts; the second may be a sink that is told what happens.
impl<C, A: Executor<C>, B> Executor<C> for (A, B) {
    fn execute(&mut self, command: C) {
        self.0.execute(command);
    }
}

impl<C> Executor<C> for Vec<C> {
    fn execute(&mut self, command: C) {
        self.push(command);
    }
}
