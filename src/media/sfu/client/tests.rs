//! Tests of a connection of the SFU.

use std::net::SocketAddr;

use str0m::config::CryptoProvider;
use str0m::media::{Frequency, MediaTime};
use str0m::net::{Protocol, Receive};

use super::*;

const VOICES: usize = 5;

/// A packet as input of the receiving end.
fn arrive(packet: &str0m::net::Transmit, at: Instant) -> Input<'_> {
    let received = Receive::new(
        Protocol::Udp,
        packet.source,
        packet.destination,
        &packet.contents,
    );
    Input::Receive(at, received.expect("one of ours"))
}

/// A connection with [`VOICES`] slots for voices, and the browser at its other end.
fn connected(now: Instant) -> (SfuClient, Rtc, Instant) {
    let host = |port: u16| {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Candidate::host(address, Protocol::Udp).expect("a good address")
    };
    let provider: CryptoProvider = str0m::crypto::from_feature_flags();
    let certificate = provider
        .dtls_provider
        .generate_certificate()
        .expect("one is made");
    let who = (SpaceId(uuid::Uuid::nil()), PlayerId(1));
    let mut client = SfuClient::new(who, String::new(), &certificate, &[host(1_000)], now);
    let mut browser = Rtc::builder()
        .clear_codecs()
        .enable_opus(true, false)
        .build(now);
    browser.add_local_candidate(host(2_000));
    let mut change = browser.sdp_api();
    for _ in 0..VOICES {
        change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    }
    let (offer, pending) = change.apply().expect("streams were added");
    let answer = client.accept(offer, now).expect("it is a good offer");
    browser
        .sdp_api()
        .accept_answer(pending, answer)
        .expect("it fits the offer");
    let mut at = now;
    for _ in 0..1_000 {
        at += Duration::from_millis(10);
        client.advance(at);
        while let Some(event) = client.poll(at) {
            if let SfuEvent::Packet(packet) = event {
                browser
                    .handle_input(arrive(&packet, at))
                    .expect("it is understood");
            }
        }
        browser
            .handle_input(Input::Timeout(at))
            .expect("time passes");
        loop {
            match browser.poll_output().expect("nothing fails here") {
                Output::Timeout(_) => break,
                Output::Transmit(packet) => client.receive(arrive(&packet, at), at),
                Output::Event(Event::Connected) => return (client, browser, at),
                Output::Event(_) => {}
            }
        }
    }
    panic!("the two ends do not connect");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test needs a start time; its value does not matter"
)]
fn voices_that_arrive_together_are_sent_together() {
    let (mut client, _browser, mut at) = connected(Instant::now());
    // Let the connection send its own packets first.
    for _ in 0..100 {
        at += Duration::from_millis(10);
        client.advance(at);
        while client.poll(at).is_some() {}
    }
    let mids = client.slots.mids();
    assert_eq!(mids.len(), VOICES);
    for mid in mids {
        let writer = client.rtc.writer(mid).expect("it may be written to");
        let pt = writer
            .payload_params()
            .next()
            .expect("opus is agreed on")
            .pt();
        let time = MediaTime::new(960, Frequency::FORTY_EIGHT_KHZ);
        writer
            .write(pt, at, time, vec![7; 80])
            .expect("it was agreed on");
    }
    client.advance_by(at);
    client.advance(at);
    let gone = std::iter::from_fn(|| client.poll(at));
    let packets = gone
        .filter(|event| matches!(event, SfuEvent::Packet(packet) if packet.contents.len() > 80));
    assert_eq!(
        packets.count(),
        VOICES,
        "the packets do not wait for each other's turn"
    );
}
