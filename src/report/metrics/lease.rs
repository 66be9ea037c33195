//! Leases: which this process holds, and how often that changed.
//!
//! Bounded by `--shards`. Without leader election there is no series.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::Registrar;
use super::table::{LEADER, LEASE_TRANSITIONS};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaseLabels {
    lease: String,
}

/// The families of Leases.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    leader: Family<LeaseLabels, Gauge>,
    transitions: Family<LeaseLabels, Counter>,
}

impl Leases {
    pub(super) fn register(&self, register: &mut Registrar) {
        register.add(LEADER, self.leader.clone());
        register.add(LEASE_TRANSITIONS, self.transitions.clone());
    }

    /// Shows whether the Lease is held, and counts where that is news. The first call only shows.
    pub(super) fn show(&self, lease: &str, held: bool) {
        let labels = LeaseLabels {
            lease: lease.to_owned(),
        };
        let before = self.leader.get_or_create(&labels).set(i64::from(held));
        let transitions = self.transitions.get_or_create(&labels);
        if before != i64::from(held) {
            transitions.inc();
        }
    }
}
