//! One function a subcommand: resolves arguments to a plan and runs it.
