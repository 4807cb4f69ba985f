//! `udpkit monitor`: outages are what a firewall counted, with their direction; a list is read again
//! without losing counts; thresholds run commands or end the run; a service manager hears of it.

mod lists;
mod outages;
mod service;
