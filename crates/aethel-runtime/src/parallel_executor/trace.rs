//! What an execution leaves behind, and the metrics that follow from it.

use crate::serial::Run;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

/// Transactions that one thread ran without looking up; times are nanoseconds since the stage began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Chunk {
    /// The worker, from 0.
    pub thread: u32,
    /// When it began.
    pub start_ns: u64,
    /// When its last transaction was done, before anything that waits for them was let go.
    pub end_ns: u64,
    /// Its first transaction, as an index into [`Trace::sequence`].
    pub first: u32,
    /// How many transactions.
    pub count: u32,
}

/// How many workers were used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ThreadChoice {
    /// Asked for.
    Forced(u32),
    /// As many as may be used.
    Adaptive(u32),
    /// More may not be used.
    OnlyOne,
    /// So few transactions are done before a second thread has woken up.
    LittleWork(u32),
    /// `after` is kept by running one after the other, which costs less than any hand-off.
    InTurn,
    /// Nearly every transaction waits for the one before; the depth of the graph.
    NoParallelism(u32),
    /// So many transactions would have to be handed from thread to thread that running them costs less.
    CostlyHandOffs(u32),
}

impl ThreadChoice {
    /// How many workers.
    pub fn workers(self) -> u32 {
        match self {
            ThreadChoice::Forced(n) | ThreadChoice::Adaptive(n) => n,
            ThreadChoice::OnlyOne
            | ThreadChoice::LittleWork(_)
            | ThreadChoice::InTurn
            | ThreadChoice::NoParallelism(_)
            | ThreadChoice::CostlyHandOffs(_) => 1,
        }
    }
}

impl fmt::Display for ThreadChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forced(n) => write!(f, "{n} asked for"),
            Self::Adaptive(n) => write!(f, "{n}, there is work for all"),
            Self::OnlyOne => write!(f, "no more are allowed"),
            Self::LittleWork(_) => write!(f, "too little work for more"),
            Self::InTurn => write!(f, "`after` is kept most cheaply by one"),
            Self::NoParallelism(depth) => {
                write!(f, "{depth} transactions wait for each other in a row")
            }
            Self::CostlyHandOffs(n) => {
                write!(
                    f,
                    "{n} transactions could run in parallel, but handing them over would be slower"
                )
            }
        }
    }
}

/// What an execution leaves behind.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What the transactions saw and wrote, and the values after.
    pub run: Run,
    /// The transactions chunk by chunk, in the order in which each thread ran them.
    pub sequence: Vec<u32>,
    /// Which thread ran what when.
    pub chunks: Vec<Chunk>,
    /// How many workers there were, and why.
    pub choice: ThreadChoice,
    /// The whole stage, in nanoseconds.
    pub wall_ns: u64,
}

impl Trace {
    /// The trace of a serial run.
    pub(super) fn serial(run: Run, sequence: Vec<u32>, choice: ThreadChoice, wall_ns: u64) -> Self {
        let chunk = Chunk {
            thread: 0,
            start_ns: 0,
            end_ns: wall_ns,
            first: 0,
            count: sequence.len() as u32,
        };
        let chunks = if sequence.is_empty() { vec![] } else { vec![chunk] };
        Self {
            run,
            sequence,
            chunks,
            choice,
            wall_ns,
        }
    }

    /// The transactions of a chunk.
    pub fn transactions(&self, chunk: &Chunk) -> &[u32] {
        let first = chunk.first as usize;
        self.sequence
            .get(first..first + chunk.count as usize)
            .unwrap_or(&[])
    }

    /// How many transactions were in chunks that overlapped a chunk of another thread in time.
    pub fn transactions_parallel(&self) -> usize {
        let mut by_start: Vec<usize> = (0..self.chunks.len()).collect();
        by_start.sort_by_key(|i| (self.chunks[*i].start_ns, self.chunks[*i].thread));
        let mut overlaps = vec![false; self.chunks.len()];
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for index in by_start {
            let chunk = &self.chunks[index];
            while running
                .peek()
                .is_some_and(|Reverse((end, _))| *end <= chunk.start_ns)
            {
                running.pop();
            }
            // Chunks of one thread never overlap. Of two or more that run, all are marked already.
            if let Some(Reverse((_, other))) = running.peek() {
                overlaps[index] = true;
                overlaps[*other] = true;
            }
            if chunk.end_ns > chunk.start_ns {
                running.push(Reverse((chunk.end_ns, index)));
            }
        }
        let marked = self.chunks.iter().zip(overlaps).filter(|(_, overlaps)| *overlaps);
        marked.map(|(chunk, _)| chunk.count as usize).sum()
    }

    /// The time that all threads together spent on transactions, in nanoseconds.
    pub fn busy_ns(&self) -> u64 {
        self.chunks
            .iter()
            .map(|chunk| chunk.end_ns.saturating_sub(chunk.start_ns))
            .sum()
    }

    /// How many threads ran at least one transaction.
    pub fn thread_count(&self) -> usize {
        let mut threads: Vec<u32> = self
            .chunks
            .iter()
            .filter(|c| c.count > 0)
            .map(|c| c.thread)
            .collect();
        threads.sort_unstable();
        threads.dedup();
        threads.len()
    }
}
