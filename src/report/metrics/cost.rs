//! What each policy's target costs: the replicas that were asked for, times the time that they were.

use std::sync::atomic::AtomicU64;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::labels::PolicyLabels;

/// Replica-seconds by policy.
pub(super) type ReplicaSeconds = Family<PolicyLabels, Counter<f64, AtomicU64>>;

/// Longest time counted at once, in intervals. Turns are at most one and a half apart (a change settles); what is
/// longer was a stop of this process or a time as standby, in which the count may have been anything.
const MOST_INTERVALS: i32 = 4;

/// The replica-seconds since the last decision, of which this is the count that stood until now.
pub(super) fn replica_seconds(replicas: u32, since: Timestamp, interval: SignedDuration, now: Timestamp) -> f64 {
    let most = interval.saturating_mul(MOST_INTERVALS);
    // A clock that went back counts nothing.
    let stood = now.duration_since(since).clamp(SignedDuration::ZERO, most);
    f64::from(replicas) * stood.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_up_to_four_intervals() {
        let interval = SignedDuration::from_secs(15);
        let since = Timestamp::from_second(1_700_000_000).unwrap();
        // replicas, milliseconds since, replica-seconds
        for (replicas, millis, expected) in [
            (4, 15_000, 60.0),
            (4, 1_500, 6.0),
            (0, 15_000, 0.0),
            (2, 60_000, 120.0),
            (2, 3_600_000, 120.0),
            (2, -15_000, 0.0),
        ] {
            let now = since + SignedDuration::from_millis(millis);
            assert_eq!(
                replica_seconds(replicas, since, interval, now),
                expected,
                "{replicas} {millis}"
            );
        }
    }
}
