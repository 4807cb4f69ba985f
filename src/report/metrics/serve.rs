use super::family::Family;

/// The families, in the order of the page.
pub static ALL: &[&Family] = &[];
