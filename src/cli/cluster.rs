//! Cluster: commands that show a cluster and control its processes.

use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

use super::print;
use crate::cluster::census::Census;
use crate::cluster::node::NodeId;
use crate::cluster::orders::Orders;
use crate::components::id::SpaceId;

/// How long a process may take to carry a command out before the command gives up waiting.
const WAIT: Duration = Duration::from_mins(1);

/// Interval of the checks; processes publish what they run once a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub async fn nodes(orders: &Orders) -> anyhow::Result<()> {
    let census = orders.census().await?;
    let mut table =
        vec![["node", "spaces", "people", "load", "lease", "link", "state"].map(str::to_owned)];
    for counted in census.nodes() {
        let people: u32 = counted.running.iter().map(|running| running.people).sum();
        let lease = counted.lease.map_or_else(
            || "-".to_owned(),
            |lease| format!("{:.1} s", lease.as_secs_f64()),
        );
        let state = if counted.node.is_draining {
            "draining"
        } else {
            "open"
        };
        let load = Duration::from_nanos(counted.node.load);
        table.push([
            counted.node.member.node.0.clone(),
            counted.running.len().to_string(),
            people.to_string(),
            format!("{:.1} %", 100.0 * load.as_secs_f64()),
            lease,
            counted.node.link.clone(),
            state.to_owned(),
        ]);
    }
    show(&table);
    Ok(())
}

pub async fn spaces(orders: &Orders) -> anyhow::Result<()> {
    let census = orders.census().await?;
    let mut table = vec![["space", "node", "epoch", "people", "tick", "name"].map(str::to_owned)];
    for counted in census.nodes() {
        for running in &counted.running {
            let tick = running.cost / u64::from(running.rate.max(1)) / 1_000;
            table.push([
                running.space.to_string(),
                counted.node.member.node.0.clone(),
                running.epoch.to_string(),
                running.people.to_string(),
                format!("{tick} µs"),
                running.name.clone(),
            ]);
        }
    }
    show(&table);
    Ok(())
}

pub async fn drain(orders: &Orders, node: &str) -> anyhow::Result<()> {
    orders.drain(node, true).await?;
    let mut shown = None;
    let name = NodeId(node.to_owned());
    let is_empty = |census: &Census| {
        let counted = census.node(&name);
        let left = counted.map_or(0, |counted| counted.running.len());
        if shown != Some(left) {
            shown = Some(left);
            print::line(&format!("{node} runs {left} spaces."));
        }
        counted.is_none_or(|counted| left == 0 && counted.node.is_draining)
    };
    wait(orders, is_empty).await?;
    print::line(&format!(
        "{node} takes no further spaces. `plaza admin undrain {node}` undoes it."
    ));
    Ok(())
}

pub async fn undrain(orders: &Orders, node: &str) -> anyhow::Result<()> {
    orders.drain(node, false).await?;
    let name = NodeId(node.to_owned());
    let is_open = |census: &Census| {
        census
            .node(&name)
            .is_none_or(|counted| !counted.node.is_draining)
    };
    wait(orders, is_open).await?;
    print::line(&format!("{node} takes spaces again."));
    Ok(())
}

pub async fn hand_over(orders: &Orders, space: SpaceId, node: &str) -> anyhow::Result<()> {
    orders.move_space(space, node).await?;
    let runs = |census: &Census| {
        census
            .home_of(space)
            .is_some_and(|home| home.node.member.node.0 == node)
    };
    wait(orders, runs).await?;
    print::line(&format!("{node} runs the space now."));
    Ok(())
}

async fn wait(orders: &Orders, mut is_done: impl FnMut(&Census) -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + WAIT;
    while Instant::now() < deadline {
        if is_done(&orders.census().await?) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("the process was told, but is not done after a minute; its log says why")
}

/// Formats rows as a table; each column is as wide as its widest cell.
pub(super) fn show<const COLUMNS: usize>(table: &[[String; COLUMNS]]) {
    let width = |column: usize| {
        table
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    for row in table {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        print::line(line.join("  ").trim_end());
    }
}
