//! Golden files of errors and hints.

use crate::hold_text;
use udpkit::report::Page;

#[test]
fn a_paragraph_keeps_commands_and_addresses_whole() {
    let text = Page::new(80).labelled(
        "verdict",
        &["no reply from 192.0.2.1:8620; start `udpkit serve` there and let UDP port 8620 in"],
    );
    hold_text("page.80", 80, &text);
}
