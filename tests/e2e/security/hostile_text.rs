//! Text from the remote end cannot control a terminal: no control or invisible characters and no
//! forged lines, in any output format.

use crate::common::{Output, Running, json, run, secs, udpkit};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A title, colours, a screen that is cleared by C1's own CSI, a bell, an override, a separator, a
/// next line, a byte order mark, DEL, and two forged lines, as the dialogue writes them.
const HOSTILE: &str = "%1b]0;owned%07%1b[31m%c2%9b2J%e2%80%aeabc%e2%80%a8%c2%85%ef%bb%bf%7f%0aerror:%20forged%0d%0ahint:%20forged";

/// A server that replies to everything with hostile text.
struct Liar {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Liar {
    /// `answer` makes the reply to a datagram; an empty one is not sent.
    fn start(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a deadline");
        let (address, over) = (socket.local_addr().expect("bound"), Arc::default());
        let stop: Arc<AtomicBool> = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut bytes = [0; 2_000];
            while !stop.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut bytes) else { continue };
                let answer = answer(&bytes[..len]);
                if !answer.is_empty() {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, over, thread: Some(thread) }
    }

    /// A server that refuses every command with this code.
    fn refusing(code: u16) -> Self {
        Self::start(move |asked| {
            let tag = asked.split(|byte| *byte == b' ').next().unwrap_or_default();
            let tag = String::from_utf8_lossy(tag);
            format!("{tag} {code}-why={HOSTILE}\r\n{tag} {code} no [31m\r\n").into_bytes()
        })
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn is_harmful(one: char) -> bool {
    one.is_control() && one != '\n'
        || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || one == '\u{feff}'
}

/// Checks that neither output can control a terminal, and that no line was forged.
#[track_caller]
fn harmless(what: &str, output: &Output) {
    for (name, text) in [("output", output.out()), ("errors", output.err())] {
        assert!(!text.contains(is_harmful), "{what}: {name}: {text:?}");
        let forged = |line: &&str| line.trim_start().starts_with("error: forged");
        assert_eq!(text.lines().find(forged), None, "{what}: {name}: {text}");
        assert!(!text.lines().any(|line| line.starts_with("hint: forged")), "{what}: {text}");
    }
}

#[test]
fn a_hostile_refusal_is_escaped_by_every_client() {
    for code in [550, 530, 450] {
        let liar = Liar::refusing(code);
        let at = liar.address.to_string();
        let commands: [&[&str]; 9] = [
            &["blast", &at, "--time", "100ms", "--wait", "1s"],
            &["blast", &at, "--time", "100ms", "--wait", "1s", "--json"],
            &["probe", "ports", &at, "5000", "--wait", "300ms"],
            &["probe", "ports", &at, "5000", "--wait", "300ms", "-J"],
            &["probe", "mtu", &at],
            &["probe", "marks", &at],
            &["probe", "shape", &at],
            &["probe", "timeout", &at, "--candidates", "500ms"],
            &["cast", "recv", "--sender", &at, "--time", "1s"],
        ];
        thread::scope(|scope| {
            for args in commands {
                scope.spawn(move || {
                    let output = run(udpkit().args(args), secs(60));
                    harmless(&format!("{code} {args:?}"), &output);
                    assert_ne!(output.code(), Some(2), "{args:?}: {}", output.err());
                });
            }
        });
    }
    // The text is shown.
    let liar = Liar::refusing(550);
    let args = ["blast", &liar.address.to_string(), "--time", "100ms"];
    let output = run(udpkit().args(args), secs(20));
    assert!(output.err().contains("(why=\\u{1b}]0;owned\\u{7}"), "{}", output.err());
}

#[test]
fn a_stun_servers_reason_is_escaped() {
    let liar = Liar::start(|asked| {
        if asked.len() < 20 {
            return Vec::new();
        }
        let reason = "no\x1b]0;owned\x07\nerror: forged\u{202e}\u{9b}2J";
        let mut value = vec![0, 0, 4, 0];
        value.extend(reason.as_bytes());
        value.resize(value.len().next_multiple_of(4), b' ');
        let len = value.len() as u16;
        let mut answer = vec![0x01, 0x11];
        answer.extend((4 + len).to_be_bytes());
        answer.extend(&asked[4..20]);
        answer.extend([0, 9]);
        answer.extend(len.to_be_bytes());
        answer.extend(value);
        answer
    });
    let at = liar.address.to_string();
    for args in [&["probe", "nat", &at][..], &["probe", "nat", &at, "-J"]] {
        let output = run(udpkit().args(args), secs(60));
        harmless(&format!("{args:?}"), &output);
        let all = output.out() + &output.err();
        assert!(all.contains("owned"), "{args:?}: {all}");
    }
}

#[test]
fn a_services_text_is_escaped() {
    let liar = Liar::start(|asked| {
        if asked.starts_with(b"OPTIONS ") {
            let text = String::from_utf8_lossy(asked).into_owned();
            let call = text.lines().find(|line| line.starts_with("Call-ID")).unwrap_or_default();
            let status = "200 x\x1b]0;owned\x07\u{202e}\u{9b}2J";
            return format!("SIP/2.0 {status}\r\n{call}\r\n\r\n").into_bytes();
        }
        Vec::new()
    });
    let port = liar.address.port().to_string();
    for form in [&[][..], &["-J"]] {
        let args = ["probe", "ports", "127.0.0.1", &port, "--no-agent", "--as", "sip"];
        let output = run(udpkit().args(args).args(form), secs(60));
        harmless("probe ports --no-helper", &output);
        assert!(output.out().contains("owned"), "{}\n{}", output.out(), output.err());
    }
}

#[test]
fn a_hostile_client_forges_no_line_of_a_server_s_log() {
    for json_lines in [false, true] {
        let mut command = udpkit();
        command.args(["serve", "127.0.0.1:0", "--allow", "192.0.2.0/24"]);
        command.args(json_lines.then_some("--json"));
        let server = Running::start(&mut command);
        let line = server.wait_for_line("serving on", secs(5));
        let at = line.split_whitespace().find(|word| word.starts_with("127.")).expect("an address");
        let at = at.trim_end_matches(',').to_owned();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        for verb in ["HELO", "TEST", "STAT", "DATA", "XXXX"] {
            let text = format!("a1 {verb} size={HOSTILE} pad={}", "x".repeat(100));
            socket.send_to(text.as_bytes(), &at).expect("it leaves");
        }
        server.wait_for_line("refused: 550", secs(5));
        server.signal("TERM");
        let output = server.wait(secs(5));
        harmless("serve", &output);
        if json_lines {
            assert!(output.out().lines().map(json).count() > 1);
        }
    }
}

#[test]
fn payload_is_escaped_in_every_form_but_raw_to_a_pipe() {
    let hostile = "a\x1b]0;x\x07\u{9b}2J\u{202e}\u{2028}\nerror: forged\u{feff}";
    for format in ["text", "hex", "json", "raw"] {
        let mut command = udpkit();
        command.args(["recv", "127.0.0.1:0", "--count", "1", "--format", format]);
        let receiver = Running::start(&mut command);
        let line =
            receiver.wait_for("where it listens", secs(5), |line| line.contains("127.0.0.1:"));
        let at = line.split_whitespace().find(|word| word.starts_with("127.")).expect("an address");
        let at = at.trim_end_matches([',', ':']).to_owned();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.send_to(hostile.as_bytes(), &at).expect("it leaves");
        let output = receiver.wait(secs(5));
        if format == "raw" {
            assert!(output.out().contains(hostile), "a pipe gets what came: {:?}", output.out());
        } else {
            harmless(format, &output);
        }
        if format == "json" {
            let datagram = json(output.out().lines().next().expect("a line"));
            assert_eq!(datagram["payload_text"], hostile, "{datagram}");
        }
    }
}
