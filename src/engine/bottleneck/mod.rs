//! The target's pods against their limits: how near they are, how evenly used, and whether more of them would help.
//!
//! ```text
//! look ──┐     spread            trial                 judge                 state
//! limits ┼─▶ percent, mean, ─▶ did use fall with ─▶ one finding a resource ─▶ held long ─▶ Bottleneck
//! now ───┘   imbalance         the load per pod?     and which one counts      enough?
//! ```
//! Facts and the rules about them, pure and total. A recommendation, never an action: `decide` cannot look here, for
//! neither policy, state nor observation holds anything of it, and `tests/architecture.rs` keeps the stages from naming it.
//! `observe` fills in the [`Look`], `controller` keeps the [`State`], `report` tells the [`Bottleneck`].

mod judge;
mod spread;
mod state;
#[cfg(test)]
mod tests;
mod trial;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::observation::Failure;
use super::reading::{Phase, Ready};

pub use judge::{Finding, Verdict};
pub use spread::{Spread, Standing};
pub use state::{Bottleneck, LASTS, State};
pub use trial::{Evidence, Proxy, Trial};

/// A pod that became ready this long ago has its share of the load, and every sample of it is of the time since: the
/// queries in use take rates over one or two minutes.
const WARM: SignedDuration = SignedDuration::from_mins(2);
/// Oldest sample that counts: three rounds of metrics-server at the slowest setting in use, as for the decision.
const STALE: SignedDuration = SignedDuration::from_mins(3);

/// What a pod may run short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Space on disk.
    Disk,
    /// Network traffic.
    Network,
}

/// Above which percentage of its limit a pod is near it; `None` where the resource is not watched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits(pub [Option<f64>; 4]);

/// What was seen of the target's pods at one instant.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Its pods.
    pub pods: Vec<Pod>,
    /// What they use of each watched resource, by [`Resource::index`].
    pub uses: [Option<Seen>; 4],
    /// The load of each, where there is a query for it.
    pub load: Option<Seen>,
    /// The load of all together, where a metric of the policy tells it.
    pub total: Option<f64>,
    /// Replicas that are asked for.
    pub current: u32,
    /// The most that may be asked for now.
    pub ceiling: u32,
}

/// One pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is in its life.
    pub phase: Phase,
    /// When a node took it; with the name it tells a StatefulSet's pod from the one before.
    pub started: Option<Timestamp>,
    /// Its Ready condition.
    pub ready: Option<Ready>,
}

/// What a source said, or why it said nothing.
pub type Seen = Result<Told, Failure>;

/// What a source said.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Of each pod, in the order of [`Look::pods`].
    Each(Vec<Option<PodUse>>),
    /// Of all of them, in percent.
    Whole(f64),
}

/// What one pod uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PodUse {
    /// The amount, in any unit.
    pub used: f64,
    /// In percent of its limit; of a load the amount again.
    pub percent: f64,
    /// The begin of the time over which it was measured.
    pub from: Timestamp,
    /// Its end.
    pub at: Timestamp,
}

impl Resource {
    /// All of them.
    pub const ALL: [Resource; 4] = [Resource::Cpu, Resource::Memory, Resource::Disk, Resource::Network];

    /// The name in status, labels and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Resource::Cpu => "cpu",
            Resource::Memory => "memory",
            Resource::Disk => "disk",
            Resource::Network => "network",
        }
    }

    /// The resource of this name.
    pub fn named(name: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|r| r.as_str() == name)
    }

    /// Its place in lists of four.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether it is taken to be used by the load until the contrary is seen. Work and traffic are shared by whoever is
    /// there; what is stored, in memory or on disk, may be the same in each pod whatever its load, so that has to be seen.
    fn follows_load(self) -> bool {
        matches!(self, Resource::Cpu | Resource::Network)
    }
}

impl Limits {
    /// The threshold in percent, where the resource is watched.
    pub fn of(&self, resource: Resource) -> Option<f64> {
        self.0[resource.index()]
    }
}
