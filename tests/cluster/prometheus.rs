//! A scripted server: Prometheus' query API with the answers, and the silences, that a test needs.
//!
//! What a real Prometheus can do is tested with the real one (`outages.rs`); hanging, HTTP 500 and malformed JSON
//! cannot be asked of it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

/// What the server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// One series with this value.
    Value(f64),
    /// HTTP 500 without a body of Prometheus' form.
    InternalError,
    /// Half of a JSON document.
    Malformed,
    /// A page of HTML, as a proxy would send.
    Html,
    /// Nothing, ever.
    Hang,
}

/// The server; it ends with the test.
pub struct Scripted {
    url: String,
    answer: Arc<Mutex<Answer>>,
}

impl Scripted {
    pub async fn start() -> Scripted {
        let answer = Arc::new(Mutex::new(Answer::Value(0.0)));
        let app = Router::new().fallback(any(reply)).with_state(answer.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Scripted { url, answer }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn says(&self, value: f64) {
        self.answers(Answer::Value(value));
    }

    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

async fn reply(State(answer): State<Arc<Mutex<Answer>>>) -> Response {
    let answer = *answer.lock().unwrap();
    let json = |body: String| ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    match answer {
        Answer::Value(value) => json(format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[1700000000,"{value}"]}}]}}}}"#
        )),
        Answer::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "out of memory").into_response(),
        Answer::Malformed => json(r#"{"status":"success","data":{"resultType":"vec"#.to_owned()),
        Answer::Html => ([(header::CONTENT_TYPE, "text/html")], "<html>please log in</html>").into_response(),
        Answer::Hang => std::future::pending().await,
    }
}
