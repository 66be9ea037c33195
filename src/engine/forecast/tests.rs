//! The forecaster as a whole, on loads made here: better than naive, blind to the future, and calm whatever comes in.
//!
//! The parts have their tests beside them; nothing here reads their insides.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

/// 2024-01-01T00:00:00Z, a Monday.
const MONDAY: i64 = 1_704_067_200;
const A_DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn forecaster(lead: i64) -> Forecaster {
    Forecaster::new(Settings {
        objective: None,
        lead: SignedDuration::from_secs(lead),
        history: SignedDuration::from_hours(28 * 24),
    })
}

/// Noise in [−1, 1) that depends on nothing but its seed (splitmix64).
fn noise(seed: i64) -> f64 {
    let mut z = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A day with a peak in the afternoon, quiet weekends, and 5 % of noise.
fn weekly(second: i64) -> f64 {
    let hour = second.rem_euclid(A_DAY) as f64 / 3_600.0;
    let weekend = matches!((second - MONDAY).rem_euclid(7 * A_DAY) / A_DAY, 5 | 6);
    let peak = if weekend { 200.0 } else { 900.0 };
    let day = (1.0 - ((hour - 15.0) / 24.0 * std::f64::consts::TAU).cos()) / 2.0;
    (300.0 + peak * (1.0 - day).powi(3)) * (1.0 + 0.05 * noise(second))
}

/// Every morning at 09:00 the load is five times what it was, for an hour.
fn step(second: i64) -> f64 {
    let morning = (9 * 3_600..10 * 3_600).contains(&second.rem_euclid(A_DAY));
    if morning { 500.0 } else { 100.0 }
}

/// Observes `load` every `cadence` seconds of [from, to).
fn feed(forecaster: &mut Forecaster, from: i64, to: i64, cadence: usize, load: impl Fn(i64) -> f64) {
    for second in (from..to).step_by(cadence) {
        forecaster.observe(at(second), load(second));
    }
}

#[test]
fn beats_every_naive_forecast_on_a_seasonal_load() {
    for lead in [180, 900] {
        let mut forecaster = forecaster(lead);
        feed(&mut forecaster, MONDAY, MONDAY + 21 * A_DAY, 300, weekly);
        let forecast = forecaster.forecast(at(MONDAY + 21 * A_DAY));
        let error = forecast.error.unwrap();
        assert!(error.model < 0.85 * error.naive, "lead {lead}: {error:?}");
        assert_eq!(
            (forecast.trust, forecast.model),
            (Trust::Trusted, Model::LinearRegression)
        );
    }
}

#[test]
fn a_load_that_repeats_exactly_is_left_to_the_season() {
    let mut forecaster = forecaster(900);
    feed(&mut forecaster, MONDAY, MONDAY + 3 * A_DAY, 300, step);
    let forecast = forecaster.forecast(at(MONDAY + 3 * A_DAY));
    assert_eq!(forecast.model, Model::SeasonalDaily);
    // What is left: a lead time ends on a sample that its buckets do not touch.
    let error = forecast.error.unwrap();
    assert!(error.model < 0.03 && error.model == error.naive, "{error:?}");
}

#[test]
fn beats_the_last_value_at_instants_within_a_bucket_too() {
    let mut forecaster = forecaster(900);
    let (mut model, mut naive) = (0.0, 0.0);
    feed(&mut forecaster, MONDAY, MONDAY + 14 * A_DAY, 300, weekly);
    for second in (MONDAY + 14 * A_DAY..MONDAY + 15 * A_DAY).step_by(300) {
        forecaster.observe(at(second), weekly(second));
        let actual = (1..=3).map(|step| weekly(second + 300 * step)).fold(0.0, f64::max);
        model += (forecaster.forecast(at(second + 299)).value - actual).abs();
        naive += (weekly(second) - actual).abs();
    }
    assert!(model < 0.8 * naive, "{model} {naive}");
}

#[test]
fn a_daily_step_is_foreseen_within_the_lead_time() {
    for lead in [60, 180, 900] {
        let mut forecaster = forecaster(lead);
        let nine = MONDAY + 4 * A_DAY + 9 * 3_600;
        feed(&mut forecaster, MONDAY, nine - lead + 1, 15, step);
        let ahead = forecaster.forecast(at(nine - lead + 1));
        assert!(
            ahead.trust.is_trusted() && ahead.upper > 400.0,
            "lead {lead}: {ahead:?}"
        );
        // Not before: an hour ahead the load is what it is, within the tolerance of a shrunk fit.
        let mut earlier = super::tests::forecaster(lead);
        feed(&mut earlier, MONDAY, nine - 3_600, 15, step);
        assert!(
            earlier.forecast(at(nine - 3_600)).upper < 130.0,
            "lead {lead}: {earlier:?}"
        );
    }
}

#[test]
fn what_comes_after_an_instant_changes_no_forecast_before_it() {
    let until = MONDAY + 4 * A_DAY;
    let run = |load: &dyn Fn(i64) -> f64| {
        let mut forecaster = forecaster(900);
        let seconds = (MONDAY..until + A_DAY).step_by(150);
        let made = seconds.map(|second| {
            forecaster.observe(at(second), load(second));
            (second, forecaster.forecast(at(second + 7)))
        });
        made.filter(|(second, _)| *second < until)
            .map(|(_, forecast)| forecast)
            .collect::<Vec<_>>()
    };
    let other = |second| {
        if second < until {
            weekly(second)
        } else {
            1e4 * noise(second).abs()
        }
    };
    let (told, blind) = (run(&weekly), run(&other));
    for (told, blind) in told.iter().zip(&blind) {
        assert_eq!(told.value.to_bits(), blind.value.to_bits());
        assert_eq!(told, blind);
    }
    assert!(told.iter().any(|forecast| forecast.trust.is_trusted()));
}

#[test]
fn the_bound_holds_for_its_share_of_the_time() {
    let mut forecaster = forecaster(300);
    feed(&mut forecaster, MONDAY, MONDAY + 14 * A_DAY, 300, weekly);
    let mut held = 0;
    let test = MONDAY + 14 * A_DAY..MONDAY + 21 * A_DAY;
    for second in test.clone().step_by(300) {
        held += i32::from(weekly(second) <= forecaster.forecast(at(second)).upper);
        forecaster.observe(at(second), weekly(second));
    }
    let coverage = f64::from(held) / ((test.end - test.start) / 300) as f64;
    assert!((0.80..=0.98).contains(&coverage), "{coverage}");
}

#[test]
fn recovers_from_a_permanent_shift_of_level_within_two_days() {
    let shift = MONDAY + 15 * A_DAY;
    let shifted = |second| {
        if second < shift {
            weekly(second)
        } else {
            3.0 * weekly(second)
        }
    };
    let error_over_a_day = |forecaster: &mut Forecaster, from: i64| {
        let (mut error, mut load) = (0.0, 0.0);
        for second in (from..from + A_DAY).step_by(300) {
            error += (forecaster.forecast(at(second)).value - shifted(second)).abs();
            load += shifted(second);
            forecaster.observe(at(second), shifted(second));
        }
        error / load
    };
    let mut forecaster = forecaster(300);
    feed(&mut forecaster, MONDAY, shift - A_DAY, 300, shifted);
    let before = error_over_a_day(&mut forecaster, shift - A_DAY);
    feed(&mut forecaster, shift, shift + 2 * A_DAY, 300, shifted);
    let after = error_over_a_day(&mut forecaster, shift + 2 * A_DAY);
    assert!(after < 1.5 * before, "{before} {after}");
}

#[test]
fn a_constant_load_is_forecast_as_it_is() {
    let mut forecaster = forecaster(180);
    feed(&mut forecaster, MONDAY, MONDAY + 5 * A_DAY, 300, |_| 42.0);
    let forecast = forecaster.forecast(at(MONDAY + 5 * A_DAY));
    assert!((forecast.value - 42.0).abs() < 0.01, "{forecast:?}");
    assert!(forecast.upper < 42.5 && forecast.trust.is_trusted(), "{forecast:?}");
}

#[test]
fn a_forecast_is_at_most_half_again_of_the_highest_load() {
    // It triples every day: the model learns growth that would carry it far beyond.
    let growing = |second: i64| 3.0_f64.powf((second - MONDAY) as f64 / A_DAY as f64);
    let mut forecaster = forecaster(3_600);
    feed(&mut forecaster, MONDAY, MONDAY + 6 * A_DAY, 300, growing);
    let forecast = forecaster.forecast(at(MONDAY + 6 * A_DAY));
    assert!(forecast.upper <= 1.5 * growing(MONDAY + 6 * A_DAY), "{forecast:?}");
    assert!(forecast.value > growing(MONDAY + 6 * A_DAY - 300), "{forecast:?}");
}

#[test]
fn the_bound_too_is_at_most_half_again_of_the_highest_load() {
    // Twelve days on which every seventh sample is ten times the rest make a wide bound; then a calm day at the highest
    // load ever.
    let calm = MONDAY + 12 * A_DAY;
    let load = |second| match second {
        _ if second >= calm => 3_000.0,
        _ if noise(second) > 0.7 => 1_000.0,
        _ => 100.0,
    };
    let mut forecaster = forecaster(180);
    feed(&mut forecaster, MONDAY, calm + A_DAY, 300, load);
    let forecast = forecaster.forecast(at(calm + A_DAY));
    assert_eq!(forecast.bounds[1], 4_500.0, "{forecast:?}");
}

#[test]
fn abstains_with_the_reason_until_there_is_something_to_go_by() {
    let mut forecaster = forecaster(180);
    let reason = |forecaster: &Forecaster, second| forecaster.forecast(at(second)).trust;
    assert_eq!(
        reason(&forecaster, MONDAY),
        Trust::Abstains(Abstention::Stale { since: None })
    );
    let two_days = MONDAY + 2 * A_DAY;
    feed(&mut forecaster, MONDAY, two_days, 300, weekly);
    let little = Trust::Abstains(Abstention::TooLittleHistory(Samples { have: 574, need: 576 }));
    assert_eq!(reason(&forecaster, two_days), little);
    feed(&mut forecaster, two_days, two_days + 900, 300, weekly);
    assert_eq!(reason(&forecaster, two_days + 900), Trust::Trusted);

    let newest = at(two_days + 600);
    assert_eq!(reason(&forecaster, two_days + 1_200), Trust::Trusted, "ten minutes old");
    assert_eq!(
        reason(&forecaster, two_days + 1_201),
        Trust::Abstains(Abstention::Stale { since: Some(newest) })
    );
    assert_eq!(
        reason(&forecaster, two_days - 1),
        Trust::Abstains(Abstention::ClockWentBack { newest })
    );
}

#[test]
fn the_first_observation_after_a_gap_is_nothing_to_forecast_from() {
    let mut forecaster = forecaster(180);
    let (gap, again) = (MONDAY + 4 * A_DAY, MONDAY + 4 * A_DAY + 3_600);
    feed(&mut forecaster, MONDAY, gap, 300, weekly);
    // On the border of a bucket: what lies before it is all that could be gone by.
    forecaster.observe(at(again), weekly(again));
    let forecast = forecaster.forecast(at(again));
    assert_eq!(
        (forecast.trust, forecast.model),
        (Trust::Abstains(Abstention::Gap), Model::LastValue)
    );
    assert_eq!(forecaster.forecast(at(again + 60)).trust, Trust::Trusted);
}

#[test]
fn idle_time_before_a_launch_is_no_history() {
    let mut forecaster = forecaster(180);
    feed(&mut forecaster, MONDAY, MONDAY + 7 * A_DAY, 300, |_| 0.0);
    let forecast = forecaster.forecast(at(MONDAY + 7 * A_DAY));
    assert_eq!(
        forecast.trust,
        Trust::Abstains(Abstention::TooLittleHistory(Samples { have: 0, need: 576 }))
    );
    assert_eq!((forecast.value, forecast.upper), (0.0, 0.0));
}

#[test]
fn trust_ends_when_every_model_is_worse_than_the_last_value() {
    let mut forecaster = forecaster(180);
    let change = MONDAY + 14 * A_DAY;
    feed(&mut forecaster, MONDAY, change, 300, step);
    assert!(forecaster.forecast(at(change)).trust.is_trusted());
    // From then on the step comes at another hour every day: the last value is off twice a day, whoever knows better
    // more often.
    let moved = |second: i64| step(second + 3_600 * (1 + 5 * ((second - MONDAY) / A_DAY)));
    feed(&mut forecaster, change, change + 3 * A_DAY, 300, moved);
    let trust = forecaster.forecast(at(change + 3 * A_DAY)).trust;
    assert!(
        matches!(trust, Trust::Abstains(Abstention::WorseThanNaive(_))),
        "{trust:?}"
    );
}

#[test]
fn what_is_no_load_or_out_of_order_changes_nothing() {
    let mut clean = forecaster(180);
    let mut dirty = forecaster(180);
    for second in (MONDAY..MONDAY + 3 * A_DAY).step_by(300) {
        clean.observe(at(second), weekly(second));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e31] {
            dirty.observe(at(second), bad);
        }
        dirty.observe(at(second), weekly(second));
        dirty.observe(at(second), 1e6);
        dirty.observe(at(second - 3_600), 1e6);
    }
    let end = at(MONDAY + 3 * A_DAY);
    assert_eq!(dirty.forecast(end), clean.forecast(end));
}

#[test]
fn a_backfill_equals_having_watched() {
    let end = MONDAY + 10 * A_DAY;
    let mut watched = forecaster(180);
    feed(&mut watched, MONDAY, end, 300, weekly);
    // Newest first, after live samples have started; what comes after them is left out.
    let mut filled = forecaster(180);
    feed(&mut filled, end - 7_200, end, 300, weekly);
    filled.backfill(history(MONDAY, end + A_DAY).into_iter().rev());
    let (watched, filled) = (watched.forecast(at(end)), filled.forecast(at(end)));
    assert_eq!(filled.samples, watched.samples);
    // Refits come at other times, and closed buckets are kept in single precision.
    assert!(
        (filled.value / watched.value - 1.0).abs() < 0.01,
        "{filled:?} {watched:?}"
    );
    assert!(filled.trust.is_trusted(), "{filled:?}");
}

/// The weekly load of [from, to), a sample in five minutes.
fn history(from: i64, to: i64) -> Vec<(Timestamp, f64)> {
    let seconds = (from..to).step_by(300);
    seconds.map(|second| (at(second), weekly(second))).collect()
}

#[test]
fn what_was_observed_before_history_came_goes_on_from_it() {
    // History ends two hours before what was observed live: a gap stays between the two.
    let (read, live, end) = (
        MONDAY + 9 * A_DAY,
        MONDAY + 9 * A_DAY + 7_200,
        MONDAY + 9 * A_DAY + 10_800,
    );
    let mut forecaster = forecaster(180);
    feed(&mut forecaster, live, end, 15, weekly);
    let last = weekly(end - 15);
    forecaster.backfill(history(MONDAY, read));
    let forecast = forecaster.forecast(at(end));
    assert!(forecast.trust.is_trusted(), "{forecast:?}");
    assert!((forecast.value / last - 1.0).abs() < 0.2, "{last} {forecast:?}");
}

#[test]
fn a_gap_that_is_filled_is_there_for_the_lags_and_nothing_learnt_is_forgotten() {
    let gap = (MONDAY + 9 * A_DAY + 6 * 3_600, MONDAY + 9 * A_DAY + 18 * 3_600);
    let mut forecaster = forecaster(900);
    forecaster.backfill([]);
    feed(&mut forecaster, MONDAY, gap.0, 300, step);
    // The ramp of 09:00 is missed; a day later it is to be known as yesterday's.
    feed(&mut forecaster, gap.1, gap.1 + 600, 300, step);
    let before = forecaster.forecast(at(gap.1 + 600));
    let missing = forecaster.missing(at(gap.1 + 600)).unwrap();
    assert_eq!(missing, (at(gap.0), at(gap.1)));
    forecaster.backfill((gap.0..gap.1).step_by(60).map(|second| (at(second), step(second))));
    let after = forecaster.forecast(at(gap.1 + 600));
    assert_eq!(
        (after.samples, after.error, after.model),
        (before.samples, before.error, before.model)
    );
    assert_eq!(forecaster.missing(at(gap.1 + 600)), None);
    let nine = MONDAY + 10 * A_DAY + 9 * 3_600;
    feed(&mut forecaster, gap.1 + 600, nine - 600, 300, step);
    let ahead = forecaster.forecast(at(nine - 600));
    assert!(ahead.value > 400.0, "{ahead:?}");
}

#[test]
fn asks_for_history_once_and_then_for_gaps() {
    let mut forecaster = forecaster(180);
    let start = MONDAY + 40 * A_DAY;
    let all = |now: i64| Some((at(now - 28 * A_DAY), at(now)));
    assert_eq!(forecaster.missing(at(start)), all(start));
    feed(&mut forecaster, start, start + 600, 15, weekly);
    assert_eq!(
        forecaster.missing(at(start + 600)),
        all(start + 600),
        "live samples are no backfill"
    );
    forecaster.backfill([]);
    assert_eq!(forecaster.missing(at(start + 600)), None);
    // Silence up to two buckets is jitter.
    assert_eq!(forecaster.missing(at(start + 1_185)), None);
    assert_eq!(
        forecaster.missing(at(start + 3_600)),
        Some((at(start + 585), at(start + 3_600)))
    );
    // Live again: the hole is remembered, and forgotten once it was asked for.
    feed(&mut forecaster, start + 3_600, start + 4_200, 15, weekly);
    assert_eq!(
        forecaster.missing(at(start + 4_200)),
        Some((at(start + 600), at(start + 3_600)))
    );
    forecaster.backfill([(at(start + 900), 1.0)]);
    assert_eq!(forecaster.missing(at(start + 4_200)), None);
    // A year later nothing that is known is of use.
    feed(
        &mut forecaster,
        start + 365 * A_DAY,
        start + 365 * A_DAY + 15,
        15,
        weekly,
    );
    assert_eq!(forecaster.missing(at(start + 365 * A_DAY)), all(start + 365 * A_DAY));
}

#[test]
fn gaps_of_hours_and_days_do_not_harm() {
    let end = MONDAY + 16 * A_DAY;
    let mut forecaster = forecaster(900);
    for (from, to) in [(0, 5 * A_DAY), (5 * A_DAY + 7_200, 8 * A_DAY), (11 * A_DAY, 16 * A_DAY)] {
        feed(&mut forecaster, MONDAY + from, MONDAY + to, 300, weekly);
    }
    let forecast = forecaster.forecast(at(end));
    let error = forecast.error.unwrap();
    assert!(forecast.trust.is_trusted() && error.model < error.naive, "{forecast:?}");
}

#[test]
fn holds_no_more_memory_than_is_promised() {
    let plain = forecaster(225);
    let mut margin = Forecaster::new(Settings {
        objective: Some(Objective {
            capacity: 1.0,
            target: 0.7,
            shortfall: 0.001,
            max_margin: 1.0,
        }),
        ..plain.settings()
    });
    feed(&mut margin, MONDAY, MONDAY + 40 * A_DAY, 300, |_| 1.0);
    feed(&mut margin, MONDAY + 40 * A_DAY, MONDAY + 41 * A_DAY, 15, |_| 1.0);
    assert!(margin.bytes() <= 50 * 1024, "{}", margin.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_comes_in_a_forecast_is_a_load(
        seed in any::<i64>(),
        lead in any::<i64>(),
        history in any::<i64>(),
        odd in prop::collection::vec((0_usize..1_000, any::<f64>(), any::<i32>()), 0..40),
    ) {
        let settings = Settings { objective: None, lead: SignedDuration::from_secs(lead), history: SignedDuration::from_secs(history) };
        let mut forecaster = Forecaster::new(settings);
        let mut second = MONDAY;
        // Enough of a wild but plain load that there is a fit, with oddities in between.
        for step in 0..1_000_usize {
            for (_, load, jump) in odd.iter().filter(|(when, _, _)| *when == step) {
                forecaster.observe(at(second + i64::from(*jump)), *load);
                second += i64::from(*jump) / 100;
            }
            second += 300;
            forecaster.observe(at(second), (20.0 * noise(seed.wrapping_add(step as i64))).exp());
            if step % 8 != 0 {
                continue;
            }
            let forecast = forecaster.forecast(at(second));
            prop_assert!(forecast.value.is_finite() && forecast.value >= 0.0, "{forecast:?}");
            prop_assert!(forecast.upper.is_finite() && forecast.upper >= forecast.value, "{forecast:?}");
        }
        for now in [Timestamp::MIN, Timestamp::MAX] {
            prop_assert!(!forecaster.forecast(now).trust.is_trusted());
            prop_assert!(forecaster.missing(now).is_none_or(|(from, to)| from < to));
        }
        forecaster.observe(Timestamp::MAX, 1.0);
        forecaster.backfill([(Timestamp::MIN, 1.0), (Timestamp::MAX, 2.0), (at(second), f64::NAN)]);
        prop_assert!(forecaster.forecast(Timestamp::MAX).value.is_finite());
    }
}
