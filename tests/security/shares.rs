//! One client cannot take all.
