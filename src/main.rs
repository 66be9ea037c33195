//! Placeholder.
use kube::CustomResourceExt;
fn main() {
    print!(
        "{}",
        serde_yaml::to_string(&headroom::api::ScalingPolicy::crd()).unwrap_or_default()
    );
}
