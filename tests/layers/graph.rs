//! The graph of modules: which file or folder names what another one defines, and where that goes
//! round in a circle. A name that a `mod.rs` passes on leads to the module that defines it.
//!
//! Test code does not count: a test of a writer reads what it wrote. Nor do modules that name their
//! own children, or what the folder around them defines.

use super::tokens::{Token, tokens};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The path of a module: `["net", "socket"]`; the crate's own is empty.
type Path = Vec<String>;

/// Words that begin a path.
const STARTS: &[&str] = &["crate", "super", "self"];
/// Words that define what follows them.
const DEFINITIONS: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static", "mod"];

/// What one file says of others.
#[derive(Default)]
struct Module {
    file: String,
    /// Every path that is named, with its line, relative to the module.
    names: Vec<(Path, usize)>,
    /// What `use` binds to a name, and everything that it binds by `*`.
    bound: HashMap<String, Path>,
    globs: Vec<Path>,
    /// What is defined here.
    defined: BTreeSet<String>,
}

/// Every import between siblings that lies on a circle, for files with their paths below `src`.
pub fn circles<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let read = |(file, text): (&str, &str)| (module_path(file), Module::read(file, text));
    let modules: BTreeMap<Path, Module> = files.map(read).collect();
    let graph = Graph { modules };
    let mut edges: BTreeMap<(Path, String), BTreeMap<String, String>> = BTreeMap::new();
    for (path, module) in &graph.modules {
        for (name, line) in &module.names {
            let Some((folder, from, to)) = graph.edge(path, name) else { continue };
            let place = format!("src/{}:{line}", module.file);
            edges.entry((folder, from)).or_default().entry(to).or_insert(place);
        }
    }
    let mut found = Vec::new();
    for ((folder, from), imports) in &edges {
        for (to, place) in imports {
            if leads(&edges, folder, to, from) {
                found.push(format!("{place}: {from} imports {to}, which leads back to {from}"));
            }
        }
    }
    found
}

/// Whether one module of a folder imports another, by itself or through others.
fn leads(
    edges: &BTreeMap<(Path, String), BTreeMap<String, String>>,
    folder: &Path,
    from: &str,
    to: &str,
) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            let imports = edges.get(&(folder.clone(), at.to_owned()));
            next.extend(imports.into_iter().flat_map(BTreeMap::keys).map(String::as_str));
        }
    }
    false
}

fn module_path(file: &str) -> Path {
    let parts = file.trim_end_matches(".rs").split('/');
    parts.filter(|part| !["mod", "lib"].contains(part)).map(str::to_owned).collect()
}

struct Graph {
    modules: BTreeMap<Path, Module>,
}

impl Graph {
    /// The folder in which two siblings are joined by a name, and both; none within one module, or
    /// between a folder and what is in it.
    fn edge(&self, from: &Path, name: &Path) -> Option<(Path, String, String)> {
        let to = self.target(from, name, 0)?;
        let same = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        Some((from[..same].to_vec(), from.get(same)?.clone(), to.get(same)?.clone()))
    }

    /// The module that defines what a path in the module `at` names; none if it is of another crate.
    fn target(&self, at: &Path, name: &Path, depth: usize) -> Option<Path> {
        let mut rest = &name[..];
        let mut at = at.clone();
        match rest.first()?.as_str() {
            "crate" => at.clear(),
            "super" | "self" => {}
            first if self.is_child(&at, first) => {}
            _ => return None,
        }
        while let Some(word) = rest.first().filter(|word| STARTS.contains(&word.as_str())) {
            if word == "super" {
                at.pop();
            }
            rest = &rest[1..];
        }
        while let Some((word, behind)) = rest.split_first() {
            if self.is_child(&at, word) {
                at.push(word.clone());
                rest = behind;
                continue;
            }
            let passed_on = self.passed_on(&at, word).filter(|_| depth < 8);
            let Some(mut elsewhere) = passed_on else { return Some(at) };
            elsewhere.extend_from_slice(behind);
            // What is bound to something of another crate is no module's here.
            return self.target(&at, &elsewhere, depth + 1);
        }
        Some(at)
    }

    fn is_child(&self, at: &Path, name: &str) -> bool {
        self.modules.contains_key(&[&at[..], &[name.to_owned()]].concat())
    }

    /// The path behind a name that a module does not define itself.
    fn passed_on(&self, at: &Path, name: &str) -> Option<Path> {
        let module = self.modules.get(at)?;
        if let Some(path) = module.bound.get(name) {
            return Some(path.clone());
        }
        let defines = |glob: &&Path| {
            let of = self.target(at, glob, 0).and_then(|path| self.modules.get(&path));
            of.is_some_and(|of| of.defined.contains(name) || of.bound.contains_key(name))
        };
        let glob = module.globs.iter().find(defines)?;
        Some([&glob[..], &[name.to_owned()]].concat())
    }
}

impl Module {
    fn read(file: &str, text: &str) -> Self {
        let mut module = Self { file: file.to_owned(), ..Self::default() };
        let tokens = without_tests(&tokens(text));
        // How deep inline modules are, by the braces that they opened.
        let (mut braces, mut inline) = (0, Vec::new());
        let mut at = 0;
        while at < tokens.len() {
            let (word, line) = (tokens[at].text, tokens[at].line);
            let next = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.text);
            match word {
                "{" => braces += 1,
                "}" => {
                    braces -= 1;
                    inline.retain(|opened| *opened < braces);
                }
                "mod" if next(2) == "{" => inline.push(braces),
                "use" => {
                    at = module.read_use(&tokens, at + 1, &[], inline.len());
                    continue;
                }
                _ if STARTS.contains(&word) && next(1) == "::" => {
                    let path = path_at(&tokens, &mut at);
                    module.name(path, line, inline.len());
                    continue;
                }
                _ => {}
            }
            if DEFINITIONS.contains(&word) && inline.is_empty() {
                module.defined.insert(next(1).to_owned());
            }
            at += 1;
        }
        module
    }

    /// Reads one path of a `use` with all that is in its braces; returns what is behind it.
    fn read_use(
        &mut self,
        tokens: &[Token<'_>],
        mut at: usize,
        before: &[String],
        inline: usize,
    ) -> usize {
        let line = tokens[at].line;
        let mut path = before.to_vec();
        path.extend(path_at(tokens, &mut at));
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        match text(at) {
            "{" => {
                at += 1;
                while !["}", ""].contains(&text(at)) {
                    at = self.read_use(tokens, at, &path, inline);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "*" => {
                self.name(path.clone(), line, inline);
                self.globs.push(path);
                return at + 1;
            }
            _ => {}
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if text(at) == "as" {
            text(at + 1).clone_into(&mut name);
            at += 2;
        }
        self.name(path.clone(), line, inline);
        if inline == 0 {
            self.bound.insert(name, path);
        }
        at
    }

    /// Notes a path; in an inline module `super` is still this file.
    fn name(&mut self, mut path: Path, line: usize, inline: usize) {
        for _ in 0..inline {
            match path.first().map(String::as_str) {
                Some("super") => _ = path.remove(0),
                Some("crate") => {}
                _ => return,
            }
        }
        if inline > 0 && path.first().is_some_and(|first| !STARTS.contains(&first.as_str())) {
            path.insert(0, "self".to_owned());
        }
        self.names.push((path, line));
    }
}

/// The words of a path, up to braces, `*` or what is no path any more.
fn path_at(tokens: &[Token<'_>], at: &mut usize) -> Path {
    let mut path = Path::new();
    let is_word = |text: &str| text.starts_with(|sign: char| sign == '_' || sign.is_alphanumeric());
    while let Some(token) = tokens.get(*at).filter(|token| is_word(token.text)) {
        path.push(token.text.to_owned());
        *at += 1;
        if tokens.get(*at).is_none_or(|token| token.text != "::") {
            break;
        }
        *at += 1;
    }
    path
}

/// Leaves out what `#[test]` or `#[cfg(test)]` stands before.
pub fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let begins = |at: usize, words: &[&str]| {
        let there = tokens[at..].iter().map(|token| token.text);
        there.take(words.len()).eq(words.iter().copied())
    };
    let marks: [&[&str]; 2] = [&["#", "[", "test", "]"], &["#", "[", "cfg", "(", "test", ")", "]"]];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if let Some(mark) = marks.into_iter().find(|mark| begins(at, mark)) {
            at = end_of_item(tokens, at + mark.len());
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// What is behind an item: its last brace, its semicolon, or its comma in a list.
fn end_of_item(tokens: &[Token<'_>], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ";" | "," if depth == 0 => break,
            _ => {}
        }
    }
    at
}

#[test]
fn a_circle_is_found_however_its_modules_are_named() {
    let a = ("net/a.rs", "use super::b::B; pub struct A;");
    for b in [
        "use super::a::A;",
        "use super::{c::C, a};",
        "use super::A;",
        "use crate::net::{self, A as Other};",
        "fn f() -> super::A { crate::net::a::A }",
        "mod inner { use super::super::a::A; }",
        "use super::c::C;",
    ] {
        let files = [
            ("net/mod.rs", "mod a; mod b; mod c; pub use a::A;"),
            a,
            ("net/b.rs", b),
            ("net/c.rs", "use super::a::*; pub struct C;"),
        ];
        let found = circles(files.into_iter());
        assert!(found.len() >= 2, "{b}: {found:?}");
    }
    let folders = [
        ("net/mod.rs", "mod a;"),
        ("sys/mod.rs", "mod d;"),
        ("net/a.rs", "use crate::sys::d;"),
        ("sys/d.rs", "fn f() { crate::net::a::f(); }"),
    ];
    let found = circles(folders.into_iter());
    let lines = [
        "src/net/a.rs:1: net imports sys, which leads back to net",
        "src/sys/d.rs:1: sys imports net, which leads back to sys",
    ];
    assert_eq!(found, lines);
}

#[test]
fn children_parents_and_tests_make_no_circle() {
    for (b, a) in [
        ("pub struct B;", "use super::b::B;"),
        ("use super::Own;", "use super::b::B;"),
        ("#[cfg(test)] mod tests { use super::super::a::A; }", "use super::b::B;"),
        ("#[test]\nfn t() { super::a::f(); }", "use super::b::B;"),
        ("// use super::a::A;\nuse std::net;", "use super::b::B;"),
    ] {
        let files = [
            ("net/mod.rs", "mod a; mod b; pub use a::A; pub struct Own; fn f(a: a::A) {}"),
            ("net/a.rs", a),
            ("net/b.rs", b),
        ];
        assert_eq!(circles(files.into_iter()), [""; 0], "{b}");
    }
}
