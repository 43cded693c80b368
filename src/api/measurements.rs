//! Measurements: every metric of the process and what it tells, in one table; and the address where
//! they are told.

use std::sync::OnceLock;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of every histogram, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Clone, Copy, PartialEq, Eq)]
enum MetricKind {
    /// It counts up. There from the start, so that an alert sees its first step.
    Counter,
    /// The same for each of several labels: there from the first event on.
    LabelledCounter,
    /// It goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

/// What a scraper shows of each.
const METRICS: [(MetricKind, &str, &str); 24] = {
    use MetricKind::{Counter, Gauge, Histogram, LabelledCounter};
    [
        (Gauge, "plaza_clients", "Open connections of clients"),
        (
            Counter,
            "plaza_connections_refused_total",
            "Connections that were refused because there are enough",
        ),
        (
            Counter,
            "plaza_commands_dropped_total",
            "What clients asked for and a full space or link did not take",
        ),
        (
            Histogram,
            "plaza_tick_seconds",
            "What a tick of a space takes",
        ),
        (
            Histogram,
            "plaza_tick_lateness_seconds",
            "How long after its time a tick begins",
        ),
        (
            Counter,
            "plaza_ticks_skipped_total",
            "Ticks that never ran because the machine is too busy",
        ),
        (
            Counter,
            "plaza_ticks_frozen_total",
            "Ticks that did not run because the right to run spaces had lapsed",
        ),
        (
            Counter,
            "plaza_space_panics_total",
            "Ticks that failed by a bug",
        ),
        (
            Histogram,
            "plaza_relay_seconds",
            "What composing the frames of a tick takes",
        ),
        (
            Counter,
            "plaza_frames_skipped_total",
            "Frames that were not sent because the client was still busy with the one before",
        ),
        (
            Counter,
            "plaza_events_left_out_total",
            "Messages that were not sent because a client did not read those before",
        ),
        (
            Counter,
            "plaza_slow_readers_total",
            "Connections that ended because the client read nothing for too long",
        ),
        (
            LabelledCounter,
            "plaza_overload_steps_total",
            "Steps that spaces took because they took longer to show than they have, by what they \
            gave up",
        ),
        (
            Counter,
            "plaza_plans_reread_total",
            "Open spaces whose layout was read again because it had changed elsewhere",
        ),
        (
            LabelledCounter,
            "plaza_slowed_total",
            "Requests of a user or an address that came too fast, by what they asked for",
        ),
        (
            Counter,
            "plaza_spaces_moved_total",
            "Spaces that moved to another process with people in them",
        ),
        (
            Histogram,
            "plaza_move_seconds",
            "How long spaces stand still while they move",
        ),
        (
            Counter,
            "plaza_link_bytes_total",
            "Bytes sent to other processes for the clients there",
        ),
        (
            Gauge,
            "plaza_forward_streams",
            "Voices and pictures that the forwarding unit takes in",
        ),
        (
            Gauge,
            "plaza_forward_clients",
            "Clients that are connected to the forwarding unit",
        ),
        (
            Counter,
            "plaza_forward_frames_total",
            "Pieces of voices and pictures that were passed on",
        ),
        (
            Counter,
            "plaza_forward_packets_dropped_total",
            "Packets that the network of the forwarding unit did not take",
        ),
        (
            LabelledCounter,
            "plaza_http_requests_total",
            "Requests, by method, pattern of the path and status",
        ),
        (
            Histogram,
            "plaza_http_request_seconds",
            "What a request takes, by method and pattern of the path",
        ),
    ]
};

/// What counts for the whole process; made at the first call.
pub fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&BUCKETS)
                .expect("there are buckets")
                .install_recorder()
                .unwrap_or_else(|_| PrometheusBuilder::new().build_recorder().handle());
            describe();
            handle
        })
        .clone()
}

fn describe() {
    for (kind, name, help) in METRICS {
        match kind {
            MetricKind::Counter => {
                metrics::describe_counter!(name, help);
                metrics::counter!(name).increment(0);
            }
            MetricKind::LabelledCounter => metrics::describe_counter!(name, help),
            MetricKind::Gauge => {
                metrics::describe_gauge!(name, help);
                metrics::gauge!(name).increment(0);
            }
            MetricKind::Histogram => metrics::describe_histogram!(name, help),
        }
    }
}

/// Metrics in the text format of Prometheus, at `/metrics` and nowhere else.
pub fn router() -> Router {
    Router::new()
        .route("/metrics", get(tell))
        .with_state(recorder())
}

async fn tell(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
    handle.run_upkeep();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        handle.render(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn names(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                names(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["counter!(", "gauge!(", "histogram!("] {
                for (_, rest) in text
                    .match_indices(call)
                    .map(|(at, _)| text.split_at(at + call.len()))
                {
                    let name = rest
                        .trim_start()
                        .strip_prefix('"')
                        .and_then(|rest| rest.split('"').next());
                    found.extend(
                        name.filter(|name| name.starts_with("plaza_"))
                            .map(str::to_owned),
                    );
                }
            }
        }
    }

    #[test]
    fn every_metric_has_a_help_text_and_every_text_a_metric() {
        let mut measured = BTreeSet::new();
        names(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut measured,
        );
        let described: BTreeSet<String> = METRICS
            .iter()
            .map(|(_, name, _)| (*name).to_owned())
            .collect();
        assert_eq!(measured, described);
    }

    #[test]
    fn counters_are_there_before_anything_is_counted() {
        let text = recorder().render();
        assert!(
            text.contains("# HELP plaza_space_panics_total Ticks that failed by a bug"),
            "{text}"
        );
        assert!(text.contains("plaza_space_panics_total 0"), "{text}");
    }
}
