//! Pages of `--html` in a browser, and saved results.

use crate::common::browser::{BROWSER, Browser};
use crate::common::{Output, json, path, require_tools, run, secs, udpkit};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use udpkit::stats::DelayHistogram;

/// A document that the golden tests hold.
fn golden(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json.snap"));
    let text = fs::read_to_string(file).expect("a golden file");
    let (_, document) = text.split_once("\n---\n").expect("a document");
    json(document)
}

fn save(folder: &Path, name: &str, document: &Value) -> PathBuf {
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, document.to_string()).expect("a file");
    file
}

/// The page of a saved document.
fn page_of(file: &Path) -> PathBuf {
    let page = file.with_extension("html");
    let told = run(udpkit().arg("report").arg(file).arg("--html").arg(&page).arg("-q"), secs(10));
    assert_eq!(told.expect_success().out(), "");
    page
}

/// The page of a mesh of so many hosts, made from a run that the golden tests hold.
fn mesh_page(folder: &Path, hosts: usize) -> PathBuf {
    let mut run = golden("blast.lossy");
    let (mut files, page) = (Vec::new(), folder.join(format!("mesh-{hosts}.html")));
    for (from, to) in (0..hosts).flat_map(|from| (0..hosts).map(move |to| (from, to))) {
        if from != to {
            run["lost"]["total"] = json!(from * to * 100);
            files.push(save(folder, &format!("host{from}-host{to}"), &run));
        }
    }
    let told = run_mesh(&files, &["-q", "--html", page.to_str().expect("a path")]);
    assert_eq!(told.expect_success().out(), "");
    page
}

fn run_mesh(files: &[PathBuf], more: &[&str]) -> Output {
    run(udpkit().args(["report", "--mesh"]).args(files).args(more), secs(30))
}

/// What the page itself can tell of its form.
const FORM: &str = "({
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    letters: document.body.innerText.length,
    pictures: document.querySelectorAll('svg').length,
    empty: [...document.querySelectorAll('svg')].filter(one =>
        one.getBoundingClientRect().width < 100 || one.getBBox().width < 20).length,
    untitled: [...document.querySelectorAll('svg')].filter(one =>
        one.getAttribute('role') != 'img' || !one.querySelector('title').textContent ||
        one.getAttribute('aria-labelledby') != one.querySelector('title').id).length,
    untold: [...document.querySelectorAll('figure')].filter(one =>
        !one.querySelector('table tbody tr')).length,
    headless: [...document.querySelectorAll('table')].filter(one =>
        !one.caption.textContent || !one.querySelector('th[scope]')).length,
    scripts: document.scripts.length,
    paper: getComputedStyle(document.body).backgroundColor,
})";

#[test]
fn a_page_is_whole_at_any_width_and_asks_for_nothing() {
    require_tools!(BROWSER);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.html");
    let blast = ["blast", "-b", "20M", "-t", "300ms", "--report-every", "100ms", "--html"];
    run(udpkit().args(blast).arg(&own), secs(20)).expect_success();
    let mut hostile = golden("ping.several");
    hostile["targets"][0]["name"] = json!("</title><script>fetch('http://192.0.2.1/')</script>");
    let documents = [
        ("blast", golden("blast.lossy")),
        ("hostile", hostile),
        ("ports", golden("ports.mixed")),
        ("cast", golden("cast_send.receivers")),
    ];
    let saved = documents.map(|(name, of)| (page_of(&save(folder.path(), name, &of)), name));
    let mut browser = Browser::start();
    // What the browser is there to notice, it notices.
    let bad = folder.path().join("bad.html");
    let wide = "<p style='width:900px'><img src='file:///nowhere.png'><script>boom()</script>";
    fs::write(&bad, wide).unwrap();
    browser.look(400, "light");
    browser.load(&bad);
    assert!(browser.troubles().len() >= 2, "{:?}", browser.troubles());
    let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert!(browser.value(over).as_u64() > Some(0));
    let meshes = [(mesh_page(folder.path(), 4), "mesh"), (mesh_page(folder.path(), 13), "large")];
    for (page, name) in saved.into_iter().chain([(own, "own")]).chain(meshes) {
        let mut papers = Vec::new();
        for (width, scheme) in [(400, "light"), (1280, "dark")] {
            browser.look(width, scheme);
            browser.load(&page);
            let form = browser.value(FORM);
            assert_eq!(form["over"], 0, "{name} at {width}: wider than its window");
            for fault in ["empty", "untitled", "untold", "headless", "scripts"] {
                assert_eq!(form[fault], 0, "{name}: {fault}: {form}");
            }
            assert!(form["letters"].as_u64() > Some(300), "{name}: {form}");
            assert!(form["pictures"].as_u64() > Some(0), "{name}: {form}");
            papers.push(form["paper"].clone());
            assert_eq!(browser.troubles(), [""; 0], "{name}");
        }
        assert_eq!(papers, ["rgb(255, 255, 255)", "rgb(22, 24, 26)"], "{name}");
        let drawn = browser.ask("Page.captureScreenshot", json!({ "format": "png" }));
        let size = drawn["data"].as_str().unwrap().len();
        assert!(size > 20_000, "{name}: a picture of the page has {size} letters only");
    }
}

#[test]
fn a_saved_result_is_drawn_compared_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut results = Vec::new();
    for rate in ["20M", "1M"] {
        let page = file(&format!("{rate}.html"));
        let line = ["blast", "-b", rate, "-t", "1s", "--report-every", "50ms", "--json"];
        let told = run(udpkit().args(line).arg("--html").arg(&page), secs(20)).expect_success();
        let saved = save(folder.path(), rate, &json(&told.out()));
        // Drawn from the saved document, it is the same page.
        let direct = fs::read_to_string(&page).unwrap();
        assert_eq!(direct, fs::read_to_string(page_of(&saved)).unwrap());
        assert!(direct.contains(&format!("udpkit blast -b {rate} -t 1s")));
        // The server received, and told its delays.
        for picture in ["Delay over time", "Delay above the minimum", "Delay by percentile"] {
            assert!(direct.contains(picture), "{picture}");
        }
        results.push(saved);
    }
    let report = |more: &[&str]| run(udpkit().arg("report").args(&results).args(more), secs(10));
    let compared = report(&["--json", "--fail-if", "rate<-5%"]);
    assert_eq!(compared.code(), Some(3));
    let compared = json(&compared.out());
    let difference = &path(&compared, "comparisons")[0]["differences"][0];
    assert_eq!((&difference["metric"], &difference["noise"]), (&json!("rate"), &json!("beyond")));
    let change = difference["change_percent"].as_f64().unwrap();
    assert!((-96.0..-93.0).contains(&change), "{change}");
    assert_eq!(path(&compared, "limits")[0]["held"], false);
    assert_eq!(report(&["-q", "--fail-if", "rate>+5%"]).code(), Some(0));
    let merged = json(&report(&["--merge", "--json"]).expect_success().out());
    let sent: u64 = results
        .iter()
        .map(|file| json(&fs::read_to_string(file).unwrap())["sent"]["datagrams"].as_u64().unwrap())
        .sum();
    let merged = &merged["merged"][0];
    assert_eq!(merged["sent"], sent);
    let delays = DelayHistogram::from_base64(merged["delay_ns_hdr"].as_str().unwrap()).unwrap();
    assert_eq!(merged["delivered"], delays.count());
}

#[test]
fn runs_between_hosts_are_a_mesh_whose_pairs_are_held_to_limits() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (name, more) in
        [("site-a-site-b", &["-b", "10M"][..]), ("site-b-site-a", &["-b", "2M", "-R"])]
    {
        let line = ["blast", "-t", "300ms", "--json"];
        let told = run(udpkit().args(line).args(more), secs(20)).expect_success();
        files.push(save(folder.path(), name, &json(&told.out())));
    }
    // Both measured what site-a sent: the second one in reverse.
    let twice = run_mesh(&files, &[]);
    assert_eq!(twice.code(), Some(2));
    assert!(twice.err().contains("are both from site-a to site-b: give one of them"));
    let other = files[1].with_file_name("site-b-site-c.json");
    fs::rename(&files[1], &other).unwrap();
    files[1] = other;
    let failure = json!({ "code": "no_reply", "text": "no reply" });
    let failed = json!({ "schema": 1, "command": "blast", "failure": failure });
    files.push(save(folder.path(), "site-c-site-a", &failed));
    let told = run_mesh(&files, &["--json", "--fail-if", "rate<100k"]);
    assert_eq!(told.code(), Some(3), "{}", told.err());
    let mesh = json(&told.out());
    let rows = path(&mesh, "pair_rows").as_array().unwrap();
    let name =
        |pair: &Value| [&pair["from"], &pair["to"]].map(|host| host.as_str().unwrap().to_owned());
    let mut pairs: Vec<_> = rows.iter().map(name).collect();
    assert_eq!(pairs[0], ["site-c", "site-a"], "{mesh}");
    pairs.sort();
    assert_eq!(pairs, [["site-a", "site-b"], ["site-c", "site-a"], ["site-c", "site-b"]]);
    for (at, held) in [(0, false), (1, true), (2, true)] {
        assert_eq!(path(&mesh, "limits")[at]["held"], held, "{mesh}");
    }
    assert_eq!(path(&mesh, "missing_pairs"), &json!(3));
    let ran = json(&fs::read_to_string(&files[0]).unwrap());
    let sent = rows.iter().find(|pair| pair["from"] == "site-a").unwrap();
    assert_eq!(sent["sent"], ran["sent"]["datagrams"]);
    let text = run_mesh(&files, &[]).expect_success().out();
    assert!(text.contains("site-c to site-a: no reply"), "{text}");
}

#[test]
fn what_cannot_be_reported_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let ping = save(folder.path(), "ping", &golden("ping.one"));
    let ports = save(folder.path(), "ports", &golden("ports.mixed"));
    let trace = save(folder.path(), "trace", &golden("trace.reached"));
    let future = save(folder.path(), "future", &json!({ "schema": 9, "command": "ping" }));
    let (ping, ports) = (ping.to_str().unwrap(), ports.to_str().unwrap());
    let (trace, future) = (trace.to_str().unwrap(), future.to_str().unwrap());
    for (line, code, told) in [
        (&["/nowhere/a.json"][..], 1, "cannot read /nowhere/a.json: no such file"),
        (&["/dev/null"], 1, "/dev/null is not a document"),
        (&[future], 1, "has schema 9, and this udpkit reads schema 1"),
        (&[ping, ports], 2, "are of different commands"),
        (&["--mesh", "--merge", ping], 2, "cannot be used with"),
        (&[trace, trace], 2, "documents of this command cannot be compared"),
        (&["--merge", trace], 2, "documents of this command cannot be merged"),
        (&[ping, "--fail-if", "rate<-5%"], 2, "--fail-if compares two files or more"),
        (&[ping, ping, "--fail-if", "rate<5"], 2, "is not a limit on a difference"),
        (&["--mesh", ping], 2, "does not tell its two hosts: name the file FROM-TO.json"),
        (&["--mesh", trace], 2, "--mesh takes single runs of blast and ping"),
        (&["--mesh", ping, "--fail-if", "p99>+20%"], 2, "p99>+20% is not a limit"),
        (&[ping, "--html", "/nowhere/a.html"], 1, "cannot write /nowhere/a.html"),
    ] {
        let output = run(udpkit().arg("report").args(line), secs(10));
        assert_eq!(output.code(), Some(code), "{line:?}: {}", output.err());
        assert!(output.err().contains(told), "{line:?}: {}", output.err());
        assert_eq!(output.out(), "", "{line:?}");
    }
}
