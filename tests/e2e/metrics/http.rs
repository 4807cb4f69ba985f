//! Clients that are not Prometheus: none of them keeps it from its page.

use super::{Scrape, watched};
use crate::common::scrape::http;
use crate::common::secs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn hostile_clients_keep_nobody_from_the_page() {
    let (receiver, at) = watched(&["recv", "127.0.0.1:0", "-J"]);
    // Some say nothing, some half of a request, some garbage; none of them goes.
    let many: Vec<TcpStream> = (0..1_000)
        .filter_map(|number| {
            let mut one = TcpStream::connect(at).ok()?;
            let _ = match number % 3 {
                0 => one.write_all(b"GET /metrics HTTP/1.1\r\nX: "),
                1 => one.write_all(&[0, 0xff, b'\n', b'\r', 7]),
                _ => Ok(()),
            };
            Some(one)
        })
        .collect();
    assert!(many.len() > 900, "only {} connections", many.len());
    let asked = Instant::now();
    let page = Scrape::of(at);
    assert!(page.get("udpkit_received_bytes_total").is_some(), "{}", page.text);
    assert!(asked.elapsed() < secs(20), "{:?}", asked.elapsed());
    drop(many);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "404"),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nab".to_owned(), "405"),
        (format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(1 << 16)), "431"),
        ("\u{0}\u{0}\u{0}\n\n".to_owned(), "400"),
        (GET.replace("GET", "HEAD"), "200"),
    ] {
        let answer = http(at, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    // One that never reads its page.
    let mut idle = TcpStream::connect(at).expect("accepted");
    idle.write_all(GET.as_bytes()).expect("taken");
    assert!(Scrape::of(at).get("udpkit_received_bytes_total").is_some());
    let mut first = [0; 4];
    idle.read_exact(&mut first).expect("its page");
    receiver.signal("INT");
    receiver.wait(secs(10)).expect_success();
}
