//! Work beside the interpreter: other Python threads go on meanwhile, and Ctrl-C is heard.

use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often the interpreter is asked whether a signal came.
const GLANCE: Duration = Duration::from_millis(20);

/// Does work that must not touch Python. When a signal handler raises (as the one of Ctrl-C does), the flag asks the work
/// to stop; its end is waited for in any case, and the exception is given beside what came of it.
pub fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Arc<AtomicBool>) -> T + Send,
) -> PyResult<(T, Option<PyErr>)> {
    let cancel = Arc::new(AtomicBool::new(false));
    if !is_main_thread(py)? {
        // Python runs signal handlers on its main thread only.
        return Ok((py.detach(|| work(&cancel)), None));
    }
    let flag = &cancel;
    py.detach(|| {
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            let worker = scope.spawn(move || {
                // Nobody listens only when this function is gone, and it waits for the end.
                let _ = sender.send(work(flag));
            });
            let mut interrupt = None;
            loop {
                match receiver.recv_timeout(GLANCE) {
                    Ok(done) => return Ok((done, interrupt)),
                    Err(RecvTimeoutError::Timeout) if interrupt.is_none() => {
                        interrupt = Python::attach(|py| py.check_signals()).err();
                        if interrupt.is_some() {
                            flag.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => match worker.join() {
                        Err(panic) => std::panic::resume_unwind(panic),
                        Ok(()) => {
                            return Err(pyo3::exceptions::PyRuntimeError::new_err("the worker is gone"));
                        }
                    },
                }
            }
        })
    })
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let here = threading.call_method0("get_ident")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    here.eq(main)
}
