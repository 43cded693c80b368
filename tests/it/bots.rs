//! The load tester against a real server: it reports no errors where there are none, and reports a
//! broken bound.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use plaza::bots::{self, Behaviour, BotSettings, Protocol, Report};
use plaza::media::sfu::SfuSettings;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::TestServer;

const BOTS: u32 = 14;

fn settings(url: &str, protocol: Protocol, behaviour: Behaviour) -> BotSettings {
    BotSettings {
        url: url.to_owned(),
        bots: BOTS,
        spaces: 2,
        protocol,
        length: Duration::from_secs(2),
        ramp: 100.0,
        behaviour,
        verify: true,
        ..BotSettings::default()
    }
}

async fn run(settings: BotSettings) -> Report {
    bots::run(&settings, CancellationToken::new(), |_| {})
        .await
        .expect("the server lets bots in")
}

async fn is_served_well(protocol: Protocol) {
    // Each run makes two spaces, and no account may own both.
    let server = TestServer::start_with(|settings| settings.quotas.spaces = 1).await;
    let mut runs = JoinSet::new();
    for behaviour in [
        Behaviour::Wander,
        Behaviour::Crowd,
        Behaviour::Idle,
        Behaviour::Chat,
        Behaviour::Party,
    ] {
        runs.spawn(run(settings(&server.address, protocol, behaviour)));
    }
    while let Some(report) = runs.join_next().await {
        let report = report.unwrap();
        assert_eq!(
            (report.connected, report.failed, report.lost),
            (BOTS, 0, 0),
            "{report}"
        );
        assert_eq!(report.view_errors, Some(0), "{report}");
        assert_eq!(
            (report.chat_missing, report.chat_duplicated),
            (0, 0),
            "{report}"
        );
        assert_eq!(report.join.count, u64::from(BOTS), "{report}");
        let walks = report.behaviour != Behaviour::Idle;
        assert_eq!(report.moves > 0, walks, "{report}");
        assert_eq!(report.near.count > 0, walks, "{report}");
        let calls = report.behaviour == Behaviour::Party && protocol == Protocol::Binary;
        assert_eq!(
            report.signals_sent > 0 && report.signal.count > 0,
            calls,
            "{report}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_behaviour_is_served_well_in_binary() {
    is_served_well(Protocol::Binary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_behaviour_is_served_well_in_json() {
    is_served_well(Protocol::Json).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_large_bubbles_everyone_gets_all_video_through_the_sfu() {
    let server = TestServer::start_with(|settings| {
        settings.forwarding = Some(SfuSettings {
            listen: "127.0.0.1:0".parse().expect("this is an address"),
            or_any_port: false,
            addresses: Vec::new(),
        });
    })
    .await;
    // On a busy machine the bandwidth estimate drops and not every video stream fits, so the run is
    // tried again.
    let mut tries = 0;
    let report = loop {
        let report = run(BotSettings {
            bots: 6,
            spaces: 1,
            media: true,
            length: Duration::from_secs(6),
            ..settings(&server.address, Protocol::Binary, Behaviour::Idle)
        })
        .await;
        assert_eq!(
            (report.connected, report.lost, report.view_errors),
            (6, 0, Some(0)),
            "{report}"
        );
        assert_eq!(report.reasons.len(), 0, "{report}");
        assert!(report.pictures_awaited > 6, "{report}");
        tries += 1;
        if report.first_picture.count == report.pictures_awaited {
            break report;
        }
        assert!(tries < 10, "{report}");
    };
    assert!(report.media_frames_per_second > 0.0, "{report}");
    server.stop().await;
}

/// A TCP proxy to the server that can be cut: existing connections end, new ones pass.
struct CuttableProxy {
    address: String,
    cut: Arc<Notify>,
}

impl CuttableProxy {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let cut = Arc::new(Notify::new());
        let cutting = Arc::clone(&cut);
        tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (mut client, _) = accepted.unwrap();
                        let mut server = TcpStream::connect(&server).await.unwrap();
                        open.spawn(async move {
                            tokio::io::copy_bidirectional(&mut client, &mut server).await
                        });
                    }
                    () = cutting.notified() => open.shutdown().await,
                }
            }
        });
        Self { address, cut }
    }
}

async fn comes_back(protocol: Protocol) {
    let server = TestServer::start().await;
    let proxy = CuttableProxy::to(&server.address).await;
    let mut has_cut = false;
    let settings = settings(&proxy.address, protocol, Behaviour::Chat);
    let report = bots::run(&settings, CancellationToken::new(), |progress| {
        if progress.measures && !std::mem::replace(&mut has_cut, true) {
            proxy.cut.notify_one();
        }
    })
    .await
    .unwrap();
    assert_eq!((report.connected, report.failed), (BOTS, 0), "{report}");
    assert_eq!((report.lost, report.reconnects), (BOTS, BOTS), "{report}");
    assert_eq!(report.outages.count, u64::from(BOTS), "{report}");
    assert_eq!(report.view_errors, Some(0), "{report}");
    assert_eq!(
        report.chat_missing, 0,
        "messages sent while a bot was out do not count as missing: {report}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_that_lose_their_connection_come_back() {
    tokio::join!(comes_back(Protocol::Binary), comes_back(Protocol::Json));
}

fn command(url: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    command
        .args([
            "bots", "--url", url, "--bots", "6", "--ramp", "100/s", "--for", "1s",
        ])
        .args(more)
        .stdin(Stdio::null());
    command
}

async fn output(mut command: Command) -> (Option<i32>, String, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_has_every_field_and_met_bounds_pass() {
    let server = TestServer::start().await;
    let path = server.folder().join("report.json");
    let mut run = command(
        &server.address,
        &["--verify", "--behaviour", "chat", "--max-p99", "1h"],
    );
    run.args(["--max-lost", "0", "--max-missing", "0", "--json"])
        .arg(&path);
    let (code, stdout, stderr) = output(run).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for words in ["6 of 6 in", "move seen, near", "view errors   0"] {
        assert!(stdout.contains(words), "{stdout}");
    }
    assert!(
        stderr.contains("coming in") && !stderr.contains('\u{1b}'),
        "{stderr}"
    );
    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut names: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "behaviour",
        "bots",
        "bytesPerSecond",
        "chat",
        "chatAcknowledged",
        "chatDuplicated",
        "chatEdits",
        "chatMissing",
        "chatReceived",
        "chatRefused",
        "chatSent",
        "connected",
        "failed",
        "far",
        "firstPicture",
        "framesPerSecond",
        "join",
        "largestGap",
        "lateness",
        "lost",
        "mediaBytesPerSecond",
        "mediaFramesPerSecond",
        "mediaGaps",
        "moves",
        "movesRejected",
        "near",
        "outages",
        "picturesAwaited",
        "protocol",
        "rate",
        "reasons",
        "reconnects",
        "seconds",
        "signal",
        "signalsRefused",
        "signalsSent",
        "viewErrors",
    ];
    assert_eq!(names, expected);
    for times in ["join", "near", "far", "chat", "outages", "lateness"] {
        for name in ["p50", "p90", "p99", "max", "count"] {
            assert!(report[times][name].is_number(), "{times}.{name}");
        }
    }
    assert_eq!(
        (&report["protocol"], &report["behaviour"]),
        (&"binary".into(), &"chat".into())
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_bound_is_reported_with_exit_code_1() {
    let server = TestServer::start().await;
    let (code, _, stderr) = output(command(
        &server.address,
        &["--max-p99", "0ms", "--max-join-p99", "0ms"],
    ))
    .await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("move-to-visible p99 (near) is"), "{stderr}");
    assert!(stderr.contains("join p99 is"), "{stderr}");
    let nowhere = "0197a1b2-0000-7000-8000-000000000001";
    let (code, _, stderr) = output(command(&server.address, &["--space", nowhere])).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(nowhere), "{stderr}");
    server.stop().await;
}
