//! The Python package: built as a wheel, installed in a clean environment, and tested there.
//!
//! `.ci/setup test` makes `.venv` with the tools (maturin, pytest, mypy, pandas). The environment of the tests has only the
//! wheel; the tools come to it by `PYTHONPATH`, and what must do without them runs without that.

use crate::schemas::fits;
use crate::support::{Sandbox, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// An environment with the package and nothing else; it goes away with the process.
struct Installed {
    directory: tempfile::TempDir,
}

/// Built and installed once, for all tests.
static INSTALLED: LazyLock<Installed> = LazyLock::new(|| {
    let directory = tempfile::Builder::new()
        .prefix("aethel-wheel-")
        .tempdir()
        .unwrap();
    let wheels = directory.path().join("wheels");
    // The binary of this test stands in target/debug or target/release: the wheel shares what was compiled for it.
    let profile = Path::new(env!("CARGO_BIN_EXE_aethel")).parent().unwrap();
    let name = if profile.ends_with("release") {
        "release"
    } else {
        "dev"
    };
    let mut build = Command::new(tool("maturin"));
    build
        .args(["build", "--strip", "--profile", name, "--out"])
        .arg(&wheels)
        .arg("--manifest-path")
        .arg(root().join("crates/aethel-python/Cargo.toml"))
        .env("CARGO_TARGET_DIR", profile.parent().unwrap());
    done(&mut build);
    let wheel = std::fs::read_dir(&wheels)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let clean = directory.path().join("clean");
    done(
        Command::new(tool("python"))
            .args(["-m", "venv", "--without-pip"])
            .arg(&clean),
    );
    let mut install = Command::new(tool("pip"));
    install
        .args(["--disable-pip-version-check", "--python"])
        .arg(clean.join("bin/python"));
    done(install.args(["install", "--quiet", "--no-index"]).arg(wheel));
    Installed { directory }
});

impl Installed {
    /// Python with the package, in a directory with the examples.
    fn python(&self, sandbox: &Sandbox) -> Command {
        let mut command = Command::new(self.directory.path().join("clean/bin/python"));
        command
            .current_dir(sandbox.path())
            .env_remove("PYTHONPATH")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1")
            .env("AETHEL", env!("CARGO_BIN_EXE_aethel"));
        command
    }
}

/// A tool of `.venv`.
fn tool(name: &str) -> PathBuf {
    let path = root().join(".venv/bin").join(name);
    assert!(
        path.exists(),
        "there is no {}: run `.ci/setup test`",
        path.display()
    );
    path
}

/// Where the tools are for Python.
fn tools() -> PathBuf {
    let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let told = done(Command::new(tool("python")).args(["-c", script]));
    told.trim().into()
}

/// What a command prints, which must end well.
fn done(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    told
}

#[test]
fn p21_the_package_passes_its_tests_in_a_clean_environment() {
    let sandbox = Sandbox::new();
    let mut pytest = INSTALLED.python(&sandbox);
    let tests = root().join("crates/aethel-python/tests");
    let configuration = root().join("crates/aethel-python/pyproject.toml");
    pytest
        .args(["-m", "pytest", "-rs", "-c"])
        .arg(configuration)
        .arg(tests)
        .env("PYTHONPATH", tools());
    let told = done(&mut pytest);
    // A test that is left out because something is missing would be no test.
    assert!(told.contains(" passed") && !told.contains("skipped"), "{told}");
}

#[test]
fn the_package_needs_nothing_else() {
    let sandbox = Sandbox::new();
    let script = "
import aethel
result = aethel.BatchProcessor().execute_batch([])
assert result.success and result._repr_html_() and not list(result.balances)
try:
    result.to_pandas()
except ImportError as error:
    print(error)
";
    let told = done(INSTALLED.python(&sandbox).args(["-c", script]));
    assert_eq!(told.trim(), "to_pandas() needs pandas: pip install pandas");
}

#[test]
fn results_have_the_shape_of_runs() {
    let sandbox = Sandbox::with_examples();
    let script = "
import sys
from aethel import AethelParser, BatchProcessor, Transaction, check
from pathlib import Path
(batch,) = AethelParser().parse(Path(sys.argv[1]))
result = BatchProcessor(num_threads=2, details=True).execute_atomic_batch(batch)
if len(sys.argv) > 2:
    result.throughput_improvement
print(result.to_json())
";
    for arguments in [
        &["payroll.ae"][..],
        &["payroll_1000.ae", "measured"],
        &["failing/bonus.ae"],
    ] {
        let told = done(INSTALLED.python(&sandbox).args(["-c", script]).args(arguments));
        let value: Value = serde_json::from_str(&told).unwrap();
        fits("run", &value);
        assert_eq!(value["batches"].as_array().unwrap().len(), 1);
    }
    let script = "
import aethel, sys
from pathlib import Path
print(aethel.check(Path(sys.argv[1])).to_json())
";
    for file in ["payroll.ae", "failing/bonus.ae"] {
        let told = done(INSTALLED.python(&sandbox).args(["-c", script, file]));
        fits("diagnostics", &serde_json::from_str(&told).unwrap());
        let theirs = sandbox.aethel(&["check", file, "-o", "json"]).stdout;
        let ours: Value = serde_json::from_str(&told).unwrap();
        let theirs: Value = serde_json::from_str(&theirs).unwrap();
        assert_eq!(ours["diagnostics"], theirs["diagnostics"]);
    }
}

#[test]
fn the_examples_show_the_same_without_python() {
    let page = root().join("examples/python/README.md");
    crate::documentation::try_page(&std::fs::read_to_string(page).unwrap());
}
