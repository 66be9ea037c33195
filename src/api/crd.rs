//! The CRD's manifest: what `headroom crd` prints and `crds/` and the chart carry, generated from the types.

use kube::CustomResourceExt;

use super::ScalingPolicy;

/// Says where the file comes from; `tests/crd.rs` holds the checked-in copy to it.
const HEADER: &str = "# Generated from src/api by `headroom crd`; do not edit.\n";

/// The CustomResourceDefinition of ScalingPolicy as YAML, with a one-line header.
///
/// # Errors
/// The serialiser's; the types give none in practice.
pub fn yaml() -> Result<String, serde_yaml::Error> {
    Ok(format!("{HEADER}{}", serde_yaml::to_string(&ScalingPolicy::crd())?))
}
