//! How the operator is let in by its Prometheus servers: the options `--prometheus-token`, `--prometheus-basic-auth` and
//! `--prometheus-ca`, each `NAME=FILE`, brought together by the server's name.
//!
//! Neighbours: `args.rs` has the servers themselves, `observe/prometheus` reads the files.

use std::path::PathBuf;

use crate::observe::prometheus::ServerError;
use crate::observe::prometheus::access::{Access, AccessError, Secret};

const TOKEN: &str = "--prometheus-token";
const BASIC_AUTH: &str = "--prometheus-basic-auth";
const CA: &str = "--prometheus-ca";

/// The options, as given. The files are mounted Secrets: they are read again as they change.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AccessArgs {
    /// A file with the bearer token that a Prometheus server wants, as NAME=FILE; repeat for more. Only to https://, or to
    /// this machine itself.
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    pub prometheus_token: Vec<(String, PathBuf)>,
    /// A file with `user:password` for a Prometheus server, as NAME=FILE; repeat for more. Only to https://, or to this
    /// machine itself.
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    pub prometheus_basic_auth: Vec<(String, PathBuf)>,
    /// A PEM file with the authority that signed a Prometheus server's certificate, as NAME=FILE; repeat for more. It is
    /// trusted beside the system's.
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    pub prometheus_ca: Vec<(String, PathBuf)>,
}

/// An option that cannot be obeyed.
#[derive(Debug, thiserror::Error)]
#[error("{option}: {problem}")]
pub struct AccessOption {
    option: &'static str,
    problem: String,
}

impl AccessArgs {
    /// The servers with how to be let in by each.
    ///
    /// # Errors
    /// [`AccessOption`] for a name that is no server's, one that is given twice, or a server without one.
    pub(super) fn servers(&self, named: &[(String, String)]) -> Result<Vec<(String, String, Access)>, AccessOption> {
        if named.iter().any(|(name, url)| name.is_empty() || url.is_empty()) {
            let problem = format!(
                "a value with an @ is not NAME=URL; give one such as default=http://prometheus.monitoring:9090, and a \
                 password in a file ({BASIC_AUTH})"
            );
            let option = "--prometheus";
            return Err(AccessOption { option, problem });
        }
        let anybody = |(name, url): &(String, String)| (name.clone(), url.clone(), Access::default());
        let mut servers: Vec<_> = named.iter().map(anybody).collect();
        let secrets = [
            (TOKEN, &self.prometheus_token, Secret::Token as fn(PathBuf) -> Secret),
            (BASIC_AUTH, &self.prometheus_basic_auth, Secret::BasicAuth),
        ];
        for (option, files, secret) in secrets {
            for (name, file) in files {
                let access = find(&mut servers, option, name)?;
                if access.secret.replace(secret(file.clone())).is_some() {
                    let problem = format!("{name:?} has a token or a password already; give it one of them, once");
                    return Err(AccessOption { option, problem });
                }
            }
        }
        for (name, file) in &self.prometheus_ca {
            let access = find(&mut servers, CA, name)?;
            if access.authority.replace(file.clone()).is_some() {
                let problem = format!("{name:?} has a CA file already; put all certificates into one");
                return Err(AccessOption { option: CA, problem });
            }
        }
        Ok(servers)
    }
}

fn find<'a>(
    servers: &'a mut [(String, String, Access)],
    option: &'static str,
    name: &str,
) -> Result<&'a mut Access, AccessOption> {
    let known: Vec<String> = servers.iter().map(|(known, ..)| known.clone()).collect();
    let found = servers.iter_mut().find(|(known, ..)| known == name);
    found.map(|(.., access)| access).ok_or_else(|| {
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let problem = format!("no server is named {name:?} (known: {known}); add --prometheus {name}=URL");
        AccessOption { option, problem }
    })
}

impl TryFrom<ServerError> for AccessOption {
    type Error = ServerError;

    /// The option at fault, where it is one of these.
    fn try_from(error: ServerError) -> Result<AccessOption, ServerError> {
        let ServerError::Access { source, .. } = &error else {
            return Err(error);
        };
        let option = match source {
            AccessError::Secret { secret, .. } | AccessError::Clear { secret, .. } => match secret {
                Secret::Token(_) => TOKEN,
                Secret::BasicAuth(_) => BASIC_AUTH,
            },
            AccessError::Authority { .. } | AccessError::NoTls { .. } => CA,
            AccessError::Http(_) => return Err(error),
        };
        let problem = error.to_string();
        Ok(AccessOption { option, problem })
    }
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("give NAME=FILE, for example default=/etc/headroom/prometheus/token".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: super::super::Args,
    }

    /// The servers of a command line, or the words that it is refused with.
    fn servers(line: &str) -> Result<Vec<(String, String, Access)>, String> {
        let words = std::iter::once("run").chain(line.split_whitespace());
        let args = Cli::try_parse_from(words).map_err(|e| e.to_string())?.args;
        args.access.servers(&args.prometheus).map_err(|e| e.to_string())
    }

    #[test]
    fn each_server_is_let_in_by_its_own_files() {
        let line = "--prometheus a=https://a,b=https://b --prometheus c=https://c --prometheus-token a=/t \
                    --prometheus-basic-auth b=/p --prometheus-ca b=/ca --prometheus-ca a=/ca=1";
        let server = |name: &str, secret, authority: Option<&str>| {
            let authority = authority.map(PathBuf::from);
            (name.to_owned(), format!("https://{name}"), Access { secret, authority })
        };
        let expected = vec![
            server("a", Some(Secret::Token("/t".into())), Some("/ca=1")),
            server("b", Some(Secret::BasicAuth("/p".into())), Some("/ca")),
            server("c", None, None),
        ];
        assert_eq!(servers(line), Ok(expected));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_name() {
        for (line, words) in [
            (
                "--prometheus a=https://a --prometheus-token b=/t",
                "--prometheus-token: no server is named \"b\" (known: a); add --prometheus b=URL",
            ),
            ("--prometheus-ca b=/t", "(known: none)"),
            (
                "--prometheus http://me:pw@a",
                "--prometheus: a value with an @ is not NAME=URL",
            ),
            (
                "--prometheus a=https://a --prometheus-basic-auth b=/t",
                "--prometheus-basic-auth: no server",
            ),
            (
                "--prometheus a=https://a --prometheus-token a=/t --prometheus-basic-auth a=/p",
                "--prometheus-basic-auth: \"a\" has a token or a password already",
            ),
            (
                "--prometheus a=https://a --prometheus-ca a=/t --prometheus-ca a=/p",
                "--prometheus-ca: \"a\" has a CA file already",
            ),
            ("--prometheus a=https://a --prometheus-token /t", "give NAME=FILE"),
            ("--prometheus a=https://a --prometheus-token a=", "give NAME=FILE"),
        ] {
            let message = servers(line).unwrap_err();
            assert!(message.contains(words), "{line}: {message}");
        }
    }
}
