//! How far a long command is: one line on the terminal's stderr, which is gone when the result is there.
//!
//! Whoever works only counts, in [`Progress`]; a thread of its own looks at the counts now and then and draws. Of what
//! takes less than [`PATIENCE`] nothing is ever shown.

use crate::exit::Exit;
use aethel::ir::Progress;
use aethel::ir::money::group_digits;
use aethel_report::escape::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is done sooner needs no progress shown.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the line is drawn.
const PACE: Duration = Duration::from_millis(100);

/// Whether progress may be shown here: on a terminal that can take a line back, with a person before it.
pub fn is_welcome() -> bool {
    let set = |name: &str, no: &[&str]| std::env::var(name).is_ok_and(|value| !no.contains(&value.as_str()));
    let continuous_integration = set("CI", &["", "0", "false"]);
    let cannot_go_back = std::env::var("TERM").is_ok_and(|terminal| terminal == "dumb");
    io::stderr().is_terminal() && !continuous_integration && !cannot_go_back
}

/// Draws how far some work is until it is dropped; then the line is gone.
#[derive(Debug)]
pub struct Watcher {
    bar: ProgressBar,
    /// Hung up to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Begins to watch. Without a thread to spare nothing is shown.
    pub fn start(progress: Arc<Progress>) -> Self {
        // Until patience ends it draws nowhere.
        let bar = ProgressBar::hidden();
        let (stop, stopped) = channel::<()>();
        let drawn = bar.clone();
        let thread = std::thread::Builder::new()
            .name("progress".into())
            .spawn(move || {
                let mut wait = PATIENCE;
                let mut looks = Looks::default();
                while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    if wait == PATIENCE {
                        drawn.set_draw_target(ProgressDrawTarget::stderr());
                        on_interrupt(&drawn);
                    }
                    wait = PACE;
                    looks.draw(&drawn, &progress);
                }
            });
        Self {
            bar,
            stop: Some(stop),
            thread: thread.ok(),
        }
    }

    /// Does something, such as printing, while the line is away.
    pub fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bar.suspend(act)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

/// A command that does not say itself what an interruption does ends by it; the terminal should not show that.
fn on_interrupt(bar: &ProgressBar) {
    let bar = Mutex::new(bar.clone());
    // Where the command has a handler already, that one stays.
    let _ = ctrlc::set_handler(move || {
        if let Ok(bar) = bar.lock() {
            bar.finish_and_clear();
        }
        std::process::exit(Exit::Interrupted as i32);
    });
}

/// How the line looks.
#[derive(Default)]
struct Looks {
    /// Whether it has a bar now: when it is known how much there is.
    measured: Option<bool>,
}

impl Looks {
    fn draw(&mut self, bar: &ProgressBar, progress: &Progress) {
        let (work, done) = progress.look();
        if self.measured.replace(work.of.is_some()) != Some(work.of.is_some()) {
            let template = match work.of {
                Some(_) => "{spinner} {msg} {bar:20}",
                None => "{spinner} {msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸ "));
            }
        }
        let number = |n: u64| group_digits(&n.to_string());
        let unit = work.unit;
        let count = match work.of {
            Some(of) => format!(" · {} of {} {unit}", number(done.min(of)), number(of)),
            None if done > 0 => format!(" · {} {unit}", number(done)),
            None => String::new(),
        };
        if let Some(of) = work.of {
            bar.set_length(of);
            bar.set_position(done.min(of));
        }
        // A name can be of any length; what follows it should still be seen.
        let what: String = terminal(&work.what).chars().take(50).collect();
        bar.set_message(format!("{what}{count}"));
        bar.tick();
    }
}

/// A writer whose bytes are counted.
#[derive(Debug)]
pub struct Counted<'a, W> {
    /// Where they go.
    pub out: W,
    /// Where they are counted.
    pub progress: &'a Progress,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.progress.add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
