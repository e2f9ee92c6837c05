//! What more cores could bring: Brent's bound, `T(p) <= W/p + S`.
//!
//! The work `W` of a stage is its time on one thread, the span `S` its part on the longest chain of dependencies that
//! remains once what is proved to commute is left out. Stage 3 runs on threads, others where two threads were measured to
//! make them clearly faster; the rest is added as it is.

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
    let measured = |cores: u32| scenario.line(one.transactions, Store::Memory, Some(cores));
    let work = one.stage(3)?.min;
    let total = one.through_five.min;
    let threaded: Vec<u8> = (1..=5)
        .filter(|n| *n == 3 || uses_threads(one, measured(2), *n))
        .collect();
    let works = threaded.iter().filter_map(|n| one.stage(*n)).map(|time| time.min);
    let parallel: u64 = works.sum();
    let depth = one.depth.clamp(1, one.transactions.max(1));
    let part = depth as f64 / one.transactions.max(1) as f64;
    let serial = total.saturating_sub(parallel);
    let bound = |work: u64, cores: u32| {
        let work = work as f64;
        (work / f64::from(cores) + work * part).min(work)
    };
    let whole = |cores: u32| serial as f64 + bound(parallel, cores);
    // Waking, waiting and shared memory: what was lost with two is taken to be lost with any number.
    let lost = measured(2).and_then(|two| Some((two.stage(3)?.min as f64 - bound(work, 2)).max(0.0)));
    let lost_whole = measured(2).map(|two| (two.through_five.min as f64 - whole(2)).max(0.0));
    let times = |total: u64, time: f64| total.max(1) as f64 / time.max(1.0);
    let points = CORES.iter().map(|cores| {
        let here = measured(*cores);
        PredictedPoint {
            cores: *cores,
            stage_three: times(work, bound(work, *cores)),
            stage_three_calibrated: lost.map(|lost| times(work, bound(work, *cores) + lost)),
            whole: times(total, whole(*cores)),
            whole_calibrated: lost_whole.map(|lost| times(total, whole(*cores) + lost)),
            measured: here.and_then(|line| Some(times(work, line.stage(3)?.min as f64))),
            measured_whole: here.map(|line| times(total, line.through_five.min as f64)),
        }
    });
    Some(Prediction {
        transactions: one.transactions,
        work,
        span: (work as f64 * part) as u64,
        serial,
        threaded,
        lost: lost.map(|lost| lost as u64),
        lost_whole: lost_whole.map(|lost| lost as u64),
        points: points.collect(),
    })
}

/// Whether two threads took at most four fifths of the time of one in a stage.
fn uses_threads(one: &Line, two: Option<&Line>, stage: u8) -> bool {
    let times = one.stage(stage).zip(two.and_then(|two| two.stage(stage)));
    times.is_some_and(|(one, two)| two.min as f64 <= one.min as f64 * 0.8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aethel_report::bench::model::{Stage, Timing};

    fn line(threads: u32, depth: u64, stages: [u64; 5]) -> Line {
        let time = |min| Timing {
            min,
            ..Timing::default()
        };
        let stage = |(number, min)| Stage {
            number,
            name: String::new(),
            time: time(min),
        };
        Line {
            transactions: 1000,
            threads: Some(threads),
            stages: (1..).zip(stages).map(stage).collect(),
            through_five: time(stages.iter().sum()),
            depth,
            ..Line::default()
        }
    }

    fn predicted(one: Line, two: Line) -> Prediction {
        let scenario = Scenario {
            lines: vec![one, two],
            ..Scenario::default()
        };
        predictions(&scenario).remove(0)
    }

    #[test]
    fn a_chain_gains_nothing() {
        let stages = [10_000, 10_000, 80_000, 10_000, 10_000];
        let prediction = predicted(line(1, 1000, stages), line(2, 1000, stages));
        assert!(
            prediction
                .points
                .iter()
                .all(|point| point.stage_three == 1.0 && point.whole == 1.0)
        );
    }

    #[test]
    fn brent_s_bound_and_what_is_lost() {
        let one = line(1, 1, [10_000, 10_000, 80_000, 20_000, 10_000]);
        // Stage 4 uses threads; stage 3 loses 5 µs.
        let prediction = predicted(one, line(2, 1, [10_000, 10_000, 45_080, 10_000, 10_000]));
        assert_eq!(
            (prediction.work, prediction.span, prediction.serial),
            (80_000, 80, 30_000)
        );
        assert_eq!((prediction.threaded, prediction.lost), (vec![3, 4], Some(5_000)));
        let four = prediction.points[1];
        assert_eq!(four.cores, 4);
        assert!((four.stage_three - 80_000.0 / 20_080.0).abs() < 1e-9);
        assert!((four.stage_three_calibrated.unwrap() - 80_000.0 / 25_080.0).abs() < 1e-9);
        assert!((four.whole - 130_000.0 / (30_000.0 + 25_100.0)).abs() < 1e-9);
        assert!(four.whole_calibrated.unwrap() < four.whole && four.measured.is_none());
    }
}
