//! A spawned program: tests can wait for its output, and it does not outlive them.
//! How long they wait is what [`patient`] makes of the time that they give.

use super::wait::patient;
use std::io::{Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// A running program. Its output is collected from the start, so that nothing is missed and it
/// never blocks on a full pipe. Dropping it kills it.
pub struct Running {
    pid: u32,
    name: String,
    stdin: Option<ChildStdin>,
    shared: Arc<Shared>,
}

/// The exit status and the whole output of a program.
#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs a command to its end. Panics with the output so far if that takes longer than `within`.
pub fn run(command: &mut Command, within: Duration) -> Output {
    Running::start(command).wait(within)
}

impl Running {
    /// Starts with an empty standard input.
    pub fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts with a standard input for [`Running::write`].
    pub fn start_with_input(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::piped()))
    }

    fn spawn(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let shared = Arc::new(Shared::default());
        let stdin = child.stdin.take();
        let pid = child.id();
        collect(child.stdout.take().expect("piped"), &shared, |seen| &mut seen.stdout);
        collect(child.stderr.take().expect("piped"), &shared, |seen| &mut seen.stderr);
        let reaper = Arc::clone(&shared);
        thread::spawn(move || {
            let status = child.wait().expect("a child can be waited for");
            reaper.update(|seen| seen.status = Some(status));
        });
        Self { pid, name, stdin, shared }
    }

    /// The process id of the program; `ip netns exec` replaces itself by the program.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Writes to standard input.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("started with an input that is still open");
        stdin.write_all(bytes.as_ref()).expect("the program reads its input");
        stdin.flush().expect("the program reads its input");
    }

    /// Closes standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for the first line on either stream that contains `text`, past lines included.
    /// Panics with the output if the program ends or `within` passes without it.
    pub fn wait_for_line(&self, text: &str, within: Duration) -> String {
        self.wait_for(&format!("a line with {text:?}"), within, |line| line.contains(text))
    }

    /// As [`Running::wait_for_line`], for the first line that satisfies `wanted`; `what` describes
    /// it in the panic.
    pub fn wait_for(&self, what: &str, within: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let find = |seen: &Seen| {
            [&seen.stdout, &seen.stderr]
                .into_iter()
                .find_map(|stream| whole_lines(&stream.bytes).into_iter().find(|line| wanted(line)))
        };
        let seen = self.shared.wait(patient(within), |seen| find(seen).is_some() || seen.ended());
        find(&seen).unwrap_or_else(|| panic!("{}: no {what}\n{}", self.name, seen.transcript()))
    }

    /// Waits until standard output, including an unfinished line, satisfies `wanted`; `false` if
    /// the program ends or `within` passes first.
    pub fn wait_for_stdout(&self, within: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let holds = |seen: &Seen| wanted(&String::from_utf8_lossy(&seen.stdout.bytes));
        let seen = self.shared.wait(patient(within), |seen| holds(seen) || seen.ended());
        holds(&seen)
    }

    /// Waits until standard error, including an unfinished line, satisfies `wanted`; `false` if
    /// the program ends or `within` passes first.
    pub fn wait_for_stderr(&self, within: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let holds = |seen: &Seen| wanted(&String::from_utf8_lossy(&seen.stderr.bytes));
        let seen = self.shared.wait(patient(within), |seen| holds(seen) || seen.ended());
        holds(&seen)
    }

    /// Standard output so far.
    pub fn stdout_so_far(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().stdout.bytes).into_owned()
    }

    /// Waits for its end; `false` when `within` passes first.
    pub fn ends_within(&self, within: Duration) -> bool {
        self.shared.wait(within, Seen::ended).ended()
    }

    /// Whether it is still running.
    pub fn is_running(&self) -> bool {
        self.shared.lock().status.is_none()
    }

    /// Sends a signal by its name without `SIG`: `INT`, `TERM`, `STOP`, `CONT`. Does nothing once
    /// the program has ended.
    pub fn signal(&self, name: &str) {
        if !self.is_running() {
            return;
        }
        // The shell's built-in `kill` needs no tool and no unsafe code.
        let script = format!("kill -s {name} {}", self.pid);
        let status = Command::new("sh").args(["-c", &script]).status().expect("sh runs");
        assert!(status.success() || !self.is_running(), "cannot signal {}: {script}", self.name);
    }

    /// Sends two signals in quick succession, as timeout(1) does.
    pub fn signal_at_once(&self, first: &str, second: &str) {
        let pid = self.pid;
        let script = format!("kill -s {first} {pid}; kill -s {second} {pid}");
        let status = Command::new("sh").args(["-c", &script]).status().expect("sh runs");
        assert!(status.success() || !self.is_running(), "cannot signal {}: {script}", self.name);
    }

    /// Suspends it; its sockets stay open and fill up.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// Resumes it after [`Running::stop`].
    pub fn cont(&self) {
        self.signal("CONT");
    }

    /// Is suspended for that long: tests of what a pause does to a run need the time itself.
    pub fn stand_still(&self, time: Duration) {
        self.stop();
        thread::sleep(time);
        self.cont();
    }

    /// Waits for its end. Panics with the output if that takes longer than `within`.
    pub fn wait(self, within: Duration) -> Output {
        let within = patient(within);
        let seen = self.shared.wait(within, Seen::ended);
        match seen.status {
            Some(status) if seen.ended() => Output {
                status,
                stdout: seen.stdout.bytes.clone(),
                stderr: seen.stderr.bytes.clone(),
            },
            _ => panic!("{}: not ended after {within:?}\n{}", self.name, seen.transcript()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = Command::new("sh").args(["-c", &format!("kill -s KILL {}", self.pid)]).status();
            // Its end releases ports and namespaces, on which the rest of a test may rely.
            drop(self.shared.wait(Duration::from_secs(5), |seen| seen.status.is_some()));
        }
    }
}

impl Output {
    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Panics with the output unless the exit code is 0.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert!(self.success(), "{}\n{}\n{}", self.status, self.out(), self.err());
        self
    }
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    stdout: Stream,
    stderr: Stream,
    status: Option<ExitStatus>,
}

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    closed: bool,
}

impl Seen {
    /// Whether it has ended and all its output has been read.
    fn ended(&self) -> bool {
        self.status.is_some() && self.stdout.closed && self.stderr.closed
    }

    fn transcript(&self) -> String {
        let status = match self.status {
            Some(status) => status.to_string(),
            None => "still running".to_owned(),
        };
        let out = String::from_utf8_lossy(&self.stdout.bytes);
        let err = String::from_utf8_lossy(&self.stderr.bytes);
        format!("status: {status}\n--- stdout ---\n{out}\n--- stderr ---\n{err}")
    }
}

impl Shared {
    /// Ignores poisoning: the output explains the panic.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Returns when `done` holds or `within` has passed; the caller checks which.
    fn wait(&self, within: Duration, done: impl Fn(&Seen) -> bool) -> MutexGuard<'_, Seen> {
        let deadline = Instant::now() + within;
        let mut seen = self.lock();
        while !done(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            seen = match self.changed.wait_timeout(seen, left) {
                Ok((seen, _)) => seen,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        seen
    }
}

fn collect(
    mut pipe: impl Read + Send + 'static,
    shared: &Arc<Shared>,
    stream: impl Fn(&mut Seen) -> &mut Stream + Send + 'static,
) {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(len) => {
                    shared.update(|seen| stream(seen).bytes.extend_from_slice(&chunk[..len]));
                }
            }
        }
        shared.update(|seen| stream(seen).closed = true);
    });
}

/// The complete lines; text after the last line feed may still grow.
fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    bytes[..end]
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}
