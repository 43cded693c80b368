//! JSON: the envelope of the JSON protocol, `{type, payload}`, and its error message.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

/// Encodes one message.
///
/// # Panics
///
/// Never: every payload is plain data of this crate.
pub fn message(kind: &str, payload: &impl Serialize) -> Bytes {
    let text = serde_json::to_string(&json!({ "type": kind, "payload": payload }));
    text.expect("plain data is always JSON").into()
}

/// Error message: the code is for programs, the text for the user.
pub fn error(code: &str, text: &str) -> Bytes {
    message("error", &json!({ "code": code, "message": text }))
}
