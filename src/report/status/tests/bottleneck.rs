//! The pods in the status: what is shown, what is worth a write, what a restart gets back.

use super::*;
use crate::engine::bottleneck::{self, Evidence, Finding, Look};
use crate::report::fixtures::pods;

fn watched(
    cpu: &[f64],
    memory: &[f64],
    load: Option<&[f64]>,
    previous: Option<&ScalingPolicyStatus>,
) -> ScalingPolicyStatus {
    let mut scene = scene("", 4, 780.0);
    scene.bottleneck = Some(pods(cpu, memory, load, 0));
    scene.status(previous)
}

/// The condition's status, reason and message.
#[track_caller]
fn said(status: &ScalingPolicyStatus) -> (&str, &str, &str) {
    let c = condition(status, BOTTLENECKED).unwrap();
    (&c.status, &c.reason, &c.message)
}

#[test]
fn bigger_pods_are_advised_with_the_evidence() {
    let status = watched(&[20.0, 60.0], &[90.0, 91.0], Some(&[100.0, 300.0]), None);
    check("bigger_pods", &status);
    assert_eq!(bigger_pods_advised(&status), Some(true));
}

#[test]
fn each_finding_has_its_status_and_words() {
    let even = [100.0; 3];
    for (cpu, load, expected, part) in [
        (
            [50.0; 3],
            None,
            ("False", "WithinLimits"),
            "nearest to it, cpu is at 50 %",
        ),
        (
            [95.0, 85.0, 80.0],
            None,
            ("False", "MoreReplicasHelp"),
            "more replicas share it",
        ),
        (
            [95.0, 20.0, 20.0],
            None,
            ("True", "LoadUnbalanced"),
            "cpu is at 95 % in pod checkout-0 (45 % on average of 3 pods; threshold 80 %)",
        ),
        (
            [95.0, 20.0, 20.0],
            Some(&[900.0, 100.0, 100.0]),
            ("True", "LoadUnbalanced"),
            "it has 2.45 times the mean load",
        ),
        (
            [95.0, 20.0, 20.0],
            Some(&even),
            ("True", "LoadUnbalanced"),
            "the load spreads evenly, so look at that pod",
        ),
        (
            [95.0, 20.0, 20.0],
            Some(&[100.0, 100.0, 900.0]),
            ("True", "LoadUnbalanced"),
            "most of the load is on pod checkout-2",
        ),
        (
            [f64::NAN; 3],
            None,
            ("Unknown", "SamplesMissing"),
            "cpu is not known (Empty: no pod has a sample",
        ),
    ] {
        let status = watched(&cpu, &[40.0; 3], load.map(|l| &l[..]), None);
        let (is, reason, message) = said(&status);
        assert_eq!((is, reason), expected);
        assert!(message.contains(part), "{part:?} not in: {message}");
        assert_eq!(bigger_pods_advised(&status), (is != "Unknown").then_some(false));
    }
    let status = watched(&[50.0, 50.0], &[90.0, 90.0], None, None);
    assert_eq!((said(&status).0, said(&status).1), ("Unknown", "NotYetSeen"));
    let status = watched(&[95.0], &[40.0], None, None);
    assert_eq!((said(&status).0, said(&status).1), ("Unknown", "OnePod"));
}

#[test]
fn without_the_field_nothing_is_said() {
    let status = scene("", 4, 780.0).status(None);
    assert_eq!(
        (status.bottleneck.as_ref(), condition(&status, BOTTLENECKED)),
        (None, None)
    );
}

#[test]
fn until_the_pods_are_seen_what_was_told_of_them_stands() {
    let told = watched(&[95.0, 20.0, 20.0], &[40.0; 3], None, None);
    assert_eq!((said(&told).0, said(&told).1), ("True", "LoadUnbalanced"));
    let mut scene = scene("", 4, 780.0);
    scene.awaited = true;
    let restarted = scene.status(Some(&told));
    assert_eq!(
        (&restarted.bottleneck, said(&restarted)),
        (&told.bottleneck, said(&told))
    );
    // Of nobody anything was told, and of another target nothing stands.
    let mut other = told.clone();
    other.damping.as_mut().unwrap().target_uid = Some("another".to_owned());
    for previous in [None, Some(&other)] {
        let status = scene.status(previous);
        assert_eq!((said(&status).0, said(&status).1), ("Unknown", "TooEarly"));
        assert_eq!(status.bottleneck, None);
    }
}

#[test]
fn a_percentage_alone_is_not_worth_a_write_and_a_finding_is() {
    let old = watched(&[50.0; 3], &[40.0; 3], None, None);
    let same = watched(&[20.0, 61.0, 30.0], &[44.0, 40.0, 40.0], None, Some(&old));
    assert!(!material(&old, &same));
    assert!(material(
        &old,
        &watched(&[95.0, 20.0, 20.0], &[40.0; 3], None, Some(&old))
    ));
    assert!(material(&old, &watched(&[f64::NAN; 3], &[40.0; 3], None, Some(&old))));
}

#[test]
fn without_a_decision_it_is_unknown_and_with_the_target_it_goes() {
    let old = watched(&[95.0, 20.0, 20.0], &[40.0; 3], None, None);
    let invalid = status(Situation::InvalidSpec(&invalid()), after(30), Some(&old));
    assert_eq!((said(&invalid).0, said(&invalid).1), ("Unknown", reason::NOT_EVALUATED));
    let gone = status(Situation::TargetNotFound(&target()), after(30), Some(&old));
    assert_eq!(gone.bottleneck, None);
}

#[test]
fn a_restart_goes_on_from_what_was_told() {
    let told = watched(&[20.0, 60.0], &[90.0, 91.0], None, None);
    let limits = bottleneck::Limits([Some(80.0), Some(85.0), None, None]);
    let look = |uid: &str| looked_at(Some(&told), uid).look(&limits, &Look::default(), after(5));
    let again = look(TARGET);
    assert_eq!(again.verdict.finding, Finding::UseNotShared);
    assert_eq!(
        Some(again.since),
        told.bottleneck.as_ref().unwrap().since.as_ref().map(|t| t.0)
    );
    let words = told.bottleneck.as_ref().unwrap().evidence.as_deref();
    assert_eq!(
        words,
        Some("where a pod's cpu was 67 % lower, its memory was 1 % lower")
    );
    assert!(matches!(&again.verdict.evidence, Some(Evidence::Told(said)) if Some(&**said) == words));
    // Told again without numbers, it says no less.
    let mut scene = scene("", 4, 780.0);
    scene.bottleneck = Some(again);
    let status = scene.status(Some(&told));
    assert!(!material(&told, &status) || status.bottleneck != told.bottleneck);
    assert!(
        said(&status)
            .2
            .starts_with("a bigger pod, not more of them: memory is near its limit; where")
    );
    // Of another target it says nothing.
    assert_eq!(look("another").verdict.finding, Finding::TooEarly);
}
