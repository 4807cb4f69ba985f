//! The live view on a terminal of its own, as a virtual screen sees it: it is not blank, its
//! figures are those of the report, it follows the size of the terminal and the keys; and whatever
//! ends the run, the report is on the normal screen and the terminal's modes are as before.

use crate::common::{Output, Running, require_tools, secs, udpkit};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use udpkit::report::live_view::{LiveScreen, Moment, Picture, Scene};

/// What enters the other screen, and what leaves it.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
/// What a frame painted from nothing begins with.
const ANEW: &str = "\x1b[2J";
/// Set for a test that plays the program of another.
const PANICS: &str = "UDPKIT_TEST_PANICS_ON_SCREEN";

/// A program on a terminal of its own, which `stty` is asked about before and after.
struct OnTerminal {
    running: Running,
    folder: TempDir,
}

impl OnTerminal {
    /// Starts a command on a terminal of 100 columns and 30 rows.
    fn start(environment: &[(&str, &str)], program: &str, words: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let line = format!(
            "trap : INT; stty cols 100 rows 30; tty > {}; stty -a > {}; {program} {}; echo code=$?; stty -a > {}",
            at("tty"),
            at("before"),
            words.join(" "),
            at("after")
        );
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .env("NO_COLOR", "1");
        command.envs(environment.iter().copied());
        Self { running: Running::start_with_input(&mut command), folder }
    }

    fn udpkit(words: &[&str]) -> Self {
        Self::udpkit_with(&[], words)
    }

    fn udpkit_with(environment: &[(&str, &str)], words: &[&str]) -> Self {
        let program = udpkit().get_program().to_str().expect("UTF-8").to_owned();
        Self::start(environment, &program, words)
    }

    /// Waits until the screen of this size satisfies a condition.
    #[track_caller]
    fn wait_for_screen(&self, size: (u16, u16), what: &str, holds: impl Fn(&str) -> bool) {
        let seen = |text: &str| last_screen(text, size).is_some_and(|screen| holds(&screen));
        let met = self.running.wait_for_stdout(secs(10), seen);
        assert!(met, "no screen with {what}:\n{:?}", self.running.stdout_so_far());
    }

    fn resize(&self, (columns, rows): (u16, u16)) {
        let tty = std::fs::read_to_string(self.folder.path().join("tty")).expect("its name");
        let size = [columns.to_string(), rows.to_string()];
        let words = ["-F", tty.trim(), "cols", &size[0], "rows", &size[1]];
        let set = Command::new("stty").args(words).status().expect("stty runs");
        assert!(set.success());
    }

    /// The end: the terminal is as it was, and nothing was drawn after the screen was left.
    #[track_caller]
    fn ends(self, code: i32) -> String {
        let Self { running, folder } = self;
        let Output { stdout, .. } = running.wait(secs(20));
        let all = String::from_utf8(stdout).expect("UTF-8");
        assert!(all.contains(&format!("code={code}")), "{all:?}");
        let modes = |name: &str| modes(folder.path(), name);
        assert_eq!(modes("before"), modes("after"));
        if let Some((_, behind)) = all.rsplit_once(ENTER) {
            let (_, behind) = behind.rsplit_once(LEAVE).expect("the screen is left");
            assert!(!behind.contains("\x1b["), "{behind:?}");
            assert!(all.contains("\x1b[?25h"), "the cursor is back");
        }
        all.replace("\r\n", "\n")
    }
}

/// What `stty -a` says, but for the size.
fn modes(folder: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(folder.join(name)).expect("stty wrote it");
    text.lines().filter(|line| !line.starts_with("speed")).collect::<Vec<_>>().join("\n")
}

/// The screen as it was last, before it was left: what was painted since a frame from nothing.
fn last_screen(all: &str, (columns, rows): (u16, u16)) -> Option<String> {
    let (_, entered) = all.rsplit_once(ENTER)?;
    let painted = entered.split(LEAVE).next()?;
    let (_, anew) = painted.rsplit_once(ANEW)?;
    let [rows, columns] = [rows, columns].map(|count| NonZero::new(count).expect("some"));
    let mut terminal = vt100::Parser::new(rows, columns, 0);
    terminal.process(anew.as_bytes());
    Some(terminal.screen().contents())
}

/// What was printed behind the screen.
fn left_behind(all: &str) -> &str {
    all.rsplit_once(LEAVE).expect("the screen is left").1
}

/// The figure behind a word: digits in groups.
#[track_caller]
fn figure(text: &str, word: &str) -> u64 {
    let (_, behind) = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {text}"));
    let behind = behind.trim_start();
    let is_part = |one: char| one.is_ascii_digit() || one == ' ';
    let end = behind.find(|one| !is_part(one)).unwrap_or(behind.len());
    // Two blanks end a number.
    let digits = behind[..end].split("  ").next().unwrap_or_default().replace(' ', "");
    digits.parse().unwrap_or_else(|_| panic!("no figure behind {word:?} in {text}"))
}

fn serve() -> (Running, String) {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    (server, address.expect("an address").trim_end_matches(',').to_owned())
}

#[test]
fn blast_has_a_screen_that_follows_the_terminal_and_leaves_its_report_behind() {
    require_tools!("script", "stty");
    let (_server, at) = serve();
    let words = ["blast", &at, "--rate", "8M", "-t", "60s", "--report-every", "100ms"];
    let mut run = OnTerminal::udpkit(&words);
    let size = (100, 30);
    run.wait_for_screen(size, "a graph and figures", |screen| {
        screen.contains("rate  │█") && screen.contains("Mbit/s") && screen.contains("received")
    });
    run.running.write("u");
    run.wait_for_screen(size, "another unit", |screen| screen.contains("unit: byte/s"));
    let small = (64, 20);
    run.resize(small);
    run.wait_for_screen(small, "all of its parts", |screen| {
        let lines: Vec<&str> = screen.lines().collect();
        let keys = lines.get(19).is_some_and(|line| line.contains("q quit"));
        keys && lines.iter().all(|line| line.chars().count() <= 64) && screen.contains("delay │")
    });
    run.running.write("q");
    let all = run.ends(0);
    let report = left_behind(&all);
    // The first line was printed before there was a screen, or is printed behind it.
    let heading = all.split(ENTER).next().into_iter().chain([report]);
    assert!(heading.into_iter().any(|text| text.contains("udpkit blast 127.0.0.1:")), "{all:?}");
    assert!(report.contains("early, by the user") && report.contains("verdict"), "{report}");
    let screen = last_screen(&all, small).expect("a screen");
    let received = figure(&screen, "received");
    assert!(received > 0);
    assert_eq!(received, figure(report, "  received"), "{screen}\n{report}");
    assert_eq!(figure(&screen, "lost"), figure(report, "  lost"));
}

#[test]
fn ping_has_a_screen_with_the_counts_of_its_report_and_ctrl_c_ends_it() {
    require_tools!("script", "stty");
    let (_server, at) = serve();
    let mut run = OnTerminal::udpkit(&["ping", &at, "--interval", "50ms"]);
    let size = (100, 30);
    run.wait_for_screen(size, "replies", |screen| {
        screen.contains("seq=9 ") && screen.contains("round trip") && screen.contains('█')
    });
    run.running.write("p");
    run.wait_for_screen(size, "a pause", |screen| screen.contains("display paused"));
    run.running.write(" ");
    run.wait_for_screen(size, "no pause", |screen| !screen.contains("display paused"));
    // The terminal makes a signal of it.
    run.running.write("\x03");
    let all = run.ends(0);
    let (screen, report) = (last_screen(&all, size).expect("a screen"), left_behind(&all));
    for word in ["sent", "back", "lost"] {
        assert_eq!(figure(&screen, word), figure(report, word), "{word}: {screen}\n{report}");
    }
    assert!(figure(report, "back") > 9 && report.contains("interrupted"), "{report}");
}

#[test]
fn a_second_signal_restores_the_terminal_before_it_ends_the_process() {
    require_tools!("script", "stty");
    let (server, at) = serve();
    let words = ["blast", &at, "--rate", "1M", "-t", "60s", "-w", "60s", "--report-every", "100ms"];
    let mut run = OnTerminal::udpkit(&words);
    let size = (100, 30);
    run.wait_for_screen(size, "a graph", |screen| screen.contains("rate  │█"));
    // The run cannot end in order: its server does not answer.
    server.stop();
    run.running.write("q");
    run.wait_for_screen(size, "the end announced", |screen| screen.contains("ending"));
    // Signals within a moment are one, so it is asked again.
    let is_gone = (0..50).any(|_| {
        run.running.write("\x03");
        let within = Duration::from_millis(300);
        run.running.wait_for_stdout(within, |text| text.contains("code="))
    });
    assert!(is_gone, "{:?}", run.running.stdout_so_far());
    server.cont();
    run.ends(130);
}

#[test]
fn no_screen_where_it_is_not_wanted_or_the_terminal_is_dumb() {
    require_tools!("script", "stty");
    let (_server, at) = serve();
    let ping = ["ping", &at, "-c", "12", "-i", "50ms"];
    let with = |more: &[&'static str]| [&ping[..], more].concat();
    let cases = [
        (vec![("TERM", "dumb")], with(&["--live", "screen"])),
        (vec![("TERM", "")], with(&["--live", "screen"])),
        (vec![], with(&["--live", "plain"])),
        // Too short for a screen of its own accord.
        (vec![], with(&[])),
        (vec![], with(&["-J"])),
        (vec![], with(&["--live", "screen", "--csv"])),
    ];
    for (environment, words) in cases {
        let all = OnTerminal::udpkit_with(&environment, &words).ends(0);
        assert!(!all.contains('\x1b'), "{environment:?} {words:?}: {all:?}");
    }
    // The same lines as in a pipe, but for the times in them.
    let plain = OnTerminal::udpkit(&with(&["--live", "plain"])).ends(0);
    assert_eq!(plain.matches("bytes from").count(), 12, "{plain}");
    let forced = OnTerminal::udpkit(&with(&["--live", "screen", "--ascii"])).ends(0);
    assert!(forced.contains(ENTER) && forced.is_ascii(), "{forced:?}");
}

/// Counts how often it was asked for.
struct Drawn(Arc<AtomicU32>);

impl Scene for Drawn {
    fn picture(&self, _: &Moment) -> Picture {
        self.0.fetch_add(1, Ordering::AcqRel);
        Picture { heading: "a screen".to_owned(), ..Picture::default() }
    }
}

/// Between a panic and the end of the screen's thread, which draws and reads keys in this time.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_panic_is_told_on_the_normal_screen() {
    if std::env::var_os(PANICS).is_some() {
        let drawn = Arc::new(AtomicU32::new(0));
        let _screen = LiveScreen::start(Drawn(Arc::clone(&drawn)), || ()).expect("it starts");
        // The first is written before the second is asked for.
        crate::common::wait_until("frames", secs(10), || drawn.load(Ordering::Acquire) > 1);
        let _late = Late;
        panic!("on purpose");
    }
    require_tools!("script", "stty");
    let program = std::env::current_exe().expect("this program").display().to_string();
    let name = "live_view::a_panic_is_told_on_the_normal_screen";
    let run = OnTerminal::start(&[(PANICS, "1")], &program, &["--exact", name, "--nocapture"]);
    let all = run.ends(101);
    assert!(last_screen(&all, (100, 30)).is_some_and(|screen| screen.contains("a screen")));
    assert!(left_behind(&all).contains("on purpose"), "{all:?}");
}

#[test]
fn a_run_that_fails_leaves_the_terminal_as_it_was() {
    require_tools!("script", "stty");
    let (server, at) = serve();
    let words = ["blast", &at, "--rate", "1M", "-t", "60s", "-w", "1s", "--report-every", "100ms"];
    let run = OnTerminal::udpkit(&words);
    run.wait_for_screen((100, 30), "a graph", |screen| screen.contains("rate  │█"));
    server.signal("KILL");
    let all = run.ends(1);
    assert!(left_behind(&all).contains("error:"), "{all:?}");
}
