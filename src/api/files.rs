//! Files: entity tags, cache headers, and the pictures that users uploaded.

use std::io;
use std::path::Path as FilePath;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::AppState;
use super::error::ApiError;
use super::extract::Path;
use super::upload_folder::UploadFolder;
use crate::store::token::hex;

/// Content security policy of a picture that is opened as a page: it may do nothing.
pub const PICTURE_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// Cached for ever: the address changes with the content.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Cached for ever, but only by the browser: a proxy must not serve a picture after it was deleted
/// here.
pub const PRIVATE: &str = "private, max-age=31536000, immutable";
/// Cached, but revalidated on each request.
pub const REVALIDATE: &str = "no-cache";

/// Size of the pieces in which a file is read, in bytes.
const PIECE: usize = 32 * 1024;

/// The entity tag of a version number.
pub fn etag_of_version(version: u32) -> HeaderValue {
    HeaderValue::try_from(format!("W/\"v{version}\"")).expect("digits are a valid header")
}

/// The entity tag of some bytes.
pub fn etag_of(bytes: &[u8]) -> HeaderValue {
    let hash = hex(&Sha256::digest(bytes)[..12]);
    HeaderValue::try_from(format!("W/\"{hash}\"")).expect("hexadecimal is a valid header")
}

/// Answers 304 when the client already has this version.
pub fn unchanged(headers: &HeaderMap, etag: &HeaderValue) -> Option<Response> {
    let known = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let etag_text = etag.to_str().ok()?;
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let fits = known.trim() == "*" || known.split(',').any(|tag| bare(tag) == bare(etag_text));
    fits.then(|| with_etag(StatusCode::NOT_MODIFIED, etag))
}

/// Adds an entity tag, so that the client may cache the answer and revalidate it.
pub fn with_etag(answer: impl IntoResponse, etag: &HeaderValue) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::ETAG, etag.clone());
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    response
}

/// A JSON answer, tagged by its bytes.
pub fn json_with_etag<T: Serialize>(answer: &T, headers: &HeaderMap) -> Response {
    let Ok(bytes) = serde_json::to_vec(answer) else {
        return ApiError::Internal.into_response();
    };
    let etag = etag_of(&bytes);
    unchanged(headers, &etag)
        .unwrap_or_else(|| with_etag(([(header::CONTENT_TYPE, "application/json")], bytes), &etag))
}

/// `/files/<name>`: an uploaded picture. Refused once its row is deleted, as the file is deleted
/// later than the row.
pub async fn uploaded(State(state): State<AppState>, Path(name): Path<String>) -> Response {
    let Some((hash, format)) = name.split_once('.') else {
        return ApiError::NotFound.into_response();
    };
    let known = match state.store.upload_format(hash).await {
        Ok(known) => known,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let content_type = match format {
        "png" => "image/png",
        "jpg" => "image/jpeg",
        _ => return ApiError::NotFound.into_response(),
    };
    if known.as_deref() != Some(format) {
        return ApiError::NotFound.into_response();
    }
    let file = UploadFolder::of(&state.settings.data_dir).file(&name);
    let Ok((file, length)) = opened(&file).await else {
        return ApiError::NotFound.into_response();
    };
    let kind = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_LENGTH, length.into()),
        (header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PICTURE_CSP),
        ),
    ];
    let pieces = futures_util::stream::try_unfold(file, next_piece);
    (kind, Body::from_stream(pieces)).into_response()
}

/// The file and its length.
async fn opened(path: &FilePath) -> io::Result<(File, u64)> {
    let file = File::open(path).await?;
    let length = file.metadata().await?.len();
    Ok((file, length))
}

/// The next piece of a file, read when the one before was sent: a client that does not read holds
/// one piece instead of the whole file.
async fn next_piece(mut file: File) -> io::Result<Option<(Bytes, File)>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    let read = file.read_buf(&mut piece).await?;
    Ok((read > 0).then(|| (piece.freeze(), file)))
}
