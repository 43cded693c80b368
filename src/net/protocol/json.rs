//! JSON: the envelope of the JSON protocol, `{type, payload}`, and its error message.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

/// One message.
///
/// # Panics
///
/// Never: every payload is plain data of this crate.
pub fn message(kind: &str, payload: &impl Serialize) -> Bytes {
    let text = serde_json::to_string(&json!({ "type": kind, "payload": payload }));
    text.expect("plain data is always JSON").into()
}

/// Tells one client that what it sent was refused: a code for programs and a sentence for the
/// person.
pub fn error(code: &str, text: &str) -> Bytes {
    message("error", &json!({ "code": code, "message": text }))
}
