//! Prometheus servers that want to know who asks: tokens, passwords, authorities, and what becomes of them as they rotate.
//!
//! The server is a script behind real TLS; what is told of a failure is what stands in a policy's status.

mod tls;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::any;
use headroom::engine::observation::{Cause, Failure};
use headroom::observe::Servers;
use headroom::observe::prometheus::ServerError;
use headroom::observe::prometheus::access::{Access, Secret};
use jiff::SignedDuration;

use tls::Authority;

/// What the server wants to see in the header, and what it saw.
#[derive(Clone, Default)]
struct Script {
    wants: Arc<Mutex<Option<String>>>,
    saw: Arc<Mutex<Vec<Option<String>>>>,
}

impl Script {
    fn wants(&self, authorization: &str) {
        *self.wants.lock().unwrap() = Some(authorization.to_owned());
    }

    fn app(&self) -> Router {
        Router::new().fallback(any(reply)).with_state(self.clone())
    }
}

async fn reply(State(script): State<Script>, headers: HeaderMap) -> Response {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.map(|value| value.to_str().unwrap().to_owned());
    script.saw.lock().unwrap().push(shown.clone());
    let wanted = script.wants.lock().unwrap().clone();
    match (&wanted, &shown) {
        (Some(wanted), _) if wanted == "nobody" => return (StatusCode::FORBIDDEN, "not you").into_response(),
        (Some(_), _) if wanted != shown => return (StatusCode::UNAUTHORIZED, "who are you?").into_response(),
        _ => {}
    }
    let body =
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"7"]}]}}"#;
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Files as a Secret is mounted.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    /// Writes one as the kubelet does: the old content or the new one, never half of it.
    fn put(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.0.path().join(name), self.0.path().join("new"));
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
        path
    }
}

fn servers(url: &str, access: Access) -> Result<Servers, ServerError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = ("default".to_owned(), url.to_owned(), access);
    Servers::with_access([server], Duration::from_secs(5), Arc::new(|_: &str, _, _| {}))
}

/// A value that no other answer is taken for.
async fn ask(servers: &Servers) -> Result<f64, Failure> {
    servers.value("default", "up", SignedDuration::ZERO).await
}

/// Asks until the answer is as it should be; files are looked at once a second.
async fn until(servers: &Servers, wanted: impl Fn(&Result<f64, Failure>) -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    let asked = async {
        loop {
            pause.tick().await;
            if wanted(&ask(servers).await) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked)
        .await
        .expect("never answered so");
}

fn with(secret: Option<Secret>, authority: PathBuf) -> Access {
    let authority = Some(authority);
    Access { secret, authority }
}

#[tokio::test]
async fn a_token_that_rotates_is_followed_and_a_wrong_one_is_told() {
    let (script, files, authority) = (Script::default(), Files::new(), Authority::named("ours"));
    let url = tls::serve(script.app(), &authority).await;
    script.wants("Bearer one");
    let token = files.put("token", "one\n");
    let ca = files.put("ca.crt", &authority.pem());
    let servers = servers(&url, with(Some(Secret::Token(token.clone())), ca)).unwrap();
    assert_eq!(ask(&servers).await, Ok(7.0));

    // The server takes another one from now on; ours is out of date until the kubelet brings it.
    script.wants("Bearer two");
    let failure = ask(&servers).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Forbidden);
    let words = format!(
        "Prometheus server `default`: HTTP status 401: it does not take what the token file {} holds",
        token.display()
    );
    assert_eq!(&*failure.message, words);
    files.put("token", "two");
    until(&servers, |answer| *answer == Ok(7.0)).await;

    // A file that became useless is told, and shows the server nothing.
    files.put("token", "");
    until(&servers, |answer| {
        answer.as_ref().is_err_and(|f| {
            f.cause == Cause::Forbidden && f.message.contains("is empty; it has to hold the token alone")
        })
    })
    .await;
    let before = script.saw.lock().unwrap().len();
    assert!(ask(&servers).await.is_err());
    assert_eq!(script.saw.lock().unwrap().len(), before, "nobody was asked");
    files.put("token", "two");
    until(&servers, |answer| *answer == Ok(7.0)).await;

    script.wants("nobody");
    let failure = ask(&servers).await.unwrap_err();
    assert!(failure.message.contains("HTTP status 403"), "{}", failure.message);
}

#[tokio::test]
async fn a_password_is_shown_as_it_is_and_none_is_missed() {
    let (script, files, authority) = (Script::default(), Files::new(), Authority::named("ours"));
    let url = tls::serve(script.app(), &authority).await;
    let ca = files.put("ca.crt", &authority.pem());
    // The example of RFC 7617.
    script.wants("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let password = Secret::BasicAuth(files.put("password", "Aladdin:open sesame\n"));
    let known = servers(&url, with(Some(password), ca.clone())).unwrap();
    assert_eq!(ask(&known).await, Ok(7.0));

    let unknown = servers(&url, with(None, ca)).unwrap();
    let failure = ask(&unknown).await.unwrap_err();
    let words = "HTTP status 401: it wants a token or a password, and was shown none; give the operator one for it \
                 (--prometheus-token, --prometheus-basic-auth)";
    assert!(failure.message.ends_with(words), "{}", failure.message);
}

#[tokio::test]
async fn only_a_known_authority_is_trusted_and_a_new_one_is_learnt() {
    let (script, files) = (Script::default(), Files::new());
    let (ours, other) = (Authority::named("ours"), Authority::named("other"));
    let url = tls::serve(script.app(), &ours).await;
    let ca = files.put("ca.crt", &other.pem());
    let servers = servers(&url, with(None, ca)).unwrap();
    let failure = ask(&servers).await.unwrap_err();
    assert_eq!(failure.cause, Cause::BadAnswer);
    assert!(
        failure.message.contains("UnknownIssuer")
            && failure
                .message
                .contains("is the authority that signed its certificate known?"),
        "{}",
        failure.message
    );
    files.put("ca.crt", &format!("{}{}", other.pem(), ours.pem()));
    until(&servers, |answer| *answer == Ok(7.0)).await;
}

#[tokio::test]
async fn no_secret_leaves_an_encrypted_connection() {
    let (script, files, authority) = (Script::default(), Files::new(), Authority::named("ours"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clear = format!("http://{}", listener.local_addr().unwrap());
    let app = script.app();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let to = format!("{clear}/api/v1/query");
    let redirect = Router::new().fallback(any(async move || Redirect::temporary(&to)));
    let url = tls::serve(redirect, &authority).await;
    let token = Secret::Token(files.put("token", "s3cret"));
    let ca = files.put("ca.crt", &authority.pem());
    let led_away = servers(&url, with(Some(token.clone()), ca.clone())).unwrap();
    assert!(ask(&led_away).await.is_err());
    assert_eq!(
        script.saw.lock().unwrap().as_slice(),
        [],
        "the server in the clear was not asked"
    );

    // To this machine itself, a port-forward for example, it may go.
    let alone = |secret: Secret| Access {
        secret: Some(secret),
        authority: None,
    };
    let here = servers(&clear, alone(token.clone())).unwrap();
    assert_eq!(ask(&here).await, Ok(7.0));
    assert_eq!(
        script.saw.lock().unwrap().as_slice(),
        [Some("Bearer s3cret".to_owned())]
    );

    let refused = |url: &str, access: Access| servers(url, access).err().expect("refused").to_string();
    let message = refused("http://prometheus.monitoring:9090", alone(token));
    assert!(
        message.contains("would be sent unencrypted to http://prometheus.monitoring:9090/; give an https:// address"),
        "{message}"
    );
    let message = refused("http://prometheus:9090", with(None, ca));
    assert!(
        message.contains("does nothing for http://prometheus:9090/"),
        "{message}"
    );
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let files = Files::new();
    let secret = |secret| Access {
        secret: Some(secret),
        authority: None,
    };
    for (access, words) in [
        (
            secret(Secret::Token("/nowhere".into())),
            "the token file /nowhere: cannot be read",
        ),
        (
            secret(Secret::Token(files.put("two", "a\nb"))),
            "it has to hold the token alone",
        ),
        (
            secret(Secret::BasicAuth(files.put("none", "\n"))),
            "is empty; it has to hold user:password alone",
        ),
        (
            secret(Secret::BasicAuth(files.put("user", "me\n"))),
            "has no colon; it has to hold user:password",
        ),
        (with(None, "/nowhere".into()), "the CA file /nowhere: cannot be read"),
        (with(None, files.put("ca", "none\n")), "holds no PEM certificate"),
        // A PEM block with something else than a certificate in it.
        (
            with(
                None,
                files.put(
                    "der",
                    "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
                ),
            ),
            "/der: no certificate of it can be used (",
        ),
    ] {
        let message = servers("https://prometheus", access).err().expect(words).to_string();
        assert!(
            message.contains("Prometheus server \"default\": ") && message.contains(words),
            "{message}"
        );
    }
}

#[test]
fn a_password_in_an_address_is_refused_and_never_shown() {
    for (url, words) in [
        ("http://me:pa55@prometheus:9090", "--prometheus-basic-auth default=FILE"),
        ("https://me@prometheus/pa55@x", "--prometheus-basic-auth default=FILE"),
        ("https://:pa55@prometheus", "(…@prometheus)"),
        ("http:me:pa55@prometheus", "--prometheus-basic-auth default=FILE"),
        // No URL at all.
        (
            "http://me:pa55@prometheus:port",
            "\"…@prometheus:port\" is not a usable URL",
        ),
        ("me:pa55@prometheus:9090", "(…@prometheus:9090)"),
    ] {
        let error = servers(url, Access::default()).err().expect(url);
        let message = error.to_string();
        assert!(message.contains(words), "{message}");
        assert!(!format!("{message}{error:?}").contains("pa55"), "{message} {error:?}");
    }
}
