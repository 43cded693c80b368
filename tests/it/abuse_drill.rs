//! The abuse drill, shortened: attackers overuse everything while players walk and talk, who must
//! not notice.

use std::path::Path;
use std::time::Duration;

use plaza::bots::abuse::{self, AbuseSettings};
use plaza::bots::witness::Witnesses;

use crate::harness::Process;

/// Attackers in a crowd: each attack twice.
const CROWD: u32 = 34;

/// Duration, split into three equal parts.
const LENGTH: Duration = Duration::from_secs(12);

/// How much more memory a debug build may hold after an attack: caches, pools and the attackers'
/// accounts. Unbounded queues took gigabytes.
const MORE_MEMORY: u64 = 160 * 1024 * 1024;

async fn settled(witnesses: &Witnesses) {
    while !witnesses.unsettled().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    kibibytes * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_do_not_notice_an_attack() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--trusted-proxies", "127.0.0.1"]);
    let urls = vec![process.address.clone()];
    let witnesses = Witnesses::gather(&urls, None, 8, 2).await.unwrap();
    settled(&witnesses).await;
    let before = resident(process.pid());
    witnesses.begin();
    let settings = AbuseSettings {
        urls: urls.clone(),
        spaces: witnesses.spaces().to_vec(),
        length: LENGTH,
        crowd: CROWD,
        attacks: Vec::new(),
    };
    let report = abuse::run(&settings).await.expect("attackers can sign up");
    settled(&witnesses).await;
    let sights = witnesses.end();
    let after = resident(process.pid());

    let cuts: u32 = sights.iter().map(|sight| sight.cuts).sum();
    assert_eq!(cuts, 0, "connections of people ended: {report:#?}");
    for (attack, outcomes) in &report {
        assert_eq!(
            outcomes.failed, 0,
            "{attack:?} made the server fail: {outcomes:?}"
        );
    }
    let slowed: u64 = report.values().map(|outcomes| outcomes.slowed).sum();
    assert!(slowed > 0, "no attacker was told to slow down: {report:#?}");
    let grown = after.saturating_sub(before);
    assert!(grown <= MORE_MEMORY, "the server holds {grown} bytes more");
    for (space, text) in sights.iter().flat_map(|sight| &sight.acknowledged) {
        // Messages are stored within a second.
        let times = loop {
            let kept = witnesses.kept(&urls[0], space).await.unwrap();
            if let Some(times) = kept.get(text) {
                break *times;
            }
        };
        assert_eq!(times, 1, "`{text}` was acknowledged");
    }
    let metrics = reqwest::get(format!("{}/metrics", urls[0])).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("plaza_slowed_total"),
        "the server counts slowed requests"
    );
}
