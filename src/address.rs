//! Addresses of servers, and what goes wrong with them, as they may be told: no secret, and no words twice.
//!
//! Pure; neighbours: whoever is given an address on the command line.

use std::error::Error;
use std::iter::successors;

use reqwest::Url;

/// Whether an address holds a user or a password.
pub fn names_user(url: &str) -> bool {
    // `me:password@host` is a URL of the scheme `me`.
    let hidden = |parsed: &Url| parsed.cannot_be_a_base() && url.contains('@');
    Url::parse(url).is_ok_and(|parsed| !parsed.username().is_empty() || parsed.password().is_some() || hidden(&parsed))
}

/// An address as it may be shown: without what stands before an `@`, which may be a password, be it an address or not.
pub fn shown(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    }
}

/// The innermost words of an error: reqwest's outer ones are "builder error", or repeat the URL.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    successors(Some(error), |&error| error.source())
        .last()
        .unwrap_or(error)
        .to_string()
}
