//! Words from afar cannot write on a terminal.
