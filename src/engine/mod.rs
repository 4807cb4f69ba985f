//! The loop: joins a session and its sockets to the clock.
