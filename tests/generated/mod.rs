//! Files that are generated from the code and checked in: `make generate` writes them, the tests compare them.

use std::path::Path;

/// The checked-in file, by its path in the repository, is `is`; with `UPDATE` set it is written first.
#[track_caller]
pub fn check(file: &str, is: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        // At once: another test may read it at this moment.
        let written = path.with_added_extension("new");
        std::fs::write(&written, is).unwrap();
        std::fs::rename(written, &path).unwrap();
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(present == is, "{file} is stale: run `make generate`");
}
