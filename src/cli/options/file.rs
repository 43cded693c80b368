//! File: the settings file, `plaza.toml`.

use std::path::Path;

use anyhow::{Context, anyhow};

use super::flags::ServeArgs;

/// The settings file that is read if it exists.
const CONFIG: &str = "plaza.toml";

/// The settings file: the given one, or `plaza.toml` if it exists.
pub(super) fn file(named: Option<&Path>) -> anyhow::Result<ServeArgs> {
    match named {
        Some(path) => read(path),
        None if Path::new(CONFIG).exists() => read(Path::new(CONFIG)),
        None => Ok(ServeArgs::default()),
    }
}

fn read(path: &Path) -> anyhow::Result<ServeArgs> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    config::Config::builder()
        .add_source(config::File::from_str(&text, config::FileFormat::Toml))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| {
            anyhow!(
                "the settings file {} is broken: {}",
                path.display(),
                unquoted(&error.to_string())
            )
        })
}

/// A parser's message without the lines it quotes, since they may contain a password.
fn unquoted(error: &str) -> String {
    let is_quoted = |line: &str| {
        let number = line.split_once('|').map(|(number, _)| number.trim());
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let said: Vec<_> = error.lines().filter(|line| !is_quoted(line)).collect();
    said.join(": ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The options of a file with this text.
    pub(in crate::cli::options) fn said(toml: &str) -> anyhow::Result<ServeArgs> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("plaza.toml");
        std::fs::write(&file, toml)?;
        read(&file)
    }

    #[test]
    fn the_error_of_a_broken_file_names_it() {
        for broken in [
            "listen = ",
            "lisen = \"127.0.0.1:1\"",
            "tick-rate = \"fast\"",
        ] {
            let error = said(broken)
                .err()
                .map(|error| format!("{error:#}"))
                .unwrap();
            assert!(error.contains("plaza.toml"), "{error}");
        }
    }

    #[test]
    fn the_error_of_a_broken_file_names_the_line_without_its_text() {
        for broken in [
            "database-url = \"postgres://ada:hunter2@db/plaza",
            "database-url = \"hunter2\" oops",
        ] {
            let error = said(broken)
                .err()
                .map(|error| format!("{error:#}"))
                .unwrap();
            assert!(
                error.contains("line 1, column") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
