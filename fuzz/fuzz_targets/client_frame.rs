//! A session handles any bytes from a binary client. Every decoded message stays the same when it
//! is encoded and decoded again.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use plaza::components::id::PlayerId;
use plaza::net::codec::{decode, encode};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use plaza::net::session::Session;

fuzz_target!(|bytes: &[u8]| {
    let now = Instant::now();
    let mut stranger = Session::new(now);
    stranger.receive_binary(now, bytes);
    let mut player = Session::new(now);
    player.joined(PlayerId(1));
    player.receive_binary(now, bytes);
    if let Ok(message) = decode::<ClientMessage>(bytes) {
        assert_eq!(decode::<ClientMessage>(&encode(&message)).expect("encoded here"), message);
    }
    // The load tester decodes what a server says.
    if let Ok(message) = decode::<ServerMessage>(bytes) {
        assert_eq!(decode::<ServerMessage>(&encode(&message)).expect("encoded here"), message);
    }
});
