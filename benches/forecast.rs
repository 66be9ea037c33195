//! What the forecast costs: a backfill with its fits, an observation, the closing of a bucket, a forecast.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use headroom::engine::forecast::{Forecaster, Settings};
use headroom::simulate::example;
use jiff::{SignedDuration, Timestamp};

fn settings() -> Settings {
    Settings {
        objective: None,
        lead: SignedDuration::from_secs(225),
        history: SignedDuration::from_hours(28 * 24),
    }
}

fn bench(c: &mut Criterion) {
    let series: Vec<(Timestamp, f64)> = example::series(1).collect();
    let four_weeks = &series[..28 * 1440];
    let now = four_weeks[four_weeks.len() - 1].0;
    let mut known = Forecaster::new(settings());
    known.backfill(four_weeks.iter().copied());

    c.bench_function("forecast: backfill of four weeks, a sample a minute", |b| {
        b.iter_batched(
            || Forecaster::new(settings()),
            |mut forecaster| {
                forecaster.backfill(black_box(four_weeks).iter().copied());
                forecaster
            },
            BatchSize::LargeInput,
        );
    });
    c.bench_function("forecast: one forecast", |b| {
        b.iter(|| black_box(&known).forecast(black_box(now)));
    });
    // Twenty observations to a bucket of five minutes, a refit every hour: the refresh as it comes, averaged.
    c.bench_function("forecast: a day of observations every 15 s, with refits", |b| {
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

criterion_group!(benches, bench);
criterion_main!(benches);
