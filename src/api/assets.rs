//! Assets: the art, the seed and the web client, built into the binary. Debug builds read them from
//! the folders.

use std::borrow::Cow;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::ApiError;
use super::files;

/// Art files: tiles, elements and avatars.
#[derive(RustEmbed)]
#[folder = "assets/art"]
#[allow_missing = true]
pub struct ArtFiles;

/// Files of the built web client.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
pub struct WebClient;

/// Text of an art file, by its address.
pub fn art_by_url(url: &str) -> Option<String> {
    let file = ArtFiles::get(url.strip_prefix("/art/")?)?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// Whether an art file exists at this path below `/art/`.
pub fn has_art(path: &str) -> bool {
    ArtFiles::get(path).is_some()
}

/// `/art/…`: one art file.
pub async fn art(
    axum::extract::Path(path): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    ArtFiles::get(&path).map_or_else(
        || ApiError::NotFound.into_response(),
        |file| picture(&path, file, &headers),
    )
}

/// Content of a file. In a release it is a part of the program, and no copy is made.
pub fn content(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

fn picture(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = files::etag_of(&file.metadata.sha256_hash());
    if let Some(unchanged) = files::unchanged(headers, &etag) {
        return unchanged;
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let head = [
        (header::CONTENT_TYPE, kind.as_ref()),
        (header::CONTENT_SECURITY_POLICY, files::PICTURE_CSP),
    ];
    files::with_etag((StatusCode::OK, head, content(file)), &etag)
}
