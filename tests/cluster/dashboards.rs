//! Every query of every panel, on a real Prometheus that scrapes a running operator: none comes back empty.
//!
//! Three policies make the data: one plans by three days of history, one has a metric that fails, one has no target. What the
//! operator does not expose itself (cAdvisor, kube-state-metrics) the shop's page has.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use headroom::clock;
use headroom_cluster::{Binaries, Process, Prometheus, PrometheusOptions, ScrapeTarget, Spec};
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::boards;
use crate::harness::{Stage, free_address};

/// Requests a second, on average.
const LOAD: f64 = 300.0;
/// Seconds between two samples of the history: the rate of a minute needs two of them within any minute.
const STEP: i64 = 20;
/// Seconds of history: a plan needs a day, and the forecast beside it two.
const HISTORY: i64 = 3 * 86_400;
/// Longest wait for the last panel. It is the one on bigger pods: two looks of metrics-server at 10 s, and a finding is told once it
/// has lasted 45 s; 80 s in all beside seven compilers.
const PATIENCE: Duration = Duration::from_secs(180);

/// No margin of five percent meets this objective on a load that doubles unforeseen, which is known at once; a verdict by what
/// was watched would take a day.
const PLANNED: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: 'sum(rate(http_requests_total{job=\"shop\"}[1m]))'}
    target: {averageValue: '100'}
schedules:
  - {name: always, start: '* * * * *', duration: 1m, minReplicas: 5}
bottleneck:
  disk: {prometheus: {query: 'vector(60)'}}
prediction:
  metric: requests
  mode: Adaptive
  capacity: 140
  objective:
    shortfall: '0.01%'
    maxMargin: '5%'
    signal: {prometheus: {query: 'shop_latency_seconds'}, above: '0.5'}
";

/// One metric has no value; the other asks for twice the maximum.
const BLIND: &str = "
targetRef: {apiVersion: apps/v1, kind: Deployment, name: other}
minReplicas: 1
maxReplicas: 5
interval: 1s
metrics:
  - name: queue
    prometheus: {query: 'vector(1) > 2'}
    target: {averageValue: '10'}
  - name: orders
    prometheus: {query: 'vector(100)'}
    target: {averageValue: '10'}
";

const LOST: &str = "
targetRef: {apiVersion: apps/v1, kind: Deployment, name: nowhere}
minReplicas: 1
maxReplicas: 5
interval: 1s
metrics:
  - name: load
    prometheus: {query: 'vector(1)'}
    target: {averageValue: '10'}
";

#[tokio::test(flavor = "multi_thread")]
async fn no_panel_is_empty() {
    let stage = Stage::set("dashboards").await;
    let begun = Instant::now();
    // First, for metrics-server takes the longest of all to know them.
    web(&stage).await;
    let shop = shop().await;
    let history = stage.directory.path().join("history.om");
    let now = clock::now().as_second();
    std::fs::write(&history, requests(now)).unwrap();
    let binaries = Binaries::ensure(headroom_cluster::console()).await.unwrap();
    let listen = free_address();
    let scraped = [("shop", shop), ("headroom", listen)].map(|(job, address)| ScrapeTarget {
        job: job.to_owned(),
        address: address.to_string(),
    });
    let options = PrometheusOptions {
        targets: scraped.to_vec(),
        backfill: vec![history],
        ..PrometheusOptions::default()
    };
    let prometheus = Prometheus::start(&binaries, options).await.unwrap();
    let _operator = operator(&stage, &prometheus, listen).await;
    stage.deployment("other", 1).await;
    for (name, spec) in [("planned", PLANNED), ("blind", BLIND), ("lost", LOST)] {
        stage.policy(name, spec).await;
    }

    let variables = [
        ("$__rate_interval", "10s"),
        ("$__range", "30s"),
        ("$__interval_ms", "1000"),
        ("$__interval", "1s"),
        ("$namespace", &*format!("{}|headroom-system", stage.namespace)),
        ("$policy", "planned|blind|lost"),
        ("$job", "headroom"),
    ];
    let mut empty = boards::queries(&variables);
    let asked = empty.len();
    let mut pause = tokio::time::interval(Duration::from_millis(500));
    while !empty.is_empty() && begun.elapsed() < PATIENCE {
        pause.tick().await;
        let mut still = Vec::new();
        for (place, query) in empty {
            if !shows(&prometheus.query(&query).await.unwrap()) {
                still.push((place, query));
            }
        }
        empty = still;
    }
    assert!(
        empty.is_empty(),
        "of {asked} queries these have nothing to show: {empty:#?}\n{}",
        stage.log()
    );
    println!("{asked} queries, {:.0} s", begun.elapsed().as_secs_f64());
}

/// Whether there is a number to draw.
fn shows(result: &Value) -> bool {
    let series = result.as_array().into_iter().flatten();
    let values = series.filter_map(|series| series["value"][1].as_str()?.parse::<f64>().ok());
    values.into_iter().any(f64::is_finite)
}

/// An operator whose page is at this address; returns once ready.
async fn operator(stage: &Stage, prometheus: &Prometheus, listen: SocketAddr) -> Process {
    let spec = Spec::new(
        "headroom",
        env!("CARGO_BIN_EXE_headroom"),
        stage.directory.path().join("operator.log"),
    )
    .args(["run", "--namespace", &stage.namespace, "--listen", &listen.to_string()])
    .args(["--prometheus", &format!("default={}", prometheus.url())])
    .args(["--leader-elect", "--lease-namespace", &stage.namespace])
    .env("KUBECONFIG", stage.cluster.kubeconfig())
    .env("RUST_LOG", "warn,headroom=debug")
    .env("NO_COLOR", "1")
    .grace(Duration::from_secs(10));
    let mut process = Process::spawn(spec).unwrap();
    let url = format!("http://{listen}/readyz");
    let ready = async || {
        reqwest::get(&url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
    };
    process.wait_until("readiness", PATIENCE, ready).await.unwrap();
    process
}

/// The planned policy's target, of which metrics-server knows what its pods use.
async fn web(stage: &Stage) {
    let uses = json!({"kwok.x-k8s.io/usage-cpu": "50m", "kwok.x-k8s.io/usage-memory": "64Mi"});
    let limits = json!({"cpu": "100m", "memory": "128Mi"});
    let web = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": uses},
                "spec": {"containers": [{"name": "app", "image": "none", "resources": {"limits": limits}}]}
            }
        }
    }));
    let made = stage.deployments().create(&PostParams::default(), &web.unwrap()).await;
    made.unwrap();
}

/// A page as of a service under steady load, of cAdvisor and of kube-state-metrics.
async fn shop() -> SocketAddr {
    let begun = Instant::now();
    let page = move || {
        let seconds = begun.elapsed().as_secs_f64();
        let pod = "namespace=\"headroom-system\",pod=\"headroom-0\",container=\"headroom\"";
        let text = format!(
            "http_requests_total {:.0}\n\
             shop_latency_seconds 0.1\n\
             container_memory_working_set_bytes{{{pod},image=\"headroom\"}} 30000000\n\
             container_cpu_usage_seconds_total{{{pod},image=\"headroom\"}} {:.3}\n\
             kube_pod_container_resource_limits{{{pod},resource=\"memory\"}} 134217728\n",
            LOAD * seconds,
            0.02 * seconds,
        );
        std::future::ready(text)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/metrics", get(page));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Three days of the shop's counter up to now, in OpenMetrics' text format. Its load doubles for ten minutes now and then.
fn requests(now: i64) -> String {
    let mut text = String::from("# HELP http_requests Requests served.\n# TYPE http_requests counter\n");
    let mut served = 0.0;
    for at in (now - HISTORY..now).step_by(STEP as usize) {
        // Knuth's multiplicative hash: one stretch of four, without a pattern that a forecast could find.
        let hash = (at / 600).wrapping_mul(2_654_435_761) >> 13;
        let load = if hash % 4 == 0 { 2.0 * LOAD } else { LOAD };
        served += load * STEP as f64;
        let _ = writeln!(
            text,
            "http_requests_total{{job=\"shop\",instance=\"history\"}} {served:.0} {at}"
        );
    }
    text.push_str("# EOF\n");
    text
}
