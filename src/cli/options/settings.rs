//! Settings: made of flags, environment, file and defaults.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};

use super::flags::ServeArgs;
use super::values::{
    address, appeals_text, base_path, bytes_of, database_url, ice_urls, is_published,
    is_socket_url, networks, origins, public_url, secret_of, secret_text, word_list,
};
use super::{DATA_DIR, LINK_TLS, LISTEN, ServeConfig};
use crate::components::unit::TickRate;
use crate::media::MediaSecret;
use crate::media::ice::IceSettings;
use crate::media::livekit::LiveKitSettings;
use crate::media::sfu::SfuSettings;
use crate::net::budget::BudgetSettings;
use crate::settings::{
    ClusterSettings, GuestSettings, GuestSwitch, MetricsSettings, PasswordCost, Quotas, Settings,
};

/// Default address for links from other processes.
const LINK_LISTEN: &str = "127.0.0.1:0";
/// Default log filter.
const LOG: &str = "info,sqlx=warn,tower_http=info";

impl ServeArgs {
    /// The cluster's settings, if the process belongs to one.
    fn cluster(&self) -> anyhow::Result<Option<ClusterSettings>> {
        let Some(redis_url) = self.redis_url.clone() else {
            return Ok(None);
        };
        if self.database_url.is_none() {
            bail!("processes that share a Redis must share a PostgreSQL too: set --database-url");
        }
        let secret = secret_of(
            self.cluster_secret.as_deref(),
            self.cluster_secret_file.as_deref(),
        )?;
        Ok(Some(ClusterSettings {
            redis_url,
            node: self.node.clone(),
            link_listen: address(self.link_listen.as_deref().unwrap_or(LINK_LISTEN))
                .context("link-listen")?,
            link_address: self.link_address.clone(),
            secret,
            link_tls: self.link_tls.unwrap_or(LINK_TLS),
        }))
    }

    /// STUN and TURN settings, which help calls to connect.
    fn ice(&self) -> anyhow::Result<IceSettings> {
        let defaults = IceSettings::default();
        let turn_secret = secret_text(
            self.turn_secret.as_deref(),
            self.turn_secret_file.as_deref(),
            "TURN servers",
        )?;
        if turn_secret.as_deref().is_some_and(is_published) {
            bail!(
                "the secret of the TURN servers is published in an example, so others could relay \
                through them; `openssl rand -hex 32` makes a new one"
            );
        }
        let turn_urls = ice_urls(self.turn_url.as_deref(), ["turn:", "turns:"])?;
        if turn_urls.is_empty() != turn_secret.is_none() {
            bail!(
                "TURN servers and their secret go together: set --turn-url and --turn-secret or \
                --turn-secret-file"
            );
        }
        let relay_only = self.relay_only.unwrap_or(false);
        if relay_only && turn_urls.is_empty() {
            bail!("relay-only needs a TURN server: set --turn-url");
        }
        Ok(IceSettings {
            stun_urls: ice_urls(self.stun_url.as_deref(), ["stun:", "stuns:"])?,
            turn_urls,
            turn_secret: turn_secret.as_deref().map(MediaSecret::new),
            turn_ttl: match self.turn_ttl {
                None => defaults.turn_ttl,
                Some(seconds @ 60..=604_800) => Duration::from_secs(seconds),
                Some(_) => bail!("turn-ttl is 60 to 604800 seconds"),
            },
            relay_only,
        })
    }

    /// SFU settings; by default it listens at the address for browsers, on the next port.
    fn forwarding(&self, public: SocketAddr) -> anyhow::Result<Option<SfuSettings>> {
        let listen = match self.media_listen.as_deref() {
            Some("off") => return Ok(None),
            Some(said) => Some(address(said).context("media-listen")?),
            None => None,
        };
        let addresses = self.media_address.iter().flatten();
        let addresses = addresses.map(|text| {
            text.parse()
                .with_context(|| format!("`{text}` is not an IP address"))
        });
        let next_port = if public.port() == 0 {
            0
        } else {
            public.port().checked_add(1).unwrap_or(0)
        };
        Ok(Some(SfuSettings {
            listen: listen.unwrap_or(SocketAddr::new(public.ip(), next_port)),
            or_any_port: listen.is_none(),
            addresses: addresses
                .collect::<anyhow::Result<_>>()
                .context("media-address")?,
        }))
    }

    /// LiveKit settings, if a LiveKit server carries calls.
    fn livekit(&self) -> anyhow::Result<Option<LiveKitSettings>> {
        let secret = secret_text(
            self.livekit_secret.as_deref(),
            self.livekit_secret_file.as_deref(),
            "LiveKit key",
        )?;
        match (&self.livekit_url, &self.livekit_key, secret) {
            (None, None, None) => Ok(None),
            (Some(url), Some(key), Some(secret)) if is_socket_url(url) => {
                Ok(Some(LiveKitSettings {
                    url: url.clone(),
                    key: key.clone(),
                    secret: MediaSecret::new(&secret),
                }))
            }
            (Some(_), Some(_), Some(_)) => {
                bail!("livekit-url is where browsers connect, as wss://HOST")
            }
            _ => bail!("--livekit-url, --livekit-key and --livekit-secret go together"),
        }
    }

    /// The settings that these options and the defaults make.
    pub(super) fn serve_config(self) -> anyhow::Result<ServeConfig> {
        let listen = self.listen.as_deref().unwrap_or(LISTEN);
        let tick_rate = match self.tick_rate.map(TickRate::new) {
            None => TickRate::DEFAULT,
            Some(Some(rate)) => rate,
            Some(None) => bail!("tick-rate is 10 to 60"),
        };
        let cluster = self.cluster()?;
        let ice = self.ice()?;
        let livekit = self.livekit()?;
        let listen = address(listen)?;
        let forwarding = self.forwarding(listen)?;
        let defaults = Settings::in_folder(self.data_dir.unwrap_or_else(|| DATA_DIR.into()));
        let metrics = match self.metrics_listen.as_deref() {
            None => defaults.metrics,
            Some("off") => None,
            Some(said) => Some(MetricsSettings {
                listen: address(said).context("metrics-listen")?,
                or_any_port: false,
            }),
        };
        Ok(ServeConfig {
            listen,
            log: self.log.unwrap_or_else(|| LOG.to_owned()),
            settings: Settings {
                database_url: database_url(self.database_url.as_deref())?,
                open_admin_signup: self.open_admin_signup.unwrap_or(defaults.open_admin_signup),
                signup: self.signup.unwrap_or_default(),
                guests: GuestSettings {
                    allowed: self.guests != Some(GuestSwitch::Off),
                    per_hour: self.guests_per_hour.unwrap_or(defaults.guests.per_hour),
                    most: self.max_guests.unwrap_or(defaults.guests.most),
                },
                appeals_text: appeals_text(self.appeals_text.as_deref())?,
                word_filter: word_list(
                    self.word_filter.as_deref(),
                    self.word_filter_action.as_deref(),
                )?,
                tick_rate,
                join_event: self.join_event.unwrap_or_default(),
                allowed_origins: origins(self.allowed_origins.unwrap_or_default())?,
                auth_rate: self.auth_rate.unwrap_or(defaults.auth_rate),
                max_guess_delay: self
                    .max_guess_delay
                    .map_or(defaults.max_guess_delay, Duration::from_secs),
                budgets: BudgetSettings {
                    requests: self.request_rate.unwrap_or(defaults.budgets.requests),
                    edits: self.edit_rate.unwrap_or(defaults.budgets.edits),
                    searches: self.search_rate.unwrap_or(defaults.budgets.searches),
                    uploads: self.upload_rate.unwrap_or(defaults.budgets.uploads),
                    pixels: self.picture_rate.unwrap_or(defaults.budgets.pixels),
                    text: self.text_rate.unwrap_or(defaults.budgets.text),
                    ..defaults.budgets
                },
                upload_quota: bytes_of(self.upload_quota, defaults.upload_quota),
                min_free_disk: self.min_free_disk.map_or(defaults.min_free_disk, |mib| {
                    mib.saturating_mul(1024 * 1024)
                }),
                max_chat_per_space: bytes_of(self.max_chat_per_space, defaults.max_chat_per_space),
                max_connections: self.max_connections.unwrap_or(defaults.max_connections),
                max_connections_per_address: self
                    .max_connections_per_address
                    .unwrap_or(defaults.max_connections_per_address),
                quotas: Quotas {
                    spaces: self.max_spaces_per_user.unwrap_or(defaults.quotas.spaces),
                    tiles: self.max_space_tiles.unwrap_or(defaults.quotas.tiles),
                    objects: self
                        .max_objects_per_space
                        .unwrap_or(defaults.quotas.objects),
                    creations: self
                        .creations_per_minute
                        .unwrap_or(defaults.quotas.creations),
                },
                max_open_spaces: self.max_open_spaces.unwrap_or(defaults.max_open_spaces),
                max_sessions_per_user: self
                    .max_sessions_per_user
                    .unwrap_or(defaults.max_sessions_per_user),
                max_sockets_per_user: self
                    .max_sockets_per_user
                    .unwrap_or(defaults.max_sockets_per_user),
                trusted_proxies: networks(&self.trusted_proxies.unwrap_or_default())?,
                host_threads: match self.host_threads {
                    None => defaults.host_threads,
                    Some(0) => bail!("host-threads is at least 1"),
                    Some(threads) => threads,
                },
                password_cost: PasswordCost::Full,
                cluster,
                public_url: public_url(self.public_url)?,
                base_path: base_path(self.base_path.as_deref().unwrap_or_default())?,
                ice,
                forwarding,
                metrics,
                metrics_public: self.metrics_public.unwrap_or(defaults.metrics_public),
                livekit,
                ..defaults
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::MADE;
    use super::super::file::tests::said;
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = said(
            "listen = \"127.0.0.1:1\"\ntick-rate = 30\nallowed-origins = [\"https://a.example/\"]",
        )
        .unwrap();
        let flags = ServeArgs {
            listen: Some("127.0.0.1:2".into()),
            ..ServeArgs::default()
        };
        let config = flags.or(file).serve_config().unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.settings.tick_rate.per_second(), 30);
        assert_eq!(config.settings.allowed_origins, ["https://a.example"]);
        assert_eq!(config.settings.data_dir, Path::new(DATA_DIR));
    }

    #[test]
    fn links_are_encrypted_unless_that_is_turned_off() {
        let cluster = |more: &str| {
            let toml = format!(
                "redis-url = \"redis://r\"\ndatabase-url = \"postgres://p@d/p\"\ncluster-secret = \
                \"{MADE}\"\n{more}"
            );
            said(&toml)
                .unwrap()
                .serve_config()
                .unwrap()
                .settings
                .cluster
                .unwrap()
        };
        assert!(cluster("").link_tls);
        assert!(!cluster("link-tls = false").link_tls);
    }

    #[test]
    fn invalid_options_are_refused() {
        for said in [
            ServeArgs {
                tick_rate: Some(9),
                ..ServeArgs::default()
            },
            ServeArgs {
                listen: Some("here".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                allowed_origins: Some(vec!["example.org".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                trusted_proxies: Some(vec!["10.0.0.0/33".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_url: Some(vec!["turn:turn.example".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_url: Some(vec!["turn:turn.example".into()]),
                turn_secret: Some("change-me-to-a-secret-of-your-own".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_secret: Some("north".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                stun_url: Some(vec!["https://stun.example".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                relay_only: Some(true),
                ..ServeArgs::default()
            },
            ServeArgs {
                livekit_url: Some("wss://live.example".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                livekit_url: Some("wss://live.example; script-src *".into()),
                livekit_key: Some("key".into()),
                livekit_secret: Some("secret".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                public_url: Some("example.org".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                host_threads: Some(0),
                ..ServeArgs::default()
            },
        ] {
            assert!(said.serve_config().is_err());
        }
    }
}
