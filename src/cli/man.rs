//! `udpkit man`: the manual pages, one for each command.
//!
//! clap_mangen writes most of a page from the clap definitions; what stands at the end of the help
//! becomes a part of the description, and examples.

use super::command;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io;
use std::path::PathBuf;

/// When the command line last changed in more than a word; man(1) shows it, and mandoc(1) insists on
/// one. The day of the build would make every build another.
const DATE: &str = "2026-11-30";
/// What begins the examples of a help.
const EXAMPLES: &str = "Examples:\n";

/// Arguments of `udpkit man`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "The package for Debian installs them: man udpkit.\n\nExamples:\n  \
    udpkit man | man -l -                           read the page\n  \
    udpkit man ~/.local/share/man/man1              install all pages\n  \
    udpkit man . && man ./udpkit-cast-send.1        read one of them")]
pub struct ManArgs {
    /// Folder for the pages of all commands [default: udpkit(1) to standard output]
    ///
    /// A file udpkit.1, and one for each subcommand, such as udpkit-cast-send.1. The folder is made
    /// if there is none.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// A manual page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManPage {
    /// Its file, `udpkit-cast-send.1`.
    pub file: String,
    /// Its text, for man(1).
    pub text: String,
}

/// The pages of all commands, that of `udpkit` itself first.
///
/// # Errors
///
/// None in practice: the pages are written to memory.
pub fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut root = whole(command());
    root.build();
    let mut pages = Vec::new();
    collect(&root, None, &mut pages)?;
    Ok(pages)
}

/// The command with the texts of all its options: clap_mangen leaves out those of options that the
/// short help leaves out.
fn whole(command: Command) -> Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(whole)
}

fn collect(command: &Command, above: Option<&str>, pages: &mut Vec<ManPage>) -> io::Result<()> {
    pages.push(page(command, above)?);
    for inner in command.get_subcommands() {
        collect(inner, Some(&name_of(command)), pages)?;
    }
    Ok(())
}

/// The page's name, `udpkit-cast-send`.
fn name_of(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// The page of a command; `above` is the page that names it.
fn page(command: &Command, above: Option<&str>) -> io::Result<ManPage> {
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (told, examples) = match after.split_once(EXAMPLES) {
        None => (after.as_str(), ""),
        Some((told, rest)) => (told, rest),
    };
    let (examples, rest) = examples.split_once("\n\n").unwrap_or((examples, ""));
    let man = Man::new(command.clone())
        .title(name_of(command).to_uppercase())
        .date(DATE)
        .source(concat!("udpkit ", env!("CARGO_PKG_VERSION")))
        .manual("udpkit manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    paragraphs(&[told, rest]).to_writer(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    example_section(examples).to_writer(&mut text)?;
    see_also(command, above).to_writer(&mut text)?;
    let file = man.get_filename();
    Ok(ManPage { file, text: tidied(&String::from_utf8_lossy(&text)) })
}

/// What is told behind the options of a help, in paragraphs.
fn paragraphs(parts: &[&str]) -> Roff {
    let mut roff = Roff::new();
    for part in parts.iter().flat_map(|part| part.split("\n\n")) {
        if part.trim().is_empty() {
            continue;
        }
        roff.control("PP", []);
        part.lines().for_each(|line| {
            roff.text([roman(line.trim())]);
        });
    }
    roff
}

/// The examples, a line each.
fn example_section(examples: &str) -> Roff {
    let mut roff = Roff::new();
    let lines: Vec<_> = examples.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return roff;
    }
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn see_also(command: &Command, above: Option<&str>) -> Roff {
    let of = |name: &str| format!("{}-{name}", name_of(command));
    let below = command.get_subcommands().map(|inner| of(inner.get_name()));
    let pages: Vec<_> = above.map(str::to_owned).into_iter().chain(below).collect();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let last = pages.len().saturating_sub(1);
    for (at, name) in pages.iter().enumerate() {
        let comma = if at == last { "" } else { "," };
        roff.text([bold(name.as_str()), roman(format!("(1){comma}"))]);
    }
    roff
}

/// The page with one preamble, and with its paragraphs parted by requests in place of empty lines.
fn tidied(text: &str) -> String {
    let preamble = Roff::new().render();
    let page = text.replace(&preamble, "");
    let page = page.replace("\n.br\n\n.br\n", "\n\n").replace("\n\n", "\n.IP\n");
    preamble + &page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_names_those_below_it() {
        let pages = man_pages().unwrap();
        assert_eq!(pages[0].file, "udpkit.1");
        for name in ["udpkit-ping", "udpkit-cast", "udpkit-man"] {
            let roff = name.replace('-', "\\-");
            assert!(pages[0].text.contains(&format!("\\fB{roff}\\fR(1)")), "{}", pages[0].text);
        }
        let send = pages.iter().find(|page| page.file == "udpkit-cast-send.1").unwrap();
        assert!(send.text.contains(".SH EXAMPLES\n.nf\nudpkit cast send 239.1.2.3:5000"));
        assert!(send.text.contains("\\fBudpkit\\-cast\\fR(1)\n"), "{}", send.text);
    }

    #[test]
    fn every_option_is_explained_and_no_line_is_empty() {
        for page in man_pages().unwrap() {
            assert!(!page.text.contains("\n\n"), "{}: {}", page.file, page.text);
            let lines: Vec<_> = page.text.lines().collect();
            for three in lines.windows(3).filter(|three| three[0] == ".TP") {
                assert!(!three[2].starts_with('.'), "{}: {}", page.file, three[1]);
            }
            assert_eq!(page.text.matches(".ds Aq").count(), 2, "{}", page.file);
        }
    }
}
