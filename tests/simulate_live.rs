//! `headroom simulate --prometheus` against a scripted server: what it asks, how it gets in, and which words its
//! failures have.
//!
//! The server answers with a load of its own making, step by step, and refuses what a real one refuses (more than 11,000
//! points).

mod tls;

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use clap::Parser;
use headroom::simulate::{self, Args};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

const POLICY: &str = "
apiVersion: headroom.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  maxReplicas: 9
  metrics:
    - {name: rps, prometheus: {query: up}, target: {averageValue: 10}}
";

/// 2026-11-20T00:00:00Z.
const FROM: i64 = 1_795_132_800;

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
enum Says {
    Load,
    Negative,
    Nothing,
    TwoSeries,
    NoSuchQuery,
    Unauthorized,
}

/// (query as it was sent, start, end, step) of a request.
type Asked = (String, i64, i64, i64);

#[derive(Clone)]
struct Script {
    says: Says,
    token: Option<&'static str>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The load at an instant: what the server says, and what a test expects.
fn load(second: i64) -> i64 {
    10 + second.rem_euclid(3600) / 100
}

async fn reply(State(script): State<Script>, headers: HeaderMap, uri: Uri) -> Response {
    let parameters = uri.query().unwrap_or_default().split('&');
    let form: HashMap<&str, &str> = parameters.filter_map(|p| p.split_once('=')).collect();
    let whole = |name: &str| form[name].parse::<f64>().unwrap() as i64;
    let (start, end, step) = (whole("start"), whole("end"), whole("step"));
    let mut asked = script.asked.lock().unwrap();
    asked.push((form["query"].to_owned(), start, end, step));
    let json = |status: StatusCode, body: String| (status, [(header::CONTENT_TYPE, "application/json")], body);
    let error = |kind: &str, text: &str| {
        let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#);
        json(StatusCode::BAD_REQUEST, body).into_response()
    };
    let shown = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let wanted = script.token.map(|token| format!("Bearer {token}"));
    if shown != wanted.as_deref() || matches!(script.says, Says::Unauthorized) {
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    if (end - start) / step > 11_000 {
        return error(
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries",
        );
    }
    let sign = if matches!(script.says, Says::Negative) { "-" } else { "" };
    let samples = (start..=end)
        .step_by(step as usize)
        .map(|at| format!(r#"[{at},"{sign}{}"]"#, load(at)));
    let one = format!(
        r#"{{"metric":{{}},"values":[{}]}}"#,
        samples.collect::<Vec<_>>().join(",")
    );
    let series = match script.says {
        Says::NoSuchQuery => return error("bad_data", "parse error: unexpected end of input"),
        Says::Nothing => String::new(),
        Says::TwoSeries => format!("{one},{one}"),
        Says::Load | Says::Negative | Says::Unauthorized => one,
    };
    let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
    json(StatusCode::OK, body).into_response()
}

/// A scripted server, the directory of a policy, and what `simulate` is to be run with.
struct Stage {
    script: Script,
    url: String,
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new(says: Says, token: Option<&'static str>) -> Self {
        let script = Script {
            says,
            token,
            asked: Arc::default(),
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let app = Router::new().fallback(any(reply)).with_state(script.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await });
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("p.yaml"), POLICY).unwrap();
        Stage {
            script,
            url,
            dir,
            runtime,
        }
    }

    fn run(&self, trace: &str, out: &str) -> Result<(), simulate::Error> {
        let at = self.dir.path().display();
        let line = format!("simulate --policy {at}/p.yaml --replica-capacity 12 --out {at}/{out} {trace}");
        simulate::run(Cli::parse_from(line.split_whitespace()).args)
    }

    /// The options of a range.
    fn live(&self, from: &str, to: &str, more: &str) -> String {
        let url = &self.url;
        format!("--prometheus {url} --query sum(rate(rps[1m])) --from {from} --to {to} {more}")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap()
    }
}

#[test]
fn a_range_is_read_in_parts_and_replayed_like_a_file() {
    let stage = Stage::new(Says::Load, Some("s3cret"));
    let token = stage.file("token", "s3cret\n");
    let trace = stage.dir.path().join("saved.csv");
    let more = format!(
        "--step 15s --prometheus-token-file {token} --save-trace {}",
        trace.display()
    );
    let live = stage.live("2026-11-20T00:00:00Z", "2026-11-25T00:00:00Z", &more);
    stage.run(&live, "live").unwrap();

    let asked = stage.script.asked.lock().unwrap().clone();
    let last = FROM + 5 * 86_400;
    assert_eq!(asked.len(), 3, "28,801 points in parts of at most 11,000: {asked:?}");
    assert_eq!((asked[0].1, asked[2].2), (FROM, last));
    for ((query, start, end, step), next) in asked.iter().zip(asked.iter().skip(1).map(|a| a.1).chain([last + 15])) {
        assert_eq!((query.as_str(), *step), ("sum%28rate%28rps%5B1m%5D%29%29", 15));
        assert!((end - start) / step < 11_000 && next == end + 15, "{asked:?}");
    }
    let saved = fs::read_to_string(&trace).unwrap();
    assert_eq!(saved.lines().count(), 1 + 28_801);
    assert_eq!(
        saved.lines().nth(3),
        Some(&*format!("2026-11-20T00:00:30Z,{}", load(FROM + 30)))
    );

    stage.run(&format!("--trace {}", trace.display()), "file").unwrap();
    assert_eq!(stage.read("live/timeline.csv"), stage.read("file/timeline.csv"));
}

#[test]
fn failures_name_the_option_and_the_remedy() {
    let (from, to) = ("2026-11-20T00:00:00Z", "2026-11-20T01:00:00Z");
    // what the server says, more options, words of the message
    let table = [
        (
            Says::Nothing,
            "",
            "--query: the server has no sample of it from 2026-11-20T00:00:00Z",
        ),
        (
            Says::Negative,
            "",
            "--query: its value at 2026-11-20T00:00:00Z is -10, which is no load",
        ),
        (Says::TwoSeries, "", "--query: "),
        (Says::TwoSeries, "", "aggregate it to one"),
        (Says::NoSuchQuery, "", "parse error: unexpected end of input"),
        (Says::Unauthorized, "", "give --prometheus-token-file"),
        (
            Says::Load,
            "--prometheus-token-file /nowhere",
            "--prometheus-token-file: the token file /nowhere: cannot be read",
        ),
        (
            Says::Load,
            "--prometheus-ca-file /nowhere",
            "--prometheus-ca-file: the CA file /nowhere: cannot be read",
        ),
    ];
    for (says, more, words) in table {
        let stage = Stage::new(says, None);
        // A CA file has a meaning for https:// alone.
        let scheme = if more.contains("ca-file") { "https:" } else { "http:" };
        let live = stage.live(from, to, more).replace("http:", scheme);
        let message = stage.run(&live, "out").unwrap_err().to_string();
        assert!(message.contains(words), "{says:?}: {message}");
        assert!(
            !stage.dir.path().join("out").exists(),
            "wrote before it refused: {message}"
        );
    }
    let stage = Stage::new(Says::Load, None);
    let message = stage.run(&stage.live(to, from, ""), "out").unwrap_err().to_string();
    assert!(
        message.contains("--to: 2026-11-20T00:00:00Z is not after --from"),
        "{message}"
    );
    let empty = stage.file("empty", "\n");
    let empty = format!("--prometheus-token-file {empty}");
    let message = stage.run(&stage.live(from, to, &empty), "out").unwrap_err().to_string();
    assert!(
        message.contains("is empty; it has to hold the token alone"),
        "{message}"
    );
    let ca = stage.file("ca", "no certificate\n");
    let ca = format!("--prometheus-ca-file {ca}");
    let live = stage.live(from, to, &ca).replace("http:", "https:");
    let message = stage.run(&live, "out").unwrap_err().to_string();
    assert!(message.contains("holds no PEM certificate"), "{message}");
    // Nothing listens on port 1.
    let gone = stage.live(from, to, "").replace(&stage.url, "http://127.0.0.1:1");
    let message = stage.run(&gone, "out").unwrap_err().to_string();
    assert!(
        message.contains("--prometheus: ") && message.contains("kubectl port-forward"),
        "{message}"
    );
}

#[test]
fn half_a_range_is_refused_by_name() {
    let parse = |line: &str| {
        let words = format!("simulate --policy p --replica-capacity 1 --out o {line}");
        let parsed = Cli::try_parse_from(words.split_whitespace());
        parsed.map(|_| ()).map_err(|e| e.to_string())
    };
    for (line, words) in [
        ("--prometheus http://p", "--query <PROMQL>"),
        ("--query q --trace t", "--prometheus <URL>"),
        (
            "--prometheus http://p --query q --from 2026-11-20T00:00:00Z",
            "--to <TIME>",
        ),
        ("--prometheus http://p --query q --trace t", "cannot be used with"),
        ("--step 30s --trace t", "--prometheus <URL>"),
        ("", "--trace <FILE>"),
    ] {
        let message = parse(line).unwrap_err();
        assert!(message.contains(words), "{line}: {message}");
    }
    assert_eq!(parse("--trace t"), Ok(()));
    assert_eq!(
        parse("--prometheus http://p --query q --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z"),
        Ok(())
    );
}

#[test]
fn a_server_behind_an_authority_of_one_s_own_is_read_with_its_file_alone() {
    let stage = Stage::new(Says::Load, Some("s3cret"));
    let authority = tls::Authority::named("ours");
    let app = Router::new().fallback(any(reply)).with_state(stage.script.clone());
    let url = stage.runtime.block_on(tls::serve(app, &authority));
    let token = stage.file("token", "s3cret\n");
    let live = stage
        .live(
            "2026-11-20T00:00:00Z",
            "2026-11-20T02:00:00Z",
            &format!("--prometheus-token-file {token}"),
        )
        .replace(&stage.url, &url);
    let message = stage.run(&live, "out").unwrap_err().to_string();
    assert!(
        message.starts_with("--prometheus: ") && message.contains("give --prometheus-ca-file"),
        "{message}"
    );
    assert!(stage.script.asked.lock().unwrap().is_empty(), "nothing was asked of it");

    let ca = stage.file("ca.crt", &authority.pem());
    stage.run(&format!("{live} --prometheus-ca-file {ca}"), "out").unwrap();
    assert_eq!(stage.script.asked.lock().unwrap().len(), 1);
}
