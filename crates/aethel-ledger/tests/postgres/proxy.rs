//! A relay between program and server that cuts or stalls at a chosen byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the program to the server.
    Up,
    /// From the server to the program.
    Down,
}

/// What to do once so many bytes have passed one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub way: Way,
    pub after: usize,
    /// Keep the connection and pass nothing on, instead of ending it.
    pub stall: bool,
    /// Let nobody through any more.
    pub close: bool,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    passed: [usize; 2],
    /// Where messages ended, by what passed before.
    ends: [Vec<usize>; 2],
    /// The cut was made.
    made: bool,
    open: Vec<TcpStream>,
}

pub struct Proxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
    closed: Arc<AtomicBool>,
}

impl Proxy {
    pub fn new(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, closed) = (Arc::<Mutex<State>>::default(), Arc::new(AtomicBool::new(false)));
        let (shared, shut) = (state.clone(), closed.clone());
        std::thread::spawn(move || {
            for program in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                if shut.load(Ordering::SeqCst) {
                    continue;
                }
                let ends = [program.try_clone().unwrap(), server.try_clone().unwrap()];
                shared.lock().unwrap().open.extend(ends);
                for (from, to, way) in [
                    (program.try_clone().unwrap(), server.try_clone().unwrap(), Way::Up),
                    (server, program, Way::Down),
                ] {
                    let (shared, shut) = (shared.clone(), shut.clone());
                    std::thread::spawn(move || relay(from, to, way, &shared, &shut));
                }
            }
        });
        Self { port, state, closed }
    }

    /// Counts from here on, and cuts there.
    pub fn arm(&self, cut: Option<Cut>) {
        let mut state = self.state.lock().unwrap();
        state.cut = cut;
        state.passed = [0; 2];
        state.ends = Default::default();
        state.made = false;
        self.closed.store(false, Ordering::SeqCst);
    }

    /// Where messages ended since it was armed.
    pub fn ends(&self, way: Way) -> Vec<usize> {
        self.state.lock().unwrap().ends[way as usize].clone()
    }

    pub fn made(&self) -> bool {
        self.state.lock().unwrap().made
    }

    /// Ends connections that stall.
    pub fn release(&self) {
        for stream in self.state.lock().unwrap().open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, way: Way, shared: &Mutex<State>, shut: &AtomicBool) {
    let mut buffer = [0; 1 << 16];
    let mut stalled = false;
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            // What was passed on arrives before the end does; a stalled connection is kept by the other side.
            if !stalled {
                let _ = to.shutdown(Shutdown::Write);
            }
            return;
        }
        let mut state = shared.lock().unwrap();
        if stalled {
            continue;
        }
        let passed = state.passed[way as usize];
        let room = match state.cut {
            Some(cut) if cut.way == way && !state.made => cut.after.saturating_sub(passed),
            _ => usize::MAX,
        };
        let passing = count.min(room);
        state.passed[way as usize] += passing;
        let end = state.passed[way as usize];
        state.ends[way as usize].push(end);
        let cutting = room <= count;
        let cut = state.cut;
        if cutting {
            state.made = true;
            if cut.is_some_and(|cut| cut.close) {
                shut.store(true, Ordering::SeqCst);
            }
        }
        drop(state);
        if to.write_all(&buffer[..passing]).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
        if cutting {
            if cut.is_some_and(|cut| cut.stall) {
                stalled = true;
                continue;
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
    }
}
