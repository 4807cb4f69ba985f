//! The kernel: the only room with `unsafe` and `libc`.
