//! Kills a program in a pod as the out-of-memory killer would: SIGKILL from outside its container, which inside nobody
//! may send to process 1.

use std::path::Path;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/ready", get(async || "ready\n"))
        .route("/kill", get(kill))
}

#[derive(Debug, Deserialize)]
struct Victim {
    /// The pod's uid, by which its cgroups are named.
    pod: String,
    /// The program's name.
    name: String,
}

/// Says how many processes it killed.
async fn kill(Query(victim): Query<Victim>) -> Result<String, (StatusCode, String)> {
    let failed = |error: std::io::Error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"));
    let found = find(Path::new("/proc"), &victim).map_err(failed)?;
    for pid in &found {
        kill_process(*pid, Signal::KILL).map_err(|error| failed(error.into()))?;
    }
    if found.is_empty() {
        let text = format!("no process {} in pod {}\n", victim.name, victim.pod);
        return Err((StatusCode::NOT_FOUND, text));
    }
    Ok(format!("{}\n", found.len()))
}

fn find(proc: &Path, victim: &Victim) -> std::io::Result<Vec<Pid>> {
    // systemd's names of cgroups have no dashes.
    let names = [victim.pod.clone(), victim.pod.replace('-', "_")];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(proc)? {
        let path = entry?.path();
        let pid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        // A process that ended since then is none to kill.
        let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap_or_default();
        let (cgroups, command) = (read("cgroup"), read("comm"));
        if command.trim() == victim.name && names.iter().any(|name| cgroups.contains(name.as_str())) {
            found.extend(pid.and_then(Pid::from_raw));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_in_the_pod_is_found() {
        let root = std::env::temp_dir().join(format!("headroom-e2e-killer-{}", std::process::id()));
        let process = |pid: &str, comm: &str, cgroup: &str| {
            let dir = root.join(pid);
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("comm"), format!("{comm}\n")).unwrap();
            std::fs::write(dir.join("cgroup"), format!("4:memory:{cgroup}\n")).unwrap();
        };
        process("10", "headroom", "/kubepods/burstable/poda-b/1");
        process("11", "pause", "/kubepods/burstable/poda-b/2");
        process("12", "headroom", "/kubepods/burstable/podc-d/3");
        process("13", "headroom", "/kubepods-poda_b.slice/4");
        process("self", "headroom", "/kubepods/burstable/poda-b/1");
        let victim = Victim {
            pod: "a-b".into(),
            name: "headroom".into(),
        };
        let mut found: Vec<i32> = find(&root, &victim).unwrap().into_iter().map(Pid::as_raw_pid).collect();
        found.sort_unstable();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [10, 13]);
    }
}
