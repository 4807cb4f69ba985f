//! `udpkit blast`: single runs, series of runs, verdicts, and counts against witnesses.

mod loaded;
mod places;
mod run;
mod trials;
mod verdicts;
mod witness;
