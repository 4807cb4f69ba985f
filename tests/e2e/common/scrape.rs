//! Scrapes a run's metrics over HTTP, as Prometheus does.

use super::{Running, secs, wait_until};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Asks over HTTP and returns the whole answer, head included; empty if the connection broke.
pub fn http(at: SocketAddr, request: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(at) else { return String::new() };
    stream.set_read_timeout(Some(secs(60))).expect("settable");
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        // A reset behind the answer does not undo it.
        let _ = stream.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The body of the page at a path.
pub fn body(at: SocketAddr, path: &str, accept: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {at}\r\nAccept: {accept}\r\n\
        Connection: close\r\n\r\n"
    );
    let answer = http(at, &request);
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// A page of metrics.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    pub text: String,
    series: BTreeMap<String, f64>,
}

impl Scrape {
    /// The metrics that are served there now; none if there are none any more.
    pub fn of(at: SocketAddr) -> Self {
        let text = body(at, "/metrics", "text/plain");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let read = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        let series = lines.filter_map(read).collect();
        Self { text, series }
    }

    /// A series by its name and labels, as in the page; `None` if it is not there.
    pub fn get(&self, series: &str) -> Option<u64> {
        self.series.get(series).map(|value| *value as u64)
    }

    /// As [`Scrape::get`], of a series that must be there.
    #[track_caller]
    pub fn count(&self, series: &str) -> u64 {
        self.get(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The sum of a family's series.
    pub fn sum(&self, family: &str) -> u64 {
        let of = |name: &str| name.split('{').next() == Some(family);
        self.series.iter().filter(|(name, _)| of(name)).map(|(_, value)| *value as u64).sum()
    }
}

/// Where a run that was told `--metrics 0` serves its metrics.
pub fn metrics_of(running: &Running) -> SocketAddr {
    let line = running.wait_for_line("metrics at http://", secs(10));
    let (_, rest) = line.split_once("http://").expect("waited for");
    let address = rest.strip_suffix("/metrics").expect("the path");
    address.parse().unwrap_or_else(|_| panic!("no address: {line}"))
}

/// Scrapes until the metrics are so; returns these.
#[track_caller]
pub fn wait_for_metrics(at: SocketAddr, what: &str, so: impl Fn(&Scrape) -> bool) -> Scrape {
    let mut last = Scrape::default();
    wait_until(what, secs(20), || {
        last = Scrape::of(at);
        so(&last)
    });
    last
}
