//! Background: heavy work for one request (hashes, pictures, drawn maps) on threads of low
//! priority. On a busy machine ticks and sockets go first.

use tokio::sync::oneshot;

use super::error::ApiError;

/// Niceness of the threads: they get about a tenth of the time of a busy core.
#[cfg(target_os = "linux")]
pub const NICENESS: i32 = 10;

/// Does the work on a thread of its own. It goes on when the client leaves. Work that panics is an
/// internal error.
///
/// The thread is not one of tokio's pool, because a thread can lower its priority but not raise it
/// again.
pub async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let (done, result) = oneshot::channel();
    let started = std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            lower_priority();
            // The receiver is gone when the client is.
            let _ = done.send(work());
        });
    started.map_err(|error| {
        tracing::error!(%error, name, "failed to start a thread");
        ApiError::Internal
    })?;
    result.await.map_err(|_| ApiError::Internal)
}

/// Lowers the priority of this thread. Only Linux has one for each thread.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "failed to lower the priority of a thread");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn work_has_low_priority_and_requests_are_not_answered_so() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        assert!(run("work", niceness).await.unwrap() >= NICENESS);
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_internal_error() {
        let failed = run("work", || -> u8 { panic!("a damaged picture") }).await;
        assert!(matches!(failed, Err(ApiError::Internal)));
    }
}
