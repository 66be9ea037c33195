//! What the API server and its clients need to trust each other: certificates, the service accounts' key, one
//! administrator's token and the kubeconfig that holds it.
//!
//! Must never be used for anything but a throw-away control plane on loopback: the keys lie in plain files.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// Files of one control plane, all in its directory.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// Certificate and key that the API server serves with.
    pub(crate) serving_certificate: PathBuf,
    pub(crate) serving_key: PathBuf,
    /// Key that signs the tokens of service accounts, and the one that checks them.
    pub(crate) service_account_key: PathBuf,
    pub(crate) service_account_public_key: PathBuf,
    /// The API server's token file.
    pub(crate) tokens: PathBuf,
    /// For clients: an administrator.
    pub(crate) kubeconfig: PathBuf,
}

/// Why the files could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A key or certificate could not be generated.
    #[error("cannot generate the API server's certificates: {0}")]
    Generate(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Credentials {
    /// Writes all files into `dir` for an API server at `https://127.0.0.1:port`.
    pub(crate) fn write(dir: &Path, port: u16) -> Result<Self, CredentialsError> {
        let authority_key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "headroom-cluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(params, authority_key)?;

        let serving_key = KeyPair::generate()?;
        let serving = CertificateParams::new(["127.0.0.1", "localhost"].map(String::from))?;
        let serving = serving.signed_by(&serving_key, &authority)?;

        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            match std::fs::write(&path, text) {
                Ok(()) => Ok(path),
                Err(source) => Err(CredentialsError::Write { path, source }),
            }
        };
        let authority = write("ca.crt", &authority.pem())?;
        let service_account = KeyPair::generate()?;
        // Its secrecy protects nothing: whoever can read this directory or the process list is this user or root.
        let token = "headroom-cluster-admin";
        Ok(Self {
            serving_certificate: write("apiserver.crt", &serving.pem())?,
            serving_key: write("apiserver.key", &serving_key.serialize_pem())?,
            service_account_key: write("service-account.key", &service_account.serialize_pem())?,
            service_account_public_key: write("service-account.pub", &service_account.public_key_pem())?,
            // Columns: token, user, user id, groups. The group is bound to cluster-admin by the API server itself.
            tokens: write("tokens.csv", &format!("{token},admin,admin,system:masters\n"))?,
            kubeconfig: write("kubeconfig", &kubeconfig(port, &authority, token))?,
        })
    }
}

/// JSON is YAML: every reader of kubeconfigs takes it, and paths need no quoting rules of our own.
fn kubeconfig(port: u16, authority: &Path, token: &str) -> String {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "headroom",
        "contexts": [{"name": "headroom", "context": {"cluster": "headroom", "user": "admin", "namespace": "default"}}],
        "clusters": [{"name": "headroom", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": authority,
        }}],
        "users": [{"name": "admin", "user": {"token": token}}],
    });
    format!("{config:#}\n")
}
