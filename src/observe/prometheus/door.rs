//! The way in to one server: a client, and what it shows, as the files say now.
//!
//! Mounted Secrets rotate: a projected token lives an hour, and the kubelet swaps the file before that. So whoever asks
//! looks at the files again, once a second at most ([`LOOK`]), off the runtime's threads; the reading takes some 10 µs. No
//! word of the server is waited for, and no request is made twice. A client is made anew only where the authorities
//! changed. Neighbours: `access.rs` reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_http_query::Client;
use prometheus_http_query::Error as QueryError;
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::task;

use super::access::{Access, AccessError, Contents, Secret};
use crate::engine::observation::Cause;
use crate::observe::refusal::Refusal;

/// For so long the files are taken to hold what they held: the kubelet brings a changed Secret within a minute or so, and
/// a thousand queries a second shall not be a thousand reads.
const LOOK: Duration = Duration::from_secs(1);

/// A server's door.
pub(super) enum Door {
    /// Anybody may come in.
    Open(Client),
    /// With something to show, or an authority of its own.
    Guarded {
        access: Arc<Access>,
        url: Arc<str>,
        present: Mutex<Present>,
    },
}

/// What was found at the last look.
pub(super) struct Present {
    looked: Instant,
    pem: Option<Vec<u8>>,
    secret: Option<HeaderValue>,
    client: Client,
}

/// Why there is no way in.
#[derive(Debug)]
pub(super) enum Shut {
    Access(AccessError),
    Url(QueryError),
}

impl Door {
    /// For the server at `url`; `plain` is the client of those who show nothing. Reads the files.
    pub(super) fn to(url: &str, access: Access, plain: &reqwest::Client) -> Result<Door, Shut> {
        if access == Access::default() {
            return Ok(Door::Open(Client::from(plain.clone(), url).map_err(Shut::Url)?));
        }
        access.suits(url).map_err(Shut::Access)?;
        let contents = access.read().map_err(Shut::Access)?;
        let http = access.client(&contents, url).map_err(Shut::Access)?;
        let Contents { secret, pem } = contents;
        let present = Present {
            looked: Instant::now(),
            pem,
            secret,
            client: Client::from(http, url).map_err(Shut::Url)?,
        };
        Ok(Door::Guarded {
            access: Arc::new(access),
            url: url.into(),
            present: Mutex::new(present),
        })
    }

    /// The client, and what it has to show.
    pub(super) async fn enter(&self) -> Result<(Client, Option<HeaderValue>), Refusal> {
        let (access, url, present) = match self {
            Door::Open(client) => return Ok((client.clone(), None)),
            Door::Guarded { access, url, present } => (access, url, present),
        };
        let mut present = present.lock().await;
        if present.looked.elapsed() >= LOOK {
            let shut = |what: String| Refusal::NotLetIn(Cause::Forbidden, what);
            let (files, to, pem) = (access.clone(), url.clone(), present.pem.clone());
            let looked = task::spawn_blocking(move || look(&files, &to, pem.as_deref()));
            let (contents, changed) = looked
                .await
                .map_err(|error| shut(error.to_string()))?
                .map_err(|error| shut(error.to_string()))?;
            if let Some(http) = changed {
                present.client = Client::from(http, url).map_err(|error| shut(error.to_string()))?;
            }
            present.pem = contents.pem;
            present.secret = contents.secret;
            present.looked = Instant::now();
        }
        Ok((present.client.clone(), present.secret.clone()))
    }

    /// What the server is shown, where it is shown something.
    pub(super) fn shown(&self) -> Option<&Secret> {
        match self {
            Door::Open(_) => None,
            Door::Guarded { access, .. } => access.secret.as_ref(),
        }
    }
}

/// What the files hold now, and a new client where the authorities are others.
fn look(access: &Access, url: &str, known: Option<&[u8]>) -> Result<(Contents, Option<reqwest::Client>), AccessError> {
    let contents = access.read()?;
    let changed = contents.pem.as_deref() != known;
    let client = changed.then(|| access.client(&contents, url)).transpose()?;
    Ok((contents, client))
}
