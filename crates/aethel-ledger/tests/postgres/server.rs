//! Real servers for tests: in a directory of their own, on free ports of this machine, and stopped with the test program
//! however it ends.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The password of the role `pay`, which must never be shown.
pub const PASSWORD: &str = "hunter2-of-the-test";

/// A directory with servers in it, and who stops them.
pub struct Cluster {
    base: PathBuf,
    /// Waits for its standard input to end, which it does with this process, then stops and removes everything.
    keeper: Child,
}

/// One server.
pub struct Node {
    base: PathBuf,
    data: PathBuf,
    pub port: u16,
}

/// The directory of the server's programs.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").is_file())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut on_path = std::env::split_paths(&path).filter(|path| path.join("initdb").is_file());
    found
        .pop()
        .map(|(_, path)| path)
        .or_else(|| on_path.next())
        .expect("PostgreSQL is not installed; `.ci/setup test` installs it, or: apt-get install postgresql")
}

fn is_root() -> bool {
    // The owner of a process's directory is its user.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// A command as an ordinary user: the server refuses to run as root.
fn ordinary(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
        .arg(program);
    command
}

/// A PostgreSQL program as an ordinary user.
pub fn tool(name: &str) -> Command {
    let mut command = ordinary(programs().join(name));
    command
        .current_dir("/tmp")
        .env("LC_ALL", "C")
        .env_remove("PGPASSWORD");
    command
}

pub fn done(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Cluster {
    pub fn new() -> Self {
        let made = tempfile::Builder::new().prefix("aethel-pg-").tempdir().unwrap();
        let base = made.keep();
        if is_root() {
            let mut own = Command::new("chown");
            own.arg("postgres").arg(&base);
            done(own);
        }
        // Whatever ends the test program must not end the one who cleans up after it.
        let script = "trap '' HUP INT TERM; echo ready; cat >/dev/null; \
            for file in \"$0\"/*/postmaster.pid; do [ -f \"$file\" ] && kill -QUIT \"$(head -n 1 \"$file\")\"; done; \
            sleep 0.3; rm -rf \"$0\"";
        let mut keeper = ordinary("sh");
        keeper.arg("-c").arg(script).arg(&base);
        let mut keeper = keeper
            .current_dir("/tmp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        Self { base, keeper }
    }

    /// Makes and starts a server with the role and the database that tests use.
    pub fn node(&self, settings: &str) -> Node {
        let data = self.base.join("primary");
        let mut initdb = tool("initdb");
        initdb.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-sync",
            "-E",
            "UTF8",
        ]);
        done(initdb);
        let fast = "fsync = off\nmax_connections = 60\nshared_buffers = 32MB\n";
        append(&data.join("postgresql.conf"), &format!("{fast}{settings}\n"));
        let mut node = Node {
            base: self.base.clone(),
            data,
            port: 0,
        };
        node.start();
        node.sql(
            "postgres",
            &format!("CREATE ROLE pay LOGIN PASSWORD '{PASSWORD}'"),
        );
        node.sql("postgres", "CREATE DATABASE books OWNER pay");
        node
    }

    /// Makes and starts a standby of a server, which streams what the other one writes.
    pub fn standby_of(&self, primary: &Node) -> Node {
        let data = self.base.join("standby");
        let mut copy = tool("pg_basebackup");
        copy.arg("-D")
            .arg(&data)
            .args(["-R", "-X", "stream", "-c", "fast", "-N", "-w", "-U", "postgres"])
            .arg("-h")
            .arg(&self.base)
            .args(["-p", &primary.port.to_string()]);
        done(copy);
        let mut node = Node {
            base: self.base.clone(),
            data,
            port: 0,
        };
        node.start();
        node
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn append(path: &Path, text: &str) {
    // Owned by the server's user, which root may write to.
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Node {
    /// Starts the server: at first on a free port, later on the same again.
    pub fn start(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let fresh = self.port == 0;
        loop {
            if fresh {
                self.port = free_port();
            }
            let mut start = tool("pg_ctl");
            let options = format!(
                "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={}",
                self.port,
                self.base.display()
            );
            start
                .arg("-D")
                .arg(&self.data)
                .args(["-w", "-s", "-o", &options, "-l"])
                .arg(self.data.join("log"))
                .arg("start");
            let output = start
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            if output.success() {
                return;
            }
            // The port was taken, or what is left of a killed server still ends.
            let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the server does not start:\n{log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn pid(&self) -> String {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().to_owned()
    }

    /// Kills every process of the server, without a chance to write anything.
    pub fn kill(&self) {
        let pid = self.pid();
        let script = "kill -STOP $0; children=$(ps --ppid $0 -o pid=); kill -KILL $0 $children; true";
        let mut kill = ordinary("sh");
        kill.args(["-c", script, &pid]);
        done(kill);
        std::fs::remove_file(self.data.join("postmaster.pid")).unwrap();
    }

    /// Makes a standby the server that is written to.
    pub fn promote(&self) {
        let mut promote = tool("pg_ctl");
        promote.arg("-D").arg(&self.data).args(["-w", "-s", "promote"]);
        done(promote);
    }

    /// Runs SQL as the superuser; gives what it printed.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = tool("psql");
        psql.arg("-h")
            .arg(&self.base)
            .args(["-U", "postgres", "-p"])
            .arg(self.port.to_string());
        psql.args(["-d", database, "-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        String::from_utf8(done(psql).stdout).unwrap().trim().to_owned()
    }

    /// Restarts with another setting.
    pub fn set(&self, setting: &str) {
        append(&self.data.join("postgresql.conf"), &format!("{setting}\n"));
        let mut reload = tool("pg_ctl");
        reload.arg("-D").arg(&self.data).args(["-s", "reload"]);
        done(reload);
    }

    /// Replaces who may come in from where.
    pub fn hba(&self, text: &str) {
        std::fs::write(self.data.join("pg_hba.conf"), text).unwrap();
    }

    /// A file in the server's directory, which belongs to the server's user.
    pub fn write(&self, name: &str, text: &[u8]) {
        let path = self.data.join(name);
        std::fs::write(&path, text).unwrap();
        if is_root() {
            let mut own = Command::new("chown");
            own.arg("postgres").arg(&path);
            done(own);
        }
        let mut close = Command::new("chmod");
        close.arg("600").arg(&path);
        done(close);
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A URL for the role `pay`, with its password.
    pub fn url(&self, schema: &str) -> String {
        url(&self.host(), schema)
    }
}

/// A URL for these hosts.
pub fn url(hosts: &str, schema: &str) -> String {
    format!("postgres://pay:{PASSWORD}@{hosts}/books?schema={schema}")
}

/// The server that most tests of a program share, each in a schema of its own.
pub fn shared() -> &'static Node {
    static SHARED: OnceLock<(Cluster, Node)> = OnceLock::new();
    let (_, node) = SHARED.get_or_init(|| {
        let cluster = Cluster::new();
        let node = cluster.node("");
        (cluster, node)
    });
    node
}

/// A schema that nobody else uses.
pub fn schema() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
