//! The store's contract, tested on SQLite and on PostgreSQL: every query runs on both.

use std::path::Path;

use plaza::components::id::{SpaceId, UserId};
use plaza::components::membership::AccessPolicy;
use plaza::store::spaces::{Access, NewSpace};
use plaza::store::{Role, Store};
use sqlx::{AnyConnection, Connection, Executor};
use tempfile::TempDir;

use crate::services::Database;

mod access;
mod chat;
mod direct;
mod entry;
mod moderation;
mod owners;
mod people;
mod places;
mod reports;
mod together;
mod transfers;
mod uploads;
mod word_filter;

/// Makes a test of each named function on each database.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(crate::store::Home::in_a_folder().await).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(crate::store::Home::on_a_server().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;

/// A store with its own database.
pub struct Home {
    pub store: Store,
    folder: TempDir,
    database: Option<Database>,
}

impl Home {
    pub async fn in_a_folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        Self {
            store,
            folder,
            database: None,
        }
    }

    pub async fn on_a_server() -> Self {
        let database = Database::new();
        let store = Store::connect(&database.url().parse().unwrap())
            .await
            .unwrap();
        Self {
            store,
            folder: tempfile::tempdir().unwrap(),
            database: Some(database),
        }
    }

    /// Opens the same database, as another process does.
    pub async fn opened_again(&self) -> Store {
        let url = self
            .database
            .as_ref()
            .map(|database| database.url().parse().unwrap());
        Store::open_either(url.as_ref(), self.folder.path())
            .await
            .unwrap()
    }

    /// Runs SQL that stands for the passage of time or an accident.
    pub async fn suffer(&self, statement: &'static str) {
        let file = self.folder.path().join("plaza.db");
        let url = match &self.database {
            Some(database) => database.url(),
            None => format!("sqlite:{}", file.display()),
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn user(&self, name: &str) -> UserId {
        self.store
            .add_user(name, "-", Role::User)
            .await
            .unwrap()
            .unwrap()
    }

    async fn space(&self, creator: UserId, name: &str, access: Access) -> SpaceId {
        let new = NewSpace {
            name: name.into(),
            creator,
            map: None,
            access,
            policy: AccessPolicy::Open,
            width: 10,
            height: 8,
            keeps_chat: false,
        };
        self.store.add_space(&new).await.unwrap()
    }

    /// A space of that user.
    pub async fn some_space(&self) -> SpaceId {
        let ada = self.user("ada").await;
        self.space(ada, "S", Access::Unlisted).await
    }
}

async fn data_is_there_after_opening_again(home: Home) {
    let space = home.some_space().await;
    home.store
        .save_checkpoint(space, 1, 7, b"state")
        .await
        .unwrap();
    home.store.close().await;
    home.store.ping().await.unwrap_err();
    let again = home.opened_again().await;
    again.ping().await.unwrap();
    assert_eq!(again.space(space).await.unwrap().unwrap().name, "S");
    assert_eq!(again.load_checkpoint(space).await.unwrap().unwrap().tick, 7);
    again.close().await;
}

/// The row of a newer program's migration.
macro_rules! newer {
    ($name:literal) => {
        concat!(
            "insert into _sqlx_migrations (version, description, success, checksum, \
             execution_time) select 29990101000000, '",
            $name,
            "', success, checksum, execution_time from _sqlx_migrations limit 1"
        )
    };
}

async fn additions_of_a_newer_program_are_accepted(home: Home) {
    home.suffer(newer!("more tables")).await;
    let space = home.some_space().await;
    home.store.close().await;
    let again = home.opened_again().await;
    assert!(again.space(space).await.unwrap().is_some());
    again.close().await;
}

async fn changes_of_a_newer_program_are_refused_with_instructions(home: Home) {
    home.suffer(newer!("breaking names")).await;
    home.store.close().await;
    let url = home
        .database
        .as_ref()
        .map(|database| database.url().parse().unwrap());
    let refused = Store::open_either(url.as_ref(), home.folder.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("29990101000000 breaking names"),
        "{refused}"
    );
    assert!(
        refused.contains("start the newer version, or restore a backup"),
        "{refused}"
    );
}

on_both!(
    data_is_there_after_opening_again,
    additions_of_a_newer_program_are_accepted,
    changes_of_a_newer_program_are_refused_with_instructions,
);

#[test]
fn migrations_only_add_unless_their_name_says_otherwise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (version, words) = name.split_once('_').unwrap();
        // Before these there was no older program to go back to.
        if version < "20261130000000" || words.starts_with("breaking") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        let statements = lines.collect::<Vec<_>>().join(" ");
        for statement in statements.split(';') {
            for word in [
                " drop ",
                " rename ",
                "alter column",
                "delete from",
                "truncate ",
            ] {
                let statement = format!(" {statement} ");
                assert!(!statement.contains(word), "{name}:{statement}");
            }
            let adds = statement.contains("add column") && statement.contains("not null");
            assert!(
                !adds || statement.contains("default"),
                "{name}: {statement}"
            );
        }
    }
}

#[test]
fn every_query_is_run_on_both() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |folder: &str| {
        let files = std::fs::read_dir(root.join(folder)).unwrap();
        let sources = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file());
        sources
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect::<String>()
    };
    let tests =
        text("tests/it/store") + &std::fs::read_to_string(root.join("tests/it/seed.rs")).unwrap();
    let queries = text("src/store") + &text("src/store/seed") + &text("src/store/uploads");
    let names = queries.split("    pub async fn ").skip(1);
    let missing: Vec<_> = names
        .filter_map(|rest| rest.split_once(['(', '<']).map(|(name, _)| name))
        .filter(|name| {
            !tests.contains(&format!(".{name}(")) && !tests.contains(&format!("::{name}("))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "no test of tests/it/store calls {missing:?}"
    );
}
