//! `udpkit completions`: what shells need to complete udpkit's command line.
//!
//! clap_complete writes the scripts from the clap definitions. What it has no words for is added
//! here: the interfaces of this host, and groups of the ranges meant for tests and documents.

use super::command;
use clap::{Arg, ArgAction, Args, ValueEnum, ValueHint};
use clap_complete::Shell;

/// Groups that stand for any: of the administrative scope, for one source, and of one site.
const GROUPS: &[&str] = &["239.1.2.3:5000", "232.1.2.3:5000", "[ff15::1]:5000"];
/// Hints of values that no argument has. They mark interfaces and groups until their place in the
/// script is taken by what the shell offers for these.
const INTERFACE: ValueHint = ValueHint::EmailAddress;
const GROUP: ValueHint = ValueHint::Url;
/// Interfaces and groups for bash, around what clap_complete writes.
const BASH: &str = include_str!("completions.bash");

/// Arguments of `udpkit completions`.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_long_help = "The package for Debian installs them.\n\nExamples:\n  \
    udpkit completions bash > ~/.local/share/bash-completion/completions/udpkit\n  \
    udpkit completions zsh > ~/.zfunc/_udpkit           a folder in $fpath\n  \
    udpkit completions fish > ~/.config/fish/completions/udpkit.fish")]
pub struct CompletionsArgs {
    /// Shell to print it for
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: ShellArg,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShellArg {
    /// Bash 4.4 or newer; the options' values too, interfaces among them
    Bash,
    /// Zsh; the options' values too, interfaces among them
    Zsh,
    /// Fish; the options' values too, interfaces among them
    Fish,
    /// PowerShell; subcommands and options
    Powershell,
}

/// The script that lets `shell` complete `udpkit`.
pub fn completions(shell: ShellArg) -> String {
    let mut command = hinted(command());
    let generate = match shell {
        ShellArg::Bash => Shell::Bash,
        ShellArg::Zsh => Shell::Zsh,
        ShellArg::Fish => Shell::Fish,
        ShellArg::Powershell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(generate, &mut command, "udpkit", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        ShellArg::Bash => script + &BASH.replace("@GROUPS@", &GROUPS.join(" ")),
        ShellArg::Zsh => {
            let groups = GROUPS.iter().map(|group| group.replace(':', r"\:"));
            let groups = groups.collect::<Vec<_>>().join(" ");
            script
                .replace("_email_addresses", "_net_interfaces")
                .replace(":_urls", &format!(":({groups})"))
        }
        ShellArg::Fish => script + &fish_values(),
        ShellArg::Powershell => script,
    }
}

/// What fish offers beyond what clap_complete writes.
fn fish_values() -> String {
    let mut lines = String::new();
    for (path, command) in all_commands() {
        let seen: Vec<_> =
            path.iter().map(|name| format!("__fish_seen_subcommand_from {name}")).collect();
        let seen = seen.join("; and ");
        if command.get_arguments().any(is_interface) {
            lines += &format!(
                "complete -c udpkit -n '{seen}' -s I -l interface -x -a '(__fish_print_interfaces)'\n"
            );
        }
        if command.get_positionals().any(is_group) {
            lines += &format!("complete -c udpkit -n '{seen}' -f -a '{}'\n", GROUPS.join(" "));
        }
    }
    lines
}

/// Every command, with the names that lead to it.
fn all_commands() -> Vec<(Vec<String>, clap::Command)> {
    fn walk(
        command: &clap::Command,
        path: &[String],
        found: &mut Vec<(Vec<String>, clap::Command)>,
    ) {
        found.push((path.to_vec(), command.clone()));
        for inner in command.get_subcommands() {
            walk(inner, &[path, &[inner.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&command(), &[], &mut found);
    found
}

/// The command with hints of what its values are.
fn hinted(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let hint = hint(&arg);
            if takes_value(&arg) { arg.value_hint(hint) } else { arg }
        })
        .mut_subcommands(hinted)
}

fn hint(arg: &Arg) -> ValueHint {
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map(clap::builder::Str::as_str).unwrap_or_default();
    match name {
        _ if is_interface(arg) => INTERFACE,
        _ if is_group(arg) => GROUP,
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        _ if name.starts_with("HOST") => ValueHint::Hostname,
        _ => ValueHint::Other,
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn is_interface(arg: &Arg) -> bool {
    arg.get_long() == Some("interface")
}

fn is_group(arg: &Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    arg.is_positional() && names.iter().any(|name| name == "GROUP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_is_left_where_a_shell_offers_interfaces_or_groups() {
        for shell in ShellArg::value_variants() {
            let script = completions(*shell);
            for mark in ["@GROUPS@", "_email_addresses", "_urls"] {
                assert!(!script.contains(mark), "{shell:?}: {mark}");
            }
        }
        let zsh = completions(ShellArg::Zsh);
        assert!(zsh.contains(":NAME:_net_interfaces'"), "{zsh}");
        assert!(zsh.contains(r":(239.1.2.3\:5000 "), "{zsh}");
        let fish = completions(ShellArg::Fish);
        assert!(fish.contains("__fish_seen_subcommand_from ping' -s I"), "{fish}");
    }

    #[test]
    fn every_subcommand_and_long_flag_is_in_every_script() {
        for shell in ShellArg::value_variants() {
            let script = completions(*shell);
            for (path, command) in all_commands() {
                for name in &path {
                    assert!(script.contains(name), "{shell:?}: {name}");
                }
                for arg in command.get_arguments().filter_map(Arg::get_long) {
                    assert!(script.contains(arg), "{shell:?}: {path:?}: {arg}");
                }
            }
        }
    }
}
