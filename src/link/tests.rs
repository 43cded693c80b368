//! A relay sees a space of another process as it would see one of its own.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::tls::Channel;
use super::*;
use crate::components::command::Command;
use crate::components::fact::Fact;
use crate::components::id::{SpaceId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::ProximityRules;
use crate::components::scene::Scene;
use crate::components::unit::TickRate;
use crate::host::monotonic::MonotonicTime;
use crate::host::{Ending, Host, SpaceHandle, SpaceUpdate};
use crate::space::Space;

const SPACE: SpaceId = SpaceId(Uuid::from_u128(1));

/// A process with one space.
#[derive(Clone)]
struct One {
    handle: SpaceHandle,
    told: Arc<Mutex<Vec<LinkBroadcast>>>,
}

impl Hosting for One {
    async fn host(&self, space: SpaceId) -> Option<(SpaceHandle, Scene)> {
        (space == SPACE).then(|| (self.handle.clone(), scene()))
    }

    fn running(&self, space: SpaceId) -> Option<SpaceHandle> {
        (space == SPACE).then(|| self.handle.clone())
    }

    async fn told(&self, tell: LinkBroadcast) {
        self.told.lock().push(tell);
    }
}

fn scene() -> Scene {
    Scene {
        name: "Hall".into(),
        width: 8,
        height: 8,
        tick_rate: 20,
    }
}

struct RunningLink {
    address: String,
    one: One,
    stopping: CancellationToken,
    _host: Host,
}

async fn running(secret: &str) -> RunningLink {
    running_with(secret, None).await
}

async fn running_with(secret: &str, tls: Option<Tls>) -> RunningLink {
    let (reports, _) = unbounded_channel();
    let host = Host::start(1, &reports).unwrap();
    host.tick_until(MonotonicTime::NEVER);
    let plan = SpaceLayout {
        width: 8,
        height: 8,
        blocked: Vec::new(),
        has_walls: false,
        voices: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    let handle = host.open(SPACE, Space::new(&plan, TickRate::DEFAULT), 7);
    let one = One {
        handle,
        told: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stopping = CancellationToken::new();
    tokio::spawn(serve(
        listener,
        Secret::new(secret),
        tls,
        one.clone(),
        stopping.clone(),
    ));
    RunningLink {
        address,
        one,
        stopping,
        _host: host,
    }
}

fn join() -> Command {
    Command::Join {
        user: UserId(Uuid::from_u128(5)),
        name: "Ada".into(),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
    }
}

#[tokio::test]
async fn a_space_of_another_process_is_followed_and_commanded() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let (space, found) = links.open(&other.address, SPACE).await.unwrap();
    assert_eq!(found, scene());
    let mut seen = space.follow();
    assert!(matches!(
        seen.recv().await,
        Some(SpaceUpdate::Snapshot { epoch: 7, .. })
    ));
    space.send(join()).unwrap();
    let joined = loop {
        match seen.recv().await {
            Some(SpaceUpdate::Tick(output)) if !output.facts.is_empty() => break output,
            Some(_) => {}
            None => panic!("the link broke"),
        }
    };
    assert!(matches!(joined.facts[0], Fact::Joined { again: false, .. }));
    assert_eq!(joined.cards[0].name, "Ada");
}

#[tokio::test]
async fn what_a_process_does_not_run_is_refused() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let elsewhere = links
        .open(&other.address, SpaceId(Uuid::from_u128(2)))
        .await;
    assert!(matches!(elsewhere, Err(LinkError::NotThere)));
}

#[tokio::test]
async fn whoever_does_not_know_the_secret_is_shut_out() {
    let other = running("secret").await;
    let stranger = Links::new(Secret::new("guess"), None);
    assert!(matches!(
        stranger.open(&other.address, SPACE).await,
        Err(LinkError::Refused(_))
    ));
}

#[tokio::test]
async fn a_process_that_ends_its_space_says_why_and_one_that_is_gone_ends_the_stream() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let (space, _) = links.open(&other.address, SPACE).await.unwrap();
    let (mut first, mut second) = (space.follow(), space.follow());
    assert!(matches!(
        first.recv().await,
        Some(SpaceUpdate::Snapshot { .. })
    ));
    assert!(matches!(
        second.recv().await,
        Some(SpaceUpdate::Snapshot { .. })
    ));
    other.one.handle.close(Ending::Moved);
    while let Some(seen) = first.recv().await {
        if let SpaceUpdate::Ended(ending) = seen {
            assert_eq!(ending, Ending::Moved);
        }
    }
    other.stopping.cancel();
    while second.recv().await.is_some() {}
    while !space.has_ended() {
        tokio::task::yield_now().await;
    }
    assert!(space.send(join()).is_err());
}

#[tokio::test]
async fn what_was_changed_here_is_told_there() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let tell = LinkBroadcast::All(Command::ChangeAvatar {
        user: UserId(Uuid::from_u128(5)),
        avatar: None,
    });
    links.tell(&other.address, tell.clone()).await.unwrap();
    while other.one.told.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*other.one.told.lock(), [tell]);
}

fn encrypted(secret: &str) -> Links {
    Links::new(Secret::new(secret), Some(Tls::new().unwrap()))
}

#[tokio::test]
async fn an_encrypted_link_carries_the_same() {
    let other = running_with("secret", Some(Tls::new().unwrap())).await;
    let links = encrypted("secret");
    let (space, found) = links.open(&other.address, SPACE).await.unwrap();
    assert_eq!(found, scene());
    let mut seen = space.follow();
    assert!(matches!(
        seen.recv().await,
        Some(SpaceUpdate::Snapshot { epoch: 7, .. })
    ));
    space.send(join()).unwrap();
    while let Some(seen) = seen.recv().await {
        if matches!(&seen, SpaceUpdate::Tick(output) if !output.facts.is_empty()) {
            return;
        }
    }
    panic!("the link broke");
}

#[tokio::test]
async fn encryption_alone_lets_nobody_in() {
    let other = running_with("secret", Some(Tls::new().unwrap())).await;
    let opened = encrypted("guess").open(&other.address, SPACE).await;
    assert!(matches!(opened, Err(LinkError::Refused(_))));
}

#[tokio::test]
async fn who_encrypts_and_who_does_not_do_not_meet() {
    let (open, closed) = (
        running("secret").await,
        running_with("secret", Some(Tls::new().unwrap())).await,
    );
    let plain = Links::new(Secret::new("secret"), None);
    assert!(plain.open(&closed.address, SPACE).await.is_err());
    assert!(
        encrypted("secret")
            .open(&open.address, SPACE)
            .await
            .is_err()
    );
}

/// Somebody who can stand between two processes can encrypt to both, and hand on what they prove to
/// each other.
#[tokio::test]
async fn nobody_gets_in_between() {
    let other = running_with("secret", Some(Tls::new().unwrap())).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = listener.local_addr().unwrap().to_string();
    let host = other.address.clone();
    tokio::spawn(async move {
        let tls = Tls::new().unwrap();
        while let Ok((socket, _)) = listener.accept().await {
            let mut near = Channel::accepting(socket, Some(&tls)).await.unwrap();
            let socket = tokio::net::TcpStream::connect(&host).await.unwrap();
            let mut far = Channel::connecting(socket, Some(&tls)).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    });
    let opened = encrypted("secret").open(&between, SPACE).await;
    assert!(matches!(opened, Err(LinkError::Refused(_))));
}

/// A proof could be tried against guesses at leisure, by anyone who can connect.
#[tokio::test]
async fn the_host_proves_nothing_to_who_has_not_proved_the_secret() {
    let other = running("secret").await;
    let mut socket = tokio::net::TcpStream::connect(&other.address)
        .await
        .unwrap();
    let hello = wire::Greeting::Hello {
        version: wire::VERSION,
        challenge: [7; 32],
    };
    wire::greet(&mut socket, &hello).await.unwrap();
    let welcome = wire::read_greeting(&mut socket).await.unwrap();
    let wire::Greeting::Welcome { challenge } = welcome else {
        panic!("a challenge and nothing else: {welcome:?}");
    };
    let guess = Secret::new("guess").prove(b"edge", [&[7; 32], &challenge], &Vec::new());
    wire::greet(&mut socket, &wire::Greeting::Proof(guess))
        .await
        .unwrap();
    assert!(
        wire::read_greeting(&mut socket).await.is_err(),
        "a wrong proof is answered by nothing"
    );
}

#[tokio::test]
async fn many_who_say_nothing_keep_no_process_out() {
    let other = running("secret").await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(
            tokio::net::TcpStream::connect(&other.address)
                .await
                .unwrap(),
        );
    }
    let links = Links::new(Secret::new("secret"), None);
    links.open(&other.address, SPACE).await.unwrap();
    drop(silent);
}
