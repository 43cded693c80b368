//! Print: the only place that writes to the terminal; logs go through `tracing`.

use std::io::Write;

/// A line for whoever called the command. A reader that went away is no reason to fail.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line on standard error, while standard output carries data.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A line about what went wrong.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.replace('\n', " "));
}
