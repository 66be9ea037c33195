//! `headroom explain`: the real binary reads what the real operator wrote.

use std::process::Stdio;

use headroom::report::explain::{ChangeKind, Explanation, Verdict};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::{Stage, within};

const POLICY: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
";

fn headroom(stage: &Stage, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command
        .arg("explain")
        .args(args)
        .env("KUBECONFIG", stage.cluster.kubeconfig())
        .kill_on_drop(true);
    command
}

/// What it prints, where it succeeds.
async fn printed(stage: &Stage, args: &[&str]) -> String {
    let output = headroom(stage, args).output().await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The message of a command that must fail with exit code 1.
async fn refused(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// Follows a policy as JSON, a line for each explanation.
fn watch(stage: &Stage, policy: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = headroom(stage, &[policy, "--watch", "--output", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The next explanation that fulfils a condition.
async fn next(
    lines: &mut Lines<BufReader<ChildStdout>>,
    what: &str,
    condition: impl Fn(&Explanation) -> bool,
) -> Explanation {
    let found = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("another line");
            let explanation: Explanation = serde_json::from_str(&line).unwrap();
            if condition(&explanation) {
                return explanation;
            }
        }
    };
    within(what, found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_command_says_why() {
    let stage = Stage::set("explain").await;
    let namespace = stage.namespace.clone();
    let name = format!("{namespace}/web");
    let error = refused(&mut headroom(&stage, &[&name])).await;
    for part in ["ScalingPolicy web", &namespace, "kubectl get scalingpolicies -A"] {
        assert!(error.contains(part), "{part:?} not in: {error}");
    }

    stage.policy("web", POLICY).await;
    let text = printed(&stage, &[&name]).await;
    assert!(text.contains("No operator has reported on this policy yet"), "{text}");

    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let _operator = stage.operator().await;
    stage.until_replicas("web", 5).await;
    let settled = |e: &Explanation| e.replicas.current == Some(5) && e.replicas.desired == Some(5);
    let (mut child, mut lines) = watch(&stage, &name);
    let first = next(&mut lines, "five replicas are explained", settled).await;
    assert_eq!(first.freshness.verdict, Verdict::Fresh);
    assert!(first.answer.contains("metric requests asks for 5"), "{}", first.answer);
    let above = first.would_change.iter().find(|c| c.kind == ChangeKind::MetricAbove);
    assert_eq!(above.and_then(|c| c.value), Some(550.0), "10 % above 5 × 100");

    // Beyond that value it does change, and who watches is told.
    stage.metrics.says(551.0);
    let second = next(&mut lines, "another explanation", |e| e.replicas.desired == Some(6)).await;
    assert!(second.at >= first.at && second.proposals[0].replicas == Some(6));

    // By namespace and name, as text, without colours because nobody sees them.
    let text = printed(&stage, &["web", "-n", &namespace]).await;
    assert!(
        text.contains("metric requests asks for 6") && !text.contains('\x1b'),
        "{text}"
    );
    let json = printed(&stage, &[&name, "-o", "json"]).await;
    assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap().name, "web");

    // Ctrl-C ends a watch, and that is no failure.
    let (mut other, mut seen) = watch(&stage, &name);
    next(&mut seen, "the other watch begins", |_| true).await;
    let id = other.id().unwrap().to_string();
    let interrupted = Command::new("kill").args(["-INT", &id]).status().await.unwrap();
    assert!(interrupted.success());
    let status = within("Ctrl-C ends a watch", other.wait()).await.unwrap();
    assert!(status.success(), "{status}");

    // A policy that goes away ends the watch.
    stage.delete_policy("web").await;
    let status = within("the watch ends", child.wait()).await.unwrap();
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).await.unwrap();
    assert!(status.code() == Some(1) && error.contains("was deleted"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_out_of_reach_is_told_with_the_policy_s_name() {
    let stage = Stage::set("explain-unreachable").await;
    let nowhere = stage.directory.path().join("kubeconfig");
    let kubeconfig = std::fs::read_to_string(stage.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: serde_json::Value = serde_yaml::from_str(&kubeconfig).unwrap();
    let address = crate::harness::free_address();
    kubeconfig["clusters"][0]["cluster"]["server"] = format!("https://{address}").into();
    std::fs::write(&nowhere, kubeconfig.to_string()).unwrap();
    let error = refused(headroom(&stage, &["shop/web"]).env("KUBECONFIG", &nowhere)).await;
    for part in ["ScalingPolicy web in namespace shop", "kubectl get --raw /readyz"] {
        assert!(error.contains(part), "{part:?} not in: {error}");
    }
    let missing = stage.directory.path().join("missing");
    let error = refused(headroom(&stage, &["shop/web"]).env("KUBECONFIG", missing)).await;
    assert!(error.contains("shop/web") && error.contains("KUBECONFIG"), "{error}");
    let error = refused(&mut headroom(&stage, &["shop/web", "-n", "bakery"])).await;
    assert!(error.contains("shop") && error.contains("bakery"), "{error}");
}
