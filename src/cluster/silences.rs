//! Silences: tells hosted spaces which users are muted in calls. The database is the source of
//! truth; a space is told when it was opened, when its memberships changed, and when a mute ended.

use super::shared::{SpacesState, ToldSilence};
use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::components::peers::ProximityCommand;
use crate::store::{StoreError, now_ms};

impl SpacesState {
    /// Tells those of the spaces whose mutes may have changed.
    pub(super) async fn update_silences(&self, spaces: &[SpaceId]) -> Result<(), StoreError> {
        if spaces.is_empty() {
            return Ok(());
        }
        for (space, version) in self.store.membership_versions(spaces).await? {
            let told = {
                let open = self.open.lock();
                let Some(open) = open.get(&space) else {
                    continue;
                };
                open.silence
            };
            if told.is_some_and(|told| told.version == version && told.until > now_ms()) {
                continue;
            }
            let silences = self.store.silences(space).await?;
            let ends = silences.iter().map(|silence| silence.until);
            let new = ToldSilence {
                version,
                until: ends.min().unwrap_or(i64::MAX),
                is_any: !silences.is_empty(),
            };
            if new.is_any || told.is_some_and(|told| told.is_any) {
                let all = silences.into_iter().map(|one| (one.user, one.silence));
                let command = Command::Proximity(ProximityCommand::Silence {
                    silenced: all.collect(),
                });
                let Some((handle, _)) = self.opened(space) else {
                    continue;
                };
                if handle.send(command).is_err() {
                    tracing::debug!(%space, "a space is overloaded; its mutes are updated later");
                    continue;
                }
            }
            if let Some(open) = self.open.lock().get_mut(&space) {
                open.silence = Some(new);
            }
        }
        Ok(())
    }
}
