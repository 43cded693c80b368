//! Rows: what clients saw of each drill, as a table, and the promises that were broken.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::drills::Drill;
use super::{CALM, LOOK_EVERY};
use crate::bots::witness::{HIT, Sight, Witnesses};
use crate::cli::abuse::DrillVerdict;

/// What clients saw of one drill.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub drill: Drill,
    /// Clients that noticeably waited for news.
    pub hit: usize,
    /// How long those clients waited, in milliseconds.
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
    /// The longest p99 that is allowed, in milliseconds.
    pub goal: Option<u64>,
    /// Connections that were lost.
    pub cuts: u32,
    pub acknowledged: usize,
    pub lost: usize,
    pub doubled: usize,
    /// The farthest jump of a player, in tiles.
    pub jump: f64,
    pub back: u32,
    /// Verdict of each round of the abuse drill; empty for others.
    pub abuse: Vec<DrillVerdict>,
}

impl Row {
    /// What went wrong, each as a sentence.
    pub fn faults(&self) -> Vec<String> {
        let Self { p99, cuts, .. } = self;
        let mut faults = Vec::new();
        if let Some(goal) = self.goal.filter(|goal| p99 > goal) {
            faults.push(format!(
                "clients stood still for {p99} ms (p99); {goal} ms are allowed"
            ));
        }
        for (count, what) in [
            (self.lost, "acknowledged messages were lost"),
            (self.doubled, "messages were stored or shown twice"),
            (self.back as usize, "frames were older than an earlier one"),
        ] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        for verdict in &self.abuse {
            faults.extend_from_slice(verdict.faults());
            if *cuts > 0 {
                faults.push(format!("{cuts} connections of other clients ended"));
            }
        }
        let name = self.drill.name();
        faults
            .iter()
            .map(|fault| format!("{name}: {fault}"))
            .collect()
    }
}

pub(super) async fn row(
    drill: Drill,
    sights: &[Sight],
    witnesses: &Witnesses,
    urls: &[String],
) -> anyhow::Result<Row> {
    let mut said: HashMap<&str, Vec<&str>> = HashMap::new();
    for (space, text) in sights.iter().flat_map(|sight| &sight.acknowledged) {
        said.entry(space).or_default().push(text);
    }
    let (mut lost, mut doubled) = (
        0,
        sights
            .iter()
            .map(|sight| sight.doubled as usize)
            .sum::<usize>(),
    );
    for (space, lines) in &said {
        // Messages are stored within a second.
        let deadline = Instant::now() + CALM * 5;
        let kept = loop {
            let kept = witnesses.kept(&urls[0], space).await?;
            if lines.iter().all(|line| kept.contains_key(*line)) || Instant::now() >= deadline {
                break kept;
            }
            sleep(LOOK_EVERY).await;
        };
        lost += lines
            .iter()
            .filter(|line| !kept.contains_key(**line))
            .count();
        doubled += lines
            .iter()
            .filter(|line| kept.get(**line).is_some_and(|times| *times > 1))
            .count();
    }
    let mut gaps: Vec<u64> = sights
        .iter()
        .filter(|sight| sight.gap > HIT)
        .map(|sight| milliseconds(sight.gap))
        .collect();
    gaps.sort_unstable();
    Ok(Row {
        drill,
        hit: gaps.len(),
        p50: percentile(&gaps, 50),
        p99: percentile(&gaps, 99),
        max: percentile(&gaps, 100),
        goal: None,
        cuts: sights.iter().map(|sight| sight.cuts).sum(),
        acknowledged: said.values().map(Vec::len).sum(),
        lost,
        doubled,
        jump: sights.iter().map(|sight| sight.jump).fold(0.0, f64::max),
        back: sights.iter().map(|sight| sight.back).sum(),
        abuse: Vec::new(),
    })
}

/// A percentile by the nearest-rank method; 0 for no values.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// The table in Markdown, ready to be published.
pub(super) fn table(rows: &[Row]) -> String {
    let head = "| drill | clients hit | stood still p50 | p99 | allowed p99 | max | disconnects \
        | messages acknowledged | lost | doubled | largest jump |\n\
                |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";
    let lines = rows.iter().map(|row| {
        let goal = row.goal.map_or("–".to_owned(), |goal| format!("{goal} ms"));
        format!(
            "| {} | {} | {} ms | {} ms | {goal} | {} ms | {} | {} | {} | {} | {:.1} tiles |",
            row.drill.name(),
            row.hit,
            row.p50,
            row.p99,
            row.max,
            row.cuts,
            row.acknowledged,
            row.lost,
            row.doubled,
            row.jump
        )
    });
    std::iter::once(head.to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let gaps: Vec<u64> = (1..=200).collect();
        assert_eq!(
            [50, 99, 100].map(|percent| percentile(&gaps, percent)),
            [100, 198, 200]
        );
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn a_row_says_each_promise_that_was_broken() {
        let mut row = Row {
            drill: Drill::EachCrash,
            hit: 9,
            p50: 400,
            p99: 1_000,
            max: 1_400,
            goal: Some(1_000),
            cuts: 9,
            acknowledged: 50,
            lost: 0,
            doubled: 0,
            jump: 0.5,
            back: 0,
            abuse: Vec::new(),
        };
        assert!(row.faults().is_empty(), "{:?}", row.faults());
        (row.p99, row.lost) = (1_001, 2);
        assert_eq!(
            row.faults(),
            [
                "each-crash: clients stood still for 1001 ms (p99); 1000 ms are allowed",
                "each-crash: 2 acknowledged messages were lost",
            ]
        );
        row.goal = None;
        assert_eq!(row.faults().len(), 1);
    }
}
