//! The behaviours, in the order in which they are shown. Each leaves the operator installed and idle, but for the last.

mod cpu;
mod failover;
mod install;
mod pod_security;
mod readiness;
mod requests;
mod uninstall;
mod upgrade;

use futures::future::LocalBoxFuture;

use crate::stage::Stage;

/// Something that is promised, and the way to see it.
#[derive(Debug)]
pub(crate) struct Behaviour {
    /// By which it is chosen.
    pub(crate) name: &'static str,
    /// In one sentence.
    pub(crate) promise: &'static str,
    /// Shows it, and returns its figures.
    pub(crate) show: for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, anyhow::Result<String>>,
}

pub(crate) const BEHAVIOURS: [Behaviour; 8] = [
    Behaviour {
        name: "install",
        promise: "helm install brings up two ready pods, one leader; helm test passes",
        show: |stage| Box::pin(install::show(stage)),
    },
    Behaviour {
        name: "pod-security",
        promise: "all of it runs in a namespace that enforces the restricted Pod Security standard",
        show: |stage| Box::pin(pod_security::show(stage)),
    },
    Behaviour {
        name: "requests",
        promise: "replicas follow real requests, as Prometheus counts them, up and down",
        show: |stage| Box::pin(requests::show(stage)),
    },
    Behaviour {
        name: "cpu",
        promise: "replicas follow the processor time that pods really use, as metrics-server tells it",
        show: |stage| Box::pin(cpu::show(stage)),
    },
    Behaviour {
        name: "readiness",
        promise: "a pod that is not ready yet does not count",
        show: |stage| Box::pin(readiness::show(stage)),
    },
    Behaviour {
        name: "failover",
        promise: "a leader that is deleted or killed is followed by the standby; no change is made twice or lost",
        show: |stage| Box::pin(failover::show(stage)),
    },
    Behaviour {
        name: "upgrade",
        promise: "helm upgrade keeps decisions: a cooldown goes on, nothing is written for the upgrade's sake",
        show: |stage| Box::pin(upgrade::show(stage)),
    },
    Behaviour {
        name: "uninstall",
        promise: "helm uninstall leaves targets and policies as they are",
        show: |stage| Box::pin(uninstall::show(stage)),
    },
];
