//! Reading what a server says: bounded in length, then one number, or one series, or why it is neither.
//!
//! The client's own `get()` reads an answer of any length into memory; whoever may write a policy could have the
//! operator read a million series. So the body is read here, up to [`MAX_ANSWER`], and the server is asked for two
//! series at most, which is enough to know that there is more than one; where each pod has one, for [`MOST_PODS`] and
//! one more.

use std::collections::HashMap;

use std::error::Error;
use std::io;

use jiff::Timestamp;
use prometheus_http_query::Error as QueryError;
use prometheus_http_query::error::PrometheusError;
use prometheus_http_query::response::{Data, PromqlResult};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::access::Secret;
use crate::engine::observation::Cause;
use crate::observe::refusal::Refusal;

/// The API's parameter for the most series wanted. Older servers may not know it, so it saves work and bounds nothing.
pub(super) const LIMIT: &str = "limit";
/// Series asked for where one is wanted.
pub(super) const MOST_SERIES: u32 = 2;
/// Most series where each pod has one. At 150 bytes a series they are a third of [`MAX_ANSWER`]; labels that are longer
/// run into that, which says so.
pub(super) const MOST_PODS: u32 = 2000;
/// The label that tells pods apart; cAdvisor's and the kubelet's metrics have it.
const POD: &str = "pod";
/// Longest answer read, in bytes. A part of a range has 10,000 points of at most 40 bytes, and two such series fit.
const MAX_ANSWER: usize = 1024 * 1024;

impl From<&reqwest::Error> for Refusal {
    fn from(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            // The system's own timeout, for example of a connection: ours is told by whoever set it.
            Refusal::NoAnswer(Cause::Timeout, "the connection timed out".to_owned())
        } else if let Some(tls) = tls(error) {
            // Somebody is there, and is not whom we trust.
            let what =
                format!("the encrypted connection failed: {tls}; is the authority that signed its certificate known?");
            Refusal::Answered(Cause::BadAnswer, what)
        } else if error.is_connect() {
            Refusal::NoAnswer(Cause::Unreachable, "connection refused or no route".to_owned())
        } else {
            Refusal::NoAnswer(Cause::Unreachable, "the connection broke".to_owned())
        }
    }
}

/// What is wrong with the other side's certificate or protocol, where that is what is wrong.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // An I/O error holds another one, which its `source` passes over.
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match held {
        Some(held) => tls(held),
        None => tls(error.source()?),
    }
}

/// The API's envelope; the client's own is private.
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Envelope {
    Success { data: PromqlResult },
    Error(PrometheusError),
}

/// The answer to a request that showed this, read as far as it may be long.
pub(super) async fn read(sent: Result<Response, QueryError>, shown: Option<&Secret>) -> Result<PromqlResult, Refusal> {
    let bad = |what: String| Err(Refusal::Answered(Cause::BadAnswer, what));
    let mut response = sent.map_err(|error| {
        let http = match &error {
            QueryError::Client(client) => client.inner(),
            _ => None,
        };
        http.map_or_else(|| Refusal::Answered(Cause::BadAnswer, error.to_string()), Refusal::from)
    })?;
    let refused = match (response.status(), shown) {
        (StatusCode::UNAUTHORIZED, None) => Some(
            "HTTP status 401: it wants a token or a password, and was shown none; give the operator one for it \
             (--prometheus-token, --prometheus-basic-auth)"
                .to_owned(),
        ),
        (StatusCode::UNAUTHORIZED, Some(secret)) => {
            Some(format!("HTTP status 401: it does not take what {secret} holds"))
        }
        (StatusCode::FORBIDDEN, _) => Some("HTTP status 403: whoever asks may not query it".to_owned()),
        _ => None,
    };
    if let Some(what) = refused {
        return Err(Refusal::Answered(Cause::Forbidden, what));
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !media_type.is_some_and(|m| m.starts_with("application/json")) {
        let status = response.status();
        // A proxy's login page, for example, comes with status 200.
        return bad(match status.is_success() {
            true => "the answer is no JSON; is this Prometheus, or a proxy's page?".to_owned(),
            false => format!("HTTP status {}", status.as_u16()),
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| Refusal::from(&e))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return bad(format!(
                "the answer is longer than {MAX_ANSWER} bytes; aggregate the query to one series, for example with sum()"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    match serde_json::from_slice(&body) {
        Ok(Envelope::Success { data }) => Ok(data),
        Ok(Envelope::Error(e)) if e.is_bad_data() => Err(Refusal::Answered(Cause::BadQuery, e.message().to_owned())),
        Ok(Envelope::Error(e)) if e.is_timeout() => Err(Refusal::Answered(Cause::Timeout, e.message().to_owned())),
        Ok(Envelope::Error(e)) => bad(e.to_string()),
        Err(_) => bad("the answer is not what Prometheus would say".to_owned()),
    }
}

/// The one number of an instant query.
pub(super) fn single(result: PromqlResult) -> Result<f64, Refusal> {
    let fail = |cause, what: String| Err(Refusal::Answered(cause, what));
    let value = match result.data() {
        Data::Scalar(sample) => sample.value(),
        Data::Vector(vector) => match vector.as_slice() {
            [] => return fail(Cause::Empty, "the query returned no series".to_owned()),
            [one] => one.sample().value(),
            _ => {
                let what = "the query returned more than one series; aggregate it to one, for example with sum()";
                return fail(Cause::Ambiguous, what.to_owned());
            }
        },
        Data::Matrix(_) => {
            let what = "the query returned a range; remove the [range]";
            return fail(Cause::BadQuery, what.to_owned());
        }
    };
    if !value.is_finite() {
        return fail(Cause::NotFinite, format!("the value is {value}"));
    }
    if value < 0.0 {
        return fail(Cause::Negative, format!("the value is {value}"));
    }
    Ok(value)
}

/// What an instant query says of pods.
#[derive(Debug, PartialEq)]
pub enum PodValues {
    /// Each pod's value, by its name. What is not finite, or negative, is left out: that pod has none.
    Each(HashMap<Box<str>, f64>),
    /// One value for all of them.
    Whole(f64),
}

/// The value of each pod, told apart by the label `pod`; or the one number of a query that does not tell them apart.
pub(super) fn pods(result: PromqlResult) -> Result<PodValues, Refusal> {
    let fail = |cause, what: String| Err(Refusal::Answered(cause, what));
    let series = match result.data() {
        Data::Vector(series) => series,
        _ => return single(result).map(PodValues::Whole),
    };
    match series.as_slice() {
        [] | [_] if series.iter().all(|s| !s.metric().contains_key(POD)) => {
            return single(result).map(PodValues::Whole);
        }
        all if all.len() > MOST_PODS as usize => {
            let what = format!("the query returned more than {MOST_PODS} series; narrow it to the target's pods");
            return fail(Cause::Ambiguous, what);
        }
        _ => {}
    }
    let mut values = HashMap::with_capacity(series.len());
    for one in series {
        let Some(pod) = one.metric().get(POD) else {
            let what = "a series has no label `pod`; aggregate the query with `by (pod)`, or to one value";
            return fail(Cause::Ambiguous, what.to_owned());
        };
        if values.insert(Box::from(&**pod), one.sample().value()).is_some() {
            let what = format!(
                "pod {pod:?} has more than one series; aggregate the query with `by (pod)` and narrow it to one namespace"
            );
            return fail(Cause::Ambiguous, what);
        }
    }
    values.retain(|_, value| value.is_finite() && *value >= 0.0);
    Ok(PodValues::Each(values))
}

/// The one series of a range query, without what is not finite.
pub(super) fn series(result: PromqlResult) -> Result<Vec<(Timestamp, f64)>, Refusal> {
    let fail = |cause, what: &str| Err(Refusal::Answered(cause, what.to_owned()));
    let Data::Matrix(matrix) = result.data() else {
        return fail(Cause::BadAnswer, "a range was asked for, something else came");
    };
    match matrix.as_slice() {
        [] => Ok(Vec::new()),
        [one] => Ok(one
            .samples()
            .iter()
            .filter(|s| s.value().is_finite())
            .filter_map(|s| Some((Timestamp::from_second(s.timestamp() as i64).ok()?, s.value())))
            .collect()),
        _ => fail(
            Cause::Ambiguous,
            "the query's history has more than one series; aggregate it to one",
        ),
    }
}
