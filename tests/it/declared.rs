//! Declared: every answer that a test gets is as the OpenAPI document says. The harness checks
//! each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use parking_lot::Mutex;
use plaza::api::routes::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Answer;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| closed(serde_json::to_value(openapi()).unwrap()));

/// The validators of answers, by method, path, status and content type.
static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Arc<Validator>>>> =
    LazyLock::new(Mutex::default);

/// Fails when the document has the call, but not this answer to it.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let Some((template, operation)) = operation(method, path) else {
        return;
    };
    let status = answer.status.as_str();
    let class = format!("{}XX", &status[..1]);
    let declared = [status, &class]
        .iter()
        .find_map(|status| operation["responses"].get(status));
    let Some(declared) = declared else {
        panic!("{method} {template}: the document does not say that it answers {status}");
    };
    let kind = answer.header("content-type").split(';').next();
    let kind = kind.unwrap_or_default();
    let Some(content) = declared.get("content") else {
        assert_eq!(answer.text, "", "{method} {template}: {status} has no body");
        return;
    };
    let Some(content) = content.get(kind) else {
        panic!("{method} {template}: the document does not say that {status} may be {kind:?}");
    };
    if !kind.ends_with("json") {
        return;
    }
    let name = format!("{method} {template} {status} {kind}");
    let validator = validator(name.clone(), &content["schema"]);
    let body = answer.json();
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

/// The path of the document with the fewest parameters that this path fits.
fn operation(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let is_parameter = |part: &&str| part.starts_with('{');
    let fits = |template: &str| {
        let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
        let fit = wanted.all(|wanted| {
            parts
                .next()
                .is_some_and(|part| part == wanted || is_parameter(&wanted))
        });
        fit && parts.next().is_none()
    };
    let paths = DOCUMENT["paths"].as_object()?.iter();
    let fitting = paths.filter(|(template, _)| fits(template));
    let (template, item) =
        fitting.min_by_key(|(template, _)| template.split('/').filter(is_parameter).count())?;
    let operation = item.get(method.as_str().to_lowercase())?;
    Some((template, operation))
}

fn validator(name: String, schema: &Value) -> Arc<Validator> {
    let make = || {
        let mut schema = schema.clone();
        schema["components"] = DOCUMENT["components"].clone();
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    };
    Arc::clone(VALIDATORS.lock().entry(name).or_insert_with(make))
}

/// The document, with fields refused that it does not name.
fn closed(mut document: Value) -> Value {
    let mut parts = BTreeSet::new();
    collect_parts(&document, &mut parts);
    for (name, schema) in document["components"]["schemas"].as_object_mut().unwrap() {
        close(schema, parts.contains(name));
    }
    document
}

/// Finds the schemas of which others are composed. They do not know all fields.
fn collect_parts(value: &Value, parts: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let all_of = fields.get("allOf").and_then(Value::as_array);
            let references = all_of.into_iter().flatten();
            let references =
                references.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next());
            parts.extend(references.map(str::to_owned));
            fields
                .values()
                .for_each(|field| collect_parts(field, parts));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_parts(item, parts)),
        _ => {}
    }
}

fn close(schema: &mut Value, is_part: bool) {
    match schema {
        Value::Object(fields) => {
            let is_object = fields.get("properties").is_some_and(Value::is_object)
                || fields.get("allOf").is_some_and(Value::is_array);
            for (name, field) in fields.iter_mut() {
                match field {
                    Value::Array(items) if name == "allOf" => {
                        for item in items {
                            close(item, true);
                        }
                    }
                    Value::Object(properties) if name == "properties" => {
                        for property in properties.values_mut() {
                            close(property, false);
                        }
                    }
                    field => close(field, false),
                }
            }
            if is_object && !is_part {
                fields.insert("unevaluatedProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, false)),
        _ => {}
    }
}

#[test]
#[should_panic(expected = "Unevaluated properties")]
fn an_undeclared_field_is_found() {
    check(
        &Method::GET,
        "/api/v1/signup",
        &Answer {
            status: reqwest::StatusCode::OK,
            headers: std::iter::once((
                reqwest::header::CONTENT_TYPE,
                "application/json".parse().unwrap(),
            ))
            .collect(),
            text: json!({"policy": "open", "minPassword": 8, "more": 1}).to_string(),
        },
    );
}
