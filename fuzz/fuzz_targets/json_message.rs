//! Whatever text a client of the tile grid sends, its session answers.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use plaza::components::id::PlayerId;
use plaza::net::protocol::client::JoinWord;
use plaza::net::session::Session;
use plaza::net::session::json::GridTerms;

fuzz_target!(|text: &str| {
    let now = Instant::now();
    let mut terms = GridTerms::new(JoinWord::default());
    let mut session = Session::new(now);
    session.receive_json(now, &mut terms, text);
    session.joined(PlayerId(1));
    session.receive_json(now, &mut terms, text);
});
