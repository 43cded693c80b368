//! Backup: copies the server's data into one file while it runs, and restores it.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::options::{DataOptions, DatabaseLocation};
use super::print;
use crate::components::utc::utc;
use crate::store::backup::{self, Manifest};
use crate::store::now_ms;

#[derive(clap::Args)]
pub struct Backup {
    /// A new file, a folder (the file is named after the time), or `-` for standard output
    #[arg(required_unless_present = "verify")]
    to: Option<PathBuf>,
    /// Only read that backup and check that it is complete
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    verify: Option<PathBuf>,
    #[command(flatten)]
    place: DataOptions,
}

#[derive(clap::Args)]
pub struct Restore {
    /// A backup, or `-` for standard input
    from: PathBuf,
    /// Keep the sessions of the backup, even those that were ended since
    #[arg(long)]
    keep_sessions: bool,
    #[command(flatten)]
    place: DataOptions,
}

impl Backup {
    pub async fn run(self) -> anyhow::Result<()> {
        if let Some(file) = &self.verify {
            let manifest = backup::verify(named(file)).await?;
            print::line(&format!(
                "{} is complete: {}.",
                file.display(),
                shown(&manifest)
            ));
            return Ok(());
        }
        let folder = match self.place.data()? {
            DatabaseLocation::Folder(folder) => folder,
            DatabaseLocation::Server(folder) => {
                print::line(
                    "A PostgreSQL database is copied by PostgreSQL's own tools, while people play:",
                );
                print::line("  pg_dump --format=custom --file=plaza.dump \"$PLAZA_DATABASE_URL\"");
                print::line(&format!(
                    "  tar -C {} -cf uploads.tar uploads",
                    folder.display()
                ));
                bail!("run these two commands, in this order");
            }
        };
        let to = self.to.unwrap_or_else(|| "-".into());
        let to = if to.is_dir() {
            let time = utc(now_ms().cast_unsigned()).replace(':', "-");
            to.join(format!("plaza-{time}.tar"))
        } else {
            to
        };
        let manifest = backup::backup(&folder, named(&to)).await?;
        // Standard output may carry the backup.
        print::note(&format!("{}: {}.", to.display(), shown(&manifest)));
        Ok(())
    }
}

impl Restore {
    pub async fn run(self) -> anyhow::Result<()> {
        let folder = match self.place.data()? {
            DatabaseLocation::Folder(folder) => folder,
            DatabaseLocation::Server(folder) => {
                print::line(
                    "A PostgreSQL database is brought back by PostgreSQL's own tools, into an \
                    empty one, while no server runs:",
                );
                print::line("  pg_restore --no-owner --dbname=\"$PLAZA_DATABASE_URL\" plaza.dump");
                print::line(&format!("  tar -C {} -xf uploads.tar", folder.display()));
                bail!("run these two commands");
            }
        };
        let manifest = backup::restore(named(&self.from), &folder, self.keep_sessions).await?;
        print::line(&format!(
            "{} is restored: {}.",
            folder.display(),
            shown(&manifest)
        ));
        if !self.keep_sessions {
            print::line("Everybody has to sign in again.");
        }
        Ok(())
    }
}

fn named(path: &Path) -> Option<&Path> {
    (path != Path::new("-")).then_some(path)
}

fn shown(manifest: &Manifest) -> String {
    format!(
        "made {} by Plaza {}, {} users, {} spaces, {} uploads, {} MB",
        utc(manifest.made.cast_unsigned()),
        manifest.plaza,
        manifest.users,
        manifest.spaces,
        manifest.uploads(),
        (manifest.bytes() >> 20) + 1
    )
}
