//! Signs of life are no proof: whoever is sent to returns a value from what he was sent.
