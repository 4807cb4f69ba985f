//! `udpkit --version -v`: what this build can do on this system.

use super::words::capabilities::capability;
use crate::record::{CapabilityState, SystemFacts};
use crate::units::errno_text;

/// The whole text.
pub fn system_facts(facts: &SystemFacts) -> String {
    let SystemFacts { run, capabilities } = facts;
    let processors = run.processors.to_string();
    let mut text = format!("udpkit {}\n\n", run.version);
    for (name, value) in [
        ("system", run.system.as_deref().unwrap_or("-")),
        ("architecture", run.architecture),
        ("processors", &processors),
    ] {
        text.push_str(&format!("  {name:<12}  {value}\n"));
    }
    text.push('\n');
    let widest = capabilities.iter().map(|row| capability(row.what).chars().count()).max();
    for row in capabilities {
        let state = match row.state {
            CapabilityState::Present => "yes".to_owned(),
            CapabilityState::Lacking => "-".to_owned(),
            CapabilityState::Refused { errno } => format!("refused: {}", errno_text(errno)),
        };
        let name = capability(row.what);
        text.push_str(&format!("  {name:<width$}  {state}\n", width = widest.unwrap_or(0)));
    }
    text
}
