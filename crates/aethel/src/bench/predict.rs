//! What more cores could bring: Brent's bound, `T(p) <= W/p + S`.
//!
//! The work `W` is the time of stage 3 on one thread, the span `S` its part on the longest chain of dependencies that
//! remains once what is proved to commute is left out. The other stages run on one thread and are added as they are.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use aethel_report::bench::model::{Line, PredictedPoint, Prediction, Scenario, Store};

/// Numbers of cores to say something about.
const CORES: [u32; 5] = [2, 4, 8, 16, 32];

/// A prediction for each size that was run in memory on one thread.
pub fn predictions(scenario: &Scenario) -> Vec<Prediction> {
    let one = scenario
        .lines
        .iter()
        .filter(|line| line.store == Store::Memory && line.threads == Some(1));
    one.filter_map(|line| predict(scenario, line)).collect()
}

fn predict(scenario: &Scenario, one: &Line) -> Option<Prediction> {
    let work = one.stage(3)?.min;
    let total = one.through_five.min;
    let depth = one.depth.clamp(1, one.transactions.max(1));
    let span = work as f64 * depth as f64 / one.transactions.max(1) as f64;
    let serial = total.saturating_sub(work);
    let measured = |cores: u32| scenario.line(one.transactions, Store::Memory, Some(cores));
    let bound = |cores: u32| (work as f64 / f64::from(cores) + span).min(work as f64);
    // Waking, waiting and shared memory: what was lost with two is taken to be lost with any number.
    let lost = measured(2).and_then(|two| Some((two.stage(3)?.min as f64 - bound(2)).max(0.0)));
    let (work_f, total_f) = (work.max(1) as f64, total.max(1) as f64);
    let points = CORES.iter().map(|cores| {
        let best = bound(*cores);
        let here = measured(*cores);
        PredictedPoint {
            cores: *cores,
            stage_three: work_f / best.max(1.0),
            stage_three_calibrated: lost.map(|lost| work_f / (best + lost).max(1.0)),
            whole: total_f / (serial as f64 + best).max(1.0),
            whole_calibrated: lost.map(|lost| total_f / (serial as f64 + best + lost).max(1.0)),
            measured: here.and_then(|line| Some(work_f / line.stage(3)?.min.max(1) as f64)),
            measured_whole: here.map(|line| total_f / line.through_five.min.max(1) as f64),
        }
    });
    Some(Prediction {
        transactions: one.transactions,
        work,
        span: span as u64,
        serial,
        lost: lost.map(|lost| lost as u64),
        points: points.collect(),
    })
}
