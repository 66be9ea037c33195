//! Prometheus as its users see it: it answers, knows imported history, scrapes what it is told to, and can be made to
//! fail and come back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use headroom_cluster::{Binaries, Error, Prometheus, PrometheusOptions, ScrapeTarget, console};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_and_knows_imported_history() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.om");
    // Any time in the past, for as long as the retention below reaches back to it.
    let then = 1_700_000_000;
    let samples: String = (0..10)
        .map(|n| format!("load{{app=\"web\"}} {} {}\n", 100 + n, then + 15 * n))
        .collect();
    std::fs::write(&file, format!("# TYPE load gauge\n{samples}# EOF\n")).unwrap();

    let prometheus = start(PrometheusOptions {
        backfill: vec![file],
        retention: Duration::from_secs(100 * 365 * 24 * 60 * 60),
        ..PrometheusOptions::default()
    })
    .await;
    let result = prometheus.query("vector(1)").await.unwrap();
    assert_eq!(result.pointer("/0/value/1").unwrap(), "1");
    let result = prometheus.query(&format!("load @ {}", then + 135)).await.unwrap();
    assert_eq!(result.pointer("/0/value/1").unwrap(), "109");
    assert_eq!(result.pointer("/0/metric/app").unwrap(), "web");

    let (pid, dir) = (prometheus.pid().unwrap(), prometheus.dir().to_owned());
    prometheus.stop().await;
    assert!(!is_alive(pid));
    assert!(!dir.exists(), "{} is still there", dir.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_scrapes_what_it_is_told_to() {
    let address = exporter("requests_total 42\n");
    let prometheus = start(PrometheusOptions::default()).await;
    assert_eq!(prometheus.query("up").await.unwrap(), serde_json::json!([]));
    let target = ScrapeTarget {
        job: "web".into(),
        address: address.to_string(),
    };
    prometheus.scrape(&[target]).await.unwrap();
    until("a scraped value", async || {
        let result = prometheus.query(r#"requests_total{job="web"}"#).await.unwrap();
        result.pointer("/0/value/1").is_some_and(|value| value == "42")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fails_and_comes_back_on_the_same_port() {
    let mut prometheus = start(PrometheusOptions::default()).await;
    let url = prometheus.url().to_owned();
    prometheus.kill().unwrap();
    assert_eq!(prometheus.pid(), None);
    let error = prometheus.query("vector(1)").await.unwrap_err();
    assert!(matches!(error, Error::Query { .. }), "{error}");
    prometheus.restart().await.unwrap();
    assert_eq!(prometheus.url(), url);
    assert!(prometheus.query("vector(1)").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_an_error_that_says_why() {
    let prometheus = start(PrometheusOptions::default()).await;
    let error = prometheus.query("sum(").await.unwrap_err().to_string();
    assert!(error.contains("parse error"), "{error}");
}

async fn start(options: PrometheusOptions) -> Prometheus {
    let binaries = Binaries::ensure(console()).await.expect("binaries");
    Prometheus::start(&binaries, options).await.expect("a server")
}

/// Answers each connection's first request with `metrics`, until the test process ends.
fn exporter(metrics: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let length = metrics.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n");
            // Prometheus's request fits the buffer; a scrape that broke off is tried again by Prometheus.
            let _ = connection.read(&mut [0; 4096]);
            let _ = write!(connection, "{head}Connection: close\r\n\r\n{metrics}");
        }
    });
    address
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_alive(pid: u32) -> bool {
    std::process::Command::new("/bin/sh")
        .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
        .status()
        .expect("a shell")
        .success()
}
