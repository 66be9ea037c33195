//! Which policies scale which target, the oldest first: of several the oldest that may ever write is the one that does.
//!
//! Pure. Kept true by the policies' watch, not by reconciles: at a start all policies are in here before the first one is
//! decided, or a younger one would act before its elder was known. A policy in DryRun never writes, so it is nobody's
//! rival; one that is Paused holds the count, and one whose spec is wrong is about to be mended: both are.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use crate::api::{PolicyMode, ScalingPolicy};
use crate::observe::{TargetKey, scale};

type Reference = ObjectRef<ScalingPolicy>;
/// Creation, and where that is the same the uid: an order that every restart finds again.
type Age = (Timestamp, String);

/// The index.
#[derive(Default)]
pub(super) struct Seniority {
    claims: HashMap<Reference, Claim>,
    by_target: HashMap<TargetKey, BTreeMap<Age, Reference>>,
}

#[derive(Clone, PartialEq)]
struct Claim {
    target: TargetKey,
    age: Age,
    writes: bool,
}

impl Seniority {
    /// Takes in a policy as it is now, and yields whom that concerns besides itself.
    pub(super) fn take_in(&mut self, object: &ScalingPolicy) -> Vec<Reference> {
        let reference = Reference::from_obj(object);
        let claim = claim(object);
        if self.claims.get(&reference) == claim.as_ref() {
            return Vec::new();
        }
        let mut concerned = self.forget(&reference);
        if let Some(claim) = claim {
            concerned.extend(self.scaling(&claim.target).cloned());
            let of_target = self.by_target.entry(claim.target.clone()).or_default();
            of_target.insert(claim.age.clone(), reference.clone());
            self.claims.insert(reference, claim);
        }
        concerned
    }

    /// Forgets a policy, and yields whom that concerns.
    pub(super) fn forget(&mut self, policy: &Reference) -> Vec<Reference> {
        let Some(claim) = self.claims.remove(policy) else {
            return Vec::new();
        };
        if let Some(of_target) = self.by_target.get_mut(&claim.target) {
            of_target.remove(&claim.age);
            if of_target.is_empty() {
                self.by_target.remove(&claim.target);
            }
        }
        self.scaling(&claim.target).cloned().collect()
    }

    /// The policies of a target, the oldest first.
    pub(super) fn scaling(&self, target: &TargetKey) -> impl Iterator<Item = &Reference> {
        self.by_target.get(target).into_iter().flat_map(BTreeMap::values)
    }

    /// The oldest policy of the same target that may ever write, where that is another, older one.
    pub(super) fn elder(&self, policy: &Reference) -> Option<&Reference> {
        let mine = self.claims.get(policy)?;
        let older = self.by_target.get(&mine.target)?.range(..mine.age.clone());
        let mut older = older.map(|(_, reference)| reference);
        older.find(|reference| self.claims.get(reference).is_some_and(|c| c.writes))
    }
}

/// What a policy claims; nothing where its `apiVersion` cannot be read.
fn claim(object: &ScalingPolicy) -> Option<Claim> {
    let namespace = object.namespace().unwrap_or_default();
    let created = object.metadata.creation_timestamp.as_ref();
    Some(Claim {
        target: scale::key(&object.spec.target_ref, &namespace).ok()?,
        age: (
            created.map_or(Timestamp::MAX, |t| t.0),
            object.uid().unwrap_or_default(),
        ),
        writes: object.spec.mode != PolicyMode::DryRun,
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn policy(name: &str, created: i64, mode: &str, target: &str) -> ScalingPolicy {
        let spec = format!(
            "{{targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}, maxReplicas: 9, mode: {mode}}}"
        );
        let mut object = ScalingPolicy::new(name, serde_yaml::from_str(&spec).unwrap());
        object.metadata.namespace = Some("shop".into());
        object.metadata.uid = Some(format!("{name}-uid"));
        object.metadata.creation_timestamp = Timestamp::from_second(created).ok().map(Time);
        object
    }

    fn names<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Vec<&'a str> {
        let mut names: Vec<&str> = references.into_iter().map(|r| &*r.name).collect();
        names.sort_unstable();
        names
    }

    /// Policies as (name, created, mode); the elder of `of`, in whichever order they were seen.
    #[track_caller]
    fn check(policies: &[(&str, i64, &str)], of: &str, expected: Option<&str>) {
        for backwards in [false, true] {
            let mut index = Seniority::default();
            let mut objects: Vec<_> = policies.iter().map(|(n, c, m)| policy(n, *c, m, "web")).collect();
            if backwards {
                objects.reverse();
            }
            objects.iter().for_each(|o| drop(index.take_in(o)));
            let of = Reference::from_obj(&policy(of, 0, "Active", "web"));
            assert_eq!(index.elder(&of).map(|r| &*r.name), expected, "{policies:?}");
        }
    }

    #[test]
    fn the_oldest_that_may_write_is_the_rival() {
        check(&[("a", 1, "Active")], "a", None);
        check(&[("a", 1, "Active"), ("b", 2, "Active")], "a", None);
        check(&[("a", 1, "Active"), ("b", 2, "Active")], "b", Some("a"));
        check(&[("a", 1, "Paused"), ("b", 2, "Active")], "b", Some("a"));
        check(&[("a", 1, "DryRun"), ("b", 2, "Active")], "b", None);
        check(
            &[("a", 1, "DryRun"), ("b", 2, "Active"), ("c", 3, "Active")],
            "c",
            Some("b"),
        );
        check(
            &[("a", 1, "Active"), ("b", 2, "Active"), ("c", 3, "DryRun")],
            "c",
            Some("a"),
        );
        // Within one second the uid decides.
        check(&[("a", 1, "Active"), ("b", 1, "Active")], "b", Some("a"));
        check(&[("a", 1, "Active"), ("b", 1, "Active")], "a", None);
    }

    #[test]
    fn whoever_is_concerned_is_named() {
        let mut index = Seniority::default();
        assert!(index.take_in(&policy("a", 1, "Active", "web")).is_empty());
        assert_eq!(names(&index.take_in(&policy("b", 2, "Active", "web"))), ["a"]);
        assert!(index.take_in(&policy("c", 3, "Active", "api")).is_empty());
        // A status changes all the time; that is no news.
        assert!(index.take_in(&policy("a", 1, "Active", "web")).is_empty());
        assert_eq!(names(&index.take_in(&policy("a", 1, "DryRun", "web"))), ["b", "b"]);
        // Pointed elsewhere: those it left, and those it meets.
        assert_eq!(names(&index.take_in(&policy("a", 1, "Active", "api"))), ["b", "c"]);
        let a = Reference::from_obj(&policy("a", 1, "Active", "api"));
        assert_eq!(names(&index.forget(&a)), ["c"]);
        assert!(index.forget(&a).is_empty());
        for name in ["b", "c"] {
            index.forget(&Reference::from_obj(&policy(name, 0, "Active", "web")));
        }
        assert!(
            index.by_target.is_empty() && index.claims.is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn a_name_that_is_created_again_is_young() {
        let mut index = Seniority::default();
        index.take_in(&policy("a", 1, "Active", "web"));
        index.take_in(&policy("b", 2, "Active", "web"));
        index.take_in(&policy("a", 3, "Active", "web")); // the deletion was missed
        let reference = |name| Reference::from_obj(&policy(name, 0, "Active", "web"));
        assert_eq!(index.elder(&reference("a")).map(|r| &*r.name), Some("b"));
        assert_eq!(index.elder(&reference("b")), None);
    }
}
