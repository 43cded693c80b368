//! Every message of the JSON protocol, sent by each role and by an admin of the server.

use plaza::net::protocol::ServerMessage;
use plaza::net::protocol::call::CallS2c;
use plaza::net::protocol::json::JsonC2s;
use serde_json::{Value, json};

use super::{Need, Staff, Table, Watch, Who};
use crate::clients::{JsonClient, is_chat};
use crate::harness::Person;

/// What follows when a message is carried out.
enum Follows {
    /// The others see it.
    Others,
    /// The sender is sent this.
    Sender(&'static str),
    /// The sender is refused with this code in any role.
    Refusal(&'static str),
}

/// A try of that type. `mark` is a text that no one else sends.
fn attempt(
    kind: JsonC2s,
    mark: &str,
    staff: &Staff,
    (watcher, line): (&str, &str),
) -> (Value, Need, Follows) {
    match kind {
        JsonC2s::Join => (
            json!({"spaceId": staff.space, "token": staff.owner().token}),
            Need::Token,
            Follows::Refusal("already-joined"),
        ),
        // Further than one step.
        JsonC2s::Move => (
            json!({"x": 1_000, "y": 1_000}),
            Need::Token,
            Follows::Sender("movement-rejected"),
        ),
        JsonC2s::ChatMessage => (
            json!({"message": mark}),
            Need::InSpace("WriteToSpace"),
            Follows::Others,
        ),
        JsonC2s::Signal => (
            json!({"userId": watcher, "body": mark}),
            Need::Token,
            Follows::Others,
        ),
        JsonC2s::History => (
            json!({"before": line}),
            Need::Token,
            Follows::Sender("history"),
        ),
    }
}

/// Reads until a message of that type, or an error.
async fn answer(client: &mut JsonClient, kind: &str) -> Value {
    loop {
        let message = client.next().await;
        if message["type"] == kind || message["type"] == "error" {
            return message;
        }
    }
}

fn is_marked(message: &ServerMessage, mark: &str) -> bool {
    let is_signal = matches!(
        message,
        ServerMessage::Call(CallS2c::Signal(signal)) if signal.body == mark
    );
    is_signal || is_chat(message, mark)
}

/// Each message once.
async fn try_all(staff: &Staff, table: &Table, (who, person): (Who, &Person)) {
    let mut watch = Watch::join(staff).await;
    let line = watch.says("a line").await;
    let mut client = JsonClient::connect(&staff.server.address).await;
    client.enter(person, &staff.space, json!(["nearby"])).await;
    watch.meets(&person.id).await;
    for kind in JsonC2s::ALL {
        for word in kind.words() {
            let what = format!("{word} of {}", who.word());
            let about = (watch.person.id.as_str(), line.as_str());
            let (payload, need, follows) = attempt(kind, &what, staff, about);
            client.say(word, payload).await;
            let is_allowed = table.allows(need, who);
            match follows {
                Follows::Sender(kind) => {
                    let seen = answer(&mut client, kind).await;
                    assert_eq!(seen["type"] == kind, is_allowed, "{what}: {seen}");
                }
                Follows::Refusal(code) => {
                    let seen = answer(&mut client, "error").await;
                    assert_eq!(seen["payload"]["code"], code, "{what}: {seen}");
                }
                Follows::Others if is_allowed => {
                    let is_it = |message: &ServerMessage| is_marked(message, &what);
                    watch.client.until(|_, message| is_it(message)).await;
                }
                Follows::Others => {
                    let seen = answer(&mut client, "error").await;
                    assert_eq!(seen["payload"]["code"], "forbidden", "{what}: {seen}");
                    let seen = watch.rest().await;
                    assert!(!seen.iter().any(|one| is_marked(one, &what)), "{what}");
                }
            }
        }
    }
    client.close().await;
    watch.leaves().await;
}

#[tokio::test]
async fn each_role_may_say_over_the_json_protocol_what_the_table_says() {
    let staff = Staff::hired().await;
    let mut table = Table::read();
    for (who, person) in staff.everyone() {
        try_all(&staff, &table, (who, &person)).await;
    }
    staff.hand_out("say", "member").await;
    table.replace("WriteToSpace", "no no yes yes yes yes");
    for (who, person) in staff.everyone() {
        try_all(&staff, &table, (who, &person)).await;
    }
    staff.server.stop().await;
}
