//! `udpkit completions` and `udpkit man`: written from the command line's definitions.

use super::Exit;
use crate::cli::{self, CompletionsArgs, ManArgs};
use crate::report::Output;
use anyhow::Context;
use std::fs;

/// Runs `udpkit completions`.
pub fn completions(args: CompletionsArgs) -> Exit {
    print(&cli::completions(args.shell));
    Exit::Done
}

/// Runs `udpkit man`: the page of `udpkit` to standard output, or all pages into a folder.
pub fn man(args: ManArgs) -> anyhow::Result<Exit> {
    let pages = cli::man_pages()?;
    let Some(dir) = args.dir else {
        if let Some(first) = pages.first() {
            print(&first.text);
        }
        return Ok(Exit::Done);
    };
    let cannot = |path: &std::path::Path| format!("cannot write {}", path.display());
    fs::create_dir_all(&dir).with_context(|| cannot(&dir))?;
    for page in pages {
        let path = dir.join(&page.file);
        fs::write(&path, &page.text).with_context(|| cannot(&path))?;
    }
    Ok(Exit::Done)
}

/// Byte for byte: it is read by a shell, or by man(1).
fn print(text: &str) {
    let mut output = Output::buffered();
    output.bytes(text.as_bytes());
    output.flush();
}
