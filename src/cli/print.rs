//! Print: the only place that writes to the terminal; logs go through `tracing`.

use std::io::Write;

/// A line for whoever called the command. A reader that went away is no reason to fail.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line about what went wrong.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.replace('\n', " "));
}

/// One line that the next one replaces, when a person watches; nothing otherwise.
pub fn status(text: &str) {
    use std::io::{IsTerminal, Write};
    let mut screen = std::io::stderr();
    if screen.is_terminal() {
        let _ = write!(screen, "\r\x1b[K{text}");
        let _ = screen.flush();
    }
}
