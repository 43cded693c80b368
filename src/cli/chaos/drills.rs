//! Drills: the failures that can be caused, and how long clients may stand still at each.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// A failure to cause in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drill {
    /// Kill a server; its guardian lives
    Crash,
    /// Kill a server and its guardian together, as when a machine fails
    HostLoss,
    /// Stop a server for five seconds
    Pause,
    /// Kill Redis, and start it again empty
    RedisRestart,
    /// Stop Redis for five seconds
    RedisPause,
    /// Shut `PostgreSQL` down and start it again
    PostgresRestart,
    /// Drain a process of all its spaces, and undrain it
    Drain,
    /// Move the spaces to another process, one by one
    Move,
    /// Shut the processes down one by one; each starts again
    Rolling,
    /// Kill the servers one by one; their guardians live
    EachCrash,
    /// Kill the servers one by one, each together with its guardian
    EachHostLoss,
    /// For a minute, attack from one account, one address and many addresses
    Abuse,
}

impl Drill {
    /// How long affected clients may stand still at the 99th percentile, if that is promised.
    pub const fn goal(self) -> Option<Duration> {
        match self {
            // Its guardian releases the lease at once.
            Self::Crash | Self::EachCrash => Some(Duration::from_secs(1)),
            // The lease ends by itself.
            Self::HostLoss | Self::EachHostLoss => Some(Duration::from_millis(3_500)),
            Self::Pause
            | Self::RedisRestart
            | Self::RedisPause
            | Self::PostgresRestart
            | Self::Drain
            | Self::Move
            | Self::Rolling
            | Self::Abuse => None,
        }
    }

    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or(String::new(), |value| value.get_name().to_owned())
    }
}
