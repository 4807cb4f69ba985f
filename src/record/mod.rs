//! Finished facts about a run, and the trait that takes them.
