//! What a server wants to see before it answers: a token or a password, and on our side the authority that signed it.
//!
//! Files, as Kubernetes mounts them: no secret stands on a command line, and none is ever part of an error or a log. None
//! is sent in the clear either, but to this machine itself (a port-forward, a proxy beside us). Neighbours: `door.rs`
//! keeps up with the files, `prometheus.rs` asks.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderValue;
use reqwest::{Certificate, Url};

use crate::address::{innermost, shown};

/// How to be let in; without any of it, as anybody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What is shown to the server.
    pub secret: Option<Secret>,
    /// A file with PEM certificates of authorities that are trusted beside the system's.
    pub authority: Option<PathBuf>,
}

/// A file with what is shown to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// It holds a bearer token.
    Token(PathBuf),
    /// It holds `user:password`.
    BasicAuth(PathBuf),
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Token(path) => write!(f, "the token file {}", path.display()),
            Secret::BasicAuth(path) => write!(f, "the file of user and password {}", path.display()),
        }
    }
}

/// What gives no access.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file of the token or password cannot be used.
    #[error("{secret}: {problem}")]
    Secret {
        /// The file.
        secret: Secret,
        /// What is wrong with it.
        problem: String,
    },
    /// The file of certificates cannot be used.
    #[error("the CA file {}: {problem}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A secret would cross the network where everybody can read it.
    #[error("{secret} would be sent unencrypted to {url}; give an https:// address")]
    Clear {
        /// The file.
        secret: Secret,
        /// The server's address.
        url: String,
    },
    /// There is no certificate that the authority could have signed.
    #[error("the CA file {} does nothing for {url}; give an https:// address, or leave the file out", path.display())]
    NoTls {
        /// The file.
        path: PathBuf,
        /// The server's address.
        url: String,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Http(#[source] reqwest::Error),
}

/// What the files hold at the moment.
pub(super) struct Contents {
    /// The value of the header `Authorization`.
    pub(super) secret: Option<HeaderValue>,
    /// The authorities, in PEM.
    pub(super) pem: Option<Vec<u8>>,
}

impl Access {
    /// Whether this can be used with a server at `url`, by its scheme.
    pub(super) fn suits(&self, url: &str) -> Result<(), AccessError> {
        // An address that is none is told by whoever makes a client of it.
        let Ok(parsed) = Url::parse(url) else { return Ok(()) };
        if parsed.scheme() == "https" {
            return Ok(());
        }
        let url = || shown(parsed.as_str());
        match (&self.secret, &self.authority) {
            (_, Some(path)) => Err(AccessError::NoTls {
                path: path.clone(),
                url: url(),
            }),
            (Some(secret), None) if !is_here(&parsed) => Err(AccessError::Clear {
                secret: secret.clone(),
                url: url(),
            }),
            _ => Ok(()),
        }
    }

    /// Reads the files; blocks as long as that takes.
    pub(super) fn read(&self) -> Result<Contents, AccessError> {
        Ok(Contents {
            secret: self.secret.as_ref().map(header).transpose()?,
            pem: self.authority.as_deref().map(pem).transpose()?,
        })
    }

    /// The client that asks, with the authorities that were read.
    pub(super) fn client(&self, contents: &Contents, url: &str) -> Result<reqwest::Client, AccessError> {
        let mut client = reqwest::Client::builder();
        if let (Some(path), Some(pem)) = (&self.authority, &contents.pem) {
            client = client.tls_certs_merge(authorities(path, pem)?);
        }
        // A redirect must not lead a secret out of the encrypted connection.
        let encrypted = self.secret.is_some() && url.starts_with("https:");
        // Here the certificates are looked into.
        client
            .https_only(encrypted)
            .build()
            .map_err(|error| match &self.authority {
                Some(path) => AccessError::Authority {
                    path: path.clone(),
                    problem: format!(
                        "no certificate of it can be used ({}); give certificates in PEM",
                        innermost(&error)
                    ),
                },
                None => AccessError::Http(error),
            })
    }
}

/// Whether an address is this machine's own.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn header(secret: &Secret) -> Result<HeaderValue, AccessError> {
    let problem = |problem: String| AccessError::Secret {
        secret: secret.clone(),
        problem,
    };
    let (Secret::Token(path) | Secret::BasicAuth(path)) = secret;
    let text = std::fs::read_to_string(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    let (scheme, credentials, alone) = match secret {
        Secret::Token(_) => ("Bearer", text.trim().to_owned(), "the token alone"),
        Secret::BasicAuth(_) => {
            // A password may begin or end with a blank; an editor ends the last line.
            let line = text.trim_end_matches(['\n', '\r']);
            if !line.is_empty() && !line.contains(':') {
                return Err(problem("has no colon; it has to hold user:password".to_owned()));
            }
            ("Basic", line.to_owned(), "user:password alone")
        }
    };
    if credentials.is_empty() {
        return Err(problem(format!("is empty; it has to hold {alone}")));
    }
    let bad = || {
        problem(format!(
            "holds more than one line or a control character; it has to hold {alone}"
        ))
    };
    if credentials.contains(char::is_control) {
        return Err(bad());
    }
    let shown = match secret {
        Secret::Token(_) => credentials,
        Secret::BasicAuth(_) => BASE64_STANDARD.encode(credentials),
    };
    let mut value = HeaderValue::from_str(&format!("{scheme} {shown}")).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok(value)
}

fn pem(path: &Path) -> Result<Vec<u8>, AccessError> {
    std::fs::read(path).map_err(|e| AccessError::Authority {
        path: path.to_owned(),
        problem: format!("cannot be read: {e}"),
    })
}

fn authorities(path: &Path, pem: &[u8]) -> Result<Vec<Certificate>, AccessError> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(AccessError::Authority {
            path: path.to_owned(),
            problem: "holds no PEM certificate (-----BEGIN CERTIFICATE-----)".to_owned(),
        }),
    }
}
