//! Calls that pass a bare `true` or `false` to a function of this crate: an enum would say there what
//! it means.

use super::tokens::Token;
use std::collections::BTreeSet;

/// The functions of a file that take a bool.
pub fn takers<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    let takes_bool = |at: usize| {
        let parts = arguments(tokens, at);
        parts
            .iter()
            .any(|part| matches!(part, [.., sign, kind] if sign.text == ":" && kind.text == "bool"))
    };
    let named = (1..tokens.len()).filter(|at| tokens[at - 1].text == "fn" && takes_bool(*at));
    named.map(|at| tokens[at].text).collect()
}

/// The calls of any of these functions with a bare bool: name and line.
pub fn bare_calls<'a>(tokens: &[Token<'a>], takers: &BTreeSet<&str>) -> Vec<Token<'a>> {
    let is_bare =
        |part: &&[Token<'_>]| matches!(part, [one] if ["true", "false"].contains(&one.text));
    let calls = (0..tokens.len()).filter(|at| takers.contains(tokens[*at].text));
    // The standard library's own take one, too.
    let is_own = |at: usize| at == 0 || tokens[at - 1].text != "fn" && !is_of_std(tokens, at);
    let calls = calls.filter(|at| is_own(*at));
    calls.filter(|at| arguments(tokens, *at).iter().any(is_bare)).map(|at| tokens[at]).collect()
}

/// Whether a name is one of a type that holds a bool.
fn is_of_std(tokens: &[Token<'_>], name: usize) -> bool {
    name >= 2 && ["AtomicBool", "Mutex"].contains(&tokens[name - 2].text)
}

/// What stands between the commas in the parentheses behind a name, generics left out.
fn arguments<'t, 'a>(tokens: &'t [Token<'a>], name: usize) -> Vec<&'t [Token<'a>]> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut at = name + 1;
    if text(at) == "<" {
        let (mut depth, mut arrow) = (0, false);
        while at < tokens.len() {
            match text(at) {
                "<" => depth += 1,
                // Not that of `->`.
                ">" if !arrow => depth -= 1,
                _ => {}
            }
            arrow = text(at) == "-";
            at += 1;
            if depth == 0 {
                break;
            }
        }
    }
    if text(at) != "(" {
        return Vec::new();
    }
    let (mut found, mut depth, mut start) = (Vec::new(), 0, at + 1);
    for end in at..tokens.len() {
        match text(end) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && text(end) == "," {
            found.push(&tokens[start..end]);
            start = end + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

#[test]
fn a_bare_bool_is_found_whatever_stands_around_it() {
    let read = |text: &'static str| super::tokens::tokens(text);
    let code =
        "fn f<T: Fn() -> u8>(a: u8, shown: bool) {} fn g(a: u8) {} fn h(b: &bool, c: Vec<bool>) {}";
    let takers = takers(&read(code));
    assert_eq!(takers.iter().copied().collect::<Vec<_>>(), ["f"]);
    for (call, faults) in [
        ("f(1, true)", 1),
        ("x.f(g(2), false,)", 1),
        ("f(f(1, true), false)", 2),
        ("AtomicBool::f(true)", 0),
        ("f(1, shown)", 0),
        ("f(1, a == true)", 0),
        ("f(1, g(true))", 0),
        ("fn f(a: u8, shown: bool)", 0),
    ] {
        assert_eq!(bare_calls(&read(call), &takers).len(), faults, "{call}");
    }
}
