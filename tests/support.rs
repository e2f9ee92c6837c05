//! The one way in which tests reach the product: the real binary, in a directory of its own, with a clean environment.

use regex::Regex;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// No run of a test takes longer; one that does hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The files below a directory, at any depth, whose names end so.
pub fn files_below(directory: PathBuf, extensions: &[&str]) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![directory], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if extensions
            .iter()
            .any(|end| path.extension().is_some_and(|is| is == *end))
        {
            found.push(path);
        }
    }
    found
}

/// A directory that goes away with the test, and the binary run in it.
pub struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    /// An empty directory.
    pub fn new() -> Self {
        Self {
            directory: tempfile::Builder::new().prefix("aethel-test-").tempdir().unwrap(),
        }
    }

    /// A directory with everything that is in `examples`.
    pub fn with_examples() -> Self {
        let sandbox = Self::new();
        copy(&root().join("examples"), sandbox.path());
        sandbox
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// The names in a directory below, sorted; empty when there is none.
    pub fn list(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.file(name)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The binary with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(env!("CARGO_BIN_EXE_aethel"));
        command.args(arguments);
        command
    }

    /// Runs `aethel` with these arguments.
    pub fn aethel(&self, arguments: &[&str]) -> Output {
        self.aethel_with(arguments, b"")
    }

    /// Runs `aethel` with these arguments and this standard input.
    pub fn aethel_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut output = finish(self.command(arguments), input);
        output.told = format!("$ aethel {}\n", arguments.join(" "));
        output
    }

    /// Runs a script of a POSIX shell in which `aethel` is the binary.
    pub fn shell(&self, script: &str) -> Output {
        let mut command = self.clean("sh");
        command.arg("-c").arg(script);
        let mut output = finish(command, b"");
        output.told = format!("$ {script}\n");
        output
    }

    /// What `ledger show` says about all accounts of a ledger.
    pub fn balances(&self, ledger: &str) -> Value {
        self.aethel(&["ledger", "show", "--ledger", ledger, "-o", "json"])
            .fine()
            .json()
    }

    /// One balance.
    pub fn balance(&self, ledger: &str, account: &str, asset: &str) -> String {
        let all = self.balances(ledger);
        let found = all["accounts"].as_array().unwrap().iter();
        let found = found.filter(|row| row["account"] == account && row["asset"] == asset);
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{account} {asset} in {all:#}");
        found[0]["balance"].as_str().unwrap().to_owned()
    }

    fn clean(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let binaries = Path::new(env!("CARGO_BIN_EXE_aethel"))
            .parent()
            .unwrap()
            .display()
            .to_string();
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", format!("{binaries}:/usr/local/bin:/usr/bin:/bin"))
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("AETHEL", env!("CARGO_BIN_EXE_aethel"));
        command
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs a command to its end, with a limit.
pub fn finish(mut command: Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The child may end without reading; that is no error here.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = wait(child);
    writer.join().unwrap();
    output
}

/// Waits for a child whose output is piped.
pub fn wait(mut child: Child) -> Output {
    let reader = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        })
    };
    let stdout = reader(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let stderr = reader(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the program hangs: stopped after {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Output {
        told: String::new(),
        stdout: text(stdout.join().unwrap()),
        stderr: text(stderr.join().unwrap()),
        code: code(status),
    }
}

/// The exit code; that of a signal is -1.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// What a command printed and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    told: String,
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Output {
    /// It must have ended like this, and must not have panicked.
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}{}", self.told, self.stdout, self.stderr);
        self
    }

    /// It must have ended well.
    pub fn fine(self) -> Self {
        self.ends(0)
    }

    /// It must have ended with exit code 1 and named this diagnostic.
    pub fn fails(self, id: &str) -> Self {
        self.ends(1).says(id)
    }

    /// Standard output must contain this.
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in\n{}{}{}",
            self.told,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The first line of standard output.
    pub fn first_line(&self) -> &str {
        self.stdout.lines().next().unwrap_or("")
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in\n{self:?}"))
    }

    /// Command, output and exit code as a snapshot holds them: without what differs from run to run.
    pub fn shown(&self) -> String {
        let stderr = if self.stderr.is_empty() {
            String::new()
        } else {
            format!("[stderr]\n{}", self.stderr)
        };
        format!(
            "{}{}{stderr}[exit {}]\n",
            self.told,
            redact(&self.stdout),
            self.code
        )
    }
}

/// Replaces what differs from run to run or machine to machine: times, dates, hashes, keys, threads, solver version.
pub fn redact(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rules = [
            (
                r"(③ \S+ +[\d ]+ transactions?) on .*?( +\d+\.\d ms)",
                "$1 on [threads]$2",
            ),
            (r"\b\d+ quer(y|ies), +\d+\.\d ms", "[queries and time]"),
            (r" +\d+\.\d ms", "  [time]"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?( UTC)?", "[date]"),
            (r"\d{4}-\d\d-\d\d\b", "[date]"),
            (r"\b[0-9a-f]{128}\b", "[signature]"),
            (r"\b[0-9a-f]{64}\b", "[hash]"),
            (r"\b[0-9a-f]{32}\b", "[id]"),
            (r"\b[0-9a-f]{16}\b", "[key]"),
            (r"\b[0-9a-f]{12}\b", "[shape]"),
            (r"\b[0-9a-f]{4} [0-9a-f]{4}\b", "[receipt]"),
            (r"\b\d+ s (old|ahead)\b", "[n] s $1"),
            (r"\bZ3 \d[\d.]*", "Z3 [version]"),
            // A proof holds what the solver used.
            (r"(transactions?|accesses), \d+ bytes", "$1, [n] bytes"),
            (r#"/[^ `"]*/aethel-test-[A-Za-z0-9]+"#, "[directory]"),
        ];
        rules.map(|(rule, by)| (Regex::new(rule).unwrap(), by)).into()
    });
    RULES.iter().fold(text.to_owned(), |text, (rule, by)| {
        rule.replace_all(&text, *by).into_owned()
    })
}

/// Compares with an accepted snapshot in `tests/snapshots`.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!($name, $text));
    }};
}
pub(crate) use snapshot;

/// A small generator of random numbers: a seed reproduces every failure.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
