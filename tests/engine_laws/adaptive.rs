//! Laws of a plan: it stands in for its own metric's target and for nothing else, and only while it may.

use headroom::engine::decision::{Decision, Outcome, Source};
use headroom::engine::forecast::{Forecast, Plan};
use headroom::engine::policy::PredictionMode;
use proptest::prelude::*;

use crate::generate::{invalid, load, planned, prophecy};
use crate::instant::{Case, case, strip};

impl Case {
    /// The same with this plan, whatever the forecast beside it.
    fn planning(&self, plan: Option<Plan>) -> Case {
        let mut case = self.clone();
        if let Some(prediction) = &mut case.policy.prediction {
            prediction.mode = PredictionMode::Adaptive;
        }
        case.observation.forecast = Some(Forecast {
            plan,
            ..prophecy(1e6, true)
        });
        case
    }

    fn without_prediction(&self) -> Decision {
        let mut case = self.clone();
        case.policy.prediction = None;
        case.decide()
    }

    /// The index of the metric that is forecast.
    fn forecast(&self) -> Option<usize> {
        self.policy.prediction.as_ref().map(|p| p.metric)
    }
}

/// All proposals but the forecast's, by text: a NaN is not equal to itself.
fn others(d: &Decision) -> String {
    let all = d.proposals.iter().filter(|p| !matches!(p.source, Source::Forecast(_)));
    format!("{:?}", all.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_that_may_not_be_acted_upon_changes_nothing(case in case(), upper in load(), nonsense in prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0])) {
        let without = case.without_prediction();
        for plan in [
            None,
            Some(planned(upper, 100.0, false)),
            Some(planned(nonsense, 100.0, true)),
            Some(planned(upper, nonsense, true)),
            Some(planned(upper, 0.0, true)),
        ] {
            let with = case.planning(plan).decide();
            prop_assert_eq!(others(&with), others(&without));
            prop_assert_eq!(strip(with), strip(without.clone()));
        }
    }

    #[test]
    fn a_plan_replaces_its_own_metric_alone(case in case(), upper in load(), capacity in 0.1..2000.0) {
        if let Some(index) = case.forecast() {
            let (without, with) = (case.without_prediction(), case.planning(Some(planned(upper, capacity, true))).decide());
            for (i, (before, after)) in without.proposals.iter().zip(&with.proposals).enumerate().take(case.policy.metrics.len()) {
                match (&before.outcome, &after.outcome) {
                    // What its target would say is told as it was.
                    (Outcome::Replicas { replicas, value, basis }, Outcome::Replaced { replicas: r, value: v, basis: b }) => {
                        prop_assert_eq!(i, index);
                        prop_assert_eq!((replicas, value, basis), (r, v, b));
                    }
                    (before, after) => prop_assert_eq!(format!("{before:?}"), format!("{after:?}")),
                }
            }
        }
    }

    #[test]
    fn a_metric_without_a_value_is_never_replaced_and_blocks_the_way_down(case in case(), bad in invalid(), upper in load(), capacity in 0.1..2000.0) {
        if let Some(index) = case.forecast() {
            let mut case = case.planning(Some(planned(upper, capacity, true)));
            case.observation.samples.resize(case.policy.metrics.len(), Ok(0.0.into()));
            case.observation.samples[index] = bad;
            let d = case.decide();
            prop_assert!(matches!(d.proposals[index].outcome, Outcome::Invalid(_)));
            if !case.edited(&d) {
                prop_assert!(d.desired >= d.current);
            }
        }
    }

    #[test]
    fn a_higher_plan_never_means_fewer_replicas(case in case(), a in load(), b in load(), capacity in 0.1..2000.0) {
        if let Some(index) = case.forecast() {
            let (less, more) = if a <= b { (a, b) } else { (b, a) };
            let with = |upper| case.planning(Some(planned(upper, capacity, true))).decide();
            let (low, high) = (with(less), with(more));
            // A plan that rests leaves the metric its say, which may be more than a plan that does not.
            let replaced = |d: &Decision| matches!(d.proposals[index].outcome, Outcome::Replaced { .. });
            if replaced(&low) == replaced(&high) {
                prop_assert!(low.recommended <= high.recommended);
                prop_assert!(low.desired <= high.desired);
            }
        }
    }
}
