//! What the server may do once it listens.
