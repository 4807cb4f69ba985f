//! Finds the modules that a source file names, by any path.

use super::tokens::{Token, tokens};

/// A module named in code, and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    pub room: String,
    pub line: usize,
}

/// Every top-level module that `source` names by `crate::`, or by enough `super::` to leave its own
/// one. `depth` is that of the file: 1 for `src/net/mod.rs`, 2 for `src/net/socket.rs`.
pub fn imports(source: &str, depth: usize) -> Vec<Import> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut modules = InlineModules::default();
    for at in 0..tokens.len() {
        modules.observe(&tokens, at);
        match tokens[at].text {
            "crate" if text(&tokens, at + 1) == "::" => {
                first_names(&tokens, at + 2, &mut found);
            }
            "super" | "self" if !is_within_path(&tokens, at) => {
                if let Some(after) = climb(&tokens, at, depth + modules.depth()) {
                    first_names(&tokens, after, &mut found);
                }
            }
            _ => {}
        }
    }
    found
}

/// The depth of a file's module below `src`; `mod.rs` counts as its directory.
pub fn depth_of(path: &str) -> usize {
    path.split('/').filter(|part| *part != "mod.rs").count()
}

/// Follows `super::super::` from a module at `depth`; the position after it if it ends at the root.
fn climb(tokens: &[Token<'_>], mut at: usize, mut depth: usize) -> Option<usize> {
    while matches!(text(tokens, at), "super" | "self") && text(tokens, at + 1) == "::" {
        depth -= usize::from(text(tokens, at) == "super" && depth > 0);
        at += 2;
    }
    (depth == 0).then_some(at)
}

/// The first name of a path, or of each path in braces.
fn first_names(tokens: &[Token<'_>], at: usize, found: &mut Vec<Import>) {
    if text(tokens, at) != "{" {
        if let Some(token) = tokens.get(at) {
            found.push(Import { room: token.text.to_owned(), line: token.line });
        }
        return;
    }
    let (mut depth, mut starts) = (0, false);
    for token in &tokens[at..] {
        match token.text {
            "{" => {
                depth += 1;
                starts = depth == 1;
            }
            "}" => depth -= 1,
            "," => starts = depth == 1,
            _ if starts => {
                found.push(Import { room: token.text.to_owned(), line: token.line });
                starts = false;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Whether a token is within a path, as the second `super` of `super::super::x`.
fn is_within_path(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && text(tokens, at - 1) == "::"
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Tracks inline modules: `mod tests { … }` is one level deeper.
#[derive(Default)]
struct InlineModules {
    braces: usize,
    opened_at: Vec<usize>,
}

impl InlineModules {
    fn observe(&mut self, tokens: &[Token<'_>], at: usize) {
        match text(tokens, at) {
            "{" => {
                if at >= 2 && text(tokens, at - 2) == "mod" {
                    self.opened_at.push(self.braces);
                }
                self.braces += 1;
            }
            "}" => {
                self.braces = self.braces.saturating_sub(1);
                if self.opened_at.last() == Some(&self.braces) {
                    self.opened_at.pop();
                }
            }
            _ => {}
        }
    }

    fn depth(&self) -> usize {
        self.opened_at.len()
    }
}

#[test]
fn every_way_to_name_a_module_is_found() {
    for (source, depth, rooms) in [
        ("use crate::net::Socket;", 2, &["net"][..]),
        ("pub(crate) use crate::net;", 2, &["net"]),
        ("use crate::{units::Nanos, net::{Socket, plan::Plan}, sys};", 2, &["units", "net", "sys"]),
        ("use crate::{self as root};", 2, &["self"]),
        ("use crate::*;", 2, &["*"]),
        ("fn f() { let x = crate::net::open(); }", 2, &["net"]),
        ("fn f(x: &crate::net::Socket) -> crate :: sys :: Fd {}", 2, &["net", "sys"]),
        ("use super::super::net::Socket;", 2, &["net"]),
        ("use super::net;", 1, &["net"]),
        ("use self::super::net;", 1, &["net"]),
        ("use super::{net, sys::Fd};", 1, &["net", "sys"]),
        ("mod tests { use super::super::net; }", 1, &["net"]),
        ("mod tests { use super::super::super::{net}; }", 2, &["net"]),
        ("mod a { fn f() {} } use super::net;", 1, &["net"]),
        ("use\ncrate\n::net;", 2, &["net"]),
    ] {
        let found: Vec<_> = imports(source, depth).into_iter().map(|found| found.room).collect();
        assert_eq!(found, rooms, "{source}");
    }
}

#[test]
fn paths_within_a_module_are_not_imports() {
    for (source, depth) in [
        ("use super::Header;", 2),
        ("use self::header::Header;", 1),
        ("mod tests { use super::*; }", 1),
        ("mod tests { use super::super::kind; }", 2),
        ("pub(crate) fn f() {}", 1),
        ("use std::net::SocketAddr;", 1),
        ("// use crate::net;\n/// [`crate::net`]\nfn f() {}", 1),
        ("const WORD: &str = \"crate::net\";", 1),
    ] {
        assert_eq!(imports(source, depth), [], "{source}");
    }
}

#[test]
fn an_import_knows_its_line() {
    let found = imports("//! Doc.\n\nuse crate::{\n    units,\n    net,\n};\n", 1);
    assert_eq!(found.iter().map(|import| import.line).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_folders_mod_file_is_as_deep_as_the_folder() {
    for (path, depth) in
        [("net/mod.rs", 1), ("net/socket.rs", 2), ("session/blast/mod.rs", 2), ("units.rs", 1)]
    {
        assert_eq!(depth_of(path), depth, "{path}");
    }
}
