//! Any bytes as a checkpoint are refused, or the space runs on from them and can be saved again.
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
    // The bytes as they are, and as a body with a valid header.
    let versions = (1..=5).map(|version| Checkpoint::seal(version, bytes));
    for saved in versions.chain([bytes.to_vec()]) {
        if let Ok(checkpoint) = Checkpoint::decode(&saved) {
            let mut space = Space::restore(&layout, TickRate::DEFAULT, &checkpoint);
            space.step(&[]);
            Checkpoint::decode(&space.checkpoint().encode()).expect("encoded here");
        }
    }
});
