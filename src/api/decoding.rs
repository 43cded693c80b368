//! Decoding: pictures are decoded a few at a time, in turns that are fair between users and between
//! networks, by threads of low priority: nothing else on this machine waits for a picture.

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::time::timeout;

use super::address::Address;
use super::background;
use super::error::ApiError;
use super::pictures::{self, Picture};
use super::turns::{Asker, Turns};
use crate::components::id::UserId;

/// Most pictures decoded at the same time, each within the memory limit.
const MOST: usize = 2;

/// Time limit of the wait for a turn.
const WAITS_FOR: Duration = Duration::from_secs(20);

/// The queue of pictures to be decoded. Cheap to clone.
#[derive(Clone)]
pub struct Decoding(Arc<Turns>);

impl Default for Decoding {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Turns::new((cores / 2).clamp(1, MOST)))
    }
}

impl Decoding {
    /// Decodes the picture in a file when it is the user's turn; the file is not read before, so
    /// that those who wait take no memory.
    pub async fn picture(
        &self,
        user: UserId,
        from: Address,
        file: &Path,
    ) -> Result<Picture, ApiError> {
        let file = file.to_owned();
        let work = move || {
            let bytes = std::fs::read(file).map_err(|error| pictures::unreadable_file(&error))?;
            pictures::rewrite(&bytes)
        };
        self.run(user, from, work).await?
    }

    /// Does the work when it is the user's turn.
    pub async fn run<T: Send + 'static>(
        &self,
        user: UserId,
        from: Address,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let asker = Asker {
            network: from.key(),
            account: user.0.as_u64_pair().1,
            is_known: false,
        };
        let crowded = || {
            ApiError::Unavailable(
                "Many pictures are worked on at this moment. Try again in a few seconds.",
            )
        };
        let turn = timeout(WAITS_FOR, self.0.wait(asker))
            .await
            .map_err(|_| crowded())?
            .map_err(|_| crowded())?;
        // The turn moves into the thread: the work goes on when the client leaves, and still
        // counts.
        background::run("picture", move || {
            let _turn = turn;
            work()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn work_that_fails_gives_its_turn_back() {
        let decoding = Decoding(Turns::new(1));
        let failed = decoding
            .run(user(1), Address(None), || -> u8 {
                panic!("a damaged picture")
            })
            .await;
        assert!(matches!(failed, Err(ApiError::Internal)));
        assert_eq!(decoding.run(user(2), Address(None), || 5).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn a_user_with_many_pictures_does_not_delay_another() {
        let decoding = Decoding(Turns::new(1));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let decoding = decoding.clone();
            async move {
                decoding
                    .run(user(1), Address(None), move || wait.recv())
                    .await
            }
        });
        while decoding.0.is_free() {
            tokio::task::yield_now().await;
        }
        let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let mut others = Vec::new();
        for number in [1, 1, 1, 1, 2] {
            let (queue, order) = (decoding.clone(), Arc::clone(&order));
            let address = Address(Some([10, 0, 0, number].into()));
            let waiting = decoding.0.waiting();
            others.push(tokio::spawn(async move {
                let work = move || order.lock().push(number);
                queue.run(user(number.into()), address, work).await
            }));
            while decoding.0.waiting() == waiting {
                tokio::task::yield_now().await;
            }
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap().unwrap();
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert!(matches!(order.lock()[..2], [2, other] | [other, 2] if other != 2));
    }

    #[tokio::test]
    async fn a_picture_is_not_read_before_its_turn() {
        let decoding = Decoding(Turns::new(1));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let first = decoding.clone();
        let first = tokio::spawn(async move {
            let work = move || wait.recv();
            first.run(user(1), Address(None), work).await
        });
        while decoding.0.is_free() {
            tokio::task::yield_now().await;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("picture");
        let (second, path) = (decoding.clone(), file.clone());
        let second =
            tokio::spawn(async move { second.picture(user(2), Address(None), &path).await });
        while decoding.0.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        image::RgbaImage::new(3, 2)
            .save_with_format(&file, image::ImageFormat::Png)
            .unwrap();
        go.send(()).unwrap();
        first.await.unwrap().unwrap().unwrap();
        assert_eq!(second.await.unwrap().unwrap().width, 3);
    }
}
