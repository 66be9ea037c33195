//! Metrics beyond a value: for how many they would ask there, and what else it takes.

use jiff::Timestamp;

use super::*;
use crate::engine::decision::Source;
use crate::engine::observation::Cause;
use crate::engine::policy::{Rule, ScalingRules, SelectPolicy};
use crate::engine::propose::band::{self, Edge, Question};
use crate::report::explain::waiting::{cooling, question, told, value};

/// Most bytes of a query that are shown: two lines.
const QUERY_BYTES: usize = 180;

/// A metric that does not yet ask for a count beyond the present one.
struct Near {
    name: String,
    value: f64,
    /// Where it would.
    edge: Edge,
    /// The end of the rule's own cooldown, where it is still to come.
    cools: Option<Timestamp>,
}

impl Changes<'_> {
    /// Metrics that would ask for more.
    pub(super) fn up(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let count = self.known.replicas.spec;
        let rules = &policy.behavior.up;
        if count >= decision.range.ceiling || rules.select == SelectPolicy::Disabled {
            return;
        }
        let lasts = lasting(rules, "scale-up stabilisation");
        for near in self.edges(count, Side::Above) {
            let asks = self.asks(Side::Above, &near);
            let text = format!("{asks}{}.", self.counts(&near, lasts.as_deref(), &[]));
            self.metric(ChangeKind::MetricAbove, near, text);
        }
        if let Some((upper, capacity)) = adaptive::ready_for(self.view).filter(|_| count > 0) {
            let beyond = f64::from(count) * capacity;
            if upper <= beyond {
                let lasts = lasts.map_or(String::new(), |l| format!(" and {l}"));
                let text = format!(
                    "The count grows once the load to be ready for, now {}, is above {} ({count} × {}){lasts}.",
                    number(upper),
                    number(beyond),
                    number(capacity)
                );
                self.say(ChangeKind::Forecast, text).value = Some(tidy(beyond));
            }
        }
    }

    /// Metrics that would have to ask for less, or to answer at all.
    pub(super) fn down(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let count = self.known.replicas.spec;
        let rules = &policy.behavior.down;
        if decision.invalid().next().is_some() {
            let names: Vec<&str> = decision.invalid().map(|(source, _)| source.name()).collect();
            let text = format!(
                "Once metric {} has a usable value again, it asks for a count again, and the count may change.",
                names.join(" and metric ")
            );
            let joined = names.join(",");
            let empty = decision.invalid().filter(|(_, failure)| failure.cause == Cause::Empty);
            let queries: Vec<(&str, String)> = empty
                .filter_map(|(source, _)| Some((source.name(), self.query(source.name())?)))
                .collect();
            self.say(ChangeKind::MetricValue, text).source = Some(joined);
            for (name, query) in queries {
                let text = format!(
                    "Run the query of {name}, `{query}`, in Prometheus to see why it returns nothing: do its labels match \
                     any series, is the target scraped?"
                );
                self.say(ChangeKind::MetricValue, text).source = Some(name.to_owned());
            }
            self.by_hand();
            return;
        }
        if count <= decision.range.floor || rules.select == SelectPolicy::Disabled {
            return;
        }
        let lasts = lasting(rules, "scale-down stabilisation");
        for near in self.edges(count, Side::Below) {
            // The largest proposal wins, so every other source that holds the count would have to let go too.
            let others = self.holders(count).into_iter();
            let others: Vec<String> = others
                .filter(|s| !matches!(s, Source::Metric(n) if **n == *near.name))
                .map(named)
                .collect();
            let asks = self.asks(Side::Below, &near);
            let text = format!("{asks}{}.", self.counts(&near, lasts.as_deref(), &others));
            self.metric(ChangeKind::MetricBelow, near, text);
        }
        // Floors were told apart above; what is left is a forecast that alone holds the count.
        let holders = self.holders(count);
        let alone = holders.iter().all(|s| matches!(s, Source::Forecast(_)));
        let forecasts: Vec<String> = holders.into_iter().filter(|_| alone).map(named).collect();
        for forecast in forecasts {
            let lasts = lasts.as_deref().map_or(String::new(), |l| format!(" and {l}"));
            let text = format!("The count falls once {forecast} asks for fewer than {count}{lasts}.");
            self.say(ChangeKind::Forecast, text);
        }
    }

    /// The metrics that do not yet ask for a count beyond the present one in a direction. Where a rule's own cooldown is
    /// all that keeps it from more, `rules` has told so.
    fn edges(&self, count: u32, direction: Side) -> Vec<Near> {
        let known = self.known;
        let each = known.policy.metrics.iter().filter_map(|metric| {
            let proposal = told(known, metric)?;
            let value = value(proposal)?;
            let asks = match proposal.outcome {
                Outcome::Replicas { replicas, .. } => replicas,
                _ => count,
            };
            // As if no cooldown of its own ran; whether one does is asked for apart.
            let won = match metric.rule {
                Rule::Thresholds(_) => &[],
                Rule::Target(_) => known.state.rules(),
            };
            let band = band::band(question(known, metric, won, known.decision.at));
            let range = known.decision.range;
            let edge = match direction {
                Side::Above => band.above.filter(|edge| asks <= count && value < edge.value)?,
                Side::Below => band.below.filter(|edge| asks >= count && value > edge.value)?,
            };
            let replicas = match direction {
                Side::Above => visibly_above(question(known, metric, won, known.decision.at), edge).min(range.ceiling),
                Side::Below => edge.replicas.max(range.floor),
            };
            let edge = Edge { replicas, ..edge };
            let now = self.view.now;
            Some(Near {
                name: metric.name.to_string(),
                value,
                edge,
                cools: cooling(question(known, metric, known.state.rules(), now), edge.value),
            })
        });
        each.collect()
    }

    /// What becomes of a count that a person sets while a metric fails: nothing shrinks, and only what still asks for a count
    /// raises it.
    fn by_hand(&mut self) {
        let Known { decision, policy, .. } = self.known;
        if policy.mode != Mode::Active {
            return;
        }
        let (scale, range) = (self.view.by_hand(), decision.range);
        let text = match decision.winner {
            None => format!(
                "Until something asks for a count, a {scale} is left alone, for N from {} to {}.",
                range.floor.max(1),
                range.ceiling
            ),
            Some(_) => format!(
                "Until then a {scale} is not undone where it raises the count, up to {}; where it lowers it, the sources that \
                 do have a say may raise it again.",
                range.ceiling
            ),
        };
        self.say(ChangeKind::MetricValue, text);
    }

    /// A metric's query to Prometheus, where it is one, in one line that fits a page.
    fn query(&self, name: &str) -> Option<String> {
        let mut metrics = self.view.object.spec.metrics.iter();
        let query = &metrics.find(|m| m.name == name)?.prometheus.as_ref()?.query;
        let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(words::clip(line, QUERY_BYTES))
    }

    /// The sources that ask for the present count or more.
    fn holders(&self, count: u32) -> Vec<&Source> {
        let all = self.known.decision.proposals.iter();
        let holds = all.filter(|p| self.proposed(p).is_some_and(|n| n >= count));
        holds.map(|p| &p.source).collect()
    }

    fn metric(&mut self, kind: ChangeKind, near: Near, text: String) {
        let change = self.say(kind, text);
        change.source = Some(near.name);
        change.value = Some(tidy(near.edge.value));
        change.replicas = Some(near.edge.replicas);
    }

    /// `Metric requests: below 600 (now 780) it asks for 3 replicas`
    fn asks(&self, side: Side, near: &Near) -> String {
        // The edge is the first float beyond; people say what it is above or below of. It is idle at that value itself.
        let at = match side {
            Side::Above => format!("above {}", number(near.edge.value.next_down())),
            Side::Below if near.edge.replicas == 0 && near.edge.value == 0.0 => "at 0".to_owned(),
            Side::Below if near.edge.replicas == 0 => format!("at {} or less", number(near.edge.value)),
            Side::Below => format!("below {}", number(near.edge.value.next_up())),
        };
        let value = number(near.value);
        let then = if freshness::is_past(self.view) { "then" } else { "now" };
        let asks = format!("Metric {}: {at} ({then} {value}) it asks for", near.name);
        match self.known.replicas.spec {
            // The higher the value, the more: what is told is the least of it.
            0 => format!(
                "{asks} at least {}, and the target wakes by itself",
                counted(near.edge.replicas)
            ),
            _ => format!("{asks} {}", counted(near.edge.replicas)),
        }
    }

    /// What else it takes; where nothing is written, it only would count.
    fn counts(&self, near: &Near, lasts: Option<&str>, others: &[String]) -> String {
        let counts = match self.known.policy.mode {
            Mode::Active => "counts",
            Mode::DryRun | Mode::Conflicted | Mode::Paused => "would count",
        };
        let once = once(self.cools(near), lasts, others);
        once.map_or(String::new(), |once| format!(", which {counts} once {once}"))
    }

    /// `its own cooldown is over at 10:04:00Z`
    fn cools(&self, near: &Near) -> Option<String> {
        let until = near.cools.map(|until| instant(until, self.view.now));
        until.map(|until| format!("its own cooldown is over at {until}"))
    }
}

/// Which side of the band.
#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

/// `metric latency asks for fewer as well and that has lasted 5m (scale-down stabilisation)`
fn once(cools: Option<String>, lasts: Option<&str>, others: &[String]) -> Option<String> {
    let others = others.iter().map(|o| format!("{o} asks for fewer as well"));
    let conditions: Vec<String> = cools
        .into_iter()
        .chain(others)
        .chain(lasts.map(str::to_owned))
        .collect();
    Some(match conditions.split_last()? {
        (last, []) => last.clone(),
        (last, [one]) => format!("{one} and {last}"),
        (last, more) => format!("{}, and {last}", more.join(", ")),
    })
}

/// `that has lasted 5m (scale-down stabilisation)`
fn lasting(rules: &ScalingRules, name: &str) -> Option<String> {
    let window = rules.stabilization;
    window
        .is_positive()
        .then(|| format!("that has lasted {window:#} ({name})"))
}

/// What is asked for a millionth above the edge: at the edge itself the rule may still take the value for a rounding error
/// of less (2 200.0000000000005 ÷ 200 is 11, any value that a page can show above 2 200 is 12).
fn visibly_above(about: Question<'_>, edge: Edge) -> u32 {
    match band::outcome(about, edge.value * (1.0 + 1e-6)) {
        Outcome::Replicas { replicas, .. } => replicas,
        Outcome::Preview { .. } | Outcome::Replaced { .. } | Outcome::Abstains(_) | Outcome::Invalid(_) => {
            edge.replicas
        }
    }
}

/// Seven digits: the float itself lies a rounding error beyond the number that people reckon with.
fn tidy(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}
