//! Any bytes as a checkpoint are refused, or the space runs on from them and can be saved again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plaza::components::layout::SpaceLayout;
use plaza::components::peers::ProximityRules;
use plaza::components::unit::TickRate;
use plaza::space::{Checkpoint, Space};

fn runs_on(layout: &SpaceLayout, checkpoint: &Checkpoint) {
    let restore =
        |checkpoint: &Checkpoint| Space::restore(layout, TickRate::DEFAULT, checkpoint, &[]);
    if let Ok(mut space) = restore(checkpoint) {
        space.step(&[]);
        let again = Checkpoint::decode(&space.checkpoint().encode()).expect("encoded here");
        assert!(restore(&again).is_ok(), "saved here");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let layout = SpaceLayout {
        width: 24,
        height: 16,
        blocked: Vec::new(),
        has_walls: true,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    // The bytes as they are, and as a body with a valid header.
    let versions = (1..=Checkpoint::VERSION).map(|version| Checkpoint::seal(version, bytes));
    for saved in versions.chain([bytes.to_vec()]) {
        if let Ok(checkpoint) = Checkpoint::decode(&saved) {
            runs_on(&layout, &checkpoint);
        }
    }
    // The bytes as the section of each system.
    let empty = Space::new(&layout, TickRate::DEFAULT).checkpoint();
    for index in 0..empty.sections.len() {
        let mut checkpoint = empty.clone();
        checkpoint.sections[index].bytes = bytes.to_vec();
        runs_on(&layout, &checkpoint);
    }
});
