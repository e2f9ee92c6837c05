//! Other engines beside aethel: the same transfers, the same process, the same disk. Prints medians and ratios.

use aethel::bench::{BenchOptions, Builtin, bench};
use aethel_report::bench::model::{Line, Store, Timing};
use aethel_report::bench::units::{quotient, ratio, time, time_each};
use prio_graph::{AccessKind, GraphNode, PrioGraph, TopLevelId};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::cmp::Ordering;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Problem = Box<dyn Error>;

const ROUNDS: usize = 15;
const ACCOUNTS: usize = 10_000;
const PLENTY: i64 = 1_000_000_000_000_000;
const BALANCES: TableDefinition<&str, i64> = TableDefinition::new("balances");

/// From, to, cents.
type Row = (String, String, i64);

fn main() -> Result<(), Problem> {
    let directory = tempfile::tempdir_in(".")?;
    for size in [10_000, 100_000] {
        let rows = rows(size)?;
        let expected = looped(&rows)?;
        let ours = aethel(size, Store::Redb)?;
        let sqlite = sqlite(&directory.path().join(format!("{size}.sqlite")), &rows, &expected)?;
        let single = redb_rows(&directory.path().join(format!("{size}.redb")), &rows, &expected)?;
        println!("{size} transfers, durable, medians of {ROUNDS} batches");
        println!("  aethel                       {:>10}", time(ours.whole.p50));
        against("SQLite, one transaction", &sqlite, ours.whole.p50);
        against("redb, one row an account", &single, ours.whole.p50);
    }
    for size in [10_000, 100_000] {
        let rows = rows(size)?;
        let line = aethel(size, Store::Memory)?;
        let stage = |number| line.stage(number).map_or(0, |timing| timing.p50);
        let ours = stage(1) + stage(2);
        let graph = graph(&rows)?;
        println!("{size} transfers, dependencies and conflicts, medians of {ROUNDS}, each");
        println!("  aethel, stages 1 and 2       {:>10}", time_each(ours, size as u64));
        println!(
            "  prio-graph                   {:>10}   {} as long",
            time_each(graph.p50, size as u64),
            quotient(graph.p50, ours).map_or("–".into(), ratio)
        );
    }
    Ok(())
}

fn against(name: &str, theirs: &Timing, ours: u64) {
    println!(
        "  {name:<28} {:>10}   {} as long",
        time(theirs.p50),
        quotient(theirs.p50, ours).map_or("–".into(), ratio)
    );
}

/// The rows of the scenario `uniform`.
fn rows(size: usize) -> Result<Vec<Row>, Problem> {
    let builtin = Builtin::find("uniform").ok_or("no such scenario")?;
    let csv = builtin.rows(size).csv;
    let mut rows = Vec::with_capacity(size);
    for line in csv.lines().skip(1) {
        let mut cells = line.split(',');
        let mut next = || cells.next().ok_or("a row that is too short");
        let (from, to, amount) = (next()?, next()?, next()?);
        rows.push((from.to_owned(), to.to_owned(), amount.replace('.', "").parse()?));
    }
    Ok(rows)
}

fn number(name: &str) -> Result<usize, Problem> {
    Ok(name.trim_start_matches('a').parse()?)
}

fn looped(rows: &[Row]) -> Result<Vec<i64>, Problem> {
    let mut balances = vec![PLENTY; ACCOUNTS];
    for (from, to, amount) in rows {
        balances[number(from)?] -= amount;
        balances[number(to)?] += amount;
    }
    Ok(balances)
}

/// The line of aethel with its own choice of threads.
fn aethel(size: usize, store: Store) -> Result<Line, Problem> {
    let options = BenchOptions {
        what: vec!["uniform".into()],
        sizes: vec![size],
        threads: vec![None],
        stores: vec![store],
        repeat: Some(ROUNDS as u32),
        quick: false,
        ratios: false,
        inputs: Default::default(),
        allow_path: Vec::new(),
        command: String::new(),
        cancel: Default::default(),
    };
    let report = bench(&options, &mut |_| {}).map_err(|(problems, _)| format!("{problems:?}"))?;
    let line = report.scenarios.into_iter().flat_map(|scenario| scenario.lines).next();
    Ok(line.ok_or("nothing was measured")?)
}

fn nanoseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Balances before, and after the first batch: those of the loop.
fn check(found: &[i64], expected: &[i64], who: &str) -> Result<(), Problem> {
    if found == expected { Ok(()) } else { Err(format!("{who} ends in other balances").into()) }
}

fn sqlite(path: &Path, rows: &[Row], expected: &[i64]) -> Result<Timing, Problem> {
    let mut database = rusqlite::Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL) WITHOUT ROWID", [])?;
    let opening = database.transaction()?;
    for n in 0..ACCOUNTS {
        opening.execute("INSERT INTO accounts VALUES (?1, ?2)", (format!("a{n}"), PLENTY))?;
    }
    opening.commit()?;
    let mut samples = Vec::new();
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let batch = database.transaction()?;
        {
            let take = "UPDATE accounts SET balance = balance - ?1 WHERE name = ?2 AND balance >= ?1";
            let mut take = batch.prepare_cached(take)?;
            let mut give = batch.prepare_cached("UPDATE accounts SET balance = balance + ?1 WHERE name = ?2")?;
            for (from, to, amount) in rows {
                if take.execute((amount, from))? != 1 || give.execute((amount, to))? != 1 {
                    return Err("a transfer that SQLite could not make".into());
                }
            }
        }
        batch.commit()?;
        // The first one warms up and is looked at.
        if round > 0 {
            samples.push(nanoseconds(begun));
            continue;
        }
        let mut found = vec![0; ACCOUNTS];
        let mut all = database.prepare("SELECT name, balance FROM accounts")?;
        for row in all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))? {
            let (name, balance) = row?;
            found[number(&name)?] = balance;
        }
        check(&found, expected, "SQLite")?;
    }
    Ok(Timing::of(&samples))
}

fn redb_rows(path: &Path, rows: &[Row], expected: &[i64]) -> Result<Timing, Problem> {
    let database = Database::create(path)?;
    let opening = database.begin_write()?;
    {
        let mut table = opening.open_table(BALANCES)?;
        for n in 0..ACCOUNTS {
            table.insert(format!("a{n}").as_str(), PLENTY)?;
        }
    }
    opening.commit()?;
    let mut samples = Vec::new();
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let batch = database.begin_write()?;
        {
            let mut table = batch.open_table(BALANCES)?;
            for (from, to, amount) in rows {
                let mut add = |name: &str, change: i64| -> Result<(), Problem> {
                    let balance = table.get(name)?.ok_or("an unknown account")?.value() + change;
                    if balance < 0 {
                        return Err("too little".into());
                    }
                    table.insert(name, balance)?;
                    Ok(())
                };
                add(from, -amount)?;
                add(to, *amount)?;
            }
        }
        batch.commit()?;
        if round > 0 {
            samples.push(nanoseconds(begun));
            continue;
        }
        let mut found = vec![0; ACCOUNTS];
        for row in database.begin_read()?.open_table(BALANCES)?.iter()? {
            let (name, balance) = row?;
            found[number(name.value())?] = balance.value();
        }
        check(&found, expected, "redb")?;
    }
    Ok(Timing::of(&samples))
}

/// Earlier transactions come first.
#[derive(PartialEq, Eq)]
struct InOrder(u32);

impl Ord for InOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}

impl PartialOrd for InOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TopLevelId<u32> for InOrder {
    fn id(&self) -> u32 {
        self.0
    }
}

fn graph(rows: &[Row]) -> Result<Timing, Problem> {
    // Accounts as numbers: its keys have to be copied, and aethel's are numbers too at that point.
    let mut pairs = Vec::with_capacity(rows.len());
    for (from, to, _) in rows {
        pairs.push((number(from)? as u32, number(to)? as u32));
    }
    let mut samples = Vec::new();
    for _ in 0..ROUNDS {
        let first = |id: &u32, _: &GraphNode<u32>| InOrder(*id);
        let begun = Instant::now();
        let mut graph = PrioGraph::new(first);
        for (id, (from, to)) in (0..).zip(&pairs) {
            graph.insert_transaction(id, [(*from, AccessKind::Write), (*to, AccessKind::Write)]);
        }
        samples.push(nanoseconds(begun));
        std::hint::black_box(graph.is_empty());
    }
    Ok(Timing::of(&samples))
}
