//! Free TCP ports on loopback.
//!
//! Must never hand out a port of the ephemeral range: an outgoing connection of any program can take such a port between
//! the look and the server's bind, or while a server is down on purpose (see [`crate::Prometheus::kill`]).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below Linux's ephemeral range (32768–60999) and macOS's (49152–65535), above the ports of common services.
const FIRST: u16 = 20_000;
/// How many ports there are to choose from.
const COUNT: u16 = 12_000;

/// Ports handed out by this process, so that two servers that start at once never get the same one.
static HANDED_OUT: AtomicU16 = AtomicU16::new(0);

/// A port that nothing listens on now and that this process has not handed out lately.
///
/// # Errors
/// The error of the last bind where all ports are taken.
pub(crate) fn free() -> std::io::Result<u16> {
    // A random start per process keeps apart the processes that run side by side.
    static START: std::sync::LazyLock<u16> =
        std::sync::LazyLock::new(|| u16::try_from(RandomState::new().hash_one(0) % u64::from(COUNT)).unwrap_or(0));
    let mut last = None;
    for _ in 0..COUNT {
        let offset = START.wrapping_add(HANDED_OUT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST + offset)) {
            Ok(_) => return Ok(FIRST + offset),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("no port to choose from")))
}
