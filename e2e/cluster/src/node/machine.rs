//! The machine of a real node: namespaces of its own on this machine, as a container engine would make them for kind.
//!
//! A kubelet changes the machine that it runs on: mounts, network links, packet filter rules, kernel settings. Here all of
//! that lies in namespaces that end with one process, so that nothing has to be undone, whatever ends this process.
//! `machine.sh` makes them and removes the one thing that outlives a namespace, the cgroups; `inside.sh` is process 1.
//!
//! Must never know what a node runs: [`super`] does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::process::{Process, Spec};

/// Programs that must be on the machine, each with Debian's package of it.
const NEEDED: [(&str, &str); 6] = [
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("find", "findutils"),
];

/// It takes a tenth of a second; the rest is for machines that compile.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Removing the cgroups of a hundred containers takes a second.
const GRACE: Duration = Duration::from_secs(15);

/// A running machine. Dropping it ends every process in it.
#[derive(Debug)]
pub(crate) struct Machine {
    process: Process,
    /// Process 1 of the machine, as this machine counts.
    init: String,
    pub(crate) network: Network,
}

/// The addresses of one machine: 10.245.N.0/30 is its cable, 10.244.N.0/24 its pods'.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    number: u8,
}

impl Network {
    /// This machine's end of the cable: what the node can reach it by.
    pub(crate) fn host(self) -> String {
        format!("10.245.{}.1", self.number)
    }

    /// The node's address.
    pub(crate) fn node(self) -> String {
        format!("10.245.{}.2", self.number)
    }

    /// The pods' addresses.
    pub(crate) fn pods(self) -> String {
        format!("10.244.{}.0/24", self.number)
    }

    /// The cgroup under which the node keeps its pods.
    pub(crate) fn cgroup(self) -> String {
        format!("/headroom-node-{}", self.number)
    }
}

impl Machine {
    /// Makes a machine with its files in `dir`, which exists.
    pub(crate) async fn start(dir: &Path) -> Result<Self, Error> {
        check_needs()?;
        let script = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(Error::file(&path)).map(|()| path)
        };
        let machine = script("machine.sh", include_str!("machine.sh"))?;
        let inside = script("inside.sh", include_str!("inside.sh"))?;
        let spec = Spec::new("the node's machine", "/bin/sh", dir.join("machine.log"));
        let spec = spec.args([&machine, dir, &inside] as [&Path; 3]).grace(GRACE);
        let mut process = Process::spawn(spec)?;
        let ready = dir.join("ready");
        process
            .wait_until("its set-up", START_TIMEOUT, async || ready.is_file())
            .await?;
        let text = std::fs::read_to_string(&ready).map_err(Error::file(&ready))?;
        let mut words = text.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
        let init = words.next().unwrap_or_default().to_owned();
        Ok(Self {
            process,
            init,
            network: Network { number },
        })
    }

    /// A program in the machine: the words to run from outside.
    pub(crate) fn enter(&self, program: &Path) -> (PathBuf, Vec<String>) {
        let namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--"].map(String::from);
        let mut args = vec!["--target".to_owned(), self.init.clone()];
        args.extend(namespaces);
        args.push(program.display().to_string());
        ("nsenter".into(), args)
    }

    /// Fails where the machine has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        Ok(self.process.check()?)
    }

    /// The process that holds the machine.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// Says all that is missing at once, and how to get it.
fn check_needs() -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let (programs, packages) = missing(there);
    if programs.is_empty() {
        return Ok(());
    }
    Err(Error::Needs { programs, packages })
}

fn missing(there: impl Fn(&str) -> bool) -> (String, String) {
    let missing: Vec<_> = NEEDED.into_iter().filter(|(program, _)| !there(program)).collect();
    let (programs, mut packages): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
    packages.dedup();
    (programs.join(", "), packages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let check = |there: &[&str], programs: &str, packages: &str| {
            let expected = (programs.to_owned(), packages.to_owned());
            assert_eq!(missing(|name| there.contains(&name)), expected, "{there:?}");
        };
        let all = NEEDED.map(|(program, _)| program);
        check(&all, "", "");
        check(&all[1..], "runc", "runc");
        check(
            &["runc", "iptables", "find"],
            "ip, unshare, nsenter",
            "iproute2 util-linux",
        );
    }

    #[test]
    fn a_machine_has_addresses_of_its_own() {
        let network = Network { number: 7 };
        assert_eq!(network.host(), "10.245.7.1");
        assert_eq!(network.node(), "10.245.7.2");
        assert_eq!(network.pods(), "10.244.7.0/24");
    }
}
