//! What `cast recv --out` stored, as text.

use super::page::Page;
use super::words::cast as words;
use crate::record::CastStream;

/// The lines of a report about the stored stream.
pub(super) fn cast_stream_text(stream: &CastStream, page: Page) -> String {
    page.labelled("stored", &words::stored(stream))
}
