//! A real Prometheus that scrapes what it is told to, with history imported if wished, and that can be made to fail.
//!
//! It keeps its port for its whole life, through [`Prometheus::kill`] and [`Prometheus::restart`], so that an outage looks
//! to its clients like one. Must never be reachable from another machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::control_plane::working_directory;
use crate::error::Error;
use crate::port;
use crate::process::{Process, Spec};

/// It was ready after 1 s on two idle cores; replaying a large import and busy cores take longer.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Prometheus flushes its write-ahead log at SIGTERM; a restart then finds every sample.
const GRACE: Duration = Duration::from_secs(10);

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeTarget {
    /// Value of the label `job`.
    pub job: String,
    /// `host:port`; its `/metrics` is scraped.
    pub address: String,
}

/// What may be chosen about a Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusOptions {
    /// What to scrape; [`Prometheus::scrape`] changes it later.
    pub targets: Vec<ScrapeTarget>,
    /// Time between two scrapes of a target. Default: 1 s.
    pub scrape_interval: Duration,
    /// OpenMetrics files (with timestamps, ending in `# EOF`) whose samples are there from the start.
    pub backfill: Vec<PathBuf>,
    /// How long samples are kept. Default: 90 days, beyond any history that a demo imports.
    pub retention: Duration,
    /// Directory for data and log, which is kept. Default: a temporary one, which goes when the process ends for good.
    pub dir: Option<PathBuf>,
}

impl Default for PrometheusOptions {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            scrape_interval: Duration::from_secs(1),
            backfill: Vec::new(),
            retention: Duration::from_secs(90 * 24 * 60 * 60),
            dir: None,
        }
    }
}

/// A Prometheus server. Dropping it stops it and blocks until it has ended.
#[derive(Debug)]
pub struct Prometheus {
    process: Option<Process>,
    spec: Spec,
    /// Outlives every single server process and removes the temporary directory, see [`janitor`].
    _janitor: Option<Process>,
    dir: PathBuf,
    url: String,
    scrape_interval: Duration,
    http: reqwest::Client,
}

impl Prometheus {
    /// Imports the history, starts the server and waits until it answers queries.
    ///
    /// # Errors
    /// [`Error::Backfill`] for a file that `promtool` refuses, [`Error::Process`] for a server that does not start.
    pub async fn start(binaries: &Binaries, options: PrometheusOptions) -> Result<Self, Error> {
        // Set already where a caller did; without one reqwest refuses to be built.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (dir, remove) = working_directory("headroom-prometheus-", options.dir)?;
        let janitor = remove.map(|remove| janitor(&dir, remove)).transpose()?;
        let data = dir.join("data");
        for file in &options.backfill {
            backfill(&binaries.promtool, file, &data).await?;
        }
        let port = port::free().map_err(Error::Port)?;
        let config = dir.join("prometheus.yml");
        let spec = Spec::new("prometheus", &binaries.prometheus, dir.join("prometheus.log"))
            .grace(GRACE)
            .args([
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", data.display()),
                format!("--storage.tsdb.retention.time={}s", options.retention.as_secs()),
                format!("--web.listen-address=127.0.0.1:{port}"),
                // `scrape` reloads the configuration through it.
                "--web.enable-lifecycle".into(),
            ]);
        let mut this = Self {
            process: None,
            spec,
            _janitor: janitor,
            dir,
            url: format!("http://127.0.0.1:{port}"),
            scrape_interval: options.scrape_interval,
            // No pool: a connection that a kill has broken must not be what a later query fails on.
            http: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .no_proxy()
                .build()
                .map_err(Error::http("set-up"))?,
        };
        this.write_config(&options.targets)?;
        this.restart().await?;
        Ok(this)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Directory with the data, the configuration and the log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Process id of the server; none after [`Prometheus::kill`].
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Replaces the targets; the server has taken them over when this returns.
    ///
    /// # Errors
    /// [`Error::Query`] where the server does not run or refuses the configuration.
    pub async fn scrape(&self, targets: &[ScrapeTarget]) -> Result<(), Error> {
        self.write_config(targets)?;
        let request = self.http.post(format!("{}/-/reload", self.url));
        request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(Error::http("reload"))?;
        Ok(())
    }

    /// Asks for an instant query's result: `data.result` of the answer, for a vector an array of
    /// `{"metric": {...}, "value": [seconds, "text"]}`.
    ///
    /// # Errors
    /// [`Error::Query`] where the server does not run or refuses the query.
    pub async fn query(&self, query: &str) -> Result<Value, Error> {
        self.ask("query", query, "/data/result").await
    }

    /// The query's syntax tree, as Prometheus' own parser sees it: nodes with a `type`, selectors with `name` and
    /// `matchers`, aggregations with `grouping`.
    ///
    /// # Errors
    /// [`Error::Query`] where the server does not run or the query is none.
    pub async fn parse(&self, query: &str) -> Result<Value, Error> {
        self.ask("parse_query", query, "/data").await
    }

    async fn ask(&self, endpoint: &str, query: &str, result: &str) -> Result<Value, Error> {
        let request = self
            .http
            .post(format!("{}/api/v1/{endpoint}", self.url))
            .form(&[("query", query)]);
        let answer = async { request.send().await?.json::<Value>().await };
        let mut answer = answer.await.map_err(Error::http(query))?;
        match answer.pointer_mut(result) {
            Some(result) => Ok(result.take()),
            None => Err(Error::Query {
                query: query.to_owned(),
                message: answer.to_string(),
            }),
        }
    }

    /// Ends the server with SIGKILL: connections break and new ones are refused until [`Prometheus::restart`].
    ///
    /// # Errors
    /// [`Error::Process`] where the signal is refused.
    pub fn kill(&mut self) -> Result<(), Error> {
        match self.process.take() {
            Some(mut process) => Ok(process.kill()?),
            None => Ok(()),
        }
    }

    /// Starts the server again, with its data, on the same port; one that runs is stopped in an orderly way before.
    ///
    /// # Errors
    /// [`Error::Process`] where it does not start.
    pub async fn restart(&mut self) -> Result<(), Error> {
        end(self.process.take()).await;
        let process = self.process.insert(Process::spawn(self.spec.clone())?);
        let (http, url) = (&self.http, format!("{}/-/ready", self.url));
        let ready = async || {
            http.get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        Ok(process.wait_until("readiness", START_TIMEOUT, ready).await?)
    }

    /// Stops the server. Dropping does the same, but blocks the runtime's thread.
    pub async fn stop(self) {
        end(Some(self)).await;
    }

    fn write_config(&self, targets: &[ScrapeTarget]) -> Result<(), Error> {
        // JSON is YAML.
        let interval = format!("{}ms", self.scrape_interval.as_millis());
        let jobs: Vec<&str> = targets.iter().map(|target| target.job.as_str()).collect();
        let scrape_configs: Vec<Value> = (0..jobs.len())
            // A job with several targets is one entry, at its first.
            .filter(|index| !jobs[..*index].contains(&jobs[*index]))
            .map(|index| {
                let of_job = targets.iter().filter(|target| target.job == jobs[index]);
                let addresses: Vec<&str> = of_job.map(|target| target.address.as_str()).collect();
                json!({"job_name": jobs[index], "static_configs": [{"targets": addresses}]})
            })
            .collect();
        let config = json!({
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": scrape_configs,
        });
        let path = self.dir.join("prometheus.yml");
        std::fs::write(&path, format!("{config:#}\n")).map_err(Error::file(path))
    }
}

/// A process that does nothing until this one ends or lets go of it, and then removes the directory. The server cannot
/// do that itself, because its directory must survive a restart.
fn janitor(dir: &Path, remove: PathBuf) -> Result<Process, Error> {
    // Waits for nothing, without waking up; `sleep infinity` is not to be had on macOS.
    let mut spec = Spec::new("janitor", "tail", dir.join("janitor.log")).args(["-f", "/dev/null"]);
    spec.remove = Some(remove);
    Ok(Process::spawn(spec)?)
}

/// Drops a value that blocks off the runtime's threads.
async fn end<T: Send + 'static>(value: T) {
    // The join error says that dropping panicked, which it cannot.
    let _ = tokio::task::spawn_blocking(move || drop(value)).await;
}

async fn backfill(promtool: &Path, file: &Path, data: &Path) -> Result<(), Error> {
    let failed = |message: String| Error::Backfill {
        file: file.to_owned(),
        message,
    };
    let mut command = tokio::process::Command::new(promtool);
    command
        // Blocks of two hours, the default, would be 169 for two weeks and take 14 s to write; a few take half a second.
        .args([
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "--quiet",
            "--max-block-duration=14d",
        ])
        .arg(file)
        .arg(data);
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
