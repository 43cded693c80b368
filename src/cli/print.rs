//! Print: the only module that writes to the terminal; logs go through `tracing`.

use std::io::Write;

/// Prints a line to standard output. A reader that went away is not an error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a line to standard error, while standard output carries data.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an error to standard error.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.replace('\n', " "));
}
