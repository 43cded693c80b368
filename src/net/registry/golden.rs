//! Golden: files that are generated from types and committed. A test compares each of them.

use std::path::PathBuf;

/// The text of a file of the repository; empty when there is none.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap_or_default()
}

/// Fails unless the file of the repository has this text. With `PLAZA_WRITE_GOLDEN` set, it is
/// written first. `tests` selects the tests that write it.
pub(crate) fn compare(path: &str, now: &str, tests: &str) {
    if std::env::var_os("PLAZA_WRITE_GOLDEN").is_some() && read(path) != now {
        std::fs::write(in_repository(path), now).unwrap();
    }
    let kept = read(path);
    let same = kept.lines().zip(now.lines()).take_while(|(a, b)| a == b);
    assert!(
        kept == now,
        "line {} of {path} is not what the types say. If the change is intended, run:\n\
         PLAZA_WRITE_GOLDEN=1 cargo test --locked --lib {tests}",
        same.count() + 1
    );
}

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
