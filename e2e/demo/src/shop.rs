//! The shop: a small HTTP service, and the visitors who come by the script. Both are real; they meet on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::script::Script;

/// Visitors arrive in bunches this often: at a few hundred a second a single timer each would cost more than the visit.
const BUNCH: Duration = Duration::from_millis(50);

/// The running shop.
pub struct Shop {
    /// Where it listens.
    pub address: SocketAddr,
    /// Requests served.
    served: Counter,
    /// Requests that found no answer.
    failed: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Shop {
    /// Opens the shop; nobody comes yet.
    pub async fn open() -> anyhow::Result<Shop> {
        let served = Counter::default();
        let mut registry = Registry::default();
        registry.register("http_requests", "Requests served", served.clone());
        let registry = Arc::new(registry);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .context("the shop found no port")?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route("/", get(serve))
            .with_state(served.clone())
            .route("/metrics", get(move || std::future::ready(page(&registry))));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends with the demo; an error here shows as failing visitors.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Shop {
            address,
            served,
            failed: Arc::default(),
            tasks,
        })
    }

    /// From now on visitors come as the script says that holds at each moment.
    pub fn let_them_come(&mut self, script: watch::Receiver<Script>) -> anyhow::Result<()> {
        // Set already where a caller did; without one reqwest refuses to be built.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        let (url, failed) = (format!("http://{}/", self.address), self.failed.clone());
        self.tasks.spawn(async move {
            let mut due = 0.0;
            let mut bunches = tokio::time::interval(BUNCH);
            bunches.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut visits = JoinSet::new();
            let mut last = now();
            loop {
                bunches.tick().await;
                let at = now();
                due += script.borrow().today(at) * (at - last).clamp(0.0, 1.0);
                last = at;
                while due >= 1.0 {
                    due -= 1.0;
                    let (visit, failed) = (client.get(&url).send(), failed.clone());
                    visits.spawn(async move {
                        if visit.await.is_err() {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                while visits.try_join_next().is_some() {}
            }
        });
        Ok(())
    }

    /// Requests served so far.
    pub fn served(&self) -> u64 {
        self.served.get()
    }

    /// Requests that found no answer.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

async fn serve(State(served): State<Counter>) -> &'static str {
    served.inc();
    "welcome\n"
}

fn page(registry: &Registry) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = text::encode(&mut page, registry);
    page
}

/// Unix time with its fraction.
pub fn now() -> f64 {
    headroom::clock::now().as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn visitors_who_come_are_served() {
        let (_tell, script) = watch::channel(Script::new(now() as i64, 120.0));
        let mut shop = Shop::open().await.unwrap();
        shop.let_them_come(script).unwrap();
        let served = async {
            while shop.served() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), served).await.unwrap();
        assert_eq!(shop.failed(), 0);
    }
}
