//! The file of `--html`: the page of the result that a command ends with.

use super::html::{saved_page, sheet_page};
use super::json::json_value;
use super::sheet::Sheet;
use crate::record::Document;
use crate::record::saved::Saved;
use crate::sys::error_text::io_error_text;
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the page goes; `None` if none is wanted. A static, as a process ends with one result.
static FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Set if the page could not be written. A static, as that of standard output.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether a page was lost: the command has then failed, whatever the run measured.
pub fn page_was_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Has the result written to a file, which must be one that can be written.
///
/// # Errors
///
/// Why it cannot be written; nothing is left behind.
pub fn set_html(file: PathBuf) -> io::Result<()> {
    let is_new = !file.exists();
    OpenOptions::new().append(true).create(true).open(&file)?;
    if is_new {
        fs::remove_file(&file)?;
    }
    if let Ok(mut place) = FILE.lock() {
        *place = Some(file);
    }
    Ok(())
}

/// Writes the page of a result, if one is wanted.
pub fn keep_page<T: Serialize>(command: &'static str, report: &T) {
    let Some(file) = wanted() else { return };
    // Records are documents.
    if let Ok(saved) = Saved::new(command, json_value(&Document::new(command, report))) {
        write(&file, &saved_page(&saved));
    }
}

/// Writes the page of a saved document, or of several.
pub fn keep_sheet(sheet: &Sheet) {
    if let Some(file) = wanted() {
        write(&file, &sheet_page(sheet));
    }
}

fn wanted() -> Option<PathBuf> {
    FILE.lock().ok().and_then(|place| place.clone())
}

fn write(file: &PathBuf, page: &str) {
    if let Err(error) = fs::write(file, page) {
        let (file, why) = (file.display(), io_error_text(&error));
        super::error(format_args!("cannot write {file}: {why}"), None);
        LOST.store(true, Ordering::Relaxed);
    }
}
