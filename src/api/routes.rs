//! Routes: the list of all routes of the server.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use axum::{Router, middleware, routing};
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};
use tower_http::trace::TraceLayer;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::drawn::AsKept;
use super::{
    AppState, access_policy, account, admin, arrivals, assets, audit_log, avatars, budgets,
    cluster, direct, document, elements, extract, files, guests, health, ice, invites,
    join_requests, layers, lobby, maps, measurements, members, metadata, moderation, reports,
    sessions, setup, space_change, space_chat, space_elements, space_export, space_invites,
    space_map, space_messages, space_settings, spaces, thumbnails, transfers, uploading, uploads,
    web, word_filter,
};
use crate::net::edge::{self, Edge};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plaza",
        description = "A self-hosted 2D world server. Refusals are problem documents (RFC 9457) \
            that also carry `message`."
    ),
    modifiers(&Token),
    tags(
        (name = "account", description = "Signing up, in and out"),
        (name = "setup", description = "The first start"),
        (name = "people", description = "What people look like"),
        (name = "spaces", description = "Spaces and what stands in them"),
        (name = "maps", description = "What spaces are made from"),
        (name = "files", description = "Pictures"),
        (name = "admin", description = "For admins"),
        (name = "operation", description = "For operators of the server"),
    )
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut OpenApiDocument) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("From `/signin`."))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn documented() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(account::sign_up_policy, account::sign_up))
        .routes(routes!(account::sign_in))
        .routes(routes!(account::me))
        .routes(routes!(account::sign_out))
        .routes(routes!(account::sign_out_everywhere))
        .routes(routes!(account::change_password))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(invites::show, space_invites::accept_one))
        .routes(routes!(guests::add))
        .routes(routes!(guests::keep))
        .routes(routes!(space_invites::list, space_invites::add))
        .routes(routes!(space_invites::revoke))
        .routes(routes!(setup::state, setup::set_up))
        .routes(routes!(metadata::choose, metadata::choose_by_put))
        .routes(routes!(metadata::bulk))
        .routes(routes!(avatars::list))
        .routes(routes!(avatars::add))
        .routes(routes!(avatars::delete))
        .routes(routes!(elements::list))
        .routes(routes!(elements::catalogue))
        .routes(routes!(elements::add))
        .routes(routes!(elements::change))
        .routes(routes!(maps::list))
        .routes(routes!(maps::add))
        .routes(routes!(thumbnails::map))
        .routes(routes!(lobby::show))
        .routes(routes!(spaces::add))
        .routes(routes!(spaces::mine))
        .routes(routes!(spaces::one, spaces::delete, space_change::change))
        .routes(routes!(access_policy::show))
        .routes(routes!(access_policy::enter))
        .routes(routes!(members::list, members::add))
        .routes(routes!(transfers::mine))
        .routes(routes!(transfers::show, transfers::offer, transfers::end))
        .routes(routes!(transfers::accept))
        .routes(routes!(members::show, members::put, members::delete))
        .routes(routes!(
            join_requests::list,
            join_requests::ask,
            join_requests::take_back
        ))
        .routes(routes!(join_requests::answer))
        .routes(routes!(moderation::kick, moderation::lift_kick))
        .routes(routes!(moderation::mute, moderation::unmute))
        .routes(routes!(moderation::ban, moderation::lift_ban))
        .routes(routes!(moderation::list))
        .routes(routes!(moderation::lock_down, moderation::end_lockdown))
        .routes(routes!(reports::list, reports::add))
        .routes(routes!(reports::answer))
        .routes(routes!(reports::own))
        .routes(routes!(audit_log::of_space))
        .routes(routes!(space_elements::place, space_elements::remove))
        .routes(routes!(space_elements::remove_by_path))
        .routes(routes!(
            space_chat::show,
            space_chat::change_rules,
            space_chat::clear
        ))
        .routes(routes!(space_settings::show, space_settings::change))
        .routes(routes!(word_filter::show, word_filter::change))
        .routes(routes!(space_export::export))
        .routes(routes!(
            space_messages::edit_message,
            space_messages::delete_message
        ))
        .routes(routes!(direct::list))
        .routes(routes!(direct::show, direct::write))
        .routes(routes!(direct::read))
        .routes(routes!(space_map::show))
        .routes(routes!(thumbnails::space))
        .routes(routes!(uploads::delete))
        .routes(routes!(ice::show))
        .routes(routes!(ice::livekit))
        .routes(routes!(admin::users))
        .routes(routes!(admin::suspend))
        .routes(routes!(admin::unsuspend))
        .routes(routes!(admin::sign_out))
        .routes(routes!(admin::delete_space))
        .routes(routes!(uploads::all))
        .routes(routes!(audit_log::show))
        .routes(routes!(reports::for_admins))
        .routes(routes!(reports::answer_as_admin))
        .routes(routes!(cluster::show))
        .routes(routes!(cluster::drain))
        .routes(routes!(cluster::undrain))
        .routes(routes!(cluster::move_space))
        .routes(routes!(cluster::server))
        .layer(DefaultBodyLimit::max(extract::BODY_LIMIT))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(uploading::add, uploads::mine))
                .layer(DefaultBodyLimit::max(arrivals::BODY_LIMIT)),
        );
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", v1)
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// OpenAPI description of all documented routes.
pub fn openapi() -> OpenApiDocument {
    document::complete(documented().into_openapi())
}

/// Router of everything that is served: HTTP, and the sockets of players behind the same layers.
pub fn router(state: AppState, edge: Edge) -> Router {
    let (api, document) = documented().split_for_parts();
    let document = document::complete(document);
    let base = state.settings.base_path.clone();
    let is_public = state.settings.metrics_public;
    let origins = layers::other_origins(&state.settings.allowed_origins);
    let spending = state.clone();
    let router = api
        .route("/art/{*path}", routing::get(assets::art))
        .route("/files/{name}", routing::get(files::uploaded))
        .fallback(web::fallback)
        .with_state(state)
        .merge(docs(&document));
    let router = if is_public {
        router.merge(measurements::router())
    } else {
        router
    };
    let router = edge::routes(edge, router);
    // Inside the CORS layer: pages of other origins must be able to read the refusal.
    let router = router.layer(middleware::from_fn_with_state(spending, budgets::spend));
    let base: Arc<str> = base.into();
    let router = match origins {
        Some(origins) => router.layer(origins),
        None => router,
    };
    let router = router
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(health::measure))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_not_kept)))
        .layer(middleware::from_fn(layers::security_headers))
        // Failures are logged where they happen: a full server would write a line for each request.
        .layer(TraceLayer::new_for_http().on_failure(()));
    if base.is_empty() {
        return router;
    }
    // Outermost, because routes match the address without the base path.
    Router::new()
        .fallback_service(router)
        .layer(middleware::from_fn(move |request, next| {
            layers::strip_base(Arc::clone(&base), request, next)
        }))
}

/// Whether an answer may be compressed for this request: it has no compressed form in the cache.
fn is_not_kept(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<AsKept>().is_none()
}

/// API documentation pages. Their addresses are relative: they may be below the path of a proxy.
fn docs(document: &OpenApiDocument) -> Router {
    let ui = SwaggerUi::new("/api/docs").config(Config::from("../openapi.json"));
    // Written once: it is large, and everybody may ask for it.
    let text = Bytes::from(document.to_json().expect("a description is plain data"));
    let text = move || std::future::ready(([(CONTENT_TYPE, "application/json")], text.clone()));
    Router::from(ui)
        .route("/api/openapi.json", routing::get(text))
        .layer(middleware::from_fn(layers::docs_headers))
}
