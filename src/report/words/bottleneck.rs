//! What is said of the pods and their limits, for conditions, Events and `explain`.

use super::{number, span};
use crate::engine::bottleneck::{Evidence, Finding, LASTS, Proxy, Resource, Spread, Standing, Trial, Verdict};

/// Above this the load of the hottest pod counts as uneven: a quarter more than the mean, as the threshold is above a mean
/// that counts as well below it.
const UNEVEN: f64 = 1.25;

/// The finding in one sentence.
pub fn sentence(verdict: &Verdict) -> String {
    let near = near(verdict);
    match verdict.finding {
        Finding::WithinLimits => format!("no pod is near a limit; nearest to it, {near}"),
        Finding::MoreReplicasHelp => format!("{near}; the load drives it, and more replicas share it"),
        Finding::AtMaxReplicas => {
            let ceiling = match verdict.ceiling {
                0 => String::new(),
                n => format!(" than {n}"),
            };
            format!(
                "the maximum is in the way: {near}; more replicas would share the load, and there may be no more{ceiling}; \
                 raise maxReplicas, or that of the schedule in force"
            )
        }
        Finding::LoadUnbalanced => {
            format!(
                "balance, not replicas: {near}; more replicas do not help that pod: {}",
                blame(verdict)
            )
        }
        Finding::UseNotShared => {
            let evidence = verdict.evidence.as_ref().map(|e| evidence(e, verdict.resource));
            let evidence = evidence.map_or(String::new(), |e| format!("; {e}"));
            format!("a bigger pod, not more of them: {near}{evidence}")
        }
        Finding::NotYetSeen => format!(
            "{near}; whether more replicas would help is seen once some are added, or once pods near the limit have unlike \
             loads"
        ),
        Finding::OnePod => format!("{near}; one pod shows neither how load spreads nor what another would change"),
        Finding::SamplesMissing => missing(verdict),
        Finding::TooEarly => format!("what is seen is told once it has lasted {}", span(LASTS)),
    }
}

/// What showed that more replicas do not help.
pub fn evidence(evidence: &Evidence, resource: Option<Resource>) -> String {
    let trial = match evidence {
        Evidence::Told(words) => return words.to_string(),
        Evidence::Seen(trial) => trial,
    };
    let what = resource.map_or("use", Resource::as_str);
    let Trial { by, pods, load, used } = trial;
    let load_of = match by {
        Proxy::Load | Proxy::Total => "load",
        Proxy::Cpu => "cpu",
    };
    match pods {
        Some((from, to)) => format!(
            "when {from} {} became {to}, the {load_of} of each {} and its {what} {}",
            if *from == 1 { "pod" } else { "pods" },
            moved(*load),
            moved(*used)
        ),
        None => format!(
            "where a pod's {load_of} was {}, its {what} was {}",
            compared(*load),
            compared(*used)
        ),
    }
}

/// `fell by 50 %`, of after over before.
fn moved(ratio: f64) -> String {
    match percent(100.0 * (1.0 - ratio).abs()) {
        p if p == "0 %" => "stayed as it was".to_owned(),
        p if ratio < 1.0 => format!("fell by {p}"),
        p => format!("rose by {p}"),
    }
}

/// `56 % lower`.
fn compared(ratio: f64) -> String {
    match percent(100.0 * (1.0 - ratio).abs()) {
        p if p == "0 %" => "the same".to_owned(),
        p if ratio < 1.0 => format!("{p} lower"),
        p => format!("{p} higher"),
    }
}

/// `memory is at 93 % in pod web-1 (88 % on average of 4 pods; threshold 85 %)`
fn near(verdict: &Verdict) -> String {
    let what = verdict.resource.map_or("a resource", Resource::as_str);
    let threshold = percent(verdict.threshold);
    match &verdict.standing {
        Some(Standing::Each(Spread {
            pods,
            highest,
            hottest,
            mean,
            ..
        })) => {
            let mean = match pods {
                1 => "the only one that counts".to_owned(),
                _ => format!("{} on average of {pods} pods", percent(*mean)),
            };
            format!(
                "{what} is at {} in pod {hottest} ({mean}; threshold {threshold})",
                percent(*highest)
            )
        }
        Some(Standing::Whole(value)) => format!("{what} is at {} (threshold {threshold})", percent(*value)),
        Some(Standing::Unknown(_)) | None => format!("{what} is near its limit"),
    }
}

/// Where to look for the reason why one pod is hotter than the others.
fn blame(verdict: &Verdict) -> String {
    let Some(Standing::Each(hot)) = &verdict.standing else {
        return "look for a hot key, sticky sessions, a leak or a slow node".to_owned();
    };
    match &verdict.load {
        Some(Standing::Each(load)) => match load.imbalance() {
            Some(times) if load.hottest == hot.hottest && times >= UNEVEN => format!(
                "it has {} times the mean load; look for a hot key, sticky sessions or connections that stay",
                number(times)
            ),
            Some(times) if times >= UNEVEN => format!(
                "most of the load is on pod {} ({} times the mean), so look at this one: a leak, a slow node",
                load.hottest,
                number(times)
            ),
            _ => "the load spreads evenly, so look at that pod: a leak, a slow node".to_owned(),
        },
        _ => "look for a hot key, sticky sessions, a leak or a slow node".to_owned(),
    }
}

fn missing(verdict: &Verdict) -> String {
    let what = verdict.resource.map_or("use", Resource::as_str);
    match &verdict.standing {
        Some(Standing::Unknown(failure)) => format!("{what} is not known ({}: {})", failure.cause, failure.message),
        Some(Standing::Each(spread)) => format!(
            "{what} of {} ready {} is not known, and of {} it is not near the limit",
            spread.missing,
            if spread.missing == 1 { "pod" } else { "pods" },
            spread.pods
        ),
        Some(Standing::Whole(_)) | None => format!("{what} is not known of every pod"),
    }
}

/// Whole percent.
fn percent(value: f64) -> String {
    format!("{} %", number(value.round()))
}
