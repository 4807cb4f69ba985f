//! Saved documents, as `report` reads them: whatever the file says, it is shown, compared and merged,
//! or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::record::saved::{Compared, Saved, compare, hold_changes, merge};
use udpkit::report::{Page, compared, merged, sheet, sheet_page, sheet_text};

fuzz_target!(|data: &[u8]| {
    let Ok(saved) = Saved::read("a.json", data) else { return };
    let own = sheet(&saved);
    assert!(!sheet_text(&own, Page::new(80)).is_empty());
    let page = sheet_page(&own);
    assert!(page.ends_with("</html>") && !page.contains("<script"), "{page}");
    let comparisons = vec![compare(&saved, &saved)];
    // A document does not differ from itself.
    let differs = |change: f64| change != 0.0;
    assert!(!comparisons[0].differences.iter().any(|one| one.change().is_some_and(differs)));
    if !comparisons[0].differences.is_empty() {
        let limits: Vec<_> =
            ["rate<-5%", "p99>+20%"].iter().filter_map(|limit| limit.parse().ok()).collect();
        let limits = hold_changes(&limits, &comparisons);
        let found = Compared { comparisons, limits };
        let _ = sheet_text(&compared(&found), Page::new(80));
    }
    let twice = [saved.clone(), saved];
    if let Some(whole) = merge(&twice) {
        let _ = sheet_text(&merged(&whole), Page::new(80));
    }
});
