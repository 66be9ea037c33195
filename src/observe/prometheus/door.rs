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
use crate::address::names_user;
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
    /// Why the last look found nothing that can be used.
    shut: Option<String>,
}

/// Why there is no way in.
#[derive(Debug)]
pub(super) enum Shut {
    Access(AccessError),
    Url(QueryError),
    /// The address holds a user or a password.
    User,
}

impl Door {
    /// For the server at `url`; `plain` is the client of those who show nothing. Reads the files.
    pub(super) fn to(url: &str, access: Access, plain: &reqwest::Client) -> Result<Door, Shut> {
        if names_user(url) {
            return Err(Shut::User);
        }
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
            shut: None,
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
            // Before the reading: files that cannot be used are read no more often than others.
            present.looked = Instant::now();
            present.shut = present.look(access, url).await.err();
        }
        if let Some(what) = &present.shut {
            return Err(Refusal::NotLetIn(Cause::Forbidden, what.clone()));
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

impl Present {
    /// Takes in what the files hold now; in words why that is of no use, where it is not.
    async fn look(&mut self, access: &Arc<Access>, url: &Arc<str>) -> Result<(), String> {
        let (files, to, pem) = (access.clone(), url.clone(), self.pem.clone());
        let looked = task::spawn_blocking(move || look(&files, &to, pem.as_deref())).await;
        let (contents, changed) = looked.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        if let Some(http) = changed {
            self.client = Client::from(http, url).map_err(|e| e.to_string())?;
        }
        self.pem = contents.pem;
        self.secret = contents.secret;
        Ok(())
    }
}

/// What the files hold now, and a new client where the authorities are others.
fn look(access: &Access, url: &str, known: Option<&[u8]>) -> Result<(Contents, Option<reqwest::Client>), AccessError> {
    let contents = access.read()?;
    let changed = contents.pem.as_deref() != known;
    let client = changed.then(|| access.client(&contents, url)).transpose()?;
    Ok((contents, client))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn present(door: &Door) -> &Mutex<Present> {
        match door {
            Door::Guarded { present, .. } => present,
            Door::Open(_) => panic!("not guarded"),
        }
    }

    /// Enters, the last look having been so long ago; what is shown, or why nothing is.
    async fn enter(door: &Door, ago: Duration) -> Result<String, String> {
        present(door).lock().await.looked = Instant::now() - ago;
        match door.enter().await {
            Ok((_, secret)) => Ok(secret.unwrap().to_str().unwrap().to_owned()),
            Err(refusal) => Err(refusal.failure("it").message.to_string()),
        }
    }

    #[tokio::test]
    async fn files_that_are_of_no_use_are_looked_at_as_seldom_as_others() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("token");
        fs::write(&path, "one").unwrap();
        let access = Access {
            secret: Some(Secret::Token(path.clone())),
            authority: None,
        };
        let door = Door::to("http://localhost:9090", access, &reqwest::Client::new()).unwrap();
        let long = LOOK + Duration::from_secs(1);
        fs::write(&path, "").unwrap();
        let failed = enter(&door, long).await.unwrap_err();
        assert!(failed.contains("is empty"), "{failed}");
        assert!(
            present(&door).lock().await.looked.elapsed() < long,
            "it counts as a look"
        );
        // Mended: within the second nobody looks.
        fs::write(&path, "two").unwrap();
        assert_eq!(enter(&door, Duration::ZERO).await.unwrap_err(), failed);
        assert_eq!(enter(&door, long).await.unwrap(), "Bearer two");
        fs::write(&path, "").unwrap();
        assert_eq!(enter(&door, Duration::ZERO).await.unwrap(), "Bearer two");
    }
}
