//! Client: which protocol a client speaks, and what it asked for when it joined.

/// What a client understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolKind {
    /// `plaza.v1`, seeing this many tiles across and down.
    Binary {
        /// Tiles across.
        width: u16,
        /// Tiles down.
        height: u16,
    },
    /// The JSON protocol of `docs/api.md`.
    Json {
        /// How arrivals are called, and what else the client asked for.
        join_word: JoinWord,
        /// Whether it wants what was said before it came.
        history: bool,
        /// Whether it wants to know who is near, and to talk with them.
        nearby: bool,
    },
}

/// How arrivals are called: half of the clients know one word, half the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinWord {
    /// `user-joined`.
    #[default]
    UserJoined,
    /// `user-join`.
    UserJoin,
}

impl JoinWord {
    /// Both.
    pub const ALL: [Self; 2] = [Self::UserJoined, Self::UserJoin];

    /// As it stands in messages and settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UserJoined => "user-joined",
            Self::UserJoin => "user-join",
        }
    }

    /// The one that is written so.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.word() == word)
    }
}
