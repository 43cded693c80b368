//! Calls: keeps the forwarding unit up to date with a space that is run here, and brings its
//! answers back.

use crate::components::command::Command;
use crate::host::{SpaceHandle, SpaceUpdate};
use crate::media::sfu::{Answer, Sfu};

/// Follows a space for as long as it is run here.
pub(super) async fn follow(unit: Sfu, handle: SpaceHandle) {
    let space = handle.id();
    let mut seen = handle.follow();
    unit.open(
        space,
        Box::new(move |Answer { player, body }| {
            if handle.send(Command::SfuReply { player, body }).is_err() {
                tracing::debug!(%space, "an answer of the forwarding unit found its space \
                    overloaded or gone");
            }
        }),
    );
    while let Some(seen) = seen.recv().await {
        match seen {
            SpaceUpdate::Snapshot {
                picture, missed, ..
            } => unit.picture(space, picture, missed),
            SpaceUpdate::Tick(output) if output.is_quiet() => {}
            SpaceUpdate::Tick(output) => unit.tick(space, output),
            SpaceUpdate::Ended(_) => break,
        }
    }
    unit.close(space);
}
