//! The two hosts that a run was between, from its file's name: `FROM-TO.json`.
//!
//! Host names can have dashes. Then the document's target decides where FROM ends, or else the names
//! of the other files: the hosts of a mesh are in several of them.

use super::document::Saved;
use super::node::Node;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Two names out of one.
type Pair<'a> = (&'a str, &'a str);

/// The file's name without its folder and its ending.
pub(super) fn stem(saved: &Saved) -> Option<&str> {
    Path::new(&saved.name).file_stem()?.to_str()
}

/// FROM and TO of each file; `None` of one whose name does not tell them, or not which.
pub(super) fn pair_names(all: &[Saved]) -> Vec<Option<(String, String)>> {
    let splits: Vec<Vec<Pair<'_>>> = all.iter().map(candidates).collect();
    let mut files: HashMap<&str, usize> = HashMap::new();
    for split in &splits {
        let names: BTreeSet<&str> = split.iter().flat_map(|(from, to)| [*from, *to]).collect();
        for name in names {
            *files.entry(name).or_default() += 1;
        }
    }
    // Both names must be in other files too: the rarer one counts.
    let known = |(from, to): &Pair<'_>| files[from].min(files[to]);
    let chosen = splits.iter().map(|split| {
        let most = split.iter().map(known).max()?;
        let mut best = split.iter().filter(|pair| known(pair) == most);
        let (from, to) = best.next()?;
        best.next().is_none().then(|| ((*from).to_owned(), (*to).to_owned()))
    });
    chosen.collect()
}

/// Every place where the name can be parted; only those before the target, if there is one.
fn candidates(saved: &Saved) -> Vec<Pair<'_>> {
    let stem = stem(saved).unwrap_or_default();
    let parted = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    let all: Vec<_> = parted.filter(|(from, to)| !from.is_empty() && !to.is_empty()).collect();
    let targets = targets(saved);
    let named: Vec<_> = all.iter().copied().filter(|(_, to)| targets.contains(to)).collect();
    if named.is_empty() { all } else { named }
}

/// What the document calls its target, and the words of its command line, among which that is.
fn targets(saved: &Saved) -> BTreeSet<&str> {
    let root = saved.root();
    let names = root.at("targets").items().map(|one| one.at("name"));
    let words = root.at("run.arguments").items();
    let all = std::iter::once(root.at("target")).chain(names).chain(words);
    all.filter_map(Node::text).flat_map(|text| [text, without_port(text)]).collect()
}

/// A host as it was written, without its port: `a:9000`, `[2001:db8::1]:9000`.
pub(super) fn without_port(text: &str) -> &str {
    let is_bare = text.parse::<std::net::IpAddr>().is_ok();
    let parted = text.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    match parted {
        Some((host, _)) if !is_bare => host.trim_start_matches('[').trim_end_matches(']'),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(name: &str, arguments: &[&str]) -> Saved {
        let value = json!({ "schema": 1, "command": "blast", "run": { "arguments": arguments } });
        Saved::new(name, value).unwrap()
    }

    fn told(files: &[(&str, &[&str])]) -> Vec<Option<String>> {
        let all: Vec<Saved> = files.iter().map(|(name, line)| run(name, line)).collect();
        let names = pair_names(&all).into_iter();
        names.map(|one| one.map(|(from, to)| format!("{from} {to}"))).collect()
    }

    #[test]
    fn a_name_with_one_dash_is_two_hosts_and_one_without_is_none() {
        let found = told(&[("x/a-b.json", &[]), ("a.json", &[]), ("-b.json", &[]), ("-", &[])]);
        assert_eq!(found, [Some("a b".to_owned()), None, None, None]);
    }

    #[test]
    fn a_target_tells_where_a_name_with_dashes_is_parted() {
        for line in [["blast", "web-2"], ["blast", "web-2:9000"]] {
            assert_eq!(told(&[("web-1-web-2.json", &line)]), [Some("web-1 web-2".to_owned())]);
        }
        assert_eq!(told(&[("web-1-web-2.json", &["blast", "192.0.2.1"])]), [None]);
    }

    #[test]
    fn the_files_of_a_mesh_tell_each_others_hosts() {
        let hosts = ["web-1", "web-2", "db", "a-b-c"];
        let mut files = Vec::new();
        for (from, to) in hosts.iter().flat_map(|from| hosts.iter().map(move |to| (from, to))) {
            if from != to {
                files.push((format!("{from}-{to}.json"), format!("{from} {to}")));
            }
        }
        let names: Vec<(&str, &[&str])> =
            files.iter().map(|(name, _)| (name.as_str(), &[][..])).collect();
        let expected: Vec<_> = files.iter().map(|(_, pair)| Some(pair.clone())).collect();
        assert_eq!(told(&names), expected);
    }

    #[test]
    fn a_port_is_no_part_of_a_host() {
        for (text, host) in [
            ("a:9000", "a"),
            ("[2001:db8::1]:9000", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.1", "192.0.2.1"),
            ("a", "a"),
        ] {
            assert_eq!(without_port(text), host);
        }
    }
}
