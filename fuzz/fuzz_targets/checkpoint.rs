//! Whatever a checkpoint says, it is refused or the space goes on from it, and can be kept again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plaza::components::plan::Plan;
use plaza::components::unit::TickRate;
use plaza::space::Space;
use plaza::space::checkpoint::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let plan = Plan {
        width: 24,
        height: 16,
        blocked: Vec::new(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    // As it came, and as a body that was kept undamaged.
    for kept in [bytes.to_vec(), Checkpoint::seal(2, bytes), Checkpoint::seal(3, bytes)] {
        if let Ok(checkpoint) = Checkpoint::decode(&kept) {
            let mut space = Space::restore(&plan, TickRate::DEFAULT, &checkpoint);
            space.step(&[]);
            Checkpoint::decode(&space.checkpoint().encode()).expect("kept here");
        }
    }
});
