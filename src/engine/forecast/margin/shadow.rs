//! One candidate's shadow: what a controller on this forecast would have had ready, and which margin it lacked.
//!
//! ```text
//! forecast ─▶ dead band ─▶ wanted ─▶ least over the lead time = ready now ─▶ needed margin = (load − ready) ÷ shape
//!                 └─ highest over the window: what is held
//! ```
//! The loop is calibrated, not the step: dead band, holding and start-up all count, so the margin found is the one that
//! this very loop needs. Everything is in replicas, and never the real ones: the shadow does not know what was done.
//!
//! Neighbours: `forecasts` feeds it, `needs` keeps its margins, `choose` compares shadows.

use super::needs::Needs;
use super::sliding::Sliding;

/// A shadow grows to this multiple of its forecast, so that a load that keeps rising is not a change a tick.
pub(crate) const GROW: f64 = 1.04;
/// … and shrinks where this multiple of the highest forecast of its window is less than what it wants, to [`GROW`] times it.
/// Measured on 14 series at a start-up time of 180 s: without a band replica-hours are 2 % fewer and changes six times as
/// many, up to 24 times HPA's on smooth load. With 1.03 and 1.16 the smooth ones still have 13 to 30 % more changes than with
/// these at the same cost; with 1.05 and 1.20 they have a tenth fewer again, and cost half a percent more.
pub(crate) const SHRINK: f64 = 1.18;

/// Age at which the cost of a shadow weighs half, in seconds: three days see a change of habits by its second evening.
const COST_HALF_LIFE: f64 = 3.0 * 86_400.0;

/// How a margin is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// f (1 + k): where noise grows with the load.
    Proportional,
    /// f + k m, m being the mean load of three days: where it does not.
    Constant,
}

impl Shape {
    pub(super) const ALL: [Shape; 2] = [Shape::Proportional, Shape::Constant];

    /// What a margin of 1 adds to `forecast`.
    pub(super) fn unit(self, forecast: f64, mean: f64) -> f64 {
        match self {
            Shape::Proportional => forecast,
            Shape::Constant => mean,
        }
    }
}

/// One forecast, held for one window.
#[derive(Clone, Debug)]
pub(super) struct Shadow {
    /// Replicas it would ask for without any margin.
    wanted: f64,
    window: Sliding,
    /// Of −`wanted`, over the lead time.
    ready: Sliding,
    /// The newest forecast.
    pub(super) forecast: f64,
    needs: [Needs; 2],
    /// Decayed seconds observed.
    pub(super) observed: f64,
    /// Decayed mean of `wanted`.
    wanted_mean: f64,
    /// Decayed means of the shapes' units.
    unit_mean: [f64; 2],
}

impl Shadow {
    /// A shadow that holds for `window` seconds and whose replicas take `lead` seconds.
    pub(super) fn new(window: i64, lead: i64, max_margin: f64) -> Self {
        Self {
            wanted: 0.0,
            window: Sliding::new(window),
            ready: Sliding::new(lead),
            forecast: 0.0,
            needs: [Needs::new(max_margin), Needs::new(max_margin)],
            observed: 0.0,
            wanted_mean: 0.0,
            unit_mean: [0.0; 2],
        }
    }

    /// Learns that at `at` the load was `load` after `seconds` and `forecast` was said of what follows; all in replicas.
    pub(super) fn tick(&mut self, at: i64, seconds: f64, load: f64, forecast: f64, mean: f64, max_margin: f64) {
        self.window.put(at, forecast);
        let held = self.window.max().unwrap_or(forecast);
        if forecast > self.wanted {
            self.wanted = GROW * forecast;
        } else if SHRINK * held < self.wanted {
            self.wanted = GROW * held;
        }
        self.forecast = forecast;
        self.ready.put(at, -self.wanted);
        if !self.ready.is_full(at) {
            return;
        }
        let ready = -self.ready.max().unwrap_or(-self.wanted);
        // Replicas are whole: ⌈ready + margin⌉ covers the load as soon as it exceeds ⌈load⌉ − 1.
        let lacking = load.ceil() - 1.0 - ready;
        let helpless = lacking > max_margin * ready.max(mean);
        self.observed += seconds;
        let share = seconds / self.observed.min(COST_HALF_LIFE / std::f64::consts::LN_2).max(seconds);
        self.wanted_mean += share * (self.wanted - self.wanted_mean);
        for (shape, (needs, unit_mean)) in Shape::ALL.iter().zip(self.needs.iter_mut().zip(&mut self.unit_mean)) {
            if helpless {
                needs.add_helpless(seconds);
            } else {
                needs.add(lacking / shape.unit(ready, mean).max(f64::MIN_POSITIVE), seconds);
            }
            *unit_mean += share * (shape.unit(self.wanted, mean) - *unit_mean);
        }
    }

    /// Multiplies what is known of margins with `factor`.
    pub(super) fn fade(&mut self, factor: f64) {
        self.needs.iter_mut().for_each(|needs| needs.fade(factor));
    }

    /// What `shape` needs.
    pub(super) fn needs(&self, shape: Shape) -> &Needs {
        &self.needs[shape as usize]
    }

    /// The mean replicas with a margin of `margin`.
    pub(super) fn cost(&self, shape: Shape, margin: f64) -> f64 {
        self.wanted_mean + margin * self.unit_mean[shape as usize]
    }

    /// The highest forecast of the window.
    pub(super) fn held(&self) -> f64 {
        self.window.max().unwrap_or(self.forecast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks a shadow every 15 s; the load is what was forecast, and the margin that one objective needs comes back.
    fn margin(shape: Shape, loads: impl IntoIterator<Item = f64>) -> f64 {
        let mut shadow = Shadow::new(300, 180, 1.0);
        for (tick, load) in (0..).zip(loads) {
            shadow.tick(15 * tick, 15.0, load, load, 10.0, 1.0);
        }
        shadow.needs(shape).margin(0.01)
    }

    #[test]
    fn a_load_that_stands_still_needs_no_margin() {
        // ⌈10⌉ − 1 = 9 of the 10.3 that are wanted: the least bin that holds −13 %.
        let margin = margin(Shape::Proportional, [10.0; 500]);
        assert!((-0.14..-0.11).contains(&margin), "{margin}");
    }

    #[test]
    fn a_step_needs_what_it_adds_until_replicas_would_be_ready() {
        // From 10 to 14 for 20 ticks of 500: 12 of them fall within the lead time, more than 1 %.
        let loads = || (0..500).map(|tick| if (250..270).contains(&tick) { 14.0 } else { 10.0 });
        // 13 replicas must be exceeded; 10.3 are ready, and the mean is 10.
        for (shape, expected) in [(Shape::Proportional, 2.7 / 10.3), (Shape::Constant, 0.27)] {
            let margin = margin(shape, loads());
            assert!((margin - expected).abs() < 0.02, "{shape:?}: {margin}");
        }
    }

    #[test]
    fn a_jump_beyond_every_margin_is_helpless() {
        let mut shadow = Shadow::new(300, 180, 1.0);
        for tick in 0..500 {
            let load = if (250..254).contains(&tick) { 50.0 } else { 10.0 };
            shadow.tick(15 * tick, 15.0, load, load, 10.0, 1.0);
        }
        let needs = shadow.needs(Shape::Proportional);
        assert!(needs.margin(0.001) < 0.0);
        assert!((needs.helpless() - 4.0 / 487.0).abs() < 1e-3, "{}", needs.helpless());
    }
}
