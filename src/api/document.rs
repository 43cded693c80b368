//! Document: completes the OpenAPI description with what is true of every call, so that no call has
//! to repeat it.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder, Server};

/// Description of an answer for which the call itself gives none.
const MEANINGS: [(&str, &str); 5] = [
    ("200", "Done"),
    ("304", "Nothing changed"),
    ("4XX", "Refused; the document says why"),
    ("5XX", "The server cannot do it now; the document says why"),
    ("503", "Not now"),
];

/// Completes the description of all calls.
pub fn complete(mut document: OpenApi) -> OpenApi {
    // Relative to the description's own address: the server may be below the path of a proxy.
    document.servers = Some(vec![Server::new("..")]);
    for path in document.paths.paths.values_mut() {
        for operation in operations(path) {
            complete_one(operation);
        }
    }
    document
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut path.get,
        &mut path.put,
        &mut path.post,
        &mut path.delete,
        &mut path.patch,
    ]
    .into_iter()
    .flatten()
}

fn complete_one(operation: &mut Operation) {
    // A call without a security requirement needs no token.
    operation
        .security
        .get_or_insert_with(|| vec![SecurityRequirement::default()]);
    let answers = &mut operation.responses.responses;
    for refused in ["4XX", "5XX"] {
        answers
            .entry(refused.to_owned())
            .or_insert_with(|| problem().into());
    }
    for (status, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            let meaning = MEANINGS.iter().find(|(of, _)| of == status);
            meaning
                .map_or("Answered", |(_, meaning)| meaning)
                .clone_into(&mut answer.description);
        }
    }
}

fn problem() -> Response {
    let document = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .content("application/problem+json", document)
        .build()
}
