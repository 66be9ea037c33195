//! What one run came to, in the figures by which autoscalers are compared: too little, too much, how often it moved.
//!
//! [`Meter`] takes in what was needed, asked for and ready at each tick, whoever decided; [`Figures`] is the sum. Names of
//! the elasticity metrics are those of the SPEC Research Group (Herbst et al., Bungee, 2015; Bauer et al., Chameleon, 2019).
//! Shares are from 0 to 1, never percent. Pure; it knows no policy.

use jiff::SignedDuration;
use serde::Serialize;

use super::money::Money;

/// The figures of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Ticks that were counted.
    pub ticks: u64,
    /// Share of time in which load exceeded what the ready replicas carry.
    pub short_share: f64,
    /// Minutes of it, a day on average.
    pub short_minutes_per_day: f64,
    /// Minutes of it, in all.
    pub short_minutes: f64,
    /// Seconds of the longest run of it.
    pub longest_short_seconds: f64,
    /// Share of the load that found no capacity.
    pub overflow_share: f64,
    /// Replicas × hours, billed from the asking.
    pub replica_hours: f64,
    /// Replicas on average.
    pub mean_replicas: f64,
    /// Replica-hours as a multiple of the oracle's; absent where no oracle was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What the replica-hours cost in money, where a price was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// Changes of the count asked for.
    pub actions: u64,
    /// The elasticity metrics.
    pub elasticity: Elasticity,
}

/// SPEC RG's elasticity metrics over demand (⌈load ÷ replica capacity⌉, at least 1) and supply (ready replicas).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Elasticity {
    /// θ_U: missing replicas as a share of demand, over all time.
    pub theta_u: f64,
    /// θ_O: surplus replicas as a share of demand, over all time.
    pub theta_o: f64,
    /// τ_U: share of time with fewer replicas than demanded.
    pub tau_u: f64,
    /// τ_O: share of time with more replicas than demanded.
    pub tau_o: f64,
    /// υ: share of time in which supply and demand did not move in the same direction.
    pub upsilon: f64,
}

/// Adds ticks up.
#[derive(Clone, Debug)]
pub struct Meter {
    tick: SignedDuration,
    capacity: f64,
    ticks: u64,
    short: u64,
    run: u64,
    longest: u64,
    load: f64,
    overflow: f64,
    billed: u64,
    actions: u64,
    desired: Option<u32>,
    /// Demand and supply at the last tick.
    last: Option<(u32, u32)>,
    sums: Elasticity,
}

impl Meter {
    /// Nothing yet; ticks are `tick` apart and one replica carries `capacity` (above 0), in the load's unit.
    pub fn new(tick: SignedDuration, capacity: f64) -> Self {
        Meter {
            tick,
            capacity,
            ticks: 0,
            short: 0,
            run: 0,
            longest: 0,
            load: 0.0,
            overflow: 0.0,
            billed: 0,
            actions: 0,
            desired: None,
            last: None,
            sums: Elasticity::default(),
        }
    }

    /// Takes in the next tick: the load, the replicas asked for and those that serve.
    pub fn tick(&mut self, load: f64, desired: u32, ready: u32) {
        self.ticks += 1;
        self.billed += u64::from(desired);
        let before = self.desired.replace(desired);
        self.actions += u64::from(before.is_some_and(|before| before != desired));
        // NaN is no load that anyone could be short of.
        let load = if load.is_finite() { load } else { 0.0 };
        let carried = f64::from(ready) * self.capacity;
        self.load += load;
        self.overflow += (load - carried).max(0.0);
        let short = load > carried;
        self.short += u64::from(short);
        self.run = if short { self.run + 1 } else { 0 };
        self.longest = self.longest.max(self.run);
        self.elasticity(demand(load, self.capacity).max(1), ready);
    }

    fn elasticity(&mut self, demand: u32, supply: u32) {
        let gap = f64::from(demand) - f64::from(supply);
        self.sums.theta_u += gap.max(0.0) / f64::from(demand);
        self.sums.theta_o += (-gap).max(0.0) / f64::from(demand);
        self.sums.tau_u += f64::from(u8::from(gap > 0.0));
        self.sums.tau_o += f64::from(u8::from(gap < 0.0));
        if let Some((d, s)) = self.last.replace((demand, supply)) {
            self.sums.upsilon += f64::from(u8::from(demand.cmp(&d) != supply.cmp(&s)));
        }
    }

    /// The sums; without a cost, which needs another run to compare with.
    pub fn finish(&self) -> Figures {
        let tick = self.tick.as_secs_f64();
        let over = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
        let ticks = self.ticks as f64;
        let short_minutes = self.short as f64 * tick / 60.0;
        Figures {
            ticks: self.ticks,
            short_share: over(self.short as f64, ticks),
            short_minutes_per_day: over(short_minutes, ticks * tick / 86_400.0),
            short_minutes,
            longest_short_seconds: self.longest as f64 * tick,
            overflow_share: over(self.overflow, self.load),
            replica_hours: self.billed as f64 * tick / 3600.0,
            mean_replicas: over(self.billed as f64, ticks),
            cost: None,
            money: None,
            actions: self.actions,
            elasticity: Elasticity {
                theta_u: over(self.sums.theta_u, ticks),
                theta_o: over(self.sums.theta_o, ticks),
                tau_u: over(self.sums.tau_u, ticks),
                tau_o: over(self.sums.tau_o, ticks),
                // The first tick has moved from nowhere.
                upsilon: over(self.sums.upsilon, ticks - 1.0),
            },
        }
    }
}

/// The replicas that carry `load`: ⌈load ÷ capacity⌉, exactly as "short" is judged.
pub fn demand(load: f64, capacity: f64) -> u32 {
    // Saturating by definition of `as`; NaN is 0.
    let need = (load / capacity).ceil() as u32;
    // Division rounds: what carries the load is decided by the product, as in `tick`.
    let carries = |replicas: u32| f64::from(replicas) * capacity >= load;
    match need.checked_sub(1) {
        Some(less) if carries(less) => less,
        Some(_) if !carries(need) => need.saturating_add(1),
        _ => need,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let mut meter = Meter::new(SignedDuration::from_secs(60), 10.0);
        // load, desired, ready: demand 1, 2, 2, 4, 1
        for (load, desired, ready) in [(10.0, 1, 1), (15.0, 2, 1), (20.0, 2, 2), (40.0, 2, 2), (5.0, 3, 3)] {
            meter.tick(load, desired, ready);
        }
        let f = meter.finish();
        assert_eq!((f.ticks, f.actions), (5, 2));
        assert_eq!(
            (f.short_share, f.short_minutes, f.longest_short_seconds),
            (0.4, 2.0, 60.0)
        );
        assert_eq!(f.short_minutes_per_day, 576.0);
        assert_eq!(f.overflow_share, 25.0 / 90.0);
        assert_eq!((f.replica_hours, f.mean_replicas), (10.0 / 60.0, 2.0));
        let e = f.elasticity;
        assert_eq!((e.theta_u, e.theta_o), ((0.5 + 0.5) / 5.0, 2.0 / 5.0));
        assert_eq!((e.tau_u, e.tau_o), (0.4, 0.2));
        // Demand moved up, not, up, down; supply not, up, not, up.
        assert_eq!(e.upsilon, 1.0);
        assert_eq!(
            Meter::new(SignedDuration::from_secs(60), 10.0).finish(),
            Figures::default()
        );
    }

    #[test]
    fn demand_is_the_least_that_is_not_short() {
        for (load, capacity, expected) in [
            (0.0, 3.0, 0),
            (3.0, 3.0, 1),
            (3.1, 3.0, 2),
            (0.3, 0.1, 3),
            (f64::NAN, 1.0, 0),
        ] {
            assert_eq!(demand(load, capacity), expected, "{load} ÷ {capacity}");
        }
        // 40 replicas carry the load that their capacity was made from.
        for load in [0.7, 1.1, 4321.987, 1e9 / 7.0] {
            let need = demand(load, load / 40.0);
            assert!(f64::from(need) * (load / 40.0) >= load && need <= 41, "{load}: {need}");
        }
    }
}
