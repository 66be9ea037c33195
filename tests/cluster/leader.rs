//! Several operators: one acts, the others stand by, and nobody acts without the Lease.
//!
//! The Deployment's generation counts the writes, the policy's scale events what was decided.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use headroom::api::ScalingPolicy;
use headroom::controller::Shards;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Resource;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::harness::{Operator, Stage, polled, wanted};
use crate::rights;

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics: [{name: m, prometheus: {query: q}, target: {averageValue: 100}}]
behavior: {scaleUp: {policies: [{type: Pods, value: 20, periodSeconds: 15}]}}
";

/// The shortest Lease that there is.
const SHORT: &[&str] = &["--lease-duration", "3s"];

/// An operator of the stage's namespace that stands for the stage's Lease.
fn candidate(stage: &Stage, name: &str, options: &[&str]) -> Operator {
    let mut all = vec!["--namespace", &stage.namespace, "--lease-namespace", &stage.namespace];
    all.extend(["--leader-elect", "--identity", name]);
    all.extend(options);
    let prometheus = format!("default={}", stage.metrics.url());
    stage.spawn(name, &prometheus, stage.cluster.kubeconfig(), &all)
}

fn leases(stage: &Stage) -> Api<Lease> {
    Api::namespaced(stage.client.clone(), &stage.namespace)
}

/// Makes the Lease somebody's, or nobody's.
async fn given_to(stage: &Stage, lease: &str, holder: Option<&str>, seconds: Option<i32>) {
    let now = holder.map(|_| format!("{:.6}", headroom::clock::now()));
    let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": seconds, "acquireTime": now, "renewTime": now});
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(json!({"spec": spec})));
    leases(stage).patch(lease, &parameters, &patch).await.unwrap();
}

/// How many Leases the operator holds.
async fn held(operator: &Operator) -> f64 {
    operator.count("headroom_leader{").await
}

async fn until_held(operator: &Operator, leases: f64) {
    let enough = async || (held(operator).await == leases).then_some(());
    polled(&format!("{leases} Leases held"), enough).await;
}

/// The changes that the policy made, as it remembers them.
async fn changes(stage: &Stage) -> Vec<(u32, u32)> {
    let status = stage.policies().get("web").await.unwrap().status.unwrap();
    let events = status.damping.unwrap_or_default().scale_events;
    events
        .iter()
        .map(|e| (e.from.try_into().unwrap(), e.to.try_into().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_s_standby_decides() {
    let stage = Stage::set("killed").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 2).await;
    let mut leader = candidate(&stage, "first", SHORT);
    leader.ready().await;
    until_held(&leader, 1.0).await;
    let mut standby = candidate(&stage, "second", SHORT);
    // Ready as well: its caches are filled.
    standby.ready().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    leader.decides(2.0).await;
    assert_eq!(standby.count("headroom_decisions_total").await, 0.0);
    assert_eq!(held(&standby).await, 0.0);
    assert!(!standby.page().await.contains("headroom_policy_desired_replicas{"));
    let generation = stage.generation("web").await;

    leader.process.kill().unwrap();
    stage.metrics.says(800.0);
    stage.until_replicas("web", 8).await;
    standby.decides(3.0).await;
    assert_eq!(held(&standby).await, 1.0);
    assert_eq!(standby.count("headroom_lease_transitions_total").await, 1.0);
    assert_eq!(stage.generation("web").await, generation + 1, "one change, one write");
    assert_eq!(changes(&stage).await, [(2, 5), (5, 8)], "none is lost, none is doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_hands_over_sooner_than_the_lease_would_expire() {
    let stage = Stage::set("handover").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 2).await;
    let long = ["--lease-duration", "60s"];
    let mut leader = candidate(&stage, "first", &long);
    leader.ready().await;
    until_held(&leader, 1.0).await;
    let mut standby = candidate(&stage, "second", &long);
    standby.ready().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let generation = stage.generation("web").await;
    stage.metrics.says(800.0);
    let asked = Instant::now();
    leader.process.ask_to_stop();
    let log = leader.log.clone();
    drop(leader); // waits for the end
    until_held(&standby, 1.0).await;
    assert!(asked.elapsed() < Duration::from_secs(40), "{:?}", asked.elapsed());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("the Lease is released"), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
    stage.until_replicas("web", 8).await;
    standby.decides(2.0).await;
    assert_eq!(stage.generation("web").await, generation + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_lease_was_taken_writes_nothing_more() {
    let stage = Stage::set("taken").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 2).await;
    let mut leader = candidate(&stage, "first", SHORT);
    leader.ready().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    given_to(&stage, "headroom", Some("somebody-else"), Some(3600)).await;
    until_held(&leader, 0.0).await;
    let (generation, decisions) = (
        stage.generation("web").await,
        leader.count("headroom_decisions_total").await,
    );
    let page = leader.page().await;
    assert!(
        !page.contains("headroom_policy_desired_replicas{"),
        "it shows what another decides now: {page}"
    );

    // A clock that ticks in decisions: an operator of its own, for a policy of its own.
    let options = ["--lease-name", "clock", "--policy-selector", "clock=yes"];
    let mut clock = candidate(&stage, "clock", &options);
    clock.ready().await;
    stage
        .policy(
            "clock",
            &format!("{SPEC}targetRef: {{apiVersion: apps/v1, kind: Deployment, name: clock}}"),
        )
        .await;
    let label = Patch::Merge(json!({"metadata": {"labels": {"clock": "yes"}}}));
    stage
        .policies()
        .patch("clock", &PatchParams::default(), &label)
        .await
        .unwrap();
    stage.deployment("clock", 2).await;
    stage.until_replicas("clock", 5).await;
    stage.metrics.says(900.0);
    stage.until_replicas("clock", 9).await;
    clock.decides(5.0).await;
    assert_eq!(stage.generation("web").await, generation, "nothing was written");
    assert_eq!(leader.count("headroom_decisions_total").await, decisions, "nor decided");
    assert_eq!(
        clock.page().await.matches("headroom_policy_desired_replicas{").count(),
        1,
        "the selected policy only"
    );

    given_to(&stage, "headroom", None, None).await;
    stage.until_replicas("web", 9).await;
    assert_eq!(
        leader.count("headroom_lease_transitions_total").await,
        3.0,
        "gained, lost, gained"
    );
}

/// Two Deployments whose policies belong to different shards of two.
fn one_of_each(stage: &Stage) -> [String; 2] {
    let shards = Shards::elected(2);
    let shard = |name: &str| {
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
        let object = json!({
            "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy",
            "metadata": {"name": name, "namespace": stage.namespace}, "spec": {"targetRef": target, "maxReplicas": 9}
        });
        shards.of(&serde_json::from_value::<ScalingPolicy>(object).unwrap())
    };
    let names = || (0..).map(|i| format!("web-{i}"));
    [0, 1].map(|of| names().find(|name| shard(name) == of).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_are_split_and_the_survivor_takes_all() {
    let stage = Stage::set("shards").await;
    stage.metrics.says(500.0);
    // Held by nobody who lives, so that both stand by before either Lease falls free.
    for lease in ["headroom-0", "headroom-1"] {
        let object = json!({"metadata": {"name": lease}});
        let object = serde_json::from_value(object).unwrap();
        leases(&stage).create(&PostParams::default(), &object).await.unwrap();
        given_to(&stage, lease, Some("before"), Some(10)).await;
    }
    let options = [SHORT, &["--shards", "2"]].concat();
    let mut both = [
        candidate(&stage, "first", &options),
        candidate(&stage, "second", &options),
    ];
    for operator in &mut both {
        operator.ready().await;
    }
    let names = one_of_each(&stage);
    for name in &names {
        stage.deployment(name, 2).await;
        let target = format!("targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}");
        stage.policy(name, &format!("{SPEC}{target}")).await;
    }
    for operator in &both {
        until_held(operator, 1.0).await;
    }
    for name in &names {
        stage.until_replicas(name, 5).await;
    }
    let mut shown = Vec::new();
    for operator in &both {
        operator.decides(2.0).await;
        let page = operator.page().await;
        shown.push(
            names
                .iter()
                .filter(|name| page.contains(&format!("policy=\"{name}\"")))
                .count(),
        );
    }
    assert_eq!(shown, [1, 1], "each acts for its own shard");

    both[0].process.kill().unwrap();
    stage.metrics.says(800.0);
    for name in &names {
        stage.until_replicas(name, 8).await;
    }
    assert_eq!(held(&both[1]).await, 2.0);
    for name in &names {
        assert_eq!(stage.generation(name).await, 3, "created, and two changes");
    }
}

/// A second namespace with the account's rights in it, and the rights for a Lease in the first.
async fn two_namespaces(stage: &Stage) -> (String, PathBuf) {
    let kubeconfig = rights::account(stage, "headroom-two", &rights::role("{}").await).await;
    let second = stage.cluster.namespace("second").await.unwrap();
    let subject = json!({"kind": "ServiceAccount", "name": "headroom-two", "namespace": stage.namespace});
    let binding = |kind: &str, name: &str| -> RoleBinding {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
        let object = json!({"metadata": {"name": name}, "roleRef": role, "subjects": [subject]});
        serde_json::from_value(object).unwrap()
    };
    let bind = async |namespace: &str, binding: RoleBinding| {
        let bindings: Api<RoleBinding> = Api::namespaced(stage.client.clone(), namespace);
        bindings.create(&PostParams::default(), &binding).await.unwrap();
    };
    bind(&second, binding("ClusterRole", "headroom-two")).await;
    // As docs/ha.md lists them.
    let rules = json!([
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["headroom"], "verbs": ["get", "patch"]}
    ]);
    let role: Role = serde_json::from_value(json!({"metadata": {"name": "lease"}, "rules": rules})).unwrap();
    let roles: Api<Role> = Api::namespaced(stage.client.clone(), &stage.namespace);
    roles.create(&PostParams::default(), &role).await.unwrap();
    bind(&stage.namespace, binding("Role", "lease")).await;
    (second, kubeconfig)
}

/// The object `web` of one namespace in another as well.
async fn copied<K>(from: &Api<K>, to: &Api<K>)
where
    K: Clone + Debug + Serialize + DeserializeOwned + Resource,
{
    let mut object = from.get("web").await.unwrap();
    *object.meta_mut() = ObjectMeta {
        name: Some("web".to_owned()),
        ..ObjectMeta::default()
    };
    to.create(&PostParams::default(), &object).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_namespaces_with_rights_in_no_other() {
    let stage = Stage::set("two").await;
    stage.metrics.says(500.0);
    let (second, kubeconfig) = two_namespaces(&stage).await;
    stage.deployment("web", 2).await;
    stage.policy("web", SPEC).await;
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), &second);
    let policies: Api<ScalingPolicy> = Api::namespaced(stage.client.clone(), &second);
    copied(&stage.deployments(), &deployments).await;
    copied(&stage.policies(), &policies).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let options = ["--namespace", &stage.namespace, "--namespace", &second];
    let lease = ["--leader-elect", "--lease-namespace", &stage.namespace];
    let mut operator = stage.spawn("two", &prometheus, &kubeconfig, &[&options[..], &lease[..]].concat());
    operator.ready().await;
    stage.until_replicas("web", 5).await;
    let scaled = async || (wanted(&deployments.get("web").await.unwrap()) == 5).then_some(());
    polled("5 replicas in the second namespace", scaled).await;
    let log = stage.log();
    assert!(!log.contains("forbidden") && !log.contains("403"), "{log}");

    // In order: the Lease is given back, with the rights that it has.
    operator.process.ask_to_stop();
    let lease = async || {
        let lease = leases(&stage).get("headroom").await.unwrap();
        lease
            .spec
            .is_none_or(|spec| spec.holder_identity.is_none())
            .then_some(())
    };
    polled("the Lease is released", lease).await;
}
