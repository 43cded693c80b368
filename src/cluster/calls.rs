//! Calls: keeps the forwarding unit up to date with a space that is run here, and brings its answers back.

use crate::components::command::Command;
use crate::host::{Seen, SpaceHandle};
use crate::media::forward::{Answer, Unit};

/// Follows a space for as long as it is run here.
pub(super) async fn follow(unit: Unit, handle: SpaceHandle) {
    let space = handle.id();
    let mut seen = handle.follow();
    unit.open(
        space,
        Box::new(move |Answer { player, body }| {
            if handle.send(Command::UnitSays { player, body }).is_err() {
                tracing::debug!(%space, "an answer of the forwarding unit found its space overloaded or gone");
            }
        }),
    );
    while let Some(seen) = seen.recv().await {
        match seen {
            Seen::Picture { picture, missed, .. } => unit.picture(space, picture, missed),
            Seen::Tick(output) if output.is_quiet() => {}
            Seen::Tick(output) => unit.tick(space, output),
            Seen::Ended(_) => break,
        }
    }
    unit.close(space);
}
