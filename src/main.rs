//! Placeholder.
fn main() -> anyhow::Result<()> {
    print!("{}", headroom::api::crd::yaml()?);
    Ok(())
}
