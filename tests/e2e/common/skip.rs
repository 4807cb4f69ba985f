//! Skipping, aloud: a test that this machine cannot run says why, and fails where `CI` is set.

use super::Lab;
use std::env;
use std::path::Path;
use std::sync::OnceLock;

/// Ends the calling test as skipped, with the reason.
macro_rules! skip {
    ($why:expr) => {{
        $crate::common::skip_line(&$why);
        return;
    }};
}

/// Goes on only where network namespaces and nftables work.
macro_rules! require_lab {
    () => {
        if let Err(why) = $crate::common::lab_available() {
            $crate::common::skip!(why);
        }
    };
}

/// Goes on only where every tool named is installed.
macro_rules! require_tools {
    ($($tool:expr),+ $(,)?) => {
        $(if let Err(why) = $crate::common::tool_available($tool) {
            $crate::common::skip!(why);
        })+
    };
}

pub(crate) use {require_lab, require_tools, skip};

/// Says that a test was skipped: on standard error itself, as the test runner would swallow a
/// `println!` of a test that passes. Panics where `CI` is set: there, everything must run.
pub fn skip_line(why: &str) {
    use std::io::Write;
    match verdict(env::var("CI").ok().as_deref(), why) {
        Ok(line) => {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        Err(failure) => panic!("{failure}"),
    }
}

/// The line to print, or the message to fail with. An empty or `false` `CI` counts as not set.
pub fn verdict(ci: Option<&str>, why: &str) -> Result<String, String> {
    let why = why.trim().replace('\n', "; ");
    match ci {
        None | Some("" | "false") => Ok(format!("skipped: {why}")),
        Some(_) => Err(format!("skipped, which CI forbids: {why}")),
    }
}

/// Whether labs can be brought up here; tried once, for real.
pub fn lab_available() -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    TRIED
        .get_or_init(|| {
            tool_available("ip")?;
            tool_available("nft")?;
            let lab = Lab::try_up("pair", &[])?;
            lab.try_nft("a", "add table inet probe")
        })
        .clone()
}

/// Whether a program of that name is on the path.
pub fn tool_available(tool: &str) -> Result<(), String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|dir| Path::new(&dir).join(tool).is_file());
    found.then_some(()).ok_or_else(|| format!("{tool} is not installed"))
}
