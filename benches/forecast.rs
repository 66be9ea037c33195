//! What the forecast costs: a backfill with its fits, an observation, the closing of a bucket, a forecast; each without and
//! with a margin (`objective`).

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use headroom::engine::forecast::{Forecaster, Objective, Settings};
use headroom::simulate::example;
use jiff::{SignedDuration, Timestamp};

fn settings(objective: Option<Objective>) -> Settings {
    Settings {
        objective,
        lead: SignedDuration::from_secs(225),
        history: SignedDuration::from_hours(28 * 24),
    }
}

const OBJECTIVE: Objective = Objective {
    capacity: example::REPLICA_CAPACITY,
    target: 0.7 * example::REPLICA_CAPACITY,
    shortfall: 0.001,
    max_margin: 1.0,
};

fn bench(c: &mut Criterion) {
    let series: Vec<(Timestamp, f64)> = example::series(1).collect();
    let four_weeks = &series[..28 * 1440];
    let now = four_weeks[four_weeks.len() - 1].0;
    for (name, objective) in [("forecast", None), ("margin", Some(OBJECTIVE))] {
        let settings = settings(objective);
        let mut known = Forecaster::new(settings);
        known.backfill(four_weeks.iter().copied());

        c.bench_function(&format!("{name}: backfill of four weeks, a sample a minute"), |b| {
            b.iter_batched(
                || Forecaster::new(settings),
                |mut forecaster| {
                    forecaster.backfill(black_box(four_weeks).iter().copied());
                    forecaster
                },
                BatchSize::LargeInput,
            );
        });
        c.bench_function(&format!("{name}: one forecast"), |b| {
            b.iter(|| black_box(&known).forecast(black_box(now)));
        });
        // Twenty observations to a bucket of five minutes, a refit every hour: the refresh as it comes, averaged.
        c.bench_function(&format!("{name}: a day of observations every 15 s, with refits"), |b| {
            b.iter_batched(
                || known.clone(),
                |mut forecaster| {
                    for tick in 1..=4 * 1440 {
                        let at = now + SignedDuration::from_secs(15 * tick);
                        forecaster.observe(at, black_box(1000.0 + (tick % 97) as f64));
                    }
                    forecaster
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
