//! Client: which protocol a client speaks, and what it asked for when it joined.

/// The protocol of a client, with its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolKind {
    /// `plaza.v1`, seeing this many tiles across and down.
    Binary {
        /// Tiles across.
        width: u16,
        /// Tiles down.
        height: u16,
    },
    /// The JSON protocol of `docs/json-websocket.md`.
    Json {
        /// Word for arrivals.
        join_word: JoinWord,
        /// Whether to send earlier chat messages on arrival.
        history: bool,
        /// Whether to send who is near, and to pass on call signals.
        nearby: bool,
    },
}

/// The word for arrivals: existing clients know one of two.
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
    /// Both words.
    pub const ALL: [Self; 2] = [Self::UserJoined, Self::UserJoin];

    /// The word in messages and settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UserJoined => "user-joined",
            Self::UserJoin => "user-join",
        }
    }

    /// The variant with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.word() == word)
    }
}
