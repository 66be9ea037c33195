//! The stage on which a test plays: namespace, operator process, scripted metrics, and waits with a condition.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headroom::api::ScalingPolicy;
use headroom_cluster::{ControlPlane, Process, Spec};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::conditions;
use kube::runtime::wait::{Condition, await_condition};
use kube::{Client, CustomResourceExt, ResourceExt};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::prometheus::Scripted;

/// Longest wait for anything; far above what it takes, so that only a missing reaction runs into it.
const PATIENCE: Duration = Duration::from_secs(120);

/// One test's world.
pub struct Stage {
    pub cluster: &'static ControlPlane,
    pub client: Client,
    pub namespace: String,
    pub metrics: Scripted,
    pub directory: tempfile::TempDir,
}

impl Stage {
    /// A namespace of its own on the shared control plane, with the CRD in place, and a scripted Prometheus.
    pub async fn set(name: &str) -> Stage {
        let cluster = ControlPlane::shared_with_resource_metrics().await.unwrap();
        let client = cluster.client().unwrap();
        static CRD: OnceCell<()> = OnceCell::const_new();
        CRD.get_or_init(|| crd_in_place(&client)).await;
        Stage::on(cluster, name).await
    }

    /// The same on another control plane, on which the CRD is in place already.
    pub async fn on(cluster: &'static ControlPlane, name: &str) -> Stage {
        let client = cluster.client().unwrap();
        Stage {
            cluster,
            namespace: cluster.namespace(name).await.unwrap(),
            client,
            metrics: Scripted::start().await,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts an operator that looks at this namespace and knows the scripted Prometheus as `default`; returns once ready.
    pub async fn operator(&self) -> Operator {
        self.operator_with(&format!("default={}", self.metrics.url())).await
    }

    /// The same with another Prometheus.
    pub async fn operator_with(&self, prometheus: &str) -> Operator {
        self.operator_as(prometheus, self.cluster.kubeconfig()).await
    }

    /// The same as another user.
    pub async fn operator_as(&self, prometheus: &str, kubeconfig: &Path) -> Operator {
        let mut operator = self.spawn("operator", prometheus, kubeconfig, &["--namespace", &self.namespace]);
        operator.ready().await;
        operator
    }

    /// One of several operators, with options of its own, not waited for.
    pub fn spawn(&self, name: &str, prometheus: &str, kubeconfig: &Path, options: &[&str]) -> Operator {
        let args = ["run", "--prometheus", prometheus, "--prometheus-timeout", "2s"];
        self.spawn_with(name, &[&args[..], options].concat(), kubeconfig)
    }

    /// The same with all of its arguments, but for `--listen`.
    pub fn spawn_with(&self, name: &str, args: &[&str], kubeconfig: &Path) -> Operator {
        let listen = free_address();
        let log = self.directory.path().join(format!("{name}.log"));
        let spec = Spec::new("headroom", env!("CARGO_BIN_EXE_headroom"), &log)
            .args(args)
            .args(["--listen", &listen.to_string()])
            .env("KUBECONFIG", kubeconfig)
            .env("RUST_LOG", "warn,headroom=debug")
            .env("NO_COLOR", "1")
            .grace(Duration::from_secs(10));
        Operator {
            process: Process::spawn(spec).unwrap(),
            url: format!("http://{listen}"),
            log,
        }
    }

    /// Creates a Deployment and waits until its pods are ready; a policy may have asked for more meanwhile.
    pub async fn deployment(&self, name: &str, replicas: i32) {
        let deployment = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": "registry.k8s.io/pause:3.10"}]}
                }
            }
        }));
        self.deployments()
            .create(&PostParams::default(), &deployment.unwrap())
            .await
            .unwrap();
        self.until_deployment(name, "ready", move |d| ready(d) >= replicas)
            .await;
    }

    /// Applies a policy whose `spec` is YAML; the target is the Deployment `web`.
    pub async fn policy(&self, name: &str, spec: &str) -> ScalingPolicy {
        let mut spec: serde_json::Value = serde_yaml::from_str(spec).unwrap();
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        spec.as_object_mut().unwrap().entry("targetRef").or_insert(target);
        let object = json!({
            "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": name}, "spec": spec,
        });
        let parameters = PatchParams::apply("test").force();
        self.policies()
            .patch(name, &parameters, &Patch::Apply(object))
            .await
            .unwrap()
    }

    pub async fn delete_policy(&self, name: &str) {
        self.policies().delete(name, &DeleteParams::default()).await.unwrap();
        let uid = String::new();
        let gone = await_condition(self.policies(), name, conditions::is_deleted(&uid));
        within("the policy is gone", gone).await.unwrap();
    }

    pub fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn policies(&self) -> Api<ScalingPolicy> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// `spec.replicas` now.
    pub async fn replicas(&self, name: &str) -> i32 {
        wanted(&self.deployments().get(name).await.unwrap())
    }

    /// Counts the changes of the Deployment's spec: the witness of writes.
    pub async fn generation(&self, name: &str) -> i64 {
        self.deployments().get(name).await.unwrap().metadata.generation.unwrap()
    }

    /// Waits until the Deployment is asked for so many replicas.
    pub async fn until_replicas(&self, name: &str, replicas: i32) -> Deployment {
        self.until_deployment(name, &format!("asked for {replicas}"), move |d| wanted(d) == replicas)
            .await
    }

    pub async fn until_deployment(
        &self,
        name: &str,
        what: &str,
        condition: impl Fn(&Deployment) -> bool + Send + Sync + 'static,
    ) -> Deployment {
        let condition = move |d: Option<&Deployment>| d.is_some_and(&condition);
        self.until(self.deployments(), name, what, condition).await
    }

    /// Waits until the policy's status fulfils a condition.
    pub async fn until_policy(
        &self,
        name: &str,
        what: &str,
        condition: impl Fn(&ScalingPolicy) -> bool + Send + Sync + 'static,
    ) -> ScalingPolicy {
        let condition = move |p: Option<&ScalingPolicy>| p.is_some_and(&condition);
        self.until(self.policies(), name, what, condition).await
    }

    async fn until<K>(&self, api: Api<K>, name: &str, what: &str, condition: impl Condition<K>) -> K
    where
        K: Clone + Debug + Send + Sync + serde::de::DeserializeOwned + kube::Resource + 'static,
    {
        let waited = tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, condition)).await;
        match waited {
            Ok(found) => found.unwrap().unwrap(),
            Err(_) => panic!(
                "{name} was never {what}; it is {:#?}\n{}",
                api.get(name).await,
                self.log()
            ),
        }
    }

    /// The operators' logs so far.
    pub fn log(&self) -> String {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        let logs = files
            .map(|f| f.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "log"));
        logs.map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .collect()
    }
}

/// A running operator.
pub struct Operator {
    pub process: Process,
    url: String,
    pub log: PathBuf,
}

impl Operator {
    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let url = format!("{}/readyz", self.url);
        let ready = async || reqwest::get(&url).await.is_ok_and(|r| r.status().is_success());
        self.process.wait_until("readiness", PATIENCE, ready).await.unwrap();
    }

    /// Its own metrics page.
    pub async fn page(&self) -> String {
        reqwest::get(format!("{}/metrics", self.url))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The sum of a counter over its labels.
    pub async fn count(&self, metric: &str) -> f64 {
        let page = self.page().await;
        let lines = page.lines().filter(|l| l.starts_with(metric));
        lines.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until so many more decisions were made: what has not been written by then will not be.
    pub async fn decides(&self, more: f64) {
        let target = self.count("headroom_decisions_total").await + more;
        let enough = async || (self.count("headroom_decisions_total").await >= target).then_some(());
        polled("more decisions", enough).await;
    }
}

/// A condition's status, reason and message, where the policy has it.
pub fn condition(policy: &ScalingPolicy, kind: &str) -> Option<(String, String, String)> {
    let found = policy.status.as_ref()?.conditions.iter().find(|c| c.type_ == kind)?;
    Some((found.status.clone(), found.reason.clone(), found.message.clone()))
}

/// Whether a condition has this status.
pub fn is(policy: &ScalingPolicy, kind: &str, status: &str) -> bool {
    condition(policy, kind).is_some_and(|(s, ..)| s == status)
}

/// `spec.replicas`.
pub fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(0)
}

fn ready(deployment: &Deployment) -> i32 {
    deployment.status.as_ref().and_then(|s| s.ready_replicas).unwrap_or(0)
}

/// The future's result, within the test's patience.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("never came about: {what}"))
}

/// What `ask` yields once it yields something, within the test's patience: for what tells nobody when it changes. Ten
/// times a second, because asking without a pause takes the processor from whoever is waited for.
pub async fn polled<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let asked = async {
        loop {
            pause.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    };
    within(what, asked).await
}

/// A loopback address nobody listens on. The operator binds it a moment later; nothing else here takes fixed ports.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Has the API server know ScalingPolicies.
pub async fn crd_in_place(client: &Client) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = ScalingPolicy::crd();
    let name = crd.name_any();
    crds.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&crd))
        .await
        .unwrap();
    within(
        "the CRD is established",
        await_condition(crds, &name, conditions::is_crd_established()),
    )
    .await
    .unwrap();
}
