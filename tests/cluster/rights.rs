//! The rights that the chart grants are enough: the operator scales, reports and tells as an account that has no others.
//! None is too much: each is used. What happens without one of them is told.

use std::collections::BTreeSet;
use std::path::PathBuf;

use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, ControlPlane, Extra, Options, console};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleBinding};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::{Operator, Stage, condition, crd_in_place, is, polled};
use crate::release::{self, Release};

/// The chart's ClusterRole, for these values.
pub async fn role(values: &str) -> ClusterRole {
    let release = Release::with(values).await;
    serde_json::from_value(release.object("ClusterRole/headroom").expect("a role").clone()).unwrap()
}

/// A kubeconfig of an account that has this role, under this name, in the stage's namespace.
pub async fn account(stage: &Stage, name: &str, role: &ClusterRole) -> PathBuf {
    let roles: Api<ClusterRole> = Api::all(stage.client.clone());
    let parameters = PatchParams::apply("test").force();
    let mut role = role.clone();
    role.metadata.name = Some(name.to_owned());
    roles.patch(name, &parameters, &Patch::Apply(role)).await.unwrap();
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": stage.namespace}]
    });
    let bindings: Api<RoleBinding> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let binding = serde_json::from_value(binding).unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    acting_as(stage, name)
}

/// The administrator's credentials, acting as the account: the API server asks for the account's rights.
fn acting_as(stage: &Stage, name: &str) -> PathBuf {
    let kubeconfig = std::fs::read_to_string(stage.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&kubeconfig).unwrap();
    kubeconfig["users"][0]["user"]["as"] = json!(format!("system:serviceaccount:{}:{name}", stage.namespace));
    let path = stage.directory.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

const SPEC: &str = "
maxReplicas: 9
interval: 1s
metrics: [{name: m, prometheus: {query: q}, target: {averageValue: 100}}]
behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
scaleIn: {podDeletionCost: YoungestFirst}
";

/// A metric of each API. None has a value here: asking is what needs a right.
const METRICS_APIS: &str = "
targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
maxReplicas: 9
interval: 1s
metrics:
  - {name: cpu, resource: {name: cpu}, target: {averageUtilization: 50}}
  - {name: sessions, pods: {metric: {name: sessions}}, target: {averageValue: 5}}
  - {name: hits, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: hits}}, target: {value: 5}}
  - {name: queue, external: {metric: {name: queue}}, target: {averageValue: 5}}
schedules: [{name: always, start: '* * * * *', duration: 1h, replicas: 2}]
";

/// What a cluster may have beyond a plain one: KEDA's kind, adapters of the metrics APIs (which do not answer), and an
/// admission policy that lets nothing grow beyond six. And a StatefulSet.
const BEYOND: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scaledobjects.keda.sh}
spec:
  group: keda.sh
  scope: Namespaced
  names: {kind: ScaledObject, plural: scaledobjects}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta2.custom.metrics.k8s.io}
spec: {group: custom.metrics.k8s.io, version: v1beta2, service: {name: none, namespace: default}, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec: {group: external.metrics.k8s.io, version: v1beta1, service: {name: none, namespace: default}, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: six}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments/scale, statefulsets/scale]}]
  validations: [{expression: object.spec.replicas <= 6, message: six at most}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: six}
spec: {policyName: six, validationActions: [Deny]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 1
  serviceName: web
  selector: {matchLabels: {set: web}}
  template:
    metadata: {labels: {set: web}}
    spec: {containers: [{name: app, image: none}]}
";

/// A stage on a control plane that has all of it. Its own, because other tests are of a cluster without.
async fn beyond() -> Stage {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    let start = async || {
        let binaries = Binaries::ensure_with(&[Extra::MetricsServer], console()).await.unwrap();
        let options = Options {
            resource_metrics: true,
            ..Options::default()
        };
        let plane = ControlPlane::start(&binaries, options).await.unwrap();
        crd_in_place(&plane.client().unwrap()).await;
        plane
    };
    let stage = Stage::on(PLANE.get_or_init(start).await, "rights").await;
    apply(&stage, BEYOND);
    stage.deployment("web", 2).await;
    // Admission policies take effect a moment after they were made.
    let seven = [
        "scale",
        "deployment/web",
        "--replicas=7",
        "--dry-run=server",
        "-n",
        &stage.namespace,
    ];
    let refused = || release::said(stage.cluster.kubectl().args(seven)).is_err_and(|e| e.contains("six at most"));
    polled("seven are refused", async || refused().then_some(())).await;
    stage
}

fn apply(stage: &Stage, manifests: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), manifests).unwrap();
    let mut kubectl = stage.cluster.kubectl();
    kubectl.args(["apply", "-n", &stage.namespace, "-f"]);
    release::said(kubectl.arg(file.path())).unwrap();
}

/// The operator with the arguments and rights that the chart gives it in this namespace, and these values.
async fn installed(stage: &Stage, values: &str) -> (Operator, Vec<PolicyRule>) {
    let text = release::rendered(values, &["--namespace", &stage.namespace])
        .await
        .unwrap();
    let objects = release::objects(&text);
    let wanted = |kind: &str| ["ServiceAccount", "Role", "RoleBinding"].contains(&kind);
    let mut rules: Vec<PolicyRule> = Vec::new();
    for object in objects.iter().filter(|object| wanted(object["kind"].as_str().unwrap())) {
        apply(stage, &object.to_string());
        if let Some(more) = object.get("rules") {
            rules.extend(serde_json::from_value::<Vec<PolicyRule>>(more.clone()).unwrap());
        }
    }
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let args = deployment.pointer("/spec/template/spec/containers/0/args").unwrap();
    let args: Vec<String> = serde_json::from_value(args.clone()).unwrap();
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with("--listen="))
        .collect();
    let mut operator = stage.spawn_with("operator", &args, &acting_as(stage, "headroom"));
    operator.ready().await;
    (operator, rules)
}

/// What rules grant, as `verb resource` in the words of `headroom_api_requests_total`.
fn granted(rules: &[PolicyRule]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for rule in rules {
        let groups = rule.api_groups.iter().flatten();
        for group in groups {
            for (resource, verb) in rule
                .resources
                .iter()
                .flatten()
                .flat_map(|r| rule.verbs.iter().map(move |v| (r, v)))
            {
                let resource = match group.as_str() {
                    "metrics.k8s.io" => format!("{resource}.{group}"),
                    "custom.metrics.k8s.io" | "external.metrics.k8s.io" => group.clone(),
                    _ => resource.clone(),
                };
                all.insert(format!("{verb} {resource}"));
            }
        }
    }
    all
}

/// What the operator asked the API server for and was not refused.
fn used(page: &str) -> BTreeSet<String> {
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let lines = page
        .lines()
        .filter(|line| line.starts_with("headroom_api_requests_total{"));
    let granted = lines.filter(|line| label(line, "code") != "403");
    granted
        .map(|line| format!("{} {}", label(line, "verb"), label(line, "resource")))
        .collect()
}

fn events(stage: &Stage) -> String {
    release::said(stage.cluster.kubectl().args(["get", "events", "-n", &stage.namespace])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_s_rights_are_enough_and_each_is_used() {
    let stage = beyond().await;
    stage.metrics.says(450.0);
    let values = json!({
          "watchNamespaces": [stage.namespace], "rbac": {"podDeletionCost": true},
        "prometheus": {"servers": [{"name": "default", "url": stage.metrics.url()}]},
    });
    let (operator, rules) = installed(&stage, &values.to_string()).await;

    stage.policy("web", SPEC).await;
    stage.policy("set", METRICS_APIS).await;
    stage.until_replicas("web", 5).await;
    let known = |p: &ScalingPolicy| is(p, "Ready", "True") && is(p, "Conflicted", "False");
    stage.until_policy("web", "ready", known).await;
    stage.metrics.says(200.0);
    stage.until_replicas("web", 2).await;
    // Refused: whether by a rival's write or by a rule, only the target tells.
    stage.metrics.says(900.0);
    stage
        .policy("set", &METRICS_APIS.replace("replicas: 2", "replicas: 8"))
        .await;

    let granted = granted(&rules);
    assert!(granted.contains("patch leases"), "{granted:?}");
    // The API server passes on, and repeats, only what is permitted; the adapters behind it do not answer, and what is asked
    // of them counts as abandoned.
    let silent = |p: &ScalingPolicy| {
        let metrics = p.status.as_ref().map_or(&[][..], |s| &s.metrics);
        let errors = metrics.iter().filter_map(|m| m.error.as_ref());
        errors.filter(|e| e.message.contains("no answer within")).count() == 3
    };
    stage
        .until_policy("set", "without an answer of three adapters", silent)
        .await;
    let all = async || granted.is_subset(&used(&operator.page().await)).then_some(());
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), polled("every right is used", all)).await;
    let used = used(&operator.page().await);
    let unused: Vec<&String> = granted.difference(&used).collect();
    assert!(waited.is_ok() && unused.is_empty(), "never used: {unused:?}\n{used:?}");
    // In RBAC's words; what the admission policy refused is forbidden too.
    let log = stage.log();
    assert!(!log.contains("is forbidden: User"), "{log}");
    let page = operator.page().await;
    assert!(!page.contains("code=\"403\""), "{page}");
    let events = events(&stage);
    assert!(events.contains("SuccessfulRescale"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_see_rivals_it_is_said_once_and_scaling_goes_on() {
    let stage = Stage::set("unseen").await;
    let mut role = role("{rbac: {podDeletionCost: true}}").await;
    let rules = role.rules.as_mut().unwrap();
    rules.retain(|rule| rule.api_groups != Some(vec!["autoscaling".to_owned()]));
    let kubeconfig = account(&stage, "headroom-unseen", &role).await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let operator = stage.operator_as(&prometheus, &kubeconfig).await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let unseen = |p: &ScalingPolicy| is(p, "Ready", "True") && is(p, "Conflicted", "Unknown");
    let policy = stage
        .until_policy("web", "ready, without rivals being seen", unseen)
        .await;
    let (_, reason, message) = condition(&policy, "Conflicted").unwrap();
    assert_eq!(reason, "RivalsUnseen");
    assert!(message.contains("horizontalpodautoscalers"), "{message}");
    operator.decides(3.0).await;
    let log = stage.log();
    let told = log
        .lines()
        .filter(|l| l.contains("may not be listed") && l.contains("WARN"));
    assert_eq!(told.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_patch_pods_the_order_is_left_to_kubernetes_and_scaling_goes_on() {
    let stage = Stage::set("no-cost").await;
    let kubeconfig = account(&stage, "headroom-no-cost", &role("{}").await).await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let _operator = stage.operator_as(&prometheus, &kubeconfig).await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    stage.metrics.says(200.0);
    stage.until_replicas("web", 2).await;
    let told = || events(&stage).contains("may the operator patch pods?");
    polled("the missing right is said", async || told().then_some(())).await;
}
