//! A far end that lies is found out.
