//! Calls: sends the state of a space that runs here to the SFU, and the SFU's replies back to the
//! space.

use crate::components::call::CallCommand;
use crate::components::command::Command;
use crate::host::{SpaceHandle, SpaceUpdate};
use crate::media::sfu::{Answer, Sfu};

/// Connects a space to the SFU until the space ends here.
pub(super) async fn follow(sfu: Sfu, handle: SpaceHandle) {
    let space = handle.id();
    let mut seen = handle.follow();
    sfu.open(
        space,
        Box::new(move |Answer { player, body }| {
            if handle
                .send(Command::Call(CallCommand::SfuReply { player, body }))
                .is_err()
            {
                tracing::debug!(%space, "a reply of the SFU was dropped: its space is \
                    overloaded or gone");
            }
        }),
    );
    while let Some(seen) = seen.recv().await {
        match seen {
            SpaceUpdate::Snapshot {
                snapshot, missed, ..
            } => sfu.snapshot(space, snapshot, missed),
            SpaceUpdate::Tick(output) if output.is_quiet() => {}
            SpaceUpdate::Tick(output) => sfu.tick(space, output),
            SpaceUpdate::Ended(_) => break,
        }
    }
    sfu.close(space);
}
