//! The table. A row is a pair of rules that can meet; its expectation is the documented one, not what the code gave.

use super::Row;
use super::given::{Given, given};

fn row(
    pair: &'static str,
    rule: &'static str,
    given: Given,
    expected: &'static str,
    limits: &'static [&'static str],
) -> Row {
    Row {
        pair,
        rule,
        given,
        expected,
        limits,
    }
}

pub fn all() -> Vec<Row> {
    [
        modes(),
        rivals(),
        zero(),
        floors(),
        ceilings(),
        edits(),
        evidence(),
        thresholds(),
        fallbacks(),
        resting(),
        forecasts(),
        adaptive(),
        by_hand(),
        damping(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn modes() -> Vec<Row> {
    vec![
        row("paused × window", "A pause holds even against a floor.", given().paused().floor(20), "10, paused", &["Paused"]),
        row("paused × maxReplicas edited down", "A pause holds even against an edit.", given().paused().edited_max(5), "10, paused", &["TooManyReplicas", "Paused"]),
        row("paused × minReplicas", "A pause holds even below minReplicas.", given().paused().replicas(1).load(100.0), "1, paused", &["TooFewReplicas", "Paused"]),
        row("dry run × bounds", "Shown as if it were done, limits and all.", given().dry_run().load(9000.0), "would be 20", &["TooManyReplicas", "ScaleUpLimit"]),
        row("dry run × window", "A floor is shown, not enforced.", given().dry_run().floor(20), "would be 20", &[]),
        row("dry run × maxReplicas edited down", "An edit is shown, not enforced.", given().dry_run().edited_max(5).recommended(10, 60), "would be 5", &["TooManyReplicas", "ScaleDownStabilized", "TooManyReplicas"]),
    ]
}

fn rivals() -> Vec<Row> {
    vec![
        row("rival × metric", "Another autoscaler's target is left alone: shown, not written.", given().conflicted().load(1500.0), "would be 15", &[]),
        row("rival × window", "Not even a floor is written.", given().conflicted().floor(20), "would be 20", &[]),
        row("rival × maxReplicas edited down", "An edit is shown, not enforced.", given().conflicted().edited_max(5), "would be 5", &["TooManyReplicas"]),
        row("rival × zero by hand", "Both leave it; zero is the reason that is shown.", given().conflicted().replicas(0), "0, disabled", &[]),
    ]
}

fn zero() -> Vec<Row> {
    vec![
        row("zero by hand × minReplicas", "Zero by hand switches autoscaling off, as with HPA.", given().replicas(0), "0, disabled", &[]),
        row("zero by hand × window", "Not even a floor wakes it.", given().replicas(0).floor(20), "0, disabled", &[]),
        row("zero by hand × forecast", "Not even a forecast wakes it.", given().replicas(0).forecast(5000.0), "0, disabled", &[]),
        row("zero by hand × paused", "Both hold; zero is the reason that is shown.", given().replicas(0).paused(), "0, disabled", &[]),
        row("zero by hand × dry run", "Both hold; zero is the reason that is shown.", given().replicas(0).dry_run(), "0, disabled", &[]),
    ]
}

fn floors() -> Vec<Row> {
    vec![
        row("floor × tolerance", "A window's count is exact: 24 wanted are 24, not 22.", given().replicas(22).load(2200.0).exactly(24), "24", &[]),
        row("floor × scale-up stabilisation", "A floor does not wait.", given().floor(20).up_window(300).recommended(10, 60), "20, at once", &["ScaleUpStabilized", "WindowFloor"]),
        row("floor × scale-up cooldown", "A floor does not wait.", given().floor(20).up_cooldown(300).scaled(8, 10, 60), "20, at once", &["ScaleUpCooldown", "WindowFloor"]),
        row("floor × rate policy", "A floor does not wait.", given().floor(20).up_pods(2), "20, at once", &["ScaleUpLimit", "WindowFloor"]),
        row("floor × selectPolicy Disabled", "A floor holds where growth is switched off.", given().floor(20).up_disabled(), "20, at once", &["ScaleUpLimit", "WindowFloor"]),
        row("floor × metric without a value", "A floor needs no metric.", given().failing().floor(20), "20", &[]),
        row("floor × metric that wants more", "The largest wins; beyond the floor it is damped as usual.", given().floor(12).load(3000.0).up_pods(4), "14", &["ScaleUpLimit"]),
        row("floor × metric that wants less", "Never below the floor.", given().floor(8).load(100.0), "8", &[]),
        row("floor × minReplicas", "The highest floor holds.", given().floor(1).load(0.0), "2", &["TooFewReplicas"]),
        row("floor × floor", "The highest floor holds.", given().floor(12).floor(15), "15", &[]),
        row("floor × a window's ceiling", "The floor wins.", given().floor(30).ceiling(20).up_pods(100), "30", &[]),
        row("floor × rate policy later", "What a floor forced does not count against rate policies.", given().replicas(20).forced(10, 20, 30).load(3000.0).up_pods(4), "24", &["ScaleUpLimit"]),
        row("floor × cooldown later", "What a floor forced starts a cooldown.", given().replicas(20).forced(10, 20, 30).load(3000.0).up_cooldown(300), "20, unchanged", &["ScaleUpCooldown"]),
        row("window's end × stabilisation", "The way down is damped as any other.", given().replicas(20).closed(20).load(500.0).recommended(20, 60), "20, unchanged", &["ScaleDownStabilized"]),
        row("window's end × stabilisation over", "A window of recommendations later it goes down.", given().replicas(20).closed(20).load(500.0).recommended(20, 300), "5", &[]),
        row("window's end × scale-down cooldown", "The window's own change started it.", given().replicas(20).closed(20).load(500.0).down_cooldown(600).forced(10, 20, 400), "20, unchanged", &["ScaleDownCooldown"]),
        row("window's end × rate policy", "The way down is damped as any other.", given().replicas(20).closed(20).load(500.0).down_percent(10), "18", &["ScaleDownLimit"]),
        row("lead time × damping", "An early floor acts at once, as the window's would.", given().warming(20).up_pods(2).up_cooldown(300).scaled(8, 10, 60), "20, at once", &["ScaleUpCooldown", "WindowFloor"]),
        row("lead time × the window's own ceiling", "Only the floor is early: more load still brings more.", given().warming_exactly(8).load(1500.0), "15", &[]),
        row("lead time × another window's ceiling", "The floor wins.", given().warming(30).ceiling(20).up_pods(100), "30", &[]),
        row("lead time × maxReplicas", "The floor wins: the window's own maximum counts from its start on.", given().replicas(48).load(4800.0).warming_exactly(60), "60", &[]),
        row("lead time × metric without a value", "An early floor needs no metric.", given().failing().warming(20), "20", &[]),
        row("lead time × floor", "The highest floor holds.", given().warming(15).floor(12), "15", &[]),
        row("lead time × paused", "A pause holds.", given().warming(20).paused(), "10, paused", &["Paused"]),
        row("lead time × zero by hand", "Not even an early floor wakes it.", given().warming(20).replicas(0), "0, disabled", &[]),
        row("windows only × lead time", "The early floor.", given().no_metrics().warming(20), "20", &[]),
        row("windows only × outside", "A policy without metrics rests at minReplicas outside its windows.", given().no_metrics().closed(20), "2", &[]),
        row("windows only × inside", "The window's floor.", given().no_metrics().floor(20), "20", &[]),
        row("windows only × ceiling", "A ceiling alone asks for nothing.", given().no_metrics().ceiling(20), "2", &[]),
    ]
}

fn ceilings() -> Vec<Row> {
    vec![
        row("ceiling × growth", "Growth stops at the ceiling.", given().ceiling(12).load(4000.0), "12", &["WindowCeiling"]),
        row("ceiling × maxReplicas", "A window may allow more than maxReplicas.", given().replicas(50).ceiling(80).load(8000.0), "80", &[]),
        row("ceiling × ceiling", "The highest of the open windows holds.", given().ceiling(12).ceiling(15).load(4000.0), "15", &["WindowCeiling"]),
        row("ceiling × forecast", "A forecast stops at the ceiling.", given().ceiling(12).forecast(4000.0), "12", &["WindowCeiling"]),
        row("ceiling lowered × stabilisation", "Growth stops at once; the way down is damped.", given().replicas(40).load(4000.0).ceiling(20).recommended(40, 60), "40, unchanged", &["WindowCeiling", "ScaleDownStabilized"]),
        row("ceiling lowered × scale-down cooldown", "The way down is damped.", given().replicas(40).load(4000.0).ceiling(20).down_cooldown(600).scaled(30, 40, 400), "40, unchanged", &["WindowCeiling", "ScaleDownCooldown"]),
        row("ceiling lowered × rate policy", "The way down is damped.", given().replicas(40).load(4000.0).ceiling(20).down_percent(10), "36", &["WindowCeiling", "ScaleDownLimit"]),
        row("ceiling lowered × selectPolicy Disabled", "Where shrinking is switched off, a window's ceiling lowers nothing.", given().replicas(40).load(4000.0).ceiling(20).down_disabled(), "40, unchanged", &["WindowCeiling", "ScaleDownLimit"]),
        row("ceiling × metric without a value", "The way down needs valid metrics.", given().replicas(40).failing().ceiling(20), "40, unchanged", &[]),
        row("window's end × maxReplicas", "The end of a window that allowed more is no edit: the way down is damped.", given().replicas(80).load(8000.0).recommended(80, 60), "80, unchanged", &["TooManyReplicas", "ScaleDownStabilized"]),
        row("new policy × maxReplicas", "A target found above maxReplicas goes down damped.", given().new_policy().replicas(80).load(8000.0).down_percent(10), "72", &["TooManyReplicas", "ScaleDownLimit"]),
    ]
}

fn edits() -> Vec<Row> {
    vec![
        row("maxReplicas edited down × stabilisation", "An edit acts at once.", given().replicas(40).load(4000.0).edited_max(30).recommended(40, 60), "30, at once", &["TooManyReplicas", "ScaleDownStabilized", "TooManyReplicas"]),
        row("maxReplicas edited down × scale-down cooldown", "An edit acts at once.", given().replicas(40).load(4000.0).edited_max(30).down_cooldown(600).scaled(30, 40, 60), "30, at once", &["TooManyReplicas", "ScaleDownCooldown", "TooManyReplicas"]),
        row("maxReplicas edited down × rate policy", "An edit acts at once.", given().replicas(40).load(4000.0).edited_max(30).down_percent(10), "30, at once", &["TooManyReplicas", "ScaleDownLimit", "TooManyReplicas"]),
        row("maxReplicas edited down × metric without a value", "An edit needs no metric.", given().replicas(40).failing().edited_max(30), "30, at once", &["TooManyReplicas"]),
        row("maxReplicas edited down × less load", "Below the new maximum the way is damped as usual.", given().replicas(40).load(1000.0).edited_max(30).recommended(40, 60), "30, at once", &["ScaleDownStabilized", "TooManyReplicas"]),
        row("maxReplicas edited down × a window's ceiling", "While a window's ceiling holds, maxReplicas lowers nothing.", given().replicas(40).load(4000.0).edited_max(30).ceiling(60), "40, unchanged", &[]),
        row("maxReplicas edited down × floor", "The floor wins.", given().replicas(40).load(4000.0).edited_max(30).floor(35).recommended(40, 60), "35, at once", &["TooManyReplicas", "ScaleDownStabilized", "TooManyReplicas"]),
    ]
}

fn evidence() -> Vec<Row> {
    vec![
        row("metric × metric", "The largest wins.", given().load(500.0).second_metric(1500.0), "15", &[]),
        row("metric within tolerance × metric that wants less", "Within tolerance a metric proposes the present count: nothing goes down.", given().load(1050.0).second_metric(100.0), "10, unchanged", &[]),
        row("metric within tolerance × metric that wants more", "The largest wins.", given().load(1050.0).second_metric(1500.0), "15", &[]),
        row("metric without a value × metric that wants less", "Nothing scales down.", given().load(500.0).second_failing(), "10, unchanged", &["MetricInvalid"]),
        row("metric without a value × metric that wants more", "Growth goes on.", given().load(1500.0).second_failing(), "15", &[]),
        row("metric without a value × nothing else", "The count stays.", given().failing(), "10, unchanged", &[]),
        row("metric without a value × minReplicas", "A floor needs no metric.", given().replicas(1).failing(), "2", &["TooFewReplicas"]),
        row("metric × minReplicas", "No load means minReplicas, not zero.", given().load(0.0), "2", &["TooFewReplicas"]),
        row("metric × maxReplicas", "Never more than maxReplicas.", given().replicas(40).load(9000.0), "50", &["TooManyReplicas"]),
    ]
}

fn thresholds() -> Vec<Row> {
    vec![
        row("threshold × above", "A step up.", given().steps(300).load(1300.0), "12", &[]),
        row("threshold × below", "A step down.", given().steps(300).load(200.0), "9", &[]),
        row("threshold × band", "Between its thresholds nothing moves.", given().steps(300).load(900.0), "10, unchanged", &[]),
        row("threshold in its band × metric that wants less", "It proposes the present count, so nobody shrinks.", given().steps(300).load(900.0).second_metric(100.0), "10, unchanged", &[]),
        row("threshold in its band × metric that wants more", "The largest wins.", given().steps(300).load(900.0).second_metric(1500.0), "15", &[]),
        row("threshold without scaleDown × metric that wants less", "Not above, it has nothing to say.", given().steps_up().load(100.0).second_metric(500.0), "5", &[]),
        row("threshold without scaleDown × nothing else", "Nobody proposes; the count stays.", given().steps_up().load(100.0), "10, unchanged", &[]),
        row("threshold × own cooldown up", "It waits for the last growth that it won.", given().steps(300).load(1300.0).stepped(8, 10, 200), "10, unchanged", &[]),
        row("threshold × own cooldown over", "Then it steps again.", given().steps(300).load(1300.0).stepped(8, 10, 300), "12", &[]),
        row("threshold × growth that others won", "Its own cooldown runs from its own changes only.", given().steps(300).load(1300.0).scaled(8, 10, 100), "12", &[]),
        row("threshold × own cooldown down", "The way down waits for the last change that it won, in either direction.", given().steps(300).load(200.0).stepped(8, 10, 200), "10, unchanged", &[]),
        row("threshold × restart", "Its cooldown survives.", given().steps(300).load(1300.0).stepped(8, 10, 200).restarted(), "10, unchanged", &[]),
        row("threshold × scale-up cooldown", "The policy's damping comes on top.", given().steps(60).load(1300.0).stepped(8, 10, 200).up_cooldown(600), "10, unchanged", &["ScaleUpCooldown"]),
        row("threshold × rate policy", "The policy's damping comes on top.", given().steps(300).load(1300.0).up_pods(1), "11", &["ScaleUpLimit"]),
        row("threshold × maxReplicas", "Never more than maxReplicas.", given().replicas(49).steps(300).load(1300.0), "50", &["TooManyReplicas"]),
        row("threshold × minReplicas", "Never fewer than minReplicas.", given().replicas(2).steps(300).load(0.0), "2, unchanged", &["TooFewReplicas"]),
        row("threshold × metric without a value", "A rule without a value blocks the way down like any other.", given().steps(300).failing().second_metric(100.0), "10, unchanged", &["MetricInvalid"]),
    ]
}

fn fallbacks() -> Vec<Row> {
    vec![
        row("fallback × metric without a value", "Before its time it says nothing.", given().fallback(20).failing_for(179), "10, unchanged", &[]),
        row("fallback × metric without a value for long", "Then it is one more candidate.", given().fallback(20).failing_for(180), "20", &[]),
        row("fallback × fewer than present", "A fallback never lowers: a metric is missing.", given().fallback(4).failing_for(180), "10, unchanged", &["MetricInvalid"]),
        row("fallback × healthy metric that wants more", "The largest wins.", given().fallback(12).failing_for(180).second_metric(1500.0), "15", &[]),
        row("fallback × healthy metric that wants less", "The largest wins.", given().fallback(12).failing_for(180).second_metric(100.0), "12", &[]),
        row("fallback × forecast", "The largest wins.", given().fallback(12).failing_for(180).forecast(1500.0), "15", &[]),
        row("fallback × rate policy", "It is damped like any evidence.", given().fallback(20).failing_for(180).up_pods(4), "14", &["ScaleUpLimit"]),
        row("fallback × paused", "A pause holds.", given().paused().fallback(20).failing_for(180), "10, paused", &["Paused"]),
        row("fallback × healthy metrics", "Nothing is needed of it.", given().fallback(20), "10, unchanged", &[]),
    ]
}

fn resting() -> Vec<Row> {
    vec![
        row("minReplicas 0 × no load", "The target may rest.", given().min_zero().load(0.0), "0", &[]),
        row("minReplicas 0 × a little load", "Above its activation value a metric needs at least one replica.", given().min_zero().load(0.01), "1", &[]),
        row("activation value × load at it", "It must be exceeded.", given().min_zero().activation(50.0).load(50.0), "0", &[]),
        row("activation value × tolerance", "Idle beats tolerance: a last replica is not kept because it is nearly on target.", given().min_zero().replicas(1).activation(95.0).load(92.0), "0", &[]),
        row("activation value × metric that wants more", "The largest wins.", given().min_zero().activation(50.0).load(10.0).second_metric(300.0), "3", &[]),
        row("resting × threshold without scaleDown", "Above its activation value, and not above its threshold: one replica at least.", given().min_zero().steps_up().resting().load(250.0), "1", &[]),
        row("minReplicas 0 × threshold without scaleDown", "It needs one replica, though it has nothing to add.", given().min_zero().steps_up().load(250.0).second_metric(0.0), "1", &[]),
        row("resting × forecast at the activation value", "What the metric would not wake for, its forecast does not either.", given().min_zero().activation(50.0).resting().load(0.0).forecast(50.0), "0, unchanged", &[]),
        row("minReplicas 0 × cpu", "What pods use keeps no target from zero: they always use a little.", given().min_zero().load(0.0).cpu(60.0), "0", &[]),
        row("minReplicas 0 × cpu beside load", "While another metric is awake, cpu has its say.", given().min_zero().load(500.0).cpu(63.0), "10, unchanged", &[]),
        row("resting × cpu", "At zero there are no pods to measure, and that is no fault.", given().min_zero().resting().load(250.0).cpu(0.0), "3", &[]),
        row("minReplicas 0 × stabilisation", "The way to zero is damped as any other.", given().min_zero().load(0.0).recommended(4, 60), "4", &["ScaleDownStabilized"]),
        row("minReplicas 0 × metric without a value", "Nothing goes to zero blindly.", given().min_zero().replicas(1).failing(), "1, unchanged", &[]),
        row("resting × load", "It wakes, at once with what is needed.", given().min_zero().resting().load(250.0), "3", &[]),
        row("resting × load at the activation value", "It rests on.", given().min_zero().activation(250.0).resting().load(250.0), "0, unchanged", &[]),
        row("resting × percent policies only", "Growth from zero is one replica at least: no percentage of nothing wakes anybody.", given().min_zero().resting().load(250.0).up_percent(100), "1", &["ScaleUpLimit"]),
        row("resting × window", "A floor wakes it at once.", given().min_zero().resting().load(0.0).floor(5).up_cooldown(300).scaled(1, 2, 60), "5, at once", &["ScaleUpCooldown", "WindowFloor"]),
        row("resting × forecast", "A forecast wakes it before the load comes.", given().min_zero().resting().load(0.0).forecast(250.0), "3", &[]),
        row("resting × minReplicas edited up", "An edit wakes it at once.", given().resting().load(0.0), "2", &["TooFewReplicas"]),
        row("resting × metric without a value", "It rests on; nothing is known.", given().min_zero().resting().failing(), "0, unchanged", &[]),
        row("resting × fallback", "Without sight for long, the fallback wakes it.", given().min_zero().resting().fallback(2).failing_for(180), "2", &[]),
        row("resting × paused", "A pause holds.", given().min_zero().resting().paused().load(250.0), "0, paused", &["Paused"]),
        row("resting × restart", "Whose zero it is survives.", given().min_zero().resting().restarted().load(250.0), "3", &[]),
        row("zero by hand × minReplicas 0", "A person's zero is left alone, whatever the load.", given().min_zero().replicas(0).load(250.0), "0, disabled", &[]),
        row("windows only × minReplicas 0", "It rests outside its windows.", given().no_metrics().min_zero().closed(20), "0", &[]),
    ]
}

fn forecasts() -> Vec<Row> {
    vec![
        row("forecast × metric that wants less", "A forecast is one more candidate; the largest wins.", given().load(500.0).forecast(900.0), "9", &[]),
        row("forecast × metric that wants more", "A forecast never lowers.", given().load(1500.0).forecast(500.0), "15", &[]),
        row("forecast × tolerance", "The metric's tolerance holds the present count; the forecast may raise it.", given().forecast(1050.0), "11", &[]),
        row("forecast × window", "The largest wins.", given().floor(12).forecast(1500.0), "15", &[]),
        row("forecast × rate policy", "A forecast is damped like any evidence.", given().forecast(3000.0).up_pods(4), "14", &["ScaleUpLimit"]),
        row("forecast × maxReplicas", "Never more than maxReplicas.", given().replicas(40).load(4000.0).forecast(9000.0), "50", &["TooManyReplicas"]),
        row("forecast × metric without a value", "A forecast may raise …", given().failing().forecast(1500.0), "15", &[]),
        row("low forecast × metric without a value", "… and not lower.", given().failing().forecast(500.0), "10, unchanged", &["MetricInvalid"]),
        row("forecast in Preview × metric", "A preview does nothing.", given().load(500.0).preview(3000.0), "5", &[]),
        row("forecast not trusted × metric", "A forecast that abstains blocks nothing.", given().load(500.0).untrusted(3000.0), "5", &[]),
        row("forecast × paused", "A pause holds.", given().paused().forecast(1500.0), "10, paused", &["Paused"]),
    ]
}

fn adaptive() -> Vec<Row> {
    vec![
        row("Adaptive × its metric that wants more", "While trusted, the plan takes the metric's place; it grows to 3 % more than it must.", given().load(1500.0).adaptive(1500.0), "13", &[]),
        row("Adaptive × its metric that wants less", "The plan takes its place also where it wants more; it shrinks to 16 % more than it must.", given().load(500.0).adaptive(900.0), "8", &[]),
        row("Adaptive × small movement", "What 16 % more would not let go stays.", given().load(900.0).adaptive(1200.0), "10, unchanged", &[]),
        row("Adaptive × tolerance", "The tolerance is the replaced target's.", given().load(1050.0).adaptive(900.0), "9", &[]),
        row("Adaptive not trusted × its metric", "The fixed target rules, as if no prediction were there.", given().load(500.0).adaptive_untrusted(3000.0), "5", &[]),
        row("Adaptive without a plan × its metric", "The fixed target rules.", given().load(1500.0).adaptive_without_a_plan(), "15", &[]),
        row("Adaptive × its metric without a value", "A plan may raise …", given().failing().adaptive(1500.0), "13", &[]),
        row("low plan × its metric without a value", "… and not lower: a metric without a value is never replaced.", given().failing().adaptive(500.0), "10, unchanged", &["MetricInvalid"]),
        row("Adaptive × metric that wants more than the plan", "Only its own metric is replaced; the largest wins.", given().load(500.0).adaptive(900.0).second_metric(1500.0), "15", &[]),
        row("Adaptive × metric that wants less than the plan", "The largest wins.", given().load(1500.0).adaptive(1500.0).second_metric(100.0), "13", &[]),
        row("Adaptive × another metric without a value", "Nothing scales down.", given().load(500.0).adaptive(900.0).second_failing(), "10, unchanged", &["MetricInvalid"]),
        row("Adaptive × window", "The largest wins.", given().load(500.0).adaptive(900.0).floor(12), "12", &[]),
        row("Adaptive × a window's ceiling", "Never more than the ceiling.", given().load(500.0).adaptive(3000.0).ceiling(11), "11", &["WindowCeiling"]),
        row("Adaptive × minReplicas", "Never fewer than minReplicas.", given().load(0.0).adaptive(10.0), "2", &["TooFewReplicas"]),
        row("Adaptive × maxReplicas", "Never more than maxReplicas.", given().replicas(40).load(4000.0).adaptive(9000.0), "50", &["TooManyReplicas"]),
        row("Adaptive × fallback", "The largest wins.", given().fallback(12).failing_for(180).adaptive(900.0), "12", &[]),
        row("Adaptive × stabilisation", "The way down is damped like any other.", given().load(500.0).adaptive(500.0).recommended(8, 60), "8", &["ScaleDownStabilized"]),
        row("Adaptive × scale-down cooldown", "The way down is damped like any other.", given().load(500.0).adaptive(500.0).down_cooldown(600).scaled(12, 10, 60), "10, unchanged", &["ScaleDownCooldown"]),
        row("Adaptive × rate policy", "The way up is damped like any other.", given().adaptive(3000.0).up_pods(4), "14", &["ScaleUpLimit"]),
        row("Adaptive × paused", "A pause holds.", given().paused().adaptive(1500.0), "10, paused", &["Paused"]),
        row("Adaptive × dry run", "A dry run says what it would do.", given().dry_run().load(500.0).adaptive(900.0), "would be 8", &[]),
        row("Adaptive × resting", "A plan wakes the target before the load comes, as a forecast does.", given().min_zero().resting().load(0.0).adaptive(250.0), "3", &[]),
        row("Adaptive × resting at the activation value", "What the metric would not wake for, its plan does not either.", given().min_zero().activation(50.0).resting().load(0.0).adaptive(50.0), "0, unchanged", &[]),
        row("Adaptive × minReplicas 0 × a little load", "Above its activation value a plan needs at least one replica.", given().min_zero().load(0.0).adaptive(0.01), "1", &[]),
        row("idle plan × metric that is awake", "A plan that needs nobody replaces nobody.", given().min_zero().activation(50.0).load(60.0).adaptive(50.0), "1", &[]),
        row("Adaptive × zero by hand", "A person's zero is left alone.", given().min_zero().replicas(0).load(250.0).adaptive(1500.0), "0, disabled", &[]),
    ]
}

fn by_hand() -> Vec<Row> {
    vec![
        row("kubectl scale × minReplicas", "Raised to the floor at once.", given().replicas(1).up_cooldown(300).scaled(8, 10, 30), "2, at once", &["ScaleUpCooldown", "TooFewReplicas"]),
        row("kubectl scale × window", "Raised to the floor at once.", given().replicas(5).floor(8).load(500.0).up_cooldown(300).scaled(6, 8, 30), "8, at once", &["ScaleUpCooldown", "WindowFloor"]),
        row("kubectl scale × maxReplicas", "Above the ceiling the way down is damped.", given().replicas(80).load(1000.0).down_percent(10), "72", &["ScaleDownLimit"]),
        row("kubectl scale up × metric", "A count raised by hand is no recommendation: it goes where the metric wants it.", given().replicas(30).recommended(10, 15), "10", &[]),
        row("kubectl scale up × scale-down cooldown", "What a person did starts no cooldown.", given().replicas(30).recommended(10, 15).down_cooldown(600), "10", &[]),
        row("kubectl scale down × scale-up cooldown", "What a person did starts no cooldown.", given().replicas(5).up_cooldown(600), "10", &[]),
        row("kubectl scale down × rate policy", "What a person did does not count; the way back is damped.", given().replicas(5).up_pods(2), "7", &["ScaleUpLimit"]),
        row("kubectl scale × paused", "A pause holds what a person set.", given().paused().replicas(30), "30, paused", &["Paused"]),
    ]
}

fn damping() -> Vec<Row> {
    vec![
        row("stabilisation × less load", "The highest recommendation of the window holds.", given().load(500.0).recommended(8, 60), "8", &["ScaleDownStabilized"]),
        row("stabilisation × old growth", "A scale-down never turns into growth because of an older recommendation.", given().load(500.0).recommended(30, 60), "10, unchanged", &["ScaleDownStabilized"]),
        row("stabilisation × scale-down cooldown", "Both have to let it through.", given().load(500.0).recommended(8, 60).down_cooldown(600).scaled(12, 10, 60), "10, unchanged", &["ScaleDownStabilized", "ScaleDownCooldown"]),
        row("stabilisation × rate policy", "The window first, then the rate.", given().load(200.0).recommended(6, 60).down_percent(10), "9", &["ScaleDownStabilized", "ScaleDownLimit"]),
        row("scale-down cooldown × last growth", "The way down waits for the last change in either direction.", given().load(500.0).down_cooldown(600).scaled(8, 10, 60), "10, unchanged", &["ScaleDownCooldown"]),
        row("scale-up cooldown × last shrinking", "The way up waits for the last growth only.", given().load(1500.0).up_cooldown(600).scaled(12, 10, 60), "15", &[]),
        row("rate policy × period's start", "Growth counts from the count at the period's start.", given().replicas(12).load(3000.0).up_pods(4).scaled(10, 12, 30), "14", &["ScaleUpLimit"]),
        row("restart × stabilisation", "After a start the present count is the last recommendation.", given().load(500.0).restarted(), "10, unchanged", &["ScaleDownStabilized"]),
        row("restart × cooldown", "Changes survive a restart.", given().load(1500.0).up_cooldown(600).scaled(8, 10, 60).restarted(), "10, unchanged", &["ScaleUpCooldown"]),
        row("restart × rate policy", "Changes survive a restart.", given().replicas(12).load(3000.0).up_pods(4).scaled(10, 12, 30).restarted(), "14", &["ScaleUpLimit"]),
        row("restart × growth", "Growth does not wait for a window of zero.", given().load(1500.0).restarted(), "15", &[]),
        row("restart × window", "A window is a state, not an edge: one that opened meanwhile holds.", given().restarted().floor(20), "20", &[]),
    ]
}
