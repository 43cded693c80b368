//! Answer: fields of what the server answers, without a type for each answer. A field that is
//! missing or of another type reads as empty.

use serde_json::Value;

/// A text.
pub(super) fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    let text = answer.get(field).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// The items of a list.
pub(super) fn list<'a>(answer: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    let list = answer.get(field).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A whole number.
pub(super) fn whole(answer: &Value, field: &str) -> usize {
    let number = answer.get(field).and_then(Value::as_u64);
    number
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or_default()
}
