//! A session handles any text from a JSON client.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use plaza::components::id::PlayerId;
use plaza::net::protocol::client::JoinWord;
use plaza::net::session::Session;
use plaza::net::session::json::JsonTerms;

fuzz_target!(|text: &str| {
    let now = Instant::now();
    let mut terms = JsonTerms::new(JoinWord::default());
    let mut session = Session::new(now);
    session.receive_json(now, &mut terms, text);
    session.joined(PlayerId(1));
    session.receive_json(now, &mut terms, text);
});
