//! Values: what is written for an option, read as what it means.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, bail};

use crate::components::long_text::{APPEAL_CHARS, long_text};
use crate::components::word_filter::{FilterAction, WordList};
use crate::link::Secret;
use crate::net::address::Network;
use crate::store::DatabaseUrl;

/// Most words of the server's word filter.
const MOST_WORDS: usize = 20_000;

/// Shortest secret of a cluster, in characters.
const SECRET_CHARS: usize = 32;

/// A setting in MiB as bytes; 0 is no limit.
pub(super) fn bytes_of(mib: Option<u64>, default: u64) -> u64 {
    match mib {
        None => default,
        Some(0) => u64::MAX,
        Some(mib) => mib.saturating_mul(1024 * 1024),
    }
}

/// The cluster's secret, as given or read from its file.
pub(super) fn secret_of(said: Option<&str>, file: Option<&Path>) -> anyhow::Result<Secret> {
    let secret = match (said, file) {
        (Some(secret), _) => secret.to_owned(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the cluster's secret from {}", file.display()))?,
        (None, None) => {
            bail!(
                "processes that share a Redis need a secret: set --cluster-secret or \
                --cluster-secret-file"
            )
        }
    };
    let secret = secret.trim();
    if secret.chars().count() < SECRET_CHARS {
        bail!(
            "the cluster's secret has at least {SECRET_CHARS} characters; `openssl rand -hex 32` \
            makes a good one"
        );
    }
    if is_published(secret) {
        bail!(
            "the cluster's secret is published in an example; `openssl rand \
            -hex 32` makes a new one"
        );
    }
    Ok(Secret::new(secret))
}

/// Whether a secret is published in an example or typed by hand: a generated one has no words and
/// uses many different characters.
pub(super) fn is_published(secret: &str) -> bool {
    const WORDS: [&str; 6] = [
        "change", "secret", "example", "plaza", "password", "cluster",
    ];
    let lower = secret.to_ascii_lowercase();
    let distinct: BTreeSet<char> = lower.chars().collect();
    distinct.len() < 8
        || "0123456789abcdef".repeat(4).contains(&lower)
        || WORDS.iter().any(|word| lower.contains(word))
}

/// Whether a browser can open a WebSocket at this URL.
pub(super) fn is_socket_url(url: &str) -> bool {
    let uri = url.parse::<axum::http::Uri>();
    uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.authority().is_some())
}

/// An address without a slash at its end.
pub(super) fn public_url(said: Option<String>) -> anyhow::Result<Option<String>> {
    let said = said.map(|url| url.trim().trim_end_matches('/').to_owned());
    let Some(url) = said.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let uri = url.parse::<axum::http::Uri>();
    let is_web = uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if !is_web {
        bail!("public-url is where browsers find this server, as https://HOST, not `{url}`");
    }
    Ok(Some(url))
}

/// A path with a slash in front and none at the end; empty for the root.
pub(super) fn base_path(said: &str) -> anyhow::Result<String> {
    let path = said.trim().trim_matches('/');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    let is_segment = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(is_plain)
    };
    if path.is_empty() {
        Ok(String::new())
    } else if path.split('/').all(is_segment) {
        Ok(format!("/{path}"))
    } else {
        bail!("base-path is a path of plain letters, as in /plaza, not `{said}`")
    }
}

/// A secret, as given or read from its file; `None` when it is empty.
pub(super) fn secret_text(
    said: Option<&str>,
    file: Option<&Path>,
    whose: &str,
) -> anyhow::Result<Option<String>> {
    let text = match (said, file) {
        (Some(said), _) => said.to_owned(),
        (None, Some(file)) => std::fs::read_to_string(file).with_context(|| {
            format!(
                "cannot read the secret of the {whose} from {}",
                file.display()
            )
        })?,
        (None, None) => return Ok(None),
    };
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// What is said about appeals.
pub(super) fn appeals_text(said: Option<&str>) -> anyhow::Result<String> {
    long_text(said.unwrap_or_default(), APPEAL_CHARS).with_context(|| {
        format!("appeals-text has at most {APPEAL_CHARS} characters and no control characters")
    })
}

/// The words of a file, and what happens to texts with them.
pub(super) fn word_list(file: Option<&Path>, action: Option<&str>) -> anyhow::Result<WordList> {
    let action = match action.map(str::trim) {
        None | Some("") => FilterAction::default(),
        Some(said) => FilterAction::from_word(said).with_context(|| {
            format!("word-filter-action is redact, refuse or report, not `{said}`")
        })?,
    };
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else {
        return Ok(WordList::default());
    };
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the word filter from {name}"))?;
    let words = text.lines().filter(|line| !line.starts_with('#'));
    WordList::new(action, words, MOST_WORDS).with_context(|| format!("the word filter {name}"))
}

/// URLs of STUN or TURN servers; empty ones are dropped.
pub(super) fn ice_urls(said: Option<&[String]>, schemes: [&str; 2]) -> anyhow::Result<Vec<String>> {
    let said = said.unwrap_or_default().iter().map(|url| url.trim());
    said.filter(|url| !url.is_empty())
        .map(|url| {
            let host = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
            match host {
                Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(url.to_owned()),
                _ => bail!(
                    "the address of such a server begins with {} and has a host, not `{url}`",
                    schemes[0]
                ),
            }
        })
        .collect()
}

/// `None` for an empty text, so that an environment variable can be switched off.
pub(super) fn database_url(said: Option<&str>) -> anyhow::Result<Option<DatabaseUrl>> {
    let said = said.map(str::trim).filter(|url| !url.is_empty());
    Ok(said.map(str::parse).transpose()?)
}

/// An address to listen on.
pub(super) fn address(text: &str) -> anyhow::Result<SocketAddr> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .with_context(|| format!("listen is ADDRESS:PORT, not `{text}`"))
}

/// Networks, or single addresses.
pub(super) fn networks(said: &[String]) -> anyhow::Result<Vec<Network>> {
    let said = said.iter().map(|network| network.trim());
    said.filter(|network| !network.is_empty())
        .map(|network| {
            let single = || network.parse::<IpAddr>().map(Network::from);
            let parsed = network.parse::<Network>().or_else(|_| single());
            parsed.with_context(|| {
                format!("a trusted proxy is a network as 10.0.0.0/8 or an address, not `{network}`")
            })
        })
        .collect()
}

/// Origins as browsers send them: scheme, host and port.
pub(super) fn origins(said: Vec<String>) -> anyhow::Result<Vec<String>> {
    said.into_iter()
        .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
        .filter(|origin| !origin.is_empty())
        .map(|origin| {
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            match host {
                Some(host) if !host.is_empty() && !host.contains('/') => Ok(origin),
                _ if origin == "*" => Ok(origin),
                _ => bail!("an allowed origin is https://HOST[:PORT] or *, not `{origin}`"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::MADE;
    use super::*;

    #[test]
    fn only_postgresql_urls_are_accepted() {
        let url = |text: &str| database_url(Some(text)).map(|url| url.map(|url| url.to_string()));
        assert_eq!(url(" ").unwrap(), None);
        assert_eq!(
            url("postgres://ada@db/plaza").unwrap().unwrap(),
            "plaza of ada at db:5432"
        );
        assert!(url("plaza.db").is_err());
    }

    #[test]
    fn a_base_path_gets_a_slash_in_front_and_none_at_the_end() {
        for (said, path) in [
            ("", ""),
            ("/", ""),
            ("plaza", "/plaza"),
            ("/tools/plaza/", "/tools/plaza"),
        ] {
            assert_eq!(base_path(said).unwrap(), path);
        }
        for said in ["/a//b", "/a b", "/a?b", "/../a", "https://a.example/b"] {
            assert!(base_path(said).is_err(), "{said}");
        }
    }

    #[test]
    fn a_text_about_appeals_is_plain_and_not_long() {
        assert_eq!(appeals_text(None).unwrap(), "");
        assert_eq!(appeals_text(Some(" Write\r\nus. ")).unwrap(), "Write\nus.");
        assert!(appeals_text(Some(&"a".repeat(1_000))).is_ok());
        for wrong in ["a".repeat(1_001), "a\u{0}b".into()] {
            assert!(appeals_text(Some(&wrong)).is_err());
        }
    }

    #[test]
    fn a_word_filter_is_read_from_a_file_with_comments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("words.txt");
        std::fs::write(&file, "# ours\nDarn\n\nhot dog\r\ndarn\n").unwrap();
        let list = word_list(Some(&file), Some("refuse")).unwrap();
        assert_eq!(list.words(), ["Darn", "hot dog"]);
        assert_eq!(list.action(), FilterAction::Refuse);
        assert!(word_list(None, None).unwrap().words().is_empty());
        let wrong = word_list(Some(&file), Some("burn")).unwrap_err();
        assert!(wrong.to_string().contains("`burn`"), "{wrong}");
        let missing = word_list(Some(&folder.path().join("none")), None).unwrap_err();
        assert!(missing.to_string().contains("none"), "{missing}");
        std::fs::write(&file, "a".repeat(51)).unwrap();
        let long = word_list(Some(&file), None).unwrap_err();
        assert!(format!("{long:#}").contains("50 characters"), "{long:#}");
    }

    #[test]
    fn a_cluster_secret_must_be_long_and_random() {
        assert!(secret_of(Some(MADE), None).is_ok());
        for refused in [
            "too short",
            "0b9d1c3f5a7e2846d0f1b3a59c7e8d6",
            "change-me-change-me-change-me",
            "change-me-sixteen-letters-at-least",
            "a secret of the tests that is long enough",
            "a cluster on one machine only, and long",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef0123456789abcdef",
        ] {
            let error = secret_of(Some(refused), None).unwrap_err().to_string();
            assert!(error.contains("openssl rand -hex 32"), "{refused}: {error}");
        }
    }
}
