//! The OpenAPI document: complete, and the generated file for the web client is fresh.

use std::path::Path;

use plaza::api::routes::openapi;
use serde_json::Value;

use crate::harness::TestServer;

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    methods.collect()
}

#[test]
fn every_call_is_described() {
    let document: Value = serde_json::to_value(openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    assert!(operations.len() > 30, "{}", operations.len());
    let mut ids = std::collections::BTreeSet::new();
    for (call, operation) in &operations {
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{call} has no summary"
        );
        assert!(
            operation["tags"]
                .as_array()
                .is_some_and(|tags| tags.len() == 1),
            "{call} has no tag"
        );
        assert!(
            !operation["responses"].as_object().unwrap().is_empty(),
            "{call} has no answer"
        );
        let answers = operation["responses"].as_object().unwrap();
        for (status, answer) in answers {
            let meaning = answer["description"].as_str().unwrap_or_default();
            assert!(
                !meaning.is_empty(),
                "{call}: nothing says what {status} means"
            );
        }
        for status in ["4XX", "5XX"] {
            let refused = &answers[status]["content"];
            assert!(
                !refused["application/problem+json"].is_null(),
                "{call}: {status}"
            );
        }
        assert!(
            operation["security"].is_array(),
            "{call} does not say whether it needs a token"
        );
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{call}: the id {id} occurs twice");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_use_every_method() {
    let server =
        TestServer::start_with(|settings| settings.allowed_origins = vec!["*".into()]).await;
    let document: Value = serde_json::to_value(openapi()).unwrap();
    assert!(!document["servers"].as_array().unwrap().is_empty());
    let calls = operations(&document);
    let methods: std::collections::BTreeSet<String> = calls
        .iter()
        .map(|(call, _)| call.split(' ').next().unwrap().to_uppercase())
        .collect();
    assert!(methods.len() >= 5, "{methods:?}");
    let request = server
        .request("OPTIONS".parse().unwrap(), "/me")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "PATCH");
    let allowed = server
        .send(request)
        .await
        .header("access-control-allow-methods")
        .to_owned();
    for method in methods {
        assert!(
            allowed.split(',').any(|one| one.trim() == method),
            "{method} is not in {allowed}"
        );
    }
    server.stop().await;
}

#[test]
fn every_reference_has_a_target() {
    let document: Value = serde_json::to_value(openapi()).unwrap();
    let (mut rest, mut found) = (vec![&document], 0);
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(fields) => rest.extend(fields.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
        if let Some(reference) = value.get("$ref") {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(
                document.pointer(pointer).is_some(),
                "{reference} leads nowhere"
            );
            found += 1;
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn the_file_for_the_web_client_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let fresh = openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("PLAZA_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == fresh,
        "docs/openapi.json is stale: run the tests once with PLAZA_WRITE_GOLDEN=1"
    );
}

#[tokio::test]
async fn the_document_and_its_page_are_served_without_the_internet() {
    let server = TestServer::start().await;
    let document = server.get("//api/openapi.json", None).await.fine();
    assert_eq!(document, serde_json::to_value(openapi()).unwrap());
    let page = server.get("//api/docs/", None).await;
    assert!(page.text.contains("swagger-ui"), "{page:?}");
    assert!(
        !page.text.contains("https://") && !page.text.contains("src=\"//"),
        "the page loads something from elsewhere"
    );
    let script = server.get("//api/docs/swagger-ui-bundle.js", None).await;
    assert_eq!(script.status.as_u16(), 200);
    server.stop().await;
}
