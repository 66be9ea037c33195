//! Each policy's pods against their limits, as gauges, read from the status. What is not known is not shown.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::labels::PolicyLabels;
use super::table::{BIGGER_PODS, IMBALANCE, UTILIZATION};
use super::{Registrar, show};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::bottleneck::Resource;
use crate::report::status::bigger_pods_advised;

/// The load among the resources that may be unevenly used.
const LOAD: &str = "load";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    namespace: String,
    policy: String,
    resource: &'static str,
}

type Ratios = Family<ResourceLabels, Gauge<f64, AtomicU64>>;

/// The families of the pods.
#[derive(Clone, Debug, Default)]
pub(super) struct BottleneckGauges {
    utilization: Ratios,
    imbalance: Ratios,
    bigger_pods: Family<PolicyLabels, Gauge>,
}

impl BottleneckGauges {
    pub(super) fn register(&self, registrar: &mut Registrar<'_>) {
        registrar.add(UTILIZATION, self.utilization.clone());
        registrar.add(IMBALANCE, self.imbalance.clone());
        registrar.add(BIGGER_PODS, self.bigger_pods.clone());
    }

    pub(super) fn show(&self, labels: &PolicyLabels, status: &ScalingPolicyStatus) {
        let told = status.bottleneck.as_ref();
        let set = |family: &Ratios, resource: &'static str, value: Option<f64>| {
            let labels = ResourceLabels {
                namespace: labels.namespace.clone(),
                policy: labels.policy.clone(),
                resource,
            };
            show(family, &labels, value);
        };
        let number = |text: Option<&String>| text.and_then(|t| t.parse::<f64>().ok());
        for resource in Resource::ALL.map(Resource::as_str) {
            let used = told.and_then(|t| t.resources.iter().find(|r| r.name == resource));
            let percent = used.and_then(|u| u.percent);
            set(&self.utilization, resource, percent.map(|p| f64::from(p) / 100.0));
            set(
                &self.imbalance,
                resource,
                number(used.and_then(|u| u.imbalance.as_ref())),
            );
        }
        let load = told.and_then(|t| t.load.as_ref()?.imbalance.as_ref());
        set(&self.imbalance, LOAD, number(load));
        show(&self.bigger_pods, labels, bigger_pods_advised(status).map(i64::from));
    }
}
