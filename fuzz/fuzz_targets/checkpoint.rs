//! Whatever a checkpoint says, it is refused or the space goes on from it, and can be kept again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plaza::components::peers::ProximityRules;
use plaza::components::layout::SpaceLayout;
use plaza::components::unit::TickRate;
use plaza::space::Space;
use plaza::space::checkpoint::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let layout = SpaceLayout {
        width: 24,
        height: 16,
        blocked: Vec::new(),
        has_walls: true,
        voices: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    // As it came, and as a body that was kept undamaged.
    let versions = (1..=5).map(|version| Checkpoint::seal(version, bytes));
    for kept in versions.chain([bytes.to_vec()]) {
        if let Ok(checkpoint) = Checkpoint::decode(&kept) {
            let mut space = Space::restore(&layout, TickRate::DEFAULT, &checkpoint);
            space.step(&[]);
            Checkpoint::decode(&space.checkpoint().encode()).expect("kept here");
        }
    }
});
