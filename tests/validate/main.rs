//! `validate::policy`: good manifests become the policy that they say; bad ones are refused with field, value, remedy.
//!
//! The manifests below `tests/manifests` are judged by the API server too (`tests/cluster*`); here `validate.rs` alone
//! has to refuse them, because `simulate` reads files that no API server has seen.

mod bottleneck;
mod prediction;
mod rules;
mod schedules;

use std::path::{Path, PathBuf};

use headroom::api::ScalingPolicy;
use headroom::engine::forecast::Objective;
use headroom::engine::policy::{
    Amount, Behavior, End, Lead, Mode, Policy, PredictionMode, RatePolicy, Rule, ScalingRules, SelectPolicy, Target,
    When,
};
use headroom::validate::{self, Invalid};
use jiff::SignedDuration;
use jiff::civil::date;

fn manifests(folder: &str) -> Vec<(PathBuf, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<_> = files
        .map(|p| (p.clone(), std::fs::read_to_string(p).unwrap()))
        .collect();
    all.sort();
    all
}

fn good(name: &str) -> Policy {
    let all = manifests("tests/manifests/good");
    let (_, text) = all
        .iter()
        .find(|(p, _)| p.file_stem().is_some_and(|s| s == name))
        .unwrap();
    let policy: ScalingPolicy = serde_yaml::from_str(text).unwrap();
    validate::policy(&policy.spec).unwrap()
}

/// The problems of a policy with this spec beside a targetRef.
fn problems(spec: &str) -> Vec<validate::Problem> {
    let head = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: x}\n";
    let spec = serde_yaml::from_str(&format!("{head}{spec}")).unwrap();
    match validate::policy(&spec) {
        Ok(policy) => panic!("accepted: {policy:?}"),
        Err(Invalid(problems)) => problems,
    }
}

/// Exactly one problem, in this field, whose message has each of these.
#[track_caller]
fn check(spec: &str, field: &str, message: &[&str]) {
    let found = problems(spec);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].field, field, "{}", found[0]);
    for part in message {
        assert!(found[0].message.contains(part), "{part:?} not in: {}", found[0]);
    }
}

#[test]
fn the_policy_of_readme_is_accepted() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks = readme
        .split("```yaml\n")
        .skip(1)
        .map(|b| b.split("```").next().unwrap());
    let policies: Vec<&str> = blocks.filter(|b| b.contains("kind: ScalingPolicy")).collect();
    assert_eq!(policies.len(), 1);
    let policy: ScalingPolicy = serde_yaml::from_str(policies[0]).unwrap();
    validate::policy(&policy.spec).unwrap();
}

#[test]
fn every_good_manifest_and_sample_is_accepted() {
    let mut all = manifests("tests/manifests/good");
    assert!(all.len() >= 5);
    all.extend(manifests("deploy/samples"));
    for (path, text) in all {
        // Read as from a watch: after the API server, nulls without meaning are gone and defaults are there.
        let without_nulls = text
            .replace("minReplicas: null", "")
            .replace("mode: null", "")
            .replace("server: null", "");
        let without_nulls = without_nulls.replace("timeZone: null, ", "");
        let policy: ScalingPolicy =
            serde_yaml::from_str(&without_nulls).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            validate::policy(&policy.spec).is_ok(),
            "{}: {:?}",
            path.display(),
            validate::policy(&policy.spec)
        );
    }
}

#[test]
fn every_bad_manifest_is_refused_without_an_api_server() {
    let all = manifests("tests/manifests/bad");
    assert!(all.len() >= 40);
    for (path, text) in all {
        assert!(
            text.starts_with("# expect: spec."),
            "{}: say what is expected",
            path.display()
        );
        let refused = match serde_yaml::from_str::<ScalingPolicy>(&text) {
            Err(_) => true,
            Ok(policy) => validate::policy(&policy.spec).is_err(),
        };
        assert!(refused, "{} was accepted", path.display());
    }
}

#[test]
fn a_full_manifest_says_what_it_means() {
    let p = good("full");
    assert_eq!((p.bounds.min, p.bounds.max), (3, 50));
    assert_eq!((p.interval, p.mode), (SignedDuration::from_secs(15), Mode::DryRun));
    let metrics: Vec<_> = p.metrics.iter().map(|m| (&*m.name, m.rule)).collect();
    assert_eq!(
        metrics,
        [
            ("requests", Rule::Target(Target::AverageValue(1000.0))),
            ("latency", Rule::Target(Target::Value(0.5)))
        ]
    );

    let limits: Vec<_> = p.schedules.iter().map(|s| (&*s.name, s.floor, s.ceiling)).collect();
    let expected = [
        ("business-hours", Some(10), None),
        ("night", None, Some(5)),
        ("sale", Some(30), Some(120)),
        ("drill", Some(20), Some(20)),
    ];
    assert_eq!(limits, expected);
    let zones: Vec<_> = p.schedules.iter().map(|s| s.zone.iana_name()).collect();
    assert_eq!(
        zones,
        [
            Some("Europe/Zurich"),
            Some("UTC"),
            Some("America/New_York"),
            Some("UTC")
        ]
    );
    let recurring = |i: usize| match &p.schedules[i].when {
        When::Recurring(recurrence) => &**recurrence,
        once => panic!("{once:?}"),
    };
    let End::At(end) = &recurring(0).end else {
        panic!("business hours end at a time of day")
    };
    assert_eq!(end.pattern.to_string(), "0 18 * * 1-5");
    assert_eq!(recurring(0).except, [date(2026, 12, 25), date(2027, 1, 1)]);
    assert!(matches!(recurring(1).end, End::After(d) if d == SignedDuration::from_hours(8)));
    let When::Once { from, until } = p.schedules[2].when else {
        panic!("a sale is once")
    };
    assert_eq!(from, date(2026, 11, 27).at(0, 0, 0, 0));
    assert_eq!(until, date(2026, 11, 30).at(23, 59, 59, 0));
    let leads: Vec<_> = p.schedules.iter().map(|s| s.lead).collect();
    let fixed = Lead::Fixed(SignedDuration::from_mins(15));
    assert_eq!(leads, [Some(Lead::Auto), None, Some(fixed), None], "0s is none");

    let prediction = p.prediction.unwrap();
    assert_eq!((prediction.metric, prediction.mode), (0, PredictionMode::ScaleOut));
    assert_eq!(prediction.lead, Lead::Fixed(SignedDuration::from_mins(3)));
    assert_eq!(prediction.history, SignedDuration::from_hours(28 * 24));
    let objective = Objective {
        capacity: 1400.0,
        target: 1000.0,
        shortfall: 0.0005,
        max_margin: 0.625,
    };
    assert_eq!((prediction.objective, prediction.signal), (Some(objective), Some(0.5)));

    let rate = |amount, seconds| RatePolicy {
        amount,
        period: SignedDuration::from_secs(seconds),
    };
    let up = ScalingRules {
        stabilization: SignedDuration::from_secs(30),
        policies: vec![rate(Amount::Percent(50), 60), rate(Amount::Pods(4), 15)],
        select: SelectPolicy::Min,
        tolerance: 0.05,
        cooldown: SignedDuration::from_secs(60),
    };
    let down = ScalingRules {
        stabilization: SignedDuration::from_secs(600),
        policies: vec![rate(Amount::Percent(10), 60)],
        select: SelectPolicy::Disabled,
        tolerance: 0.0,
        cooldown: SignedDuration::from_secs(120),
    };
    assert_eq!(p.behavior, Behavior { up, down });
}

#[test]
fn what_is_not_given_has_hpa_s_default() {
    let least = good("least");
    assert_eq!(
        (least.bounds.min, least.interval, least.mode),
        (1, SignedDuration::from_secs(15), Mode::Active)
    );
    assert_eq!(least.behavior, Behavior::default());
    assert_eq!(good("hpa-behavior").behavior, Behavior::default());
}

#[test]
fn quantities_are_kubernetes_own() {
    let values: Vec<_> = good("numbers").metrics.iter().map(|m| m.rule.target()).collect();
    let expected = [
        Target::AverageValue(5e9),
        Target::AverageValue(2.0 * 1024.0 * 1024.0 * 1024.0),
        Target::Value(0.5),
        Target::Value(1000.0),
        Target::Value(1e-9),
    ];
    assert_eq!(values, expected.map(Some));
}

const METRIC: &str = "metrics: [{name: requests, prometheus: {query: up}, target: {averageValue: 100}}, {name: p90, prometheus: {query: up}, target: {value: 1}}]\n";

#[test]
fn bounds() {
    let m = METRIC;
    check(
        &format!("{m}minReplicas: 12\nmaxReplicas: 10"),
        "minReplicas",
        &["12 exceeds maxReplicas (10)", "lower it"],
    );
    check(
        &format!("{m}minReplicas: 0\nmaxReplicas: 0"),
        "maxReplicas",
        &["0 is not a replica count", "from 1 up"],
    );
    check(
        &format!("{m}minReplicas: -3\nmaxReplicas: 10"),
        "minReplicas",
        &["-3 is not a replica count"],
    );
    check(
        &format!("{m}maxReplicas: 2000000"),
        "maxReplicas",
        &["2000000", "1000000"],
    );
    check(
        "maxReplicas: 10",
        "metrics",
        &["nothing to scale by", "metrics or schedules"],
    );
}

#[test]
fn quantities() {
    let target = |t: &str| format!("maxReplicas: 9\nmetrics: [{{name: a, prometheus: {{query: up}}, target: {t}}}]");
    let average = "metrics[a].target.averageValue";
    // As YAML, so that numbers and strings come as people write them. 1e40 is beyond the parser's decimals.
    let bad = "0 '0' -5 '-0.5' abc '' NaN inf '-inf' 1x '10_' '1_k' '1e40' '0x10' '1,5'";
    for value in bad.split(' ').map(|v| v.replace('_', " ")) {
        let shown = value.trim_matches('\'');
        let text = target(&format!("{{averageValue: {value}}}"));
        check(&text, average, &[shown, "quantity above 0", "500m"]);
    }
    let name = "maxReplicas: 9\nmetrics: [{name: Requests!, prometheus: {query: up}, target: {value: 1}}]";
    check(
        name,
        "metrics[Requests!].name",
        &["\"Requests!\" is not a name", "lower case"],
    );
    check(
        &target("{}"),
        "metrics[a].target",
        &["exactly one of value, averageValue and averageUtilization"],
    );
    check(
        &target("{value: 1, averageValue: 1}"),
        "metrics[a].target",
        &["exactly one"],
    );
    let query = "maxReplicas: 9\nmetrics: [{name: a, prometheus: {query: ' '}, target: {value: 1}}]";
    check(query, "metrics[a].prometheus.query", &["empty", "PromQL"]);
    let m = "maxReplicas: 9\nmetrics: [{name: a, prometheus: {query: up}, target: {value: 1}}, {name: a, prometheus: {query: up}, target: {value: 1}}]";
    check(m, "metrics[a].name", &["\"a\" is used twice"]);
}

#[test]
fn durations() {
    let interval = |d: &str| format!("maxReplicas: 9\n{METRIC}interval: {d:?}");
    for bad in [
        "5x",
        "1y",
        "",
        "15",
        "-5s",
        "s",
        "1.5s",
        "PT5S",
        "5 parsecs",
        "99999999999999999999s",
    ] {
        check(
            &interval(bad),
            "interval",
            &[&format!("{bad:?}"), "is not a duration such as 15s"],
        );
    }
    for bad in ["0s", "2h", "1d", "1w"] {
        check(
            &interval(bad),
            "interval",
            &[&format!("{bad:?}"), "out of range", "1s", "1h"],
        );
    }
}

#[test]
fn behavior() {
    let b = |b: &str| format!("maxReplicas: 9\n{METRIC}behavior: {{scaleDown: {{{b}}}}}");
    let field = |f: &str| format!("behavior.scaleDown.{f}");
    check(
        &b("stabilizationWindowSeconds: 3601"),
        &field("stabilizationWindowSeconds"),
        &["3601", "0 to 3600"],
    );
    check(
        &b("stabilizationWindowSeconds: -1"),
        &field("stabilizationWindowSeconds"),
        &["-1", "0 to 3600"],
    );
    check(
        &b("cooldownSeconds: 100000"),
        &field("cooldownSeconds"),
        &["100000", "0 to 86400"],
    );
    check(&b("tolerance: \"-0.1\""), &field("tolerance"), &["-0.1", "from 0 up"]);
    check(&b("tolerance: a lot"), &field("tolerance"), &["a lot", "from 0 up"]);
    check(&b("policies: []"), &field("policies"), &["is empty", "Disabled"]);
    for (value, period) in [(0, 15), (-1, 15), (4, 0), (4, 1801), (2_000_000, 15)] {
        let text = b(&format!(
            "policies: [{{type: Pods, value: {value}, periodSeconds: {period}}}]"
        ));
        check(
            &text,
            &field("policies[0]"),
            &[&value.to_string(), &period.to_string(), "1 to 1800"],
        );
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = problems(
        "minReplicas: -2\nmaxReplicas: -1\ninterval: 5x\nmetrics: [{name: a, prometheus: {query: ''}, target: {}}]\n\
         schedules: [{name: w, timeZone: Nowhere, start: often}]\nprediction: {metric: b, leadTime: 2h}\n\
         behavior: {scaleUp: {cooldownSeconds: -1}}",
    );
    let fields: Vec<_> = found.iter().map(|p| p.field.as_str()).collect();
    for field in [
        "minReplicas",
        "maxReplicas",
        "interval",
        "metrics[a].target",
        "metrics[a].prometheus.query",
        "schedules[w].timeZone",
        "schedules[w].start",
        "schedules[w].end",
        "schedules[w].replicas",
        "prediction.metric",
        "prediction.leadTime",
        "behavior.scaleUp.cooldownSeconds",
    ] {
        assert!(fields.contains(&field), "{field} not in {fields:?}");
    }
    let text = Invalid(found.clone()).to_string();
    assert!(found.iter().all(|p| text.contains(&p.to_string())));
}
