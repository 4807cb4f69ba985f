//! Which address of a name with several ones a command uses.

use crate::units::Endpoint;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// A choice between the addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NameChoice {
    /// The name.
    pub name: String,
    /// The address that is used.
    #[serde(rename = "address_used")]
    pub taken: Endpoint,
    /// Whether it was the first to answer; otherwise none answered.
    #[serde(rename = "address_answered")]
    pub answered: bool,
    /// The others.
    #[serde(rename = "other_addresses")]
    pub others: Vec<Endpoint>,
}

/// The choices of this process, which runs one command.
static CHOICES: Mutex<Vec<NameChoice>> = Mutex::new(Vec::new());

/// Keeps a choice for the documents of this process.
pub fn note_choice(choice: NameChoice) {
    CHOICES.lock().unwrap_or_else(PoisonError::into_inner).push(choice);
}

/// The choices so far.
pub(super) fn choices() -> Vec<NameChoice> {
    CHOICES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
