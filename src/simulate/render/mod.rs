//! stub
use super::summary::Summary;
use super::timeline::Timeline;
/// e
#[derive(Debug, thiserror::Error)]
#[error("e")]
pub struct RenderError;
/// r
pub fn report(_: &Timeline, _: &Summary) -> Result<String, RenderError> {
    Ok(String::new())
}
/// h
pub fn headline(s: &Summary) -> String {
    format!("{s:#?}")
}
