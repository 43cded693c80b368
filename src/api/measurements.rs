//! Measurements: the table of all metrics of the process, and the route that serves them.

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
    /// Counter. Registered at the start, so that an alert sees its first step.
    Counter,
    /// Counter with labels. Each label appears with its first event.
    LabelledCounter,
    /// Gauge.
    Gauge,
    /// Histogram of durations.
    Histogram,
}

/// Kind, name and help text of each metric.
const METRICS: [(MetricKind, &str, &str); 25] = {
    use MetricKind::{Counter, Gauge, Histogram, LabelledCounter};
    [
        (Gauge, "plaza_clients", "Open connections of clients"),
        (
            Counter,
            "plaza_connections_refused_total",
            "Connections refused at the limit of connections",
        ),
        (
            Counter,
            "plaza_commands_dropped_total",
            "Client commands dropped because a space or link was full",
        ),
        (
            Histogram,
            "plaza_tick_seconds",
            "Duration of a tick of a space",
        ),
        (
            Histogram,
            "plaza_tick_lateness_seconds",
            "Delay of a tick after its scheduled time",
        ),
        (
            Counter,
            "plaza_ticks_skipped_total",
            "Ticks skipped because the machine is too busy",
        ),
        (
            Counter,
            "plaza_ticks_frozen_total",
            "Ticks skipped because the lease had expired",
        ),
        (
            Counter,
            "plaza_space_panics_total",
            "Ticks that failed by a bug",
        ),
        (
            Histogram,
            "plaza_relay_seconds",
            "Duration of composing the frames of a tick",
        ),
        (
            Counter,
            "plaza_frames_skipped_total",
            "Frames skipped because the client was still receiving the previous one",
        ),
        (
            Counter,
            "plaza_events_left_out_total",
            "Messages dropped because a client did not read the earlier ones",
        ),
        (
            Counter,
            "plaza_slow_readers_total",
            "Connections closed because the client read nothing for too long",
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
            "Spaces handed over to another process with players in them",
        ),
        (
            Histogram,
            "plaza_move_seconds",
            "Pause of a space during a handover",
        ),
        (
            Counter,
            "plaza_link_bytes_total",
            "Bytes sent to other processes for the clients there",
        ),
        (
            Gauge,
            "plaza_forward_streams",
            "Audio and video tracks that the SFU receives",
        ),
        (
            Gauge,
            "plaza_forward_clients",
            "Clients connected to the SFU",
        ),
        (
            Counter,
            "plaza_forward_frames_total",
            "Audio and video packets that the SFU forwarded",
        ),
        (
            Counter,
            "plaza_forward_packets_dropped_total",
            "Packets that the SFU's network socket did not take",
        ),
        (
            Gauge,
            "plaza_disk_free_bytes",
            "Free bytes of the disk with the pictures, as of the last minute",
        ),
        (
            LabelledCounter,
            "plaza_http_requests_total",
            "Requests, by method, pattern of the path and status",
        ),
        (
            Histogram,
            "plaza_http_request_seconds",
            "Duration of a request, by method and pattern of the path",
        ),
    ]
};

/// Metrics recorder of the process; installed at the first call.
pub fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&BUCKETS)
                .expect("the list of buckets is not empty")
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

/// Serves metrics in the text format of Prometheus at `/metrics`, and nothing else.
pub fn router() -> Router {
    Router::new()
        .route("/metrics", get(serve_metrics))
        .with_state(recorder())
}

async fn serve_metrics(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
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
