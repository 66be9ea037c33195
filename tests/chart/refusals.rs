//! Values that are refused, with words that name them: by the schema before anything is rendered, or by the templates
//! where one value contradicts another.

use crate::release::{chart, helm, rendered, said};

/// Values, and what the error has to say.
const REFUSED: &[(&str, &[&str])] = &[
    ("replicas: 3", &["additional properties 'replicas' not allowed"]),
    ("image: {tga: dev}", &["/image", "'tga' not allowed"]),
    ("replicaCount: 0", &["/replicaCount", "got 0, want 1"]),
    ("replicaCount: two", &["/replicaCount", "got string, want integer"]),
    ("shards: 65", &["/shards", "maximum"]),
    ("logFormat: xml", &["/logFormat", "'text', 'json'"]),
    ("watchNamespaces: [Shop]", &["/watchNamespaces/0", "'Shop'"]),
    ("watchNamespaces: [a, a]", &["/watchNamespaces", "equal"]),
    (
        "leaderElection: {leaseDuration: 15}",
        &["/leaderElection/leaseDuration", "want string"],
    ),
    (
        "leaderElection: {leaseDuration: 2s}",
        &["/leaderElection/leaseDuration", "'2s'"],
    ),
    (
        "serviceMonitor: {interval: 10m}",
        &["/serviceMonitor/interval", "'10m'"],
    ),
    (
        "serviceAccount: {create: false}",
        &["serviceAccount.name", "rbac.create"],
    ),
    (
        "leaderElection: {leaseDuration: 15 s}",
        &["/leaderElection/leaseDuration", "'15 s'"],
    ),
    (
        "prometheus: {servers: [{name: default}]}",
        &["/prometheus/servers/0", "'url'"],
    ),
    (
        "prometheus: {servers: [{name: default, url: prometheus:9090}]}",
        &["/prometheus/servers/0/url"],
    ),
    // The operator reads its own list of servers at commas.
    (
        "prometheus: {servers: [{name: default, url: 'http://a,b'}]}",
        &["/prometheus/servers/0/url"],
    ),
    (
        "prometheus: {servers: [{name: A, url: 'http://a'}]}",
        &["/prometheus/servers/0/name"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'http://a', tokenSecret: {name: s}}]}",
        &["/tokenSecret", "'key'"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'http://a', tokenSecret: s}]}",
        &["/tokenSecret", "want object"],
    ),
    (
        "rbac: {targets: [{apiGroup: argoproj.io, resource: Rollout}]}",
        &["/rbac/targets/0/resource", "'Rollout'"],
    ),
    (
        "rbac: {targets: [argoproj.io/rollouts]}",
        &["/rbac/targets/0", "want object"],
    ),
    ("image: {digest: latest}", &["/image/digest"]),
    ("extraArgs: [leader-elect]", &["/extraArgs/0"]),
    ("resources: {limits: {memory: lots}}", &["/resources/limits/memory"]),
    (
        "topologySpread: {node: Always}",
        &["/topologySpread/node", "'ScheduleAnyway'"],
    ),
    (
        "podLabels: {app.kubernetes.io/name: x}",
        &["/podLabels", "app.kubernetes.io/name"],
    ),
    ("listenAddress: '::'", &["/listenAddress"]),
    (
        "networkPolicy: {apiServer: {cidrs: [10.0.0.1]}}",
        &["/networkPolicy/apiServer/cidrs/0"],
    ),
    ("tolerations: [{taint: x}]", &["/tolerations/0", "'taint'"]),
    // Contradictions.
    (
        "leaderElection: {enabled: false}",
        &[
            "leaderElection.enabled is false, but replicaCount is 2",
            "or set both to 1",
        ],
    ),
    (
        "{replicaCount: 1, shards: 2, leaderElection: {enabled: false}}",
        &["shards is 2"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'http://a'}, {name: a, url: 'http://b'}]}",
        &["names \"a\" twice"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'https://a', tokenSecret: {name: s, key: k}, basicAuthSecret: {name: s, key: k}}]}",
        &["\"a\" has tokenSecret and basicAuthSecret", "keep one"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'http://a', caSecret: {name: s, key: k}, caConfigMap: {name: s, key: k}}]}",
        &["\"a\" has caSecret and caConfigMap", "keep one"],
    ),
    (
        "prometheus: {servers: [{name: a, url: 'http://a', tokenSecret: {name: s, key: k}}]}",
        &["\"a\" has a Secret and the address http://a", "use https://"],
    ),
    (
        "{networkPolicy: {enabled: true}, prometheus: {servers: [{name: a, url: 'http://a'}]}}",
        &["networkPolicy.egress"],
    ),
];

#[tokio::test]
async fn bad_values_are_refused_with_words_that_name_them() {
    for (values, said) in REFUSED {
        let error = rendered(values, &[]).await.expect_err(values);
        for words in *said {
            assert!(error.contains(words), "{values}: {words:?} is not said in {error}");
        }
    }
}

#[tokio::test]
async fn helm_lint_finds_nothing() {
    let said = said(helm().await.args(["lint", "--strict"]).arg(chart())).unwrap();
    assert!(said.contains("0 chart(s) failed"), "{said}");
    assert!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{said}");
}

#[tokio::test]
async fn an_older_kubernetes_is_refused() {
    let error = rendered("{}", &["--kube-version", "1.29.9"]).await.unwrap_err();
    assert!(error.contains("incompatible with Kubernetes v1.29.9"), "{error}");
}
