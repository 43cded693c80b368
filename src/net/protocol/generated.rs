//! Generated: the files that are made from the message types, and the tests that compare them.

use serde::Serialize;
use serde_json::{Value, json};

use super::bubble::BubbleS2c;
use super::call::{CallC2s, CallS2c};
use super::chat::{ChatC2s, ChatS2c};
use super::docs::Docs;
use super::element::ElementS2c;
use super::frame::{CellS2c, StepS2c};
use super::golden::{cells, client_messages, server_messages};
use super::movement::MovementC2s;
use super::session::{SessionC2s, SessionS2c};
use super::status::{StatusC2s, StatusS2c};
use super::zone::{ZoneC2s, ZoneS2c};
use super::{ClientMessage, ServerMessage, tables, typescript};
use crate::net::codec::encode;
use crate::net::registry::trace::{Leaf, WireTypes, hex, trace};
use crate::net::registry::{golden, hash};

const CLIENT: &str = "ClientMessage";
const SERVER: &str = "ServerMessage";
/// Selects the tests that write the files.
const TESTS: &str = "protocol";

/// The types of the binary protocol. Those with an `Encode` by hand are declared as packed: their
/// sample bytes are a part of the text, and so of the hash.
fn types() -> WireTypes {
    let steps = || cells().into_iter().flat_map(|cell| cell.steps);
    trace!(
        ClientMessage,
        SessionC2s,
        MovementC2s,
        ChatC2s,
        CallC2s,
        StatusC2s,
        ZoneC2s,
        ServerMessage,
        SessionS2c,
        ChatS2c,
        ElementS2c,
        CallS2c,
        StatusS2c,
        ZoneS2c,
        BubbleS2c,
    )
    .with_packed("CellS2c", cells().iter().map(encode::<CellS2c>).collect())
    .with_packed(
        "StepS2c",
        steps().map(|step| encode::<StepS2c>(&step)).collect(),
    )
}

#[test]
fn the_types_are_written_down() {
    golden::compare("src/net/protocol/types.txt", &types().text(), TESTS);
}

#[test]
fn types_are_encoded_as_the_text_says() {
    types().check::<ClientMessage>(CLIENT);
    types().check::<ServerMessage>(SERVER);
}

#[test]
fn the_codec_of_the_client_is_generated() {
    let types = types();
    let now = typescript::file(&types, &Docs::read(), hash(&types.text()), CLIENT, SERVER);
    golden::compare("web/src/net/codec.gen.ts", &now, TESTS);
}

#[test]
fn the_tables_of_the_documentation_are_generated() {
    let path = "docs/protocol.md";
    let now = tables::page(&types(), [CLIENT, SERVER], &golden::read(path));
    golden::compare(path, &now, TESTS);
    let without = tables::unexplained(&now);
    assert!(
        without.is_empty(),
        "say in the last column of {path} what these mean: {without:?}"
    );
}

#[test]
fn the_golden_vectors_are_those_of_these_types() {
    let now = json!({
        "client": vectors(CLIENT, &client_messages(), encode),
        "server": vectors(SERVER, &server_messages(), encode),
    });
    let now = serde_json::to_string_pretty(&now).unwrap() + "\n";
    golden::compare("tests/golden/protocol.json", &now, TESTS);
}

/// Name, bytes and value of messages, the value as the client's decoder returns it.
fn vectors<T: Serialize>(messages: &str, list: &[T], encode: impl Fn(&T) -> Vec<u8>) -> Vec<Value> {
    let types = types();
    let leaves = types.leaves(messages);
    let vector = |message: &T| {
        let bytes = encode(message);
        let leaf = leaves.iter().find(|leaf| bytes.starts_with(&front(leaf)));
        let name = leaf.expect("every message is in the types").names.join(".");
        let value = serde_json::to_value(message).unwrap();
        let value = typescript::shaped(&types, messages, &value);
        json!({ "name": name, "hex": hex(&bytes), "value": value })
    };
    list.iter().map(vector).collect()
}

/// The bytes of the variant numbers.
fn front(leaf: &Leaf<'_>) -> Vec<u8> {
    leaf.numbers.iter().flat_map(encode).collect()
}

#[test]
fn every_message_has_a_golden_vector() {
    let client: Vec<_> = client_messages().iter().map(encode).collect();
    let server: Vec<_> = server_messages().iter().map(encode).collect();
    for (messages, vectors) in [(CLIENT, client), (SERVER, server)] {
        for leaf in types().leaves(messages) {
            let front = front(&leaf);
            assert!(
                vectors
                    .iter()
                    .any(|bytes: &Vec<u8>| bytes.starts_with(&front)),
                "add {} to the examples of its domain in src/net/protocol",
                leaf.names.join(".")
            );
        }
    }
}
