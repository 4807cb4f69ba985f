//! A browser without a window, which says what it asked for and what it complained about. It is
//! spoken to over two pipes, in Chromium's own protocol.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The program, and the Debian package that has it.
pub const BROWSER: &str = "chromium-headless-shell";
/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page.
pub struct Browser {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    session: Value,
    last: u64,
    /// What it told without being asked.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        // The protocol is spoken on the descriptors 3 and 4.
        let script = format!(
            "exec {BROWSER} --no-sandbox --disable-gpu --remote-debugging-pipe \
             --user-data-dir={} about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            profile.path().display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let (orders, output) =
            (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (to, answers) = channel();
        thread::spawn(move || {
            for part in BufReader::new(output).split(0) {
                let Ok(part) = part else { return };
                let told = serde_json::from_slice(&part).expect("JSON");
                if to.send(told).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            orders,
            answers,
            session: Value::Null,
            last: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let id = target["targetId"].clone();
        let asked = json!({ "targetId": id, "flatten": true });
        browser.session = browser.ask("Target.attachToTarget", asked)["sessionId"].clone();
        for domain in ["Page", "Network", "Log", "Runtime"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Gives an order, and waits for its result.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_null() {
            order["sessionId"] = self.session.clone();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).expect("a browser");
        loop {
            let told = self.answers.recv_timeout(PATIENCE).expect("an answer of the browser");
            if told["id"] == self.last {
                assert_eq!(told["error"], Value::Null, "{method}");
                return told["result"].clone();
            }
            self.events.push(told);
        }
    }

    /// Loads a file and waits until it is there. What was told before is forgotten.
    pub fn load(&mut self, file: &std::path::Path) {
        self.events.clear();
        let url = format!("file://{}", file.display());
        self.ask("Page.navigate", json!({ "url": url }));
        while !self.events.iter().any(|one| one["method"] == "Page.loadEventFired") {
            let told = self.answers.recv_timeout(PATIENCE).expect("the page to load");
            self.events.push(told);
        }
    }

    /// The width of the window, and whether the user prefers the dark.
    pub fn look(&mut self, width: u64, scheme: &str) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "", "features": [feature] }));
    }

    /// The value of an expression on the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    /// What was asked for beside the page itself, and what was complained about.
    pub fn troubles(&self) -> Vec<String> {
        let asked = self.events.iter().filter(|one| one["method"] == "Network.requestWillBeSent");
        let url = |one: &Value| one["params"]["request"]["url"].as_str().unwrap_or("").to_owned();
        let beside = asked.skip(1).map(url).filter(|url| !url.starts_with("data:"));
        let complaint = |one: &&Value| {
            let method = one["method"].as_str().unwrap_or("");
            ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"]
                .contains(&method)
        };
        let complaints = self.events.iter().filter(complaint).map(Value::to_string);
        beside.chain(complaints).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
