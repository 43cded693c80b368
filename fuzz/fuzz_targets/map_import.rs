//! A seed folder with any contents is accepted, or refused with a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plaza::store::seed::Folder;

fuzz_target!(|bytes: &[u8]| {
    let elements = br#"[{"key":"desk","name":"Desk","width":2,"height":1,"static":true}]"#;
    let maps = Folder::of([
        ("elements.json".to_owned(), elements.to_vec()),
        ("maps/office.tmj".to_owned(), bytes.to_vec()),
    ]);
    let lists = ["elements.json", "avatars.json", "spaces.json"]
        .map(|file| (file.to_owned(), bytes.to_vec()));
    for folder in [maps, Folder::of(lists)] {
        if let Err(error) = folder.check() {
            assert!(!error.to_string().is_empty());
        }
    }
});
