//! Tests: a relay sees a space of another process like a space of its own.

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
use crate::components::id::{RelayId, SpaceId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::ProximityRules;
use crate::components::presence::{JoinTerms, PresenceCommand, PresenceFact};
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
    let layout = SpaceLayout {
        width: 8,
        height: 8,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    let handle = host.open(SPACE, Space::new(&layout, TickRate::DEFAULT), 7);
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
    Command::Presence(PresenceCommand::Join {
        user: UserId(Uuid::from_u128(5)),
        name: "Ada".into(),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    })
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
    assert!(matches!(
        joined.facts[0],
        Fact::Presence(PresenceFact::Joined { again: false, .. })
    ));
    assert_eq!(joined.cards[0].name, "Ada");
}

#[tokio::test]
async fn opening_a_space_that_is_not_hosted_is_refused() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let elsewhere = links
        .open(&other.address, SpaceId(Uuid::from_u128(2)))
        .await;
    assert!(matches!(elsewhere, Err(LinkError::NotThere)));
}

#[tokio::test]
async fn a_process_with_a_wrong_secret_is_refused() {
    let other = running("secret").await;
    let stranger = Links::new(Secret::new("guess"), None);
    assert!(matches!(
        stranger.open(&other.address, SPACE).await,
        Err(LinkError::Refused(_))
    ));
}

/// Bytes of other types would be misread.
#[tokio::test]
async fn a_process_with_other_types_is_refused_and_told_why() {
    let other = running("secret").await;
    let mut socket = tokio::net::TcpStream::connect(&other.address)
        .await
        .unwrap();
    let hello = wire::Greeting::Hello {
        version: !wire::VERSION,
        challenge: [7; 32],
    };
    wire::greet(&mut socket, &hello).await.unwrap();
    let answer = wire::read_greeting(&mut socket).await.unwrap();
    let wire::Greeting::Refused(why) = answer else {
        panic!("refused: {answer:?}");
    };
    assert!(why.contains("another version of Plaza"), "{why}");
}

#[tokio::test]
async fn followers_see_why_a_space_ends_and_a_lost_process_ends_the_stream() {
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
async fn a_broadcast_reaches_the_other_process() {
    let other = running("secret").await;
    let links = Links::new(Secret::new("secret"), None);
    let tell = LinkBroadcast::All(Command::Presence(PresenceCommand::ChangeAvatar {
        user: UserId(Uuid::from_u128(5)),
        avatar: None,
    }));
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
async fn an_encrypted_link_carries_updates_and_commands() {
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
async fn encryption_without_the_secret_is_refused() {
    let other = running_with("secret", Some(Tls::new().unwrap())).await;
    let opened = encrypted("guess").open(&other.address, SPACE).await;
    assert!(matches!(opened, Err(LinkError::Refused(_))));
}

#[tokio::test]
async fn plain_and_encrypted_processes_cannot_connect() {
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

/// A man in the middle could encrypt to both processes and pass on their proofs.
#[tokio::test]
async fn a_man_in_the_middle_is_refused() {
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

/// An attacker who can connect could test guesses of the secret against a proof.
#[tokio::test]
async fn the_host_proves_nothing_to_a_peer_that_has_not_proved_the_secret() {
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
        "a wrong proof gets no answer"
    );
}

#[tokio::test]
async fn many_silent_connections_do_not_keep_a_process_out() {
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

#[tokio::test]
async fn refused_strangers_are_logged_once_a_minute() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(Arc::new(log.reopen().unwrap()))
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let other = running("secret").await;
    for _ in 0..20 {
        let stranger = Links::new(Secret::new("guess"), None);
        assert!(stranger.open(&other.address, SPACE).await.is_err());
    }
    let log = std::fs::read_to_string(log.path()).unwrap();
    let refusals = log.matches("refused a link connection").count();
    assert_eq!((refusals, log.matches("WARN").count()), (1, 1), "{log}");
}
