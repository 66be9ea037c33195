//! `headroom probe`: asks URLs until each of them answers with success. The image has no shell and no curl; `helm test`
//! and whoever looks into a cluster's network use the operator's own binary.
//!
//! It knows nothing of the operator and changes nothing.

use std::io::{self, Write};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::address::innermost;
use crate::validate;

/// Longest wait for one answer: those of a loaded operator take milliseconds, a lost packet's repetition a second.
const ANSWER: Duration = Duration::from_secs(5);
/// Time between two requests: a Service's new address is known to nodes within a second or so.
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of an answer that an error shows.
const SHOWN: usize = 200;
/// Bytes of an answer that are read, and what its last part has beyond: whatever a wrong address sends, no more is kept.
const READ: usize = 4 * SHOWN;

/// Options of `probe`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to ask, with GET; success is a status of 200 to 299.
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// Ask again for so long, until all have answered with success.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = validate::wait)]
    pub within: Duration,
}

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The last answer was no success, or there was none.
    #[error("{url} gave no success within {within:?}: {last}")]
    NoSuccess {
        /// Which one was asked.
        url: String,
        /// For how long all were.
        within: Duration,
        /// What came last.
        last: String,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Client(#[from] reqwest::Error),
    /// Standard output is closed.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Asks one URL after the other, and prints a line for each that answered with success.
///
/// # Errors
/// [`ProbeError::NoSuccess`] for the first that does not, with its last answer.
pub async fn run(args: Args) -> Result<(), ProbeError> {
    // One TLS provider; set already where a caller did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(ANSWER).build()?;
    let mut waiting = args.urls[0].clone();
    let mut last = String::new();
    let all = async {
        for url in &args.urls {
            url.clone_into(&mut waiting);
            // Not what another one answered.
            "no answer".clone_into(&mut last);
            let mut pause = interval(PAUSE);
            pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pause.tick().await;
                match ask(&client, url).await {
                    Ok(status) => break writeln!(io::stdout(), "{url}: {status}")?,
                    Err(problem) => last = problem,
                }
            }
        }
        Ok::<_, ProbeError>(())
    };
    match timeout(args.within, all).await {
        Ok(done) => done,
        Err(_) => Err(ProbeError::NoSuccess {
            url: waiting,
            within: args.within,
            last,
        }),
    }
}

/// The status of a success, or what came instead.
async fn ask(client: &Client, url: &str) -> Result<StatusCode, String> {
    let mut answer = client.get(url).send().await.map_err(|e| innermost(&e))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(status);
    }
    let mut body = Vec::new();
    while body.len() < READ
        && let Ok(Some(part)) = answer.chunk().await
    {
        body.extend_from_slice(&part);
    }
    let body = String::from_utf8_lossy(&body);
    let shown: String = body.trim().chars().take(SHOWN).collect();
    Err(if shown.is_empty() {
        status.to_string()
    } else {
        format!("{status}: {shown}")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that is ready at the third request; its address, and how often it was asked.
    async fn server() -> (String, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let readyz = move || {
            let ready = count.fetch_add(1, Ordering::Relaxed) >= 2;
            let answer = if ready {
                (StatusCode::OK, "ok\n")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not filled yet\n")
            };
            async move { answer }
        };
        let app = Router::new().route("/readyz", get(readyz)).route(
            "/never",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "no lease\n") }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        (url, asked)
    }

    async fn probe(urls: Vec<String>, within: Duration) -> Result<(), ProbeError> {
        run(Args { urls, within }).await
    }

    #[tokio::test]
    async fn it_asks_until_the_answer_is_a_success() {
        let (url, asked) = server().await;
        probe(vec![format!("{url}/readyz")], Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn the_error_names_the_url_and_its_last_answer() {
        let (url, _) = server().await;
        let error = probe(vec![format!("{url}/never")], Duration::from_millis(300))
            .await
            .unwrap_err();
        let words = error.to_string();
        assert!(words.contains(&format!("{url}/never")), "{words}");
        assert!(
            words.contains("within 300ms: 503 Service Unavailable: no lease"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn the_error_tells_nothing_of_another_url() {
        let (url, asked) = server().await;
        // Connections are taken by the system and answered by nobody.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}", listener.local_addr().unwrap());
        let error = probe(vec![format!("{url}/readyz"), silent.clone()], Duration::from_secs(3)).await;
        let words = error.unwrap_err().to_string();
        assert_eq!(asked.load(Ordering::Relaxed), 3, "the first was not ready at first");
        assert!(words.contains(&silent) && words.ends_with(": no answer"), "{words}");
    }

    #[tokio::test]
    async fn of_an_answer_without_end_the_beginning_is_shown() {
        let endless = || async {
            let parts = futures::stream::repeat(Ok::<_, std::convert::Infallible>("wrong address "));
            (StatusCode::NOT_FOUND, axum::body::Body::from_stream(parts))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/", get(endless));
        tokio::spawn(async { axum::serve(listener, app).await });
        let error = ask(&Client::new(), &url).await.unwrap_err();
        assert!(error.starts_with("404 Not Found: wrong address wrong"), "{error}");
        assert_eq!(error.len(), "404 Not Found: ".len() + SHOWN);
    }

    #[tokio::test]
    async fn nobody_there_is_said() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = probe(vec![format!("http://{free}/readyz")], Duration::from_millis(300))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
