//! How long nobody decides when the leader goes: `make bench-failover` lets OPERATORS (3) operators with default Leases
//! act for POLICIES (20) policies, ends the leader KILLS (20) times, by turns with SIGKILL and SIGTERM, and changes the
//! load at the same moment.
//!
//! Prints the time until the next leader's first decision and until the first and the last answer to the new load. The
//! witness is the API server's audit log: each policy has to answer each change once, or the bench fails.

mod audit;
mod stage;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use self::audit::Write;
use self::stage::{Stage, setting};

/// How an end came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Sigkill,
    Sigterm,
}

/// What one end cost, in seconds from the signal.
struct Cost {
    decision: f64,
    first: f64,
    last: f64,
}

/// The change of load at the end of a leader: up and down by turns, from so many replicas' to so many replicas' worth.
fn change(kill: u32) -> (u32, u32) {
    if kill.is_multiple_of(2) { (3, 5) } else { (5, 3) }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (kills, policies, operators) = (
        setting("KILLS", 20)?,
        setting("POLICIES", 20)?,
        setting("OPERATORS", 3)?,
    );
    ensure!(
        operators > 1,
        "OPERATORS={operators}: give two at least, or nobody stands by"
    );
    let mut stage = Stage::set(policies, operators).await?;
    let begin = headroom::clock::now();
    let mut costs: BTreeMap<End, Vec<Cost>> = BTreeMap::new();
    for kill in 0..kills {
        let end = if kill % 2 == 0 { End::Sigkill } else { End::Sigterm };
        // Anywhere between two renewals, which are 2 s apart: in steps that do not come back to the same place.
        tokio::time::sleep(Duration::from_millis(u64::from(kill) * 730 % 2000)).await;
        let (_, to) = change(kill);
        let (at, begun) = (headroom::clock::now(), Instant::now());
        stage.load(to);
        stage.end_leader(end == End::Sigterm)?;
        let decision = stage.until_decision(begun).await?;
        stage.until_replicas(to).await?;
        let writes = stage.writes(at)?;
        let answers: Vec<&Write> = writes.iter().filter(|w| w.made).collect();
        let after = |w: Option<&&Write>| w.map(|w| w.at.duration_since(at).as_secs_f64()).context("no answer");
        let cost = Cost {
            decision: decision.as_secs_f64(),
            first: after(answers.iter().min_by_key(|w| w.at))?,
            last: after(answers.iter().max_by_key(|w| w.at))?,
        };
        println!(
            "{:>2} {end:?}: decision after {:.2} s, first answer {:.2} s, last {:.2} s; {} answers",
            kill + 1,
            cost.decision,
            cost.first,
            cost.last,
            answers.len()
        );
        costs.entry(end).or_default().push(cost);
        stage.refill().await?;
    }
    for (end, costs) in &costs {
        println!("{end:?}, {} times", costs.len());
        let line = |what: &str, of: fn(&Cost) -> f64| {
            let mut all: Vec<f64> = costs.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            println!(
                "  {what:<22} median {:6.2} s, worst {:6.2} s",
                all[all.len() / 2],
                all[all.len() - 1]
            );
        };
        line("first decision", |c| c.decision);
        line("first answer", |c| c.first);
        line("last answer of all", |c| c.last);
    }
    let writes = stage.writes(begin)?;
    let mut made: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    for write in writes.iter().filter(|w| w.made) {
        made.entry(&write.name).or_default().push((write.from, write.to));
    }
    let changes: Vec<_> = (0..kills).map(change).collect();
    let expected = changes.len() * usize::try_from(policies)?;
    let count: usize = made.values().map(Vec::len).sum();
    println!("actions                {count} made of {expected} due");
    println!(
        "writes refused         {} (decided upon a count that had changed)",
        writes.len() - count
    );
    ensure!(
        count == expected && made.values().all(|of| *of == changes),
        "an action is lost or doubled: {made:?}"
    );
    println!("none lost, none doubled: each policy answered each change once, in order");
    Ok(())
}
