//! `udpkit blast`: single runs, series of runs, verdicts, and counts against witnesses.

mod capacity;
mod early_ends;
mod ecn;
mod loaded;
mod parallel_paths;
mod places;
mod run;
mod sizes;
mod trials;
mod verdicts;
mod witness;
