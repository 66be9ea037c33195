//! Load: requests at a steady rate, each on a connection of its own, so that a Service spreads them over its pods.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Requests under way at most. More would measure this program's memory where the workload is too slow.
const INFLIGHT: usize = 256;
/// A request that takes longer is given up, as a person would.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to ask, and how often.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Whom to ask.
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// What to ask for.
    #[arg(long, default_value = "/work?ms=1")]
    path: String,
    /// Requests in a second.
    #[arg(long)]
    rate: f64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let period = Duration::try_from_secs_f64(1.0 / options.rate);
    let Ok(period) = period else {
        bail!("--rate {}: must be more than 0", options.rate)
    };
    let mut turns = interval(period);
    // A machine that was busy is no reason for a burst.
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (to, request) = (Arc::new(options.to.clone()), Arc::new(request(&options)));
    let places = Arc::new(Semaphore::new(INFLIGHT));
    loop {
        turns.tick().await;
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (to, request) = (Arc::clone(&to), Arc::clone(&request));
        tokio::spawn(async move {
            // A pod that goes takes its connections along; what counts is what is offered.
            if let Err(error) = timeout(PATIENCE, ask(&to, &request))
                .await
                .context("no answer")
                .flatten()
            {
                eprintln!("{error:#}");
            }
            drop(place);
        });
    }
}

fn request(options: &Options) -> String {
    let Options { to, path, .. } = options;
    format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n")
}

async fn ask(to: &str, request: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(to)
        .await
        .with_context(|| format!("cannot reach {to}"))?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "{to} answered {status:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_asks_at_its_rate() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            to: listener.local_addr().unwrap().to_string(),
            path: "/work?ms=0".into(),
            rate: 200.0,
        };
        let load = tokio::spawn(run(options));
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = [0; 15];
            stream.read_exact(&mut line).await.unwrap();
            assert_eq!(&line, b"GET /work?ms=0 ");
        }
        // 20 requests are 19 periods of 5 ms; a slow machine takes longer, none is faster.
        assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());
        load.abort();
    }

    #[tokio::test]
    async fn no_rate_is_refused() {
        let options = Options {
            to: "127.0.0.1:1".into(),
            path: "/".into(),
            rate: 0.0,
        };
        assert!(run(options).await.unwrap_err().to_string().contains("--rate 0"));
    }
}
