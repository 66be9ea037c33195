//! The page as a whole: every metric of the table is on it, under its stable name.

use super::*;
use crate::report::fixtures::{NOW, Scene, at, plan, pods, policy};

/// One of everything.
fn filled() -> (Metrics, Registry) {
    let (metrics, registry) = Metrics::new();
    let behavior = "behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}";
    let scene = Scene::new(policy(behavior), &[], 4, Ok(1530.0), at(NOW));
    metrics.decided(&scene.decision);
    metrics.policy(
        "shop",
        "checkout",
        &scene.status(None),
        Some((&scene.policy, &scene.decision)),
    );
    let earlier = at(NOW) - SignedDuration::from_secs(15);
    metrics.asked_for(("shop", "checkout"), 4, earlier, SignedDuration::from_secs(15), at(NOW));
    let planned = Scene::adaptive(plan(1600.0), 4, 1420.0, Ok(0.2));
    let decided = Some((&planned.policy, &planned.decision));
    metrics.policy("shop", "planned", &planned.status(None), decided);
    let mut watched = Scene::new(policy(""), &[], 4, Ok(780.0), at(NOW));
    watched.bottleneck = Some(pods(&[20.0, 60.0], &[90.0, 91.0], Some(&[10.0, 90.0]), 0));
    metrics.policy("shop", "watched", &watched.status(None), None);
    metrics.queried("default", Duration::from_millis(7), Some(Cause::Empty));
    metrics.reconciled(Duration::from_millis(9), Some(ErrorKind::Target));
    metrics.scale_written(WriteOutcome::Succeeded);
    metrics.status_written(WriteOutcome::Conflict);
    metrics.late(Duration::from_millis(3));
    metrics.requested(&ApiRequest {
        verb: "patch",
        resource: "deployments/scale".to_owned(),
        code: "200".to_owned(),
    });
    for held in [false, true, true, false, true] {
        metrics.lease("headroom", held);
    }
    (metrics, registry)
}

#[test]
fn what_is_exposed_is_what_the_table_says() {
    let text = encode(&filled().1).unwrap();
    for described in ALL {
        let name = described.full_name();
        let samples: Vec<&str> = text.lines().filter(|l| l.starts_with(&name)).collect();
        assert!(!samples.is_empty(), "{name} is not exposed:\n{text}");
        for label in described.labels {
            assert!(
                samples[0].contains(&format!("{label}=\"")),
                "{name} has no label {label}"
            );
        }
        let help = format!("# HELP {PREFIX}_{} {}.", described.name, described.help);
        assert!(text.contains(&help), "{help}");
    }
    assert_eq!(text.lines().filter(|l| l.starts_with("# TYPE")).count(), ALL.len());
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn labels_are_the_stable_names() {
    let text = encode(&filled().1).unwrap();
    for line in [
        r#"headroom_decisions_total{winner="metric",action="scale_up"} 1"#,
        r#"headroom_blocked_total{reason="ScaleUpLimit"} 1"#,
        r#"headroom_policy_current_replicas{namespace="shop",policy="checkout"} 6"#,
        r#"headroom_policy_desired_replicas{namespace="shop",policy="checkout"} 6"#,
        r#"headroom_policy_ready_replicas{namespace="shop",policy="checkout"} 4"#,
        r#"headroom_policy_ready{namespace="shop",policy="checkout"} 1"#,
        r#"headroom_policy_conflicted{namespace="shop",policy="checkout"} 0"#,
        r#"headroom_policy_replicas_contested{namespace="shop",policy="checkout"} 0"#,
        r#"headroom_policy_min_replicas{namespace="shop",policy="checkout"} 2.0"#,
        r#"headroom_policy_max_replicas{namespace="shop",policy="checkout"} 20.0"#,
        r#"headroom_policy_load{namespace="shop",policy="planned"} 1420.0"#,
        r#"headroom_policy_proposed_replicas{namespace="shop",policy="checkout",source="metric"} 8.0"#,
        r#"headroom_policy_metric_failing{namespace="shop",policy="checkout",metric="requests"} 0.0"#,
        r#"headroom_policy_held{namespace="shop",policy="checkout",reason="ScaleUpLimit"} 1.0"#,
        r#"headroom_policy_replica_seconds_total{namespace="shop",policy="checkout"} 60.0"#,
        r#"headroom_reconcile_lag_seconds_count 1"#,
        r#"headroom_api_requests_total{verb="patch",resource="deployments/scale",code="200"} 1"#,
        r#"headroom_policy_forecast_load{namespace="shop",policy="planned"} 1429"#,
        r#"headroom_policy_forecast_load_bound{namespace="shop",policy="planned"} 1600"#,
        r#"headroom_policy_forecast_margin_ratio{namespace="shop",policy="planned"} 0.12"#,
        r#"headroom_policy_forecast_replica_capacity{namespace="shop",policy="planned"} 250"#,
        r#"headroom_policy_forecast_shortfall_ratio{namespace="shop",policy="planned"} 0.0004"#,
        r#"headroom_policy_forecast_shortfall_objective_ratio{namespace="shop",policy="planned"} 0.001"#,
        r#"headroom_policy_forecast_error_ratio{namespace="shop",policy="planned"} 0.04"#,
        r#"headroom_policy_forecast_naive_error_ratio{namespace="shop",policy="planned"} 0.06"#,
        r#"headroom_policy_forecast_trusted{namespace="shop",policy="planned"} 1"#,
        r#"headroom_policy_objective_met{namespace="shop",policy="planned"} 1"#,
        r#"headroom_policy_utilization_ratio{namespace="shop",policy="watched",resource="memory"} 0.91"#,
        r#"headroom_policy_imbalance_ratio{namespace="shop",policy="watched",resource="cpu"} 1.5"#,
        r#"headroom_policy_imbalance_ratio{namespace="shop",policy="watched",resource="load"} 1.8"#,
        r#"headroom_policy_bigger_pods_advised{namespace="shop",policy="watched"} 1"#,
        r#"headroom_metric_query_errors_total{server="default",cause="Empty"} 1"#,
        r#"headroom_metric_query_duration_seconds_count{server="default"} 1"#,
        r#"headroom_reconcile_errors_total{kind="target"} 1"#,
        r#"headroom_scale_writes_total{outcome="succeeded"} 1"#,
        r#"headroom_status_writes_total{outcome="conflict"} 1"#,
        r#"headroom_leader{lease="headroom"} 1"#,
        r#"headroom_lease_transitions_total{lease="headroom"} 3"#,
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
}

#[test]
fn a_deleted_policy_leaves_no_series() {
    let (metrics, registry) = filled();
    metrics.forget_policy("shop", "checkout");
    metrics.forget_policy("shop", "planned");
    metrics.forget_policy("shop", "watched");
    assert!(!encode(&registry).unwrap().contains("shop"));
}
