//! Renders records: text, live lines, JSON. The only room that prints.
