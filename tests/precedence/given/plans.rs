//! Plans of an Adaptive prediction, trusted or not.

use headroom::engine::forecast::{Abstention, Basis, Capacity, Forecast, Plan, Shortfall, Trust};
use headroom::engine::policy::PredictionMode;
use jiff::SignedDuration;

use super::{Given, prophecy};

impl Given {
    /// A plan for this load, at 125 per replica, which may be acted upon.
    pub fn adaptive(self, upper: f64) -> Self {
        self.planned(Some(plan(upper, Trust::Trusted)))
            .say(format!("a plan for {upper} (Adaptive, capacity 125)"))
    }

    /// The same, which may not.
    pub fn adaptive_untrusted(self, upper: f64) -> Self {
        self.planned(Some(plan(upper, Trust::Abstains(Abstention::Gap))))
            .say(format!(
                "a plan for {upper} that is not trusted (Adaptive, capacity 125)"
            ))
    }

    /// The forecast of 3000 is trusted, and no plan was made of it.
    pub fn adaptive_without_a_plan(self) -> Self {
        self.planned(None).say("no plan yet (Adaptive)")
    }

    fn planned(self, plan: Option<Plan>) -> Self {
        let forecast = Forecast {
            plan,
            ..prophecy(3000.0, Trust::Trusted)
        };
        self.predicted(PredictionMode::Adaptive, Some(forecast))
    }
}

fn plan(upper: f64, trust: Trust) -> Plan {
    Plan {
        upper,
        held: upper,
        value: upper,
        short: false,
        load: upper,
        basis: Basis::Trend,
        margin: 0.1,
        capacity: Capacity {
            believed: 125.0,
            in_use: 125.0,
        },
        shortfall: Shortfall {
            objective: 0.001,
            achieved: None,
            watched: SignedDuration::ZERO,
            within_reach: true,
        },
        price: [].into(),
        trust,
    }
}
