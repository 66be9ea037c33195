//! The options of leader election, and the times that follow from them.

use std::time::Duration;

/// Options of leader election.
#[derive(Clone, Debug, clap::Args)]
pub struct LeaderArgs {
    /// Act only while holding a Lease, so that several processes can stand by for each other. Needs the rights to get,
    /// create and patch Leases.
    #[arg(long)]
    pub leader_elect: bool,
    /// Name of the Lease; with --shards, its beginning.
    #[arg(long, value_name = "NAME", default_value = "headroom", requires = "leader_elect")]
    pub lease_name: String,
    /// Namespace of the Lease; by default the pod's own, or that of the kubeconfig.
    #[arg(long, value_name = "NAMESPACE", requires = "leader_elect")]
    pub lease_namespace: Option<String>,
    /// How long a leader that fell silent is waited for, in whole seconds from 3s. It stops writing after two thirds of it.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = lease_duration, requires = "leader_elect")]
    pub lease_duration: Timing,
    /// How this process calls itself in the Lease; a random part is added. By default the host's name.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,
    /// Share the policies out over so many Leases, NAME-0 and so on, each policy by its target; every process needs the same
    /// number. One process may hold several.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), requires = "leader_elect")]
    pub shards: u16,
}

/// The times of a Lease. All follow from its duration, in client-go's proportions (15 s: renewed every 2 s, given up
/// after 10 s).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Of the Lease, in whole seconds: it may be taken from a holder that has not written it for so long.
    pub(super) duration: Duration,
}

impl Timing {
    /// Between two renewals, and between two looks of a standby: a seventh, in whole seconds as the library counts.
    pub(super) fn period(self) -> Duration {
        Duration::from_secs((self.duration.as_secs() / 7).max(1))
    }

    /// After a renewal was sent, writes pass for so long. The last third is for what was sent before and is still under way
    /// between here and the API server's storage.
    pub(super) fn valid(self) -> Duration {
        self.duration * 2 / 3
    }

    /// So much longer a process waits before it takes a free Lease, for the first and the second that it holds: until each
    /// of the others has looked, was beaten to another free Lease, has looked again and taken this one. That is three
    /// periods, and twice the library's pause of a second at most before it takes a Lease that expired. No more than two
    /// count, so that one process alone soon has them all.
    pub(super) fn handicap(self, held: u32) -> Duration {
        (self.period() * 3 + Duration::from_secs(2)) * held.min(2)
    }
}

fn lease_duration(text: &str) -> Result<Timing, String> {
    let wrong = || "give whole seconds between 3s and 1h, such as 15s".to_owned();
    let parsed = crate::validate::duration(text).map_err(|_| wrong())?;
    let duration = Duration::try_from(parsed).map_err(|_| wrong())?;
    let whole = duration.subsec_nanos() == 0 && (3..=3600).contains(&duration.as_secs());
    whole.then_some(Timing { duration }).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_from_the_duration() {
        // duration; period, valid, handicaps of one, two and ten, all in milliseconds
        for (text, period, valid, handicaps) in [
            ("3s", 1_000, 2_000, [5_000, 10_000, 10_000]),
            ("15s", 2_000, 10_000, [8_000, 16_000, 16_000]),
            ("1m", 8_000, 40_000, [26_000, 52_000, 52_000]),
        ] {
            let timing = lease_duration(text).unwrap();
            let millis = |d: Duration| d.as_millis();
            assert_eq!(
                (millis(timing.period()), millis(timing.valid())),
                (period, valid),
                "{text}"
            );
            assert_eq!(
                [1, 2, 10].map(|held| millis(timing.handicap(held))),
                handicaps,
                "{text}"
            );
            assert_eq!(timing.handicap(0), Duration::ZERO);
            // A renewal that is late by one period is still in time.
            assert!(timing.period() * 2 <= timing.valid());
        }
    }

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        leader: LeaderArgs,
    }

    #[test]
    fn what_is_said_of_a_lease_asks_for_one() {
        use clap::Parser;
        assert!(Line::try_parse_from(["run"]).is_ok(), "defaults ask for nothing");
        for option in [
            "--lease-name=a",
            "--lease-namespace=b",
            "--lease-duration=9s",
            "--shards=2",
        ] {
            let words = Line::try_parse_from(["run", option]).unwrap_err().to_string();
            assert!(words.contains("--leader-elect"), "{option}: {words}");
            let led = Line::try_parse_from(["run", option, "--leader-elect"]).unwrap();
            assert!(led.leader.leader_elect, "{option}");
        }
    }

    #[test]
    fn durations_that_no_lease_can_have() {
        for text in ["2s", "0s", "1500ms", "2h", "-5s", "soon", ""] {
            let words = lease_duration(text).unwrap_err();
            assert!(words.contains("15s"), "{text}: {words}");
        }
    }
}
