//! Proofs in a thread of their own, so that typing never waits for the solver.

use super::Event;
use aethel::check::{CheckOptions, LemmaCache, Progress, user_cache};
use aethel::editor::{Analysis, Proved};
use aethel::ir::SourceMap;
use aethel::program::Program;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// As much as the main thread of a program usually has, and more: trees are as deep as the parser allows.
const STACK: usize = 64 << 20;

/// A text to be checked.
#[derive(Debug)]
struct Job {
    uri: String,
    /// Distinguishes this check from earlier ones of the same text.
    number: u64,
    name: String,
    text: Arc<str>,
    directory: PathBuf,
    stop: Arc<AtomicBool>,
}

/// How a check is going.
#[derive(Debug)]
pub enum Report {
    /// So many of so many intents and batches are done; which is next.
    At {
        /// How many are done.
        done: usize,
        /// Of how many.
        of: usize,
        /// The next one.
        name: String,
    },
    /// It is over; `None` when it was stopped.
    Done(Option<Box<Proved>>),
}

/// The thread, and the checks that it has not finished.
#[derive(Debug)]
pub struct Prover {
    jobs: Sender<Job>,
    open: Vec<(String, u64, Arc<AtomicBool>)>,
    last: u64,
}

impl Prover {
    /// Starts the thread; it tells how it goes by `events`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(events: Sender<Event>) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("proofs".into())
            .stack_size(STACK);
        thread.spawn(move || work(&waiting, &events))?;
        Ok(Self {
            jobs,
            open: Vec::new(),
            last: 0,
        })
    }

    /// Begins to check a text; an earlier check of it is stopped. Gives the number of the check.
    pub fn check(&mut self, uri: &str, name: String, text: Arc<str>, directory: PathBuf) -> u64 {
        self.stop(uri);
        self.last += 1;
        let stop = Arc::new(AtomicBool::new(false));
        self.open.push((uri.to_owned(), self.last, Arc::clone(&stop)));
        // When the thread is gone there are no proofs, and everything else goes on.
        let _ = self.jobs.send(Job {
            uri: uri.to_owned(),
            number: self.last,
            name,
            text,
            directory,
            stop,
        });
        self.last
    }

    /// Stops the checks of a text.
    pub fn stop(&self, uri: &str) {
        for (_, _, stop) in self.open.iter().filter(|(of, ..)| of == uri) {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// Stops one check.
    pub fn stop_number(&self, number: u64) {
        for (_, _, stop) in self.open.iter().filter(|(_, of, _)| *of == number) {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that a check is over.
    pub fn finished(&mut self, number: u64) {
        self.open.retain(|(_, of, _)| *of != number);
    }
}

fn work(jobs: &Receiver<Job>, events: &Sender<Event>) {
    let cache = Arc::new(user_cache());
    while let Ok(job) = jobs.recv() {
        let tell = |report| {
            let (uri, number) = (job.uri.clone(), job.number);
            events.send(Event::Proofs { uri, number, report }).is_ok()
        };
        // A bug in a proof costs that proof, not the server.
        let proved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&job, &cache, &tell)));
        if !tell(Report::Done(proved.unwrap_or_default().map(Box::new))) {
            return;
        }
    }
}

fn check(job: &Job, cache: &Arc<LemmaCache>, tell: &dyn Fn(Report) -> bool) -> Option<Proved> {
    let stopped = || job.stop.load(Ordering::Relaxed);
    if stopped() {
        return None;
    }
    let quick = Analysis::new(&job.name, Arc::clone(&job.text), &job.directory);
    let mut sources = SourceMap::default();
    let source = sources.add(job.name.clone(), Arc::clone(&job.text));
    let program = Program::parse(source, &job.text, job.directory.clone());
    let options = CheckOptions {
        cache: Arc::clone(cache),
        stop: Arc::clone(&job.stop),
        ..CheckOptions::default()
    };
    let report = program.check_with(&mut sources, &options, &mut |at: Progress<'_>| {
        let (done, of, name) = (at.done, at.of, at.name.to_owned());
        tell(Report::At { done, of, name });
    });
    let proved = Proved::new(
        &program,
        Arc::clone(&job.text),
        sources,
        report,
        &quick.diagnostics,
    );
    (!stopped()).then_some(proved)
}
