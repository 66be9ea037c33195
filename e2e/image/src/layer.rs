//! The image's files as one layer: a tar with sorted entries, root's, of one time; or as a directory, from which a
//! Containerfile copies the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use crate::error::Error;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it may be started: mode 0755 instead of 0644.
    pub executable: bool,
}

/// Files by their absolute path in the image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, File>);

impl Files {
    /// Puts a file at an absolute path; one that was there is replaced.
    ///
    /// # Errors
    /// The path is relative, has empty, `.` or `..` parts, or is a directory of another file (or the reverse).
    pub fn insert(&mut self, path: &str, file: File) -> Result<(), Error> {
        let parts = path.strip_prefix('/').map(|p| p.split('/').collect::<Vec<_>>());
        let plain = parts.is_some_and(|p| p.iter().all(|part| !matches!(*part, "" | "." | "..")));
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        if !plain || self.0.keys().any(|other| inside(other, path) || inside(path, other)) {
            return Err(Error::Path(path.to_owned()));
        }
        self.0.insert(path.to_owned(), file);
        Ok(())
    }

    /// Every directory that the files lie in, outer ones first, without `/`, relative as in a tar: `etc/ssl`.
    fn directories(&self) -> BTreeSet<&str> {
        let relative = self.0.keys().map(|path| path.trim_start_matches('/'));
        relative
            .flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]))
            .collect()
    }

    /// The layer, not compressed.
    pub(crate) fn tar(&self, created: u64) -> Result<Vec<u8>, Error> {
        let mut tar = Builder::new(Vec::new());
        for path in self.directories() {
            append(&mut tar, &format!("{path}/"), EntryType::Directory, 0o755, created, &[])?;
        }
        for (path, file) in &self.0 {
            let path = path.trim_start_matches('/');
            append(&mut tar, path, EntryType::Regular, mode(file), created, &file.content)?;
        }
        Ok(tar.into_inner()?)
    }

    /// The same files in a directory of this machine.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), Error> {
        use std::os::unix::fs::PermissionsExt;
        for (path, file) in &self.0 {
            let to = root.join(path.trim_start_matches('/'));
            std::fs::create_dir_all(to.parent().unwrap_or(root))?;
            std::fs::write(&to, &file.content)?;
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(mode(file)))?;
        }
        Ok(())
    }
}

fn mode(file: &File) -> u32 {
    if file.executable { 0o755 } else { 0o644 }
}

/// An entry that says nothing of this machine: owner 0:0, one time.
pub(crate) fn append<W: Write>(
    tar: &mut Builder<W>,
    path: &str,
    kind: EntryType,
    mode: u32,
    created: u64,
    content: &[u8],
) -> Result<(), Error> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_mtime(created);
    header.set_uid(0);
    header.set_gid(0);
    Ok(tar.append_data(&mut header, path, content)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> File {
        File {
            content: content.into(),
            executable: false,
        }
    }

    #[test]
    fn paths_that_no_image_has() {
        let mut files = Files::default();
        files.insert("/etc/app", file("")).unwrap();
        for path in ["", "/", "app", "/a//b", "/a/", "/../a", "/a/./b", "/etc/app/x", "/etc"] {
            let error = files.insert(path, file("")).unwrap_err().to_string();
            assert!(error.contains("must be absolute"), "{path}: {error}");
        }
        // A neighbour with the same beginning is no directory of it.
        files.insert("/etc/app2", file("")).unwrap();
        assert_eq!(files.directories(), BTreeSet::from(["etc"]));
    }

    #[test]
    fn a_directory_holds_what_the_layer_holds() {
        let mut files = Files::default();
        let program = File {
            content: b"x".to_vec(),
            executable: true,
        };
        files.insert("/app", program).unwrap();
        files.insert("/etc/ssl/a", file("b")).unwrap();
        let [copied, unpacked] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        files.write(copied.path()).unwrap();
        let layer = files.tar(0).unwrap();
        let mut layer = tar::Archive::new(layer.as_slice());
        layer.set_preserve_permissions(true);
        layer.unpack(unpacked.path()).unwrap();
        for path in ["app", "etc/ssl/a"] {
            let [one, other] = [&copied, &unpacked].map(|d| d.path().join(path));
            assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&other).unwrap());
            let modes = [one, other].map(|p| std::fs::metadata(p).unwrap().permissions());
            assert_eq!(modes[0], modes[1], "{path}");
        }
    }
}
