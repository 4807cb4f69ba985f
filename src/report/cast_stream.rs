//! What was stored of a fan-out, as text.

use super::page::Page;
use super::words::cast as words;
use crate::record::CastStream;

/// What was stored, as the lines of a report.
pub(super) fn cast_stream_text(stream: &CastStream, page: Page) -> String {
    page.labelled("stored", &words::stored(stream))
}
