//! Answerers that meet fall silent.
