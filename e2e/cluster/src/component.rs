//! What is built: one row per Go module, with the programs that come out of it.
//!
//! Versions are not here but in the `go.mod` files of `e2e/tools`, where Go and a maintainer look for them. Must never build anything:
//! [`crate::build`] does.

/// Programs that only some callers want, beyond those that every control plane needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// metrics-server, for [`crate::Options::resource_metrics`].
    MetricsServer,
    /// Helm, which installs charts.
    Helm,
    /// kubelet, kube-proxy, containerd and the CNI plugins, for [`crate::Options::real_node`].
    RealNode,
    /// A Prometheus that finds pods by itself, for one that runs in a pod.
    PrometheusInPod,
}

/// One Go module of which programs are built together.
pub(crate) struct Component {
    /// Name for directories and messages.
    pub(crate) name: &'static str,
    /// Who wants it: everybody, or those who ask for this.
    pub(crate) extra: Option<Extra>,
    /// Directory in `e2e/tools` whose `go.mod` has the version; empty for that of `e2e/tools` itself.
    pub(crate) pinned_in: &'static str,
    /// Go module whose version is the component's.
    pub(crate) module: &'static str,
    /// Build tags beyond everybody's, each with a comma before it.
    pub(crate) tags: &'static str,
    /// Programs by the package that holds their `main`.
    pub(crate) programs: &'static [Program],
    /// Variables that the linker sets to the version, so that a program knows its own.
    pub(crate) version_variables: fn(&str) -> Vec<String>,
}

/// One program.
pub(crate) struct Program {
    /// File name of the binary.
    pub(crate) name: &'static str,
    /// Go package.
    pub(crate) package: &'static str,
}

const fn program(name: &'static str, package: &'static str) -> Program {
    Program { name, package }
}

/// In the order of the build. Kubernetes comes first: most packages of the others are among its own.
pub(crate) const COMPONENTS: [Component; 9] = [
    Component {
        name: "kubernetes",
        extra: None,
        pinned_in: "",
        module: "k8s.io/kubernetes",
        tags: "",
        programs: &[
            program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            program(
                "kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
            program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            program("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ],
        version_variables: kubernetes_version,
    },
    Component {
        name: "etcd",
        extra: None,
        pinned_in: "",
        module: "go.etcd.io/etcd/server/v3",
        tags: "",
        programs: &[program("etcd", "go.etcd.io/etcd/server/v3")],
        // It has its version in its source.
        version_variables: |_| Vec::new(),
    },
    Component {
        name: "kwok",
        extra: None,
        pinned_in: "",
        module: "sigs.k8s.io/kwok",
        tags: "",
        programs: &[program("kwok", "sigs.k8s.io/kwok/cmd/kwok")],
        version_variables: |version| vec![format!("sigs.k8s.io/kwok/pkg/consts.Version={version}")],
    },
    Component {
        name: "prometheus",
        extra: None,
        pinned_in: "",
        module: "github.com/prometheus/prometheus",
        tags: "",
        programs: &[
            program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus"),
            program("promtool", "github.com/prometheus/prometheus/cmd/promtool"),
        ],
        version_variables: prometheus_version,
    },
    Component {
        name: "metrics-server",
        extra: Some(Extra::MetricsServer),
        pinned_in: "metrics-server",
        module: "sigs.k8s.io/metrics-server",
        tags: "",
        programs: &[program(
            "metrics-server",
            "sigs.k8s.io/metrics-server/cmd/metrics-server",
        )],
        version_variables: |version| vec![format!("k8s.io/client-go/pkg/version.gitVersion={version}")],
    },
    Component {
        name: "helm",
        extra: Some(Extra::Helm),
        pinned_in: "helm",
        module: "helm.sh/helm/v4",
        tags: "",
        programs: &[program("helm", "helm.sh/helm/v4/cmd/helm")],
        version_variables: |version| vec![format!("helm.sh/helm/v4/internal/version.version={version}")],
    },
    Component {
        name: "node",
        extra: Some(Extra::RealNode),
        pinned_in: "node",
        module: "k8s.io/kubernetes",
        tags: "",
        programs: &[
            program("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
            program("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
            program("pause", "headroom/e2e/tools/node/pause"),
        ],
        version_variables: kubernetes_version,
    },
    Component {
        name: "containerd",
        extra: Some(Extra::RealNode),
        pinned_in: "containerd",
        module: "github.com/containerd/containerd/v2",
        // Snapshotters that need C.
        tags: ",no_btrfs,no_devmapper,no_zfs",
        programs: &[
            program("containerd", "github.com/containerd/containerd/v2/cmd/containerd"),
            program(
                "containerd-shim-runc-v2",
                "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            ),
            program("ctr", "github.com/containerd/containerd/v2/cmd/ctr"),
            program("bridge", "github.com/containernetworking/plugins/plugins/main/bridge"),
            program(
                "host-local",
                "github.com/containernetworking/plugins/plugins/ipam/host-local",
            ),
            program(
                "loopback",
                "github.com/containernetworking/plugins/plugins/main/loopback",
            ),
        ],
        version_variables: |version| vec![format!("github.com/containerd/containerd/v2/version.Version={version}")],
    },
    Component {
        name: "prometheus-in-pod",
        extra: Some(Extra::PrometheusInPod),
        pinned_in: "",
        module: "github.com/prometheus/prometheus",
        tags: ",enable_kubernetes_sd",
        programs: &[program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus")],
        version_variables: prometheus_version,
    },
];

fn kubernetes_version(version: &str) -> Vec<String> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let mut next = || numbers.next().unwrap_or_default().to_owned();
    let (major, minor) = (next(), next());
    let set = |name, value: &str| format!("k8s.io/component-base/version.{name}={value}");
    vec![
        set("gitVersion", version),
        set("gitMajor", &major),
        set("gitMinor", &minor),
    ]
}

/// As a Go module, Prometheus 3.x is v0.3xx: v0.311.0 is 3.11.0.
fn prometheus_version(version: &str) -> Vec<String> {
    let version = version.replacen("v0.3", "3.", 1);
    vec![format!("github.com/prometheus/common/version.Version={version}")]
}

impl Component {
    /// The version that a `go.mod` requires of this component's module.
    pub(crate) fn version<'a>(&self, go_mod: &'a str) -> Option<&'a str> {
        go_mod.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| *word == "require");
            (words.next() == Some(self.module))
                .then(|| words.next())
                .flatten()
                .filter(|version| version.starts_with('v'))
        })
    }

    /// The argument of `go build` and `go list` that chooses files: they must agree on what is built.
    pub(crate) fn tags(&self) -> String {
        format!("-tags=remove_all_sd{}", self.tags)
    }

    /// Arguments of `go build`, but for `-o` and the packages. They decide what the binaries are.
    pub(crate) fn flags(&self, version: &str) -> Vec<String> {
        let mut ldflags = "-s -w".to_owned();
        for variable in (self.version_variables)(version) {
            ldflags = format!("{ldflags} -X {variable}");
        }
        vec![
            "-trimpath".into(),
            "-buildvcs=false".into(),
            // Prometheus's cloud discovery: 200 packages that loopback does not need.
            self.tags(),
            // Debug information that `-s -w` throws away anyway: a twelfth of the compile time.
            "-gcflags=all=-dwarf=false".into(),
            format!("-ldflags={ldflags}"),
        ]
    }

    /// The programs' packages.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &'static str> {
        self.programs.iter().map(|program| program.package)
    }

    /// The programs' names, for messages.
    pub(crate) fn program_names(&self) -> String {
        self.programs
            .iter()
            .map(|program| program.name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_has_its_version_in_go_mod() {
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools");
        for component in &COMPONENTS {
            let path = std::path::Path::new(tools).join(component.pinned_in).join("go.mod");
            let go_mod = std::fs::read_to_string(&path).unwrap();
            let version = component.version(&go_mod);
            assert!(
                version.is_some(),
                "{} has no version in {}",
                component.module,
                path.display()
            );
            for program in component.programs {
                assert!(
                    go_mod.contains(program.package),
                    "{} is no tool in {}",
                    program.package,
                    path.display()
                );
            }
        }
    }

    #[test]
    fn a_version_is_read_from_a_block_and_from_a_line() {
        let check =
            |go_mod: &str, expected: Option<&str>| assert_eq!(COMPONENTS[0].version(go_mod), expected, "{go_mod}");
        check("require (\n\tk8s.io/kubernetes v1.2.3\n)", Some("v1.2.3"));
        check("require k8s.io/kubernetes v1.2.3 // indirect", Some("v1.2.3"));
        check("tool k8s.io/kubernetes/cmd/kubectl", None);
        check("require k8s.io/kubernetes/v2 v2.0.0", None);
    }

    #[test]
    fn prometheus_is_told_its_released_version() {
        assert!(COMPONENTS[3].flags("v0.311.0")[4].ends_with("common/version.Version=3.11.0"));
    }
}
