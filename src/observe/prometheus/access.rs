//! What a server wants to see before it answers: a bearer token, and on our side the authority that signed it.
//!
//! Files, as Kubernetes mounts them: no secret stands on a command line. Read once; neighbours: `prometheus.rs` asks with
//! the client made here. A token is never sent in the clear, and none is ever part of an error.

use std::path::{Path, PathBuf};

use reqwest::Certificate;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// How to be let in; without any of it, as anybody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// A file with a bearer token.
    pub token: Option<PathBuf>,
    /// A file with PEM certificates of authorities that are trusted beside the system's.
    pub authority: Option<PathBuf>,
}

/// A file that gives no access.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file of the token cannot be used.
    #[error("the token file {}: {problem}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
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
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Http(#[from] reqwest::Error),
}

impl Access {
    /// The client that asks with it.
    ///
    /// # Errors
    /// [`AccessError`] that names the file.
    pub fn client(&self) -> Result<reqwest::Client, AccessError> {
        let mut client = reqwest::Client::builder();
        if let Some(path) = &self.token {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, bearer(path)?);
            client = client.default_headers(headers);
        }
        if let Some(path) = &self.authority {
            client = client.tls_certs_merge(authorities(path)?);
        }
        Ok(client.build()?)
    }
}

fn bearer(path: &Path) -> Result<HeaderValue, AccessError> {
    let problem = |problem: String| AccessError::Token {
        path: path.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(problem("is empty; it has to hold the token alone".to_owned()));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        problem("holds what no token has, such as a line break; it has to hold the token alone".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, AccessError> {
    let problem = |problem: String| AccessError::Authority {
        path: path.to_owned(),
        problem,
    };
    let pem = std::fs::read(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(problem(
            "holds no PEM certificate (-----BEGIN CERTIFICATE-----)".to_owned(),
        )),
    }
}
