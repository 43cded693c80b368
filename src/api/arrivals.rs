//! Arrivals: uploads that arrive, at most a few at the same time of one address, and written to a
//! file piece by piece, so that many slow ones take no memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::Address;
use super::error::ApiError;
use super::pictures::FILE_LIMIT;
use crate::net::address::AddressKey;
use crate::net::edge::{BodyMemory, CountedConnection, Counts, CutBody};

/// Largest body: the picture and the multipart headers around it.
pub const BODY_LIMIT: usize = FILE_LIMIT + 16 * 1024;

/// Time limit of an upload: the largest picture at 1.1 Mbit/s.
const ARRIVES_WITHIN: Duration = Duration::from_mins(1);

/// Time for which a refused body is still read.
const PASSES_WITHIN: Duration = Duration::from_secs(10);

/// Uploads at the same time. Each is a file of at most 8 MiB, and takes little memory.
const ARRIVING: usize = 64;

/// Uploads of one address at the same time, so that others find a place.
const ARRIVING_OF_ADDRESS: usize = 8;

/// The places of uploads that arrive. Cheap to clone.
#[derive(Clone)]
pub struct UploadPlaces {
    all: Arc<Semaphore>,
    by_address: Counts<AddressKey>,
}

impl Default for UploadPlaces {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ARRIVING)),
            by_address: Counts::new(ARRIVING_OF_ADDRESS),
        }
    }
}

/// The place of an upload; released on drop.
pub struct ArrivalPermit {
    _all: OwnedSemaphorePermit,
    _address: Option<CountedConnection<AddressKey>>,
}

impl UploadPlaces {
    /// Most bytes that the uploads in all taken places may still write.
    pub fn arriving_bytes(&self) -> u64 {
        let taken = ARRIVING.saturating_sub(self.all.available_permits());
        (taken * BODY_LIMIT) as u64
    }

    /// A place for an upload. This machine is not counted by address.
    pub fn enter(&self, address: Address) -> Result<ArrivalPermit, ApiError> {
        let key = address.key().filter(|key| !key.is_loopback());
        let own = match key.map(|key| self.by_address.enter(key)) {
            Some(None) => {
                return Err(ApiError::Unavailable(
                    "Many pictures arrive from your address at this moment. Try again in a few \
                    seconds.",
                ));
            }
            Some(own) => own,
            None => None,
        };
        let all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| {
            ApiError::Unavailable(
                "Many pictures arrive at this moment. Try again in a few seconds.",
            )
        })?;
        Ok(ArrivalPermit {
            _all: all,
            _address: own,
        })
    }
}

/// Reads and drops a refused body that is no longer than an accepted one: a browser that is
/// answered before it has sent everything shows no answer at all.
pub async fn pass_over(request: Request) {
    takes_no_memory(&request);
    let passing = async {
        let mut pieces = request.into_body().into_data_stream();
        let mut passed = 0;
        while let Some(Ok(piece)) = pieces.next().await
            && passed <= 2 * BODY_LIMIT
        {
            passed += piece.len();
        }
    };
    // A body that takes longer is cut off.
    let _ = tokio::time::timeout(PASSES_WITHIN, passing).await;
}

fn takes_no_memory(request: &Request) {
    if let Some(memory) = request.extensions().get::<BodyMemory>() {
        memory.is_not_needed();
    }
}

/// Writes the form's file to the draft, within the time limit; returns `hash` with its bytes added.
pub async fn receive(request: Request, draft: &Path, hash: Sha256) -> Result<Sha256, ApiError> {
    takes_no_memory(&request);
    tokio::time::timeout(ARRIVES_WITHIN, write(request, draft, hash))
        .await
        .map_err(|_| ApiError::TooSlow("The picture did not arrive within 60 s."))?
}

/// Writes the form's file to the draft, chunk by chunk.
async fn write(request: Request, draft: &Path, mut hash: Sha256) -> Result<Sha256, ApiError> {
    let malformed = || ApiError::bad("Send a form with the picture in `file`.");
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed())?;
    let refused = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::TooLarge(FILE_LIMIT)
        } else {
            CutBody::behind(&error).map_or_else(malformed, ApiError::from)
        }
    };
    while let Some(mut part) = form.next_field().await.map_err(refused)? {
        if part.name() != Some("file") {
            continue;
        }
        let mut file = tokio::fs::File::create(draft)
            .await
            .map_err(|error| unwritable(&error))?;
        let mut size = 0;
        while let Some(piece) = part.chunk().await.map_err(refused)? {
            size += piece.len();
            if size > FILE_LIMIT {
                return Err(ApiError::TooLarge(FILE_LIMIT));
            }
            hash.update(&piece);
            file.write_all(&piece)
                .await
                .map_err(|error| unwritable(&error))?;
        }
        file.flush().await.map_err(|error| unwritable(&error))?;
        return Ok(hash);
    }
    Err(malformed())
}

/// Logs why a file of an upload cannot be written.
pub fn unwritable(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "failed to write an upload");
    ApiError::Internal
}
