//! `udpkit blast`: single runs, series of runs, verdicts, and counts against witnesses.

mod early_ends;
mod loaded;
mod parallel_paths;
mod places;
mod run;
mod sizes;
mod trials;
mod verdicts;
mod witness;
