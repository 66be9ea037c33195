//! What a Lease shows to somebody who does not hold it: whether it may be taken.
//!
//! Pure. The times in a Lease are other machines' clocks and are not believed: a holder has fallen silent once this process
//! has seen no write of the Lease for as long as the holder promised to write, by its own monotonic clock. So no skew of
//! clocks takes a Lease from a holder that is alive.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use tokio::time::Instant;

/// Whether a Lease may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nobody holds it, since then as far as is known here.
    Free(Instant),
    /// Somebody does; it falls free in so long unless it is renewed.
    Held(Duration),
}

/// Remembers what was seen.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// The version seen last, and when it was seen first.
    seen: Option<(String, Instant)>,
    free: Option<Instant>,
}

impl Lookout {
    /// Takes in the Lease as it is at `now`; `own` is this process's identity, `usual` the duration of a Lease that names none.
    pub(super) fn see(&mut self, lease: Option<&Lease>, own: &str, usual: Duration, now: Instant) -> Sight {
        let left = lease.map_or(Duration::ZERO, |lease| self.left(lease, own, usual, now));
        if left.is_zero() {
            return Sight::Free(*self.free.get_or_insert(now));
        }
        self.free = None;
        Sight::Held(left)
    }

    /// How long the Lease is still held; zero where it is not.
    fn left(&mut self, lease: &Lease, own: &str, usual: Duration, now: Instant) -> Duration {
        let version = lease.metadata.resource_version.as_deref().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if seen == version => *since,
            _ => {
                self.seen = Some((version.to_owned(), now));
                now
            }
        };
        match holder(lease) {
            // Nobody's, or left over from a tenure of this process that has ended.
            None => return Duration::ZERO,
            Some(holder) if holder == own => return Duration::ZERO,
            Some(_) => {}
        }
        let promised = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let promised = promised.and_then(|seconds| u64::try_from(seconds).ok().filter(|s| *s > 0));
        let promised = promised.map_or(usual, Duration::from_secs);
        promised.saturating_sub(now.duration_since(since))
    }
}

/// Who holds the Lease.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(version: &str, holder: Option<&str>, seconds: Option<i32>) -> Lease {
        let spec = serde_json::json!({"holderIdentity": holder, "leaseDurationSeconds": seconds});
        let object = serde_json::json!({"metadata": {"resourceVersion": version}, "spec": spec});
        serde_json::from_value(object).unwrap()
    }

    /// Looks in turn, each so many seconds after the first: the Lease, and for how many seconds it is still held.
    #[track_caller]
    fn check(looks: &[(u64, Option<Lease>, u64)]) {
        let (mut lookout, begun) = (Lookout::default(), Instant::now());
        for (at, lease, held) in looks {
            let now = begun + Duration::from_secs(*at);
            let sight = lookout.see(lease.as_ref(), "me", Duration::from_secs(15), now);
            let seconds = match sight {
                Sight::Free(_) => 0,
                Sight::Held(left) => left.as_secs(),
            };
            assert_eq!(seconds, *held, "at {at} s: {lease:?}");
        }
    }

    #[test]
    fn who_may_take_it_when() {
        let theirs = |version: &str| Some(lease(version, Some("other"), Some(15)));
        check(&[(0, None, 0)]);
        check(&[(0, Some(lease("1", None, None)), 0)]);
        check(&[(0, Some(lease("1", Some(""), Some(1))), 0)]);
        check(&[(0, Some(lease("1", Some("me"), Some(15))), 0)]);
        // Silent for as long as promised, counted from the first sight of the last write.
        check(&[(0, theirs("1"), 15), (10, theirs("1"), 5), (15, theirs("1"), 0)]);
        check(&[
            (0, theirs("1"), 15),
            (14, theirs("2"), 15),
            (28, theirs("2"), 1),
            (29, theirs("2"), 0),
        ]);
        // Its own promise counts; without a sensible one, ours.
        check(&[(0, Some(lease("1", Some("other"), Some(60))), 60)]);
        check(&[(0, Some(lease("1", Some("other"), Some(-1))), 15)]);
        check(&[(0, Some(lease("1", Some("other"), None)), 15)]);
        // Released.
        check(&[
            (0, theirs("1"), 15),
            (2, Some(lease("2", None, None)), 0),
            (4, theirs("3"), 15),
        ]);
    }

    #[test]
    fn since_when_it_is_free() {
        let (mut lookout, begun) = (Lookout::default(), Instant::now());
        let mut see = |at: u64, lease: Option<&Lease>| {
            lookout.see(lease, "me", Duration::from_secs(15), begun + Duration::from_secs(at))
        };
        assert_eq!(see(0, None), Sight::Free(begun));
        assert_eq!(see(2, None), Sight::Free(begun));
        let theirs = lease("1", Some("other"), Some(15));
        assert_eq!(see(4, Some(&theirs)), Sight::Held(Duration::from_secs(15)));
        assert_eq!(see(19, Some(&theirs)), Sight::Free(begun + Duration::from_secs(19)));
    }
}
