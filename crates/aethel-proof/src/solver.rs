//! Asking Z3 under a budget: its resource limit decides, a watchdog guards against a solver that does not end.
//!
//! Z3's own `timeout` is never set: in 4.8.12 it can deadlock so that even an interrupt does not free it. A job runs in
//! a thread of its own; when the time is over its context is interrupted, and when that does not help within
//! [`GRACE`] the thread is abandoned.
//!
//! Measured with libz3 4.8.12: a context costs 10 ms to make, `Solver::new()` 8 ms a query, the tactic below 0.2 ms. So
//! idle workers keep their context for the next job, while each query has a solver of its own, free of history.

use std::cell::Cell;
use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use z3::ast::Bool;
use z3::{Context, Model, Params, SatResult, Solver, StatisticsValue, Tactic};

/// How long an interrupted solver has to come back before its thread is abandoned.
const GRACE: Duration = Duration::from_secs(2);

/// How often an interrupt is repeated: one that falls between two phases of Z3 is lost.
const INTERRUPT_AGAIN: Duration = Duration::from_millis(50);

/// At most this many idle workers are kept.
const MAX_IDLE: usize = 4;

/// The stack of a worker: Z3 walks deep terms recursively.
const STACK: usize = 64 << 20;

/// The reason of an answer that was interrupted.
pub const TIME_IS_OVER: &str = "its time is over";

/// What may be spent on one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Z3's resource limit in all, a deterministic count of its steps; 150 million are about 30 seconds.
    pub rlimit: u64,
    /// The watchdog's time, for what the resource limit does not see.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rlimit: 150_000_000,
            time: Duration::from_secs(30),
        }
    }
}

/// The version of Z3 in use, such as `4.8.12`.
pub fn z3_version() -> String {
    let full = z3::full_version();
    let version = full.trim_start_matches(|c: char| !c.is_ascii_digit());
    let version = version.split_whitespace().next().unwrap_or(full);
    version.strip_suffix(".0").unwrap_or(version).to_owned()
}

/// An answer of Z3 to one query.
pub enum Answer {
    /// No values satisfy the assertions.
    Unsat,
    /// These values do.
    Sat(Model),
    /// Z3 gave up, for this reason.
    Unknown(String),
}

/// What a job has left to spend, and what it spent.
pub struct Session {
    left: Cell<u64>,
    used: Cell<u64>,
    queries: Cell<u32>,
}

impl Session {
    fn new(limits: &Limits) -> Self {
        Self {
            left: Cell::new(limits.rlimit),
            used: Cell::new(0),
            queries: Cell::new(0),
        }
    }

    /// A session of its own budget for one lemma, in the same thread and under the same watchdog.
    pub fn with_budget(&self, rlimit: u64) -> Self {
        Self {
            left: Cell::new(rlimit),
            used: Cell::new(0),
            queries: Cell::new(0),
        }
    }

    /// How many queries were asked.
    pub fn queries(&self) -> u32 {
        self.queries.get()
    }

    /// How much of the resource limit they used.
    pub fn rlimit_used(&self) -> u64 {
        self.used.get()
    }

    /// Whether the assertions can hold together.
    pub fn check(&self, assertions: &[Bool]) -> Answer {
        self.check_within(assertions, self.left.get())
    }

    /// The same, for at most so much of the resource limit.
    pub fn check_within(&self, assertions: &[Bool], rlimit: u64) -> Answer {
        let rlimit = rlimit.min(self.left.get());
        if rlimit == 0 {
            return Answer::Unknown("the resource limit is spent".to_owned());
        }
        // Constants and definitions are substituted away first, so that products of them become linear.
        let tactic = ["propagate-values", "solve-eqs", "simplify", "smt"]
            .iter()
            .fold(Tactic::new("simplify"), |chain, name| {
                chain.and_then(&Tactic::new(name))
            });
        let solver = tactic.solver();
        let mut params = Params::new();
        // 0 would mean no limit to Z3, and so would not setting it.
        params.set_u32("rlimit", u32::try_from(rlimit).unwrap_or(u32::MAX));
        solver.set_params(&params);
        for assertion in assertions {
            solver.assert(assertion);
        }
        let before = spent(&solver);
        let result = solver.check();
        let used = u64::from(spent(&solver).wrapping_sub(before));
        self.queries.set(self.queries.get().saturating_add(1));
        self.used.set(self.used.get().saturating_add(used));
        self.left.set(self.left.get().saturating_sub(used));
        match result {
            SatResult::Unsat => Answer::Unsat,
            SatResult::Sat => match solver.get_model() {
                Some(model) => Answer::Sat(model),
                None => Answer::Unknown("Z3 gave no model".to_owned()),
            },
            SatResult::Unknown => Answer::Unknown(reason(&solver, rlimit.saturating_sub(used))),
        }
    }
}

/// Z3's count of steps in this context so far.
fn spent(solver: &Solver) -> u32 {
    match solver.get_statistics().value("rlimit count") {
        Some(StatisticsValue::UInt(count)) => count,
        _ => 0,
    }
}

fn reason(solver: &Solver, left: u64) -> String {
    let said = solver.get_reason_unknown().unwrap_or_default();
    if left == 0 || said.contains("resource limit") || said.contains("max. resource") {
        "the resource limit is spent".to_owned()
    } else if said.contains("interrupt") || said.contains("cancel") {
        TIME_IS_OVER.to_owned()
    } else if said.is_empty() {
        "Z3 gave up".to_owned()
    } else {
        format!("Z3 gave up: {said}")
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread with a Z3 context, and the means to interrupt it. Dropping it lets both of its threads end.
struct Worker {
    jobs: Sender<Job>,
    interrupts: Sender<()>,
}

static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

impl Worker {
    fn start() -> io::Result<Self> {
        let (jobs, job_queue) = channel::<Job>();
        let (interrupts, interrupt_queue) = channel::<()>();
        thread::Builder::new()
            .name("aethel-z3".to_owned())
            .stack_size(STACK)
            .spawn(move || serve(job_queue, interrupt_queue))?;
        Ok(Self { jobs, interrupts })
    }

    fn take() -> io::Result<Self> {
        let idle = IDLE.lock().ok().and_then(|mut idle| idle.pop());
        idle.map_or_else(Self::start, Ok)
    }

    fn give_back(self) {
        if let Ok(mut idle) = IDLE.lock()
            && idle.len() < MAX_IDLE
        {
            idle.push(self);
        }
    }
}

/// The life of a worker's thread: one helper waits for interrupts, the thread itself for jobs.
fn serve(jobs: Receiver<Job>, interrupts: Receiver<()>) {
    let context = Context::thread_local();
    let handle = context.handle();
    thread::scope(|scope| {
        let helper = thread::Builder::new().name("aethel-z3-interrupt".to_owned());
        let started = helper.spawn_scoped(scope, move || {
            for () in interrupts {
                handle.interrupt();
            }
        });
        // Without its helper a job could not be stopped: take none, the caller sees a closed queue.
        if started.is_ok() {
            for job in jobs {
                job();
            }
        }
    });
}

/// Runs a job in a thread with a Z3 context. Inside, every term belongs to that context.
///
/// # Errors
/// Says why there is no result: time is over, or the thread could not be started or broke down.
pub fn run<T: Send + 'static>(
    limits: &Limits,
    job: impl FnOnce(&Session) -> T + Send + 'static,
) -> Result<T, String> {
    let worker = Worker::take().map_err(|error| format!("no thread for the solver: {error}"))?;
    let (results, result) = channel();
    let session_limits = *limits;
    let boxed: Job = Box::new(move || {
        let value = job(&Session::new(&session_limits));
        // The caller may have given up waiting; nobody needs the value then.
        let _ = results.send(value);
    });
    let broke_down = || "the solver broke down".to_owned();
    worker.jobs.send(boxed).map_err(|_| broke_down())?;
    match result.recv_timeout(limits.time) {
        Ok(value) => {
            worker.give_back();
            return Ok(value);
        }
        Err(RecvTimeoutError::Disconnected) => return Err(broke_down()),
        Err(RecvTimeoutError::Timeout) => {}
    }
    // An interrupted context stays interrupted, so the worker is dropped here whatever happens.
    let interrupted = Instant::now();
    while interrupted.elapsed() < GRACE {
        let _ = worker.interrupts.send(());
        match result.recv_timeout(INTERRUPT_AGAIN) {
            // It came to an end by itself in the meantime, or it was interrupted and says so.
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Disconnected) => return Err(broke_down()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Err(format!("no answer within {:?}", limits.time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use z3::ast::Int;

    /// Eleven pigeons in ten holes: far too much work, and all of it counts.
    fn long() -> Vec<Bool> {
        let sits = |pigeon: u32, hole: u32| Bool::new_const(format!("{pigeon}in{hole}"));
        let somewhere = |pigeon| Bool::or(&(0..10).map(|hole| sits(pigeon, hole)).collect::<Vec<_>>());
        let mut all: Vec<Bool> = (0..11).map(somewhere).collect();
        for hole in 0..10 {
            for second in 0..11 {
                all.extend((0..second).map(|first| !(sits(first, hole) & sits(second, hole))));
            }
        }
        all
    }

    /// A semiprime to factor: far too much work, in a phase of Z3 that its resource limit does not see.
    fn hard() -> Vec<Bool> {
        let (p, q) = (Int::new_const("p"), Int::new_const("q"));
        let product = Int::from_i64(1_000_000_007) * Int::from_i64(1_000_000_009);
        vec![p.gt(Int::from_i64(1)), q.gt(&p), (p * q).eq(product)]
    }

    fn quick(session: &Session) -> bool {
        let x = Int::new_const("x");
        matches!(
            session.check(&[x.gt(Int::from_i64(1)), x.lt(Int::from_i64(2))]),
            Answer::Unsat
        )
    }

    #[test]
    fn a_hard_query_ends_when_its_time_is_over() {
        let limits = Limits {
            rlimit: u64::MAX,
            time: Duration::from_millis(300),
        };
        let start = Instant::now();
        let answer = run(&limits, |session| match session.check(&hard()) {
            Answer::Unknown(reason) => reason,
            Answer::Sat(_) | Answer::Unsat => "decided".to_owned(),
        });
        let took = start.elapsed();
        assert!(took >= limits.time, "{took:?}");
        assert!(
            took < limits.time + GRACE + Duration::from_millis(500),
            "{took:?}"
        );
        // Either the interrupt reached Z3, or the thread was abandoned.
        let reason = answer.unwrap_or_else(|reason| reason);
        assert!(
            ["its time is over", "no answer within 300ms"].contains(&&*reason),
            "{reason}"
        );
        assert_eq!(run(&Limits::default(), quick), Ok(true));
    }

    #[test]
    fn the_resource_limit_ends_a_long_query() {
        let limits = Limits {
            rlimit: 1_000_000,
            time: Duration::from_secs(60),
        };
        let answer = run(&limits, |session| {
            let first = matches!(session.check(&long()), Answer::Unknown(_));
            let second = matches!(session.check(&long()), Answer::Unknown(_));
            (first, second, session.queries(), session.rlimit_used())
        });
        let (first, second, queries, used) = answer.unwrap_or_default();
        assert!(first && second);
        // The budget is one for all queries: nothing was left for the second.
        assert_eq!(queries, 1);
        assert!((1_000_000..2_000_000).contains(&used), "{used}");
    }

    #[test]
    fn a_thread_that_does_not_listen_is_abandoned() {
        let limits = Limits {
            rlimit: 1,
            time: Duration::from_millis(50),
        };
        let start = Instant::now();
        let result = run(&limits, |_| thread::sleep(Duration::from_secs(20)));
        assert_eq!(result, Err("no answer within 50ms".to_owned()));
        assert!(start.elapsed() >= limits.time + GRACE);
        assert!(start.elapsed() < limits.time + GRACE + Duration::from_secs(1));
        assert_eq!(run(&Limits::default(), quick), Ok(true));
    }

    #[test]
    fn a_job_that_panics_is_an_error() {
        #[allow(clippy::panic, reason = "this is what is tested")]
        let result = run(&Limits::default(), |_| -> u8 { panic!("on purpose") });
        assert_eq!(result, Err("the solver broke down".to_owned()));
        assert_eq!(run(&Limits::default(), quick), Ok(true));
    }

    #[test]
    fn workers_are_used_again() {
        let id = |_: &Session| thread::current().id();
        let seen: Vec<_> = (0..20).map(|_| run(&Limits::default(), id)).collect();
        let mut distinct = Vec::new();
        for one in &seen {
            if !distinct.contains(&one) {
                distinct.push(one);
            }
        }
        // Other tests take workers at the same time, but there are only so many.
        assert!(distinct.len() <= 2 * MAX_IDLE, "{}", distinct.len());
    }
}
