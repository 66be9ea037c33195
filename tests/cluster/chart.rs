//! The chart on a real API server: what it renders is taken, its pods pass the restricted Pod Security Standard, and a
//! release leaves policies and targets alone from its installation to its end.
//!
//! A control plane of its own, because a release owns the CRD that other tests apply. Pods are kwok's: what runs in them
//! is for `e2e`. What values render is in `tests/chart`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use headroom_cluster::{Binaries, ControlPlane, Options, console};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::generated;
use crate::harness::polled;
use crate::release::{Release, chart, helm, rendered, said};

const SYSTEM: &str = "headroom-system";

/// Whatever the chart can render, but for what is another kind of object for other values.
const EVERYTHING: &str = "
prometheus:
  servers:
    - {name: default, url: 'https://prometheus.monitoring:9090', tokenSecret: {name: a, key: k}, caConfigMap: {name: b, key: k}}
    - {name: hosted, url: 'https://metrics.example.com', basicAuthSecret: {name: c, key: k}, caSecret: {name: c, key: ca}}
rbac: {anyScale: true, podDeletionCost: true, targets: [{apiGroup: argoproj.io, resource: rollouts}]}
priorityClassName: system-cluster-critical
serviceMonitor: {enabled: true}
prometheusRule: {enabled: true}
dashboards: {enabled: true}
networkPolicy: {enabled: true, egress: [{ports: [{port: 9090}]}]}
";

/// The kinds of Prometheus Operator, as far as the API server has to know them.
const MONITORING: &str = r#"
{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "PLURAL.monitoring.coreos.com"},
 "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"plural": "PLURAL", "kind": "KIND"},
  "versions": [{"name": "v1", "served": true, "storage": true,
   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}
"#;

const POLICY: &str = "
apiVersion: headroom.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
  metrics: [{name: cpu, resource: {name: cpu}, target: {averageUtilization: 70}}]
";

/// The control plane, with a namespace that enforces the restricted standard, and one with a target.
async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    let start = async || {
        let binaries = Binaries::ensure(console()).await.unwrap();
        let plane = ControlPlane::start(&binaries, Options::default()).await.unwrap();
        kubectl(&plane, &["create", "namespace", SYSTEM]);
        let restricted = "pod-security.kubernetes.io/enforce=restricted";
        kubectl(&plane, &["label", "namespace", SYSTEM, restricted]);
        kubectl(&plane, &["create", "namespace", "shop"]);
        kubectl(
            &plane,
            &[
                "create",
                "deployment",
                "web",
                "-n",
                "shop",
                "--image=registry.k8s.io/pause:3.10",
                "--replicas=3",
            ],
        );
        plane
    };
    PLANE.get_or_init(start).await
}

#[track_caller]
fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> String {
    said(plane.kubectl().args(arguments)).unwrap_or_else(|error| panic!("kubectl {arguments:?}: {error}"))
}

/// `kubectl apply` of a text.
#[track_caller]
fn apply(plane: &ControlPlane, text: &str, more: &[&str]) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    said(plane.kubectl().arg("apply").args(more).arg("-f").arg(file.path()))
}

/// A field of an object, as kubectl prints it.
#[track_caller]
fn field(plane: &ControlPlane, object: &[&str], path: &str) -> String {
    let output = format!("jsonpath={{{path}}}");
    kubectl(plane, &[&["get"], object, &["-o", &output]].concat())
}

async fn helm_on(plane: &ControlPlane, arguments: &[&str]) -> Command {
    let mut command = helm().await;
    command
        .args(arguments)
        .args(["--namespace", SYSTEM])
        .env("KUBECONFIG", plane.kubeconfig());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_can_be_rendered_is_taken() {
    let plane = plane().await;
    for (plural, kind) in [
        ("servicemonitors", "ServiceMonitor"),
        ("prometheusrules", "PrometheusRule"),
    ] {
        apply(plane, &MONITORING.replace("PLURAL", plural).replace("KIND", kind), &[]).unwrap();
        let crd = format!("crd/{plural}.monitoring.coreos.com");
        kubectl(plane, &["wait", "--for=condition=Established", &crd, "--timeout=60s"]);
    }
    let text = rendered(EVERYTHING, &[]).await.unwrap();
    let taken = apply(plane, &text, &["--dry-run=server"]).unwrap();
    let release = Release::with(EVERYTHING).await;
    assert_eq!(taken.lines().count(), release.references().len(), "{taken}");
    assert!(taken.lines().all(|line| line.ends_with("(server dry run)")), "{taken}");

    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/headroom.yaml");
    let manifests = std::fs::read_to_string(manifests).unwrap();
    let taken = apply(plane, &manifests, &["--dry-run=server"]).unwrap();
    assert!(
        taken.contains("namespace/headroom-system") && taken.contains("deployment.apps/headroom"),
        "{taken}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_not_restricted_is_refused_where_the_operator_s_is_not() {
    let plane = plane().await;
    let error = said(
        plane
            .kubectl()
            .args(["run", "loose", "-n", SYSTEM, "--image=x", "--dry-run=server"]),
    )
    .unwrap_err();
    assert!(error.contains("violates PodSecurity \"restricted"), "{error}");
    // Of the operator, a Deployment's template is only warned of: the pod itself has to be judged.
    let release = Release::with(EVERYTHING).await;
    let template = &release.object("Deployment/headroom").unwrap()["spec"]["template"];
    let mut pod = template.clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "headroom-as-rendered".into();
    pod["metadata"]["namespace"] = SYSTEM.into();
    let test = release.object("Pod/headroom-test").unwrap();
    for pod in [&pod, test] {
        let taken = apply(plane, &pod.to_string(), &["--dry-run=server"]).unwrap();
        assert!(taken.contains("created (server dry run)"), "{taken}");
    }
}

/// The chart as it might have been before: its CRD lacks a field of the present one.
fn older() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(chart())
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(copied.success());
    let path = folder.path().join("headroom/files/scalingpolicies.headroom.dev.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut crd: Value = serde_yaml::from_str(&text).unwrap();
    let spec = crd
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
        .unwrap();
    spec.as_object_mut()
        .unwrap()
        .remove("warmUp")
        .expect("a field to be without");
    // As the template wants it to begin.
    crd.as_object_mut().unwrap().remove("metadata");
    let body = serde_yaml::to_string(&crd).unwrap();
    std::fs::write(
        &path,
        format!("metadata:\n  name: scalingpolicies.headroom.dev\n{body}"),
    )
    .unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_leaves_policies_and_targets_alone_from_installation_to_end() {
    let plane = plane().await;
    let web = ["deployment", "web", "-n", "shop"];
    let generation = field(plane, &web, ".metadata.generation");
    let before = older();
    let before = before.path().join("headroom");
    let (before, now) = (before.to_str().unwrap(), chart());
    let now = now.to_str().unwrap();
    let wait = ["--wait", "--timeout", "2m"];

    // Installed, the pods pass Pod Security and become ready.
    let told = said(helm_on(plane, &["install", "headroom", before]).await.args(wait)).unwrap();
    assert!(told.contains("rollout status deployment/headroom"), "{told}");
    let operator = ["deployment", "headroom", "-n", SYSTEM];
    assert_eq!(field(plane, &operator, ".status.readyReplicas"), "2");
    apply(plane, POLICY, &[]).unwrap();
    let policy = ["scalingpolicy", "web", "-n", "shop"];
    let uid = field(plane, &policy, ".metadata.uid");
    let warm = ["crd", "scalingpolicies.headroom.dev"];
    let warm_up = ".spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.warmUp.type";
    assert_eq!(field(plane, &warm, warm_up), "");
    rights(plane).await;

    // Upgraded: so is the CRD.
    let more = ["--set", "replicaCount=3", "--set", "shards=2"];
    let refused = said(helm_on(plane, &["upgrade", "headroom", now]).await.args(more)).unwrap_err();
    assert!(
        refused.contains("shards would change to 2 while pods run with --shards=1"),
        "{refused}"
    );
    kubectl(plane, &["scale", "deployment/headroom", "-n", SYSTEM, "--replicas=0"]);
    said(
        helm_on(plane, &["upgrade", "headroom", now])
            .await
            .args(more)
            .args(wait),
    )
    .unwrap();
    assert_eq!(field(plane, &operator, ".status.readyReplicas"), "3");
    assert_eq!(field(plane, &warm, warm_up), "object");
    let leases = ["role", "headroom-leases", "-n", SYSTEM];
    assert_eq!(
        field(plane, &leases, ".rules[0].resourceNames"),
        r#"["headroom-0","headroom-1"]"#
    );

    // Taken back.
    said(helm_on(plane, &["rollback", "headroom", "1"]).await.args(wait)).unwrap();
    assert_eq!(field(plane, &operator, ".spec.replicas"), "2");
    assert_eq!(field(plane, &leases, ".rules[0].resourceNames"), r#"["headroom"]"#);

    // Gone: all of it but the CRD, and with it the policies.
    let all = said(&mut helm_on(plane, &["get", "manifest", "headroom"]).await).unwrap();
    let told = said(helm_on(plane, &["uninstall", "headroom"]).await.args(wait)).unwrap();
    assert!(
        told.contains("scalingpolicies.headroom.dev"),
        "what is kept is not said: {told}"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), all).unwrap();
    let left = plane
        .kubectl()
        .args(["get", "--ignore-not-found", "-o", "name", "-f"])
        .arg(file.path())
        .output()
        .unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    assert_eq!(
        left.trim(),
        "customresourcedefinition.apiextensions.k8s.io/scalingpolicies.headroom.dev"
    );
    assert_eq!(field(plane, &policy, ".metadata.uid"), uid);
    assert_eq!(field(plane, &web, ".metadata.generation"), generation);
    assert_eq!(field(plane, &web, ".spec.replicas"), "3");

    // The next installation takes the CRD over that the last one left, and the present one at that.
    said(helm_on(plane, &["install", "headroom", now]).await.args(wait)).unwrap();
    assert_eq!(field(plane, &warm, warm_up), "object");
    assert_eq!(field(plane, &policy, ".metadata.uid"), uid);
}

/// What the account may do is what is written down, where all namespaces are watched and where one is; and people who may
/// edit a namespace may edit its policies.
async fn rights(plane: &ControlPlane) {
    let scoped =
        "{watchNamespaces: [shop], fullnameOverride: scoped, rbac: {aggregate: false}, crds: {install: false}}";
    apply(plane, &rendered(scoped, &["--skip-tests"]).await.unwrap(), &[]).unwrap();
    let lists = [
        ("headroom", SYSTEM, "in the release's namespace"),
        ("headroom", "shop", "in any other namespace"),
        ("scoped", "shop", "with watchNamespaces: [shop], in shop"),
        (
            "scoped",
            "default",
            "with watchNamespaces: [shop], in any other namespace",
        ),
    ];
    let list = |account: &str, namespace: &str| {
        let user = format!("--as=system:serviceaccount:{SYSTEM}:{account}");
        let list = kubectl(
            plane,
            &["auth", "can-i", "--list", "--no-headers", &user, "-n", namespace],
        );
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        list.lines().map(words).collect::<BTreeSet<_>>()
    };
    let anybody = list("nobody", SYSTEM);
    let mut page = String::from(
        "# What `kubectl auth can-i --list` says of the operator's account beyond what it says of any account, for the chart as\n\
         # it comes: resource, non-resource URLs, names, verbs. Generated by tests/cluster/chart.rs; do not edit.\n",
    );
    for (account, namespace, words) in lists {
        let own: Vec<_> = list(account, namespace).difference(&anybody).cloned().collect();
        page = format!("{page}\n## {words}\n{}\n", own.join("\n"));
    }
    generated::check("tests/cluster/rights.txt", &page);

    kubectl(
        plane,
        &[
            "create",
            "rolebinding",
            "ann",
            "-n",
            "shop",
            "--clusterrole=edit",
            "--user=ann",
        ],
    );
    kubectl(
        plane,
        &[
            "create",
            "rolebinding",
            "bob",
            "-n",
            "shop",
            "--clusterrole=view",
            "--user=bob",
        ],
    );
    let may = |user: &str, verb: &str, namespace: &str| {
        let user = format!("--as={user}");
        let mut ask = plane.kubectl();
        ask.args(["auth", "can-i", verb, "scalingpolicies", &user, "-n", namespace])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        ask.status().unwrap().success()
    };
    // Rules are added to Kubernetes' own roles by a controller, a moment later.
    polled("editors may write policies", async || {
        may("ann", "create", "shop").then_some(())
    })
    .await;
    polled("viewers may read policies", async || {
        may("bob", "list", "shop").then_some(())
    })
    .await;
    assert!(!may("bob", "create", "shop") && !may("ann", "list", "default"));
}
