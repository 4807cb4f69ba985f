//! Skips tests that this machine cannot run: they print the reason, and fail if `CI` is set.

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

/// Skips the test unless network namespaces and nftables work.
macro_rules! require_lab {
    () => {
        if let Err(why) = $crate::common::lab_available() {
            $crate::common::skip!(why);
        }
    };
}

/// Skips the test unless all these tools are installed.
macro_rules! require_tools {
    ($($tool:expr),+ $(,)?) => {
        $(if let Err(why) = $crate::common::tool_available($tool) {
            $crate::common::skip!(why);
        })+
    };
}

pub(crate) use {require_lab, require_tools, skip};

/// Prints that a test was skipped, directly to standard error, as the test runner hides the
/// `println!` of a passing test. Panics if `CI` is set, where everything must run.
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

/// Whether labs work here; tried once by building one.
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

/// Whether a program with this name is in `PATH`.
pub fn tool_available(tool: &str) -> Result<(), String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|dir| Path::new(&dir).join(tool).is_file());
    found.then_some(()).ok_or_else(|| format!("{tool} is not installed"))
}
