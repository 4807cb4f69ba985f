//! Sockets, their options, multicast membership and the error queue.
