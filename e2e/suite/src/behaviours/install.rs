//! `helm install` as the README has it, into a namespace that enforces restricted Pod Security; then `helm test`.

use std::time::Instant;

use anyhow::ensure;

use crate::stage::{RELEASE, SYSTEM, Stage};

/// Pods that the chart asks for by default.
pub(super) const REPLICAS: i32 = 2;

const NAMESPACE: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: headroom-system
  labels:
    headroom.dev/e2e: \"true\"
    pod-security.kubernetes.io/enforce: restricted
";

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    stage.tools.apply(NAMESPACE, &[]).await?;
    let begun = Instant::now();
    let mut arguments = arguments("install", stage);
    stage.tools.helm(&as_str(&arguments)).await?;
    let installed = begun.elapsed();
    stage.ready(SYSTEM, RELEASE, REPLICAS).await?;
    stage.leader().await?;

    if !stage.dns {
        // The test asks the Service by its name, which nobody knows here.
        let address = stage.service_address(SYSTEM, RELEASE).await?;
        arguments = self::arguments("upgrade", stage);
        arguments.push(format!("--set=test.baseUrl=http://{address}:8080"));
        stage.tools.helm(&as_str(&arguments)).await?;
    }
    let tested = stage
        .tools
        .helm(&["test", RELEASE, "--namespace", SYSTEM, "--timeout=2m"])
        .await?;
    ensure!(tested.contains("Succeeded"), "helm test says\n{tested}");
    Ok(format!("two pods ready after {:.1} s", installed.as_secs_f64()))
}

/// The words of helm to install or upgrade the release with the suite's Prometheus.
pub(super) fn arguments(what: &str, stage: &Stage) -> Vec<String> {
    let mut arguments: Vec<String> = [
        what,
        RELEASE,
        &stage.chart,
        "--namespace",
        SYSTEM,
        "--wait",
        "--timeout=3m",
    ]
    .map(String::from)
    .into();
    arguments.extend([
        "--set=prometheus.servers[0].name=default".into(),
        format!("--set=prometheus.servers[0].url={}", stage.prometheus),
        // The suite's Prometheus finds pods by it.
        "--set-string=podAnnotations.prometheus\\.io/scrape=true".into(),
    ]);
    arguments
}

pub(super) fn as_str(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
