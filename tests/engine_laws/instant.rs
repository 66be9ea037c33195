//! Laws of one decision, from states that random histories left behind.

use headroom::engine::decide;
use headroom::engine::decision::{Abstention, Action, Decision, Outcome, Proposal};
use headroom::engine::observation::{Observation, Replicas};
use headroom::engine::policy::{Mode, Policy, PredictionMode};
use headroom::engine::propose::scheduled;
use headroom::engine::state::State;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::generate::{forecast, invalid, load, policy, prophecy, start, step};
use crate::run::Run;

/// A policy, the state after a random history, a last observation, and its instant.
#[derive(Clone, Debug)]
pub struct Case {
    pub policy: Policy,
    pub state: State,
    pub observation: Observation,
    pub now: Timestamp,
}

pub fn case() -> impl Strategy<Value = Case> {
    let mode = prop_oneof![6 => Just(Mode::Active), 1 => Just(Mode::DryRun), 1 => Just(Mode::Paused)];
    // The edited maxReplicas: the state was made under another one.
    let edit = prop_oneof![2 => Just(None), 1 => (1..80_u32).prop_map(Some)];
    (
        policy(),
        1..80_u32,
        prop::collection::vec(step(), 0..40),
        step(),
        mode,
        edit,
    )
        .prop_map(|(policy, current, steps, last, mode, edit)| {
            let mut run = Run::after(policy, current, start(), &steps);
            let observation = run.observe(&last);
            let mut policy = run.policy;
            policy.mode = mode;
            if let Some(max) = edit {
                policy.bounds.max = max.max(policy.bounds.min);
            }
            Case {
                policy,
                state: run.state,
                observation,
                now: run.now,
            }
        })
}

impl Case {
    pub fn decide(&self) -> Decision {
        decide(&self.policy, &self.state, &self.observation, self.now)
    }

    /// An edit lowered `maxReplicas` below what the target last obeyed, and no window's ceiling governs instead.
    pub fn edited(&self, decision: &Decision) -> bool {
        decision.range.ceiling_by.is_none() && self.state.obeyed_max().is_some_and(|o| self.policy.bounds.max < o)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bounds_hold(case in case()) {
        let d = case.decide();
        let (floor, ceiling) = (d.range.floor, d.range.ceiling);

        // The range, counted anew from what is open.
        let open: Vec<_> = case.policy.schedules.iter().filter(|s| scheduled::window(s, case.now).active).collect();
        let warming = case.policy.schedules.iter().zip(&d.windows).filter(|(_, w)| w.warming(case.now)).map(|(s, _)| s);
        let floors = open.iter().copied().chain(warming).filter_map(|s| s.floor).chain([case.policy.bounds.min]);
        prop_assert_eq!(floor, floors.max().unwrap());
        let highest = open.iter().filter_map(|s| s.ceiling).max().unwrap_or(case.policy.bounds.max);
        prop_assert_eq!(ceiling, highest.max(floor));

        let blind = d.invalid().next().is_some();
        prop_assert!(d.recommended >= floor);
        let most = if blind { ceiling.max(d.current) } else { ceiling };
        prop_assert!(d.recommended <= most);

        match d.action {
            Action::Disabled => prop_assert_eq!((d.current, d.desired), (0, 0)),
            Action::Paused => prop_assert_eq!(d.desired, d.current),
            _ => {
                prop_assert!(d.desired >= floor, "below the floor");
                prop_assert!(d.desired <= ceiling.max(d.current), "growth beyond the ceiling");
                if case.edited(&d) {
                    prop_assert!(d.desired <= ceiling, "an edit of maxReplicas acts at once");
                }
            }
        }
        match d.action {
            Action::Scale { to, .. } | Action::WouldScale { to } => prop_assert!(to == d.desired && to != d.current),
            _ => prop_assert_eq!(d.desired, d.current),
        }
    }

    #[test]
    fn the_limits_tell_the_whole_way_from_the_winner_to_desired(case in case()) {
        let d = case.decide();
        if d.action != Action::Disabled {
            let proposed = d.winner.map(|i| &d.proposals[i].outcome);
            let mut at = match proposed {
                Some(Outcome::Replicas { replicas, .. }) => *replicas,
                _ => d.current,
            };
            for limit in &d.limits {
                prop_assert_eq!(limit.before, at);
                prop_assert_ne!(limit.before, limit.after);
                at = limit.after;
            }
            prop_assert_eq!(at, d.desired);
        }
    }

    #[test]
    fn the_winner_is_the_largest(case in case()) {
        let d = case.decide();
        let said = |o: &Outcome| match o { Outcome::Replicas { replicas, .. } => Some(*replicas), _ => None };
        let most = d.proposals.iter().filter_map(|p| said(&p.outcome)).max();
        prop_assert_eq!(d.winner.and_then(|i| said(&d.proposals[i].outcome)), most);
    }

    #[test]
    fn same_inputs_same_decision(case in case()) {
        // By text: a NaN in a refused forecast is not equal to itself.
        prop_assert_eq!(format!("{:?}", case.decide()), format!("{:?}", case.clone().decide()));
    }

    #[test]
    fn more_load_never_means_fewer_replicas(case in case(), which in 0..4_usize, a in load(), b in load()) {
        let (less, more) = if a <= b { (a, b) } else { (b, a) };
        if which < case.policy.metrics.len() {
            let with = |value: f64| {
                let mut case = case.clone();
                case.observation.samples.resize(case.policy.metrics.len(), Ok(0.0.into()));
                case.observation.samples[which] = Ok(value.into());
                case.decide()
            };
            let (low, high) = (with(less), with(more));
            let said = |d: &Decision| match d.proposals[which].outcome { Outcome::Replicas { replicas, .. } => replicas, _ => 0 };
            prop_assert!(said(&low) <= said(&high));
            prop_assert!(low.desired <= high.desired);
            prop_assert!(low.recommended <= high.recommended);
        }
    }

    #[test]
    fn a_metric_without_a_value_never_scales_down(case in case(), which in 0..4_usize, bad in prop::option::of(invalid())) {
        if which < case.policy.metrics.len() {
            let mut case = case;
            match bad {
                Some(bad) if which < case.observation.samples.len() => case.observation.samples[which] = bad,
                // Missing: the list ends before it.
                _ => case.observation.samples.truncate(which),
            }
            let d = case.decide();
            // At zero there are no pods to have a value of, and nothing below to scale to.
            if d.current > 0 || case.policy.metrics[which].pods.is_none() {
                prop_assert!(matches!(d.proposals[which].outcome, Outcome::Invalid(_)));
            }
            if !case.edited(&d) {
                prop_assert!(d.desired >= d.current);
            }
        }
    }

    #[test]
    fn a_metric_without_a_value_does_not_hinder_growth(case in case(), bad in invalid()) {
        // One more metric that fails, after those that are there: growth goes on as without it.
        let mut blind = case.clone();
        if let Some(metric) = case.policy.metrics.first() {
            blind.policy.metrics.push(metric.clone());
            blind.observation.samples.resize(case.policy.metrics.len(), Ok(0.0.into()));
            blind.observation.samples.push(bad);
            let mut seeing = case;
            seeing.observation.samples.resize(seeing.policy.metrics.len(), Ok(0.0.into()));
            let (with, without) = (blind.decide(), seeing.decide());
            let (with_it, without_it) = (with.desired.max(with.current), without.desired.max(without.current));
            // Where every metric that could wake the target was idle, pods had no say; one that fails may not be idle,
            // so they have it again, and can only add.
            let rested = |p: &Proposal| p.outcome == Outcome::Abstains(Abstention::MayRest);
            if without.proposals.iter().any(rested) {
                prop_assert!(with_it >= without_it);
            } else {
                prop_assert_eq!(with_it, without_it);
            }
        }
    }

    #[test]
    fn a_preview_changes_nothing(case in case(), with in forecast()) {
        let mut case = case;
        if let Some(p) = &mut case.policy.prediction { p.mode = PredictionMode::Preview; }
        case.observation.forecast = None;
        let without = case.decide();
        case.observation.forecast = with;
        let with = case.decide();
        prop_assert_eq!(strip(with), strip(without));
    }

    #[test]
    fn a_forecast_only_raises(case in case(), upper in load()) {
        let mut case = case;
        if let Some(p) = &mut case.policy.prediction { p.mode = PredictionMode::ScaleOut; }
        case.observation.forecast = None;
        let without = case.decide();
        case.observation.forecast = Some(prophecy(upper, true));
        let with = case.decide();
        prop_assert!(with.desired >= without.desired);
        prop_assert!(with.recommended >= without.recommended);
    }

    #[test]
    fn a_forecast_that_abstains_changes_nothing(case in case(), upper in load(), nonsense in prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0])) {
        let mut case = case;
        case.observation.forecast = None;
        let without = case.decide();
        case.observation.forecast = Some(prophecy(upper, false));
        prop_assert_eq!(strip(case.decide()), strip(without.clone()));
        case.observation.forecast = Some(prophecy(nonsense, true));
        prop_assert_eq!(strip(case.decide()), strip(without));
    }

    #[test]
    fn no_input_panics(
        case in case(),
        spec in any::<u32>(),
        ready in any::<Option<u32>>(),
        values in prop::collection::vec(any::<f64>(), 0..6),
        upper in any::<f64>(),
        startup in any::<Option<i64>>(),
        nanos in prop_oneof![Just(Timestamp::MIN.as_nanosecond()), Just(Timestamp::MAX.as_nanosecond()), Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond()],
    ) {
        let observation = Observation {
            signal: None,
            replicas: Replicas { spec, ready },
            samples: values.into_iter().map(|v| Ok(v.into())).collect(),
            forecast: Some(prophecy(upper, true)),
            startup: startup.map(SignedDuration::from_secs),
        };
        let now = Timestamp::from_nanosecond(nanos).unwrap();
        let mut state = case.state;
        let d = decide(&case.policy, &state, &observation, now);
        state.record(&case.policy, &d);
        let again = decide(&case.policy, &state, &observation, case.now);
        state.record(&case.policy, &again);
        prop_assert!(again.desired <= again.range.ceiling.max(spec));
    }
}

/// The decision without its proposals, which do show a forecast.
pub fn strip(d: Decision) -> impl std::fmt::Debug + PartialEq {
    (
        d.recommended,
        d.limits,
        d.desired,
        d.action,
        d.range,
        d.next_eligible,
        d.windows,
    )
}
