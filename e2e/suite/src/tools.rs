//! kubectl and helm, as a person would run them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The programs, pointed at one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) kubectl: PathBuf,
    pub(crate) helm: PathBuf,
    pub(crate) kubeconfig: PathBuf,
}

impl Tools {
    /// Runs helm and returns what it prints.
    pub(crate) async fn helm(&self, args: &[&str]) -> anyhow::Result<String> {
        self.run(&self.helm, args, None).await
    }

    /// Runs kubectl and returns what it prints.
    pub(crate) async fn kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        self.run(&self.kubectl, args, None).await
    }

    /// Applies manifests, with each `$NAME` of `values` replaced.
    pub(crate) async fn apply(&self, manifests: &str, values: &[(&str, &str)]) -> anyhow::Result<()> {
        let text = filled(manifests, values);
        self.run(
            &self.kubectl,
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            Some(&text),
        )
        .await
        .map(drop)
    }

    async fn run(&self, program: &Path, args: &[&str], input: Option<&str>) -> anyhow::Result<String> {
        let mut child = Command::new(program)
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.unwrap_or_default().as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let words = args.join(" ");
        ensure!(
            output.status.success(),
            "{} {words}: {}\n{out}{err}",
            program.display(),
            output.status
        );
        Ok(out.into_owned())
    }
}

/// A text with each `$NAME` replaced. Longer names come first in `values` where one begins like another.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${name}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_in() {
        let filled = filled("a: $ONE, b: $TWO, c: $ONE", &[("ONE", "1"), ("TWO", "2")]);
        assert_eq!(filled, "a: 1, b: 2, c: 1");
    }
}
