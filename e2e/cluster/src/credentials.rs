//! What the API server and its clients need to trust each other: certificates, the service accounts' key, one
//! administrator's token and the kubeconfig that holds it.
//!
//! Must never be used for anything but a throw-away control plane on loopback: the keys lie in plain files.

use std::io::Read;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::metrics_server;

/// Files of one control plane, all in its directory.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// Certificate of the authority that signs the others.
    pub(crate) authority: PathBuf,
    /// Certificate and key that every server here serves with.
    pub(crate) serving_certificate: PathBuf,
    pub(crate) serving_key: PathBuf,
    /// Certificate and key by which the API server is known to metrics-server as the one that vouches for users.
    pub(crate) front_proxy_certificate: PathBuf,
    pub(crate) front_proxy_key: PathBuf,
    /// Certificate and key by which real kubelets know the API server.
    pub(crate) kubelet_client_certificate: PathBuf,
    pub(crate) kubelet_client_key: PathBuf,
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
    #[error("cannot generate the control plane's certificates: {0}")]
    Generate(#[from] rcgen::Error),
    /// There is no chance to be had.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
    /// The only name that metrics-server takes users' names from.
    pub(crate) const FRONT_PROXY: &str = "front-proxy";

    /// Writes all files into `dir` for an API server at `https://host:port`, and for servers by the further `names`.
    pub(crate) fn write(dir: &Path, host: &str, port: u16, names: &[String]) -> Result<Self, CredentialsError> {
        let authority_key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "headroom-cluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(params, authority_key)?;

        let serving_key = KeyPair::generate()?;
        let own = ["127.0.0.1", "localhost", metrics_server::SERVICE_NAME, host];
        let names: Vec<String> = own.into_iter().map(String::from).chain(names.iter().cloned()).collect();
        let serving = CertificateParams::new(names)?;
        let serving = serving.signed_by(&serving_key, &authority)?;

        let client = |name: &str, group: Option<&str>| -> Result<_, CredentialsError> {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            if let Some(group) = group {
                params.distinguished_name.push(DnType::OrganizationName, group);
            }
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            Ok((params.signed_by(&key, &authority)?, key))
        };
        let (front_proxy, front_proxy_key) = client(Self::FRONT_PROXY, None)?;
        // A kubelet asks the API server what a user may do, and this group may do everything.
        let (kubelet_client, kubelet_client_key) = client("kube-apiserver", Some("system:masters"))?;

        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            match std::fs::write(&path, text) {
                Ok(()) => Ok(path),
                Err(source) => Err(CredentialsError::Write { path, source }),
            }
        };
        let authority = write("ca.crt", &authority.pem())?;
        let service_account = KeyPair::generate()?;
        let token = token()?;
        Ok(Self {
            serving_certificate: write("apiserver.crt", &serving.pem())?,
            serving_key: write("apiserver.key", &serving_key.serialize_pem())?,
            front_proxy_certificate: write("front-proxy.crt", &front_proxy.pem())?,
            front_proxy_key: write("front-proxy.key", &front_proxy_key.serialize_pem())?,
            kubelet_client_certificate: write("kubelet-client.crt", &kubelet_client.pem())?,
            kubelet_client_key: write("kubelet-client.key", &kubelet_client_key.serialize_pem())?,
            service_account_key: write("service-account.key", &service_account.serialize_pem())?,
            service_account_public_key: write("service-account.pub", &service_account.public_key_pem())?,
            // Columns: token, user, user id, groups. The group is bound to cluster-admin by the API server itself.
            tokens: write("tokens.csv", &format!("{token},admin,admin,system:masters\n"))?,
            kubeconfig: write("kubeconfig", &kubeconfig(host, port, &authority, &token))?,
            authority,
        })
    }
}

/// Nobody guesses it: an API server with a real node can be reached by what runs there.
fn token() -> Result<String, CredentialsError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|source| CredentialsError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// JSON is YAML: every reader of kubeconfigs takes it, and paths need no quoting rules of our own.
fn kubeconfig(host: &str, port: u16, authority: &Path, token: &str) -> String {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "headroom",
        "contexts": [{"name": "headroom", "context": {"cluster": "headroom", "user": "admin", "namespace": "default"}}],
        "clusters": [{"name": "headroom", "cluster": {
            "server": format!("https://{host}:{port}"),
            "certificate-authority": authority,
        }}],
        "users": [{"name": "admin", "user": {"token": token}}],
    });
    format!("{config:#}\n")
}
