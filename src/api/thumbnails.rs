//! Thumbnails: SVG pictures of maps and spaces, drawn from the same art as in the client.
//!
//! Every tile is a pattern that is defined once, and each layer has one path per tile, so that a
//! whole map stays small.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::unknown;
use super::address::Address;
use super::drawn::{Drawing, Drawn, Viewer};
use super::error::{ApiError, Problem};
use super::extract::{Path, Query};
use super::{AppState, assets, files};
use crate::components::id::{MapId, SpaceId};
use crate::components::membership::Membership;
use crate::components::permissions::OwnedBy;
use crate::store::elements::PlacedElement;
use crate::store::maps::{MapDocument, TileLayer};
use crate::store::server_key::{SIGNATURE, ServerKey, SignedFor};
use crate::store::token::{hex, unhex};
use crate::store::{SpaceRow, now_ms};

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Background of a map without tiles.
const FLOOR: &str = "#e8dcc8";
/// Colour of the rectangle that replaces a picture that is not built in.
const BOX: &str = "#b9a48c";
/// Most elements that are drawn; with more, a thumbnail is a blur anyway.
const MOST_ELEMENTS: usize = 1500;

/// Address of a space's thumbnail for someone who may enter it: the one set for its map, otherwise
/// the drawn one. Pages ask for pictures without a token, so the address of one that is not for
/// everyone is signed.
pub fn of_space(space: &SpaceRow, key: &ServerKey) -> String {
    let ours = || {
        let address = format!(
            "/api/v1/space/{}/thumbnail.svg?v={}",
            space.id, space.plan_version
        );
        if is_for_everyone(space) {
            return address;
        }
        let day = now_ms() / DAY_MS;
        let signature = hex(&sign(key, space.id, day));
        format!("{address}&day={day}&signature={signature}")
    };
    space.thumbnail.clone().unwrap_or_else(ours)
}

/// Whether everyone may see the space now, also without a token.
pub fn is_for_everyone(space: &SpaceRow) -> bool {
    let stranger = Membership::of_stranger(space.rules, OwnedBy::Another);
    stranger.enter(now_ms(), false).is_ok()
}

/// Address of a picture for those who may not enter a space: that of its map, or none.
pub fn from_outside(space: &SpaceRow) -> String {
    let of_map = || space.map.map(of_map);
    space.thumbnail.clone().or_else(of_map).unwrap_or_default()
}

/// Signature of the address of a thumbnail, which is good on that day and the next.
fn sign(key: &ServerKey, space: SpaceId, day: i64) -> [u8; SIGNATURE] {
    let parts = [space.0.as_bytes().as_slice(), &day.to_be_bytes()];
    key.sign(SignedFor::Thumbnail, &parts)
}

/// What a signed address adds.
#[derive(Deserialize, IntoParams, Default)]
#[into_params(parameter_in = Query)]
pub struct ThumbnailQuery {
    /// Day of the signature, counted from 1970.
    day: Option<i64>,
    /// Signature of an address that the server gave.
    signature: Option<String>,
}

impl ThumbnailQuery {
    fn is_signed(&self, key: &ServerKey, space: SpaceId) -> bool {
        let (Some(day), Some(signature)) = (self.day, &self.signature) else {
            return false;
        };
        let today = now_ms() / DAY_MS;
        (today - 1..=today + 1).contains(&day)
            && unhex(signature).is_some_and(|signature| {
                let parts = [space.0.as_bytes().as_slice(), &day.to_be_bytes()];
                key.verify(SignedFor::Thumbnail, &parts, &signature)
            })
    }
}

/// Address of the drawn thumbnail of a map.
pub fn of_map(map: MapId) -> String {
    format!("/api/v1/map/{map}/thumbnail.svg")
}

/// Thumbnail of a space
///
/// Of a space that is not open to everyone only at the signed address that the server gave.
#[utoipa::path(
    get,
    path = "/space/{id}/thumbnail.svg",
    operation_id = "spaceThumbnail",
    tag = "files",
    params(("id" = String, Path, description = "The space"), ThumbnailQuery),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 304, description = "Nothing changed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn space(
    State(state): State<AppState>,
    from: Address,
    Path(space): Path<SpaceId>,
    Query(query): Query<ThumbnailQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = if query.is_signed(&state.key, space) {
        state.store.space(space).await?.ok_or_else(unknown)?
    } else {
        state.at(space, None).await?.row
    };
    let drawing = Drawing::SpacePicture(space, row.plan_version);
    let (width, height) = (row.width, row.height);
    let read = async {
        let document = match row.map {
            Some(map) => state.store.map_document(map).await?,
            None => MapDocument::default(),
        };
        Ok((document, state.store.placed(space).await?))
    };
    let draw = move |(document, placed): (MapDocument, Vec<PlacedElement>)| {
        draw(width, height, &document, &placed)
    };
    let drawn = state.drawings.get(drawing, stranger(from), read, draw);
    Ok(answer(drawn.await?, &headers))
}

/// Thumbnail of a map
#[utoipa::path(get, path = "/map/{id}/thumbnail.svg", operation_id = "mapThumbnail", tag = "files",
    params(("id" = String, Path, description = "The map")), responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 304, description = "Nothing changed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn map(
    State(state): State<AppState>,
    from: Address,
    Path(map): Path<MapId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = state
        .store
        .map(map)
        .await?
        .ok_or_else(|| ApiError::bad("There is no such map."))?;
    let (width, height) = (row.width, row.height);
    let read = async {
        Ok((
            state.store.map_document(map).await?,
            state.store.map_placed(map).await?,
        ))
    };
    let draw = move |(document, placed): (MapDocument, Vec<PlacedElement>)| {
        draw(width, height, &document, &placed)
    };
    let drawing = Drawing::MapPicture(map);
    let drawn = state.drawings.get(drawing, stranger(from), read, draw);
    Ok(answer(drawn.await?, &headers))
}

/// Pictures are requested without a token.
fn stranger(from: Address) -> Viewer {
    Viewer { from, user: None }
}

/// Tagged by its bytes, because the art may change while the map does not.
fn answer(drawn: Drawn, headers: &HeaderMap) -> Response {
    let etag = drawn.etag.clone();
    files::unchanged(headers, &etag).unwrap_or_else(|| {
        let csp = HeaderValue::from_static(files::PICTURE_CSP);
        let mut picture = drawn.answer("image/svg+xml", headers);
        picture
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, csp);
        files::with_etag(picture, &etag)
    })
}

/// Draws a map, with one unit per tile.
fn draw(width: u16, height: u16, document: &MapDocument, placed: &[PlacedElement]) -> Vec<u8> {
    let mut sheet = Sheet::default();
    let (above, below): (Vec<&TileLayer>, Vec<&TileLayer>) =
        document.layers.iter().partition(|layer| layer.above);
    for layer in below {
        sheet.layer(layer, width, &document.tiles);
    }
    let mut order: Vec<&PlacedElement> = placed.iter().take(MOST_ELEMENTS).collect();
    order.sort_by_key(|one| {
        (
            !one.element.flat,
            one.corner.y + one.element.height,
            one.corner.x,
        )
    });
    for one in order {
        sheet.element(one);
    }
    for layer in above {
        sheet.layer(layer, width, &document.tiles);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{w}\" \
        height=\"{h}\">\
         <defs>{defs}</defs><rect width=\"{width}\" height=\"{height}\" \
         fill=\"{FLOOR}\"/>{body}</svg>",
        w = u32::from(width) * 16,
        h = u32::from(height) * 16,
        defs = sheet.defs,
        body = sheet.body,
    )
    .into_bytes()
}

/// A built-in drawing, ready to be embedded into another one.
struct EmbeddedArt {
    view_box: String,
    inner: String,
    base: Option<String>,
}

#[derive(Default)]
struct Sheet {
    defs: String,
    body: String,
    /// Index of each definition by address; `None` for pictures that are not built in.
    known: BTreeMap<String, Option<usize>>,
    /// Background colour of each definition.
    bases: Vec<Option<String>>,
}

impl Sheet {
    fn layer(&mut self, layer: &TileLayer, width: u16, tiles: &[String]) {
        for (value, path) in runs(&layer.data, usize::from(width)) {
            let Some(name) = tiles.get(usize::from(value) - 1) else {
                continue;
            };
            let Some(number) = self.define(&format!("/art/tiles/{name}.svg"), true) else {
                continue;
            };
            // The background colour goes below the tile, so that no hairline shows between two
            // tiles.
            if let Some(base) = self.bases.get(number).cloned().flatten() {
                let _ = write!(self.body, "<path fill=\"{base}\" d=\"{path}\"/>");
            }
            let _ = write!(self.body, "<path fill=\"url(#s{number})\" d=\"{path}\"/>");
        }
    }

    fn element(&mut self, placed: &PlacedElement) {
        let (x, y) = (placed.corner.x, placed.corner.y);
        let (width, height) = (placed.element.width, placed.element.height);
        let _ = match self.define(&placed.element.image_url, false) {
            Some(number) => {
                write!(
                    self.body,
                    "<use href=\"#s{number}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" \
                    height=\"{height}\"/>"
                )
            }
            None => write!(
                self.body,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\".2\" \
                fill=\"{BOX}\"/>"
            ),
        };
    }

    /// Defines a built-in picture once; returns the index of its definition.
    fn define(&mut self, url: &str, tile: bool) -> Option<usize> {
        if let Some(known) = self.known.get(url) {
            return *known;
        }
        let number = self.bases.len();
        let art = assets::art_by_url(url).and_then(|text| read(&text, number));
        let defined = art.map(
            |EmbeddedArt {
                 view_box,
                 inner,
                 base,
             }| {
                let _ = if tile {
                    write!(
                        self.defs,
                        "<pattern id=\"s{number}\" width=\"1\" height=\"1\" \
                    patternUnits=\"userSpaceOnUse\" \
                     viewBox=\"{view_box}\">{inner}</pattern>"
                    )
                } else {
                    write!(
                        self.defs,
                        "<symbol id=\"s{number}\" viewBox=\"{view_box}\">{inner}</symbol>"
                    )
                };
                self.bases.push(base);
                number
            },
        );
        self.known.insert(url.to_owned(), defined);
        defined
    }
}

/// One path per tile value: its cells as rectangles one row high, with neighbours merged.
fn runs(data: &[u16], width: usize) -> BTreeMap<u16, String> {
    let mut paths: BTreeMap<u16, String> = BTreeMap::new();
    for (y, row) in data.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            let length = run.len();
            if let Some(value @ 1..) = run.first().copied() {
                let path = paths.entry(value).or_default();
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x += length;
        }
    }
    paths
}

/// Parses a built-in drawing. The number is added to its ids, so that those of two drawings do not
/// clash.
fn read(text: &str, number: usize) -> Option<EmbeddedArt> {
    let start = text.find("<svg")?;
    let open = start + text.get(start..)?.find('>')? + 1;
    let close = text.rfind("</svg>")?;
    let view_box = between(text.get(start..open)?, "viewBox=\"", "\"")?.to_owned();
    let inner = text
        .get(open..close)?
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("");
    let base = full_ground(&inner, &view_box);
    let inner = if inner.contains("id=\"") {
        inner
            .replace("id=\"", &format!("id=\"s{number}-"))
            .replace("url(#", &format!("url(#s{number}-"))
            .replace("href=\"#", &format!("href=\"#s{number}-"))
    } else {
        inner
    };
    Some(EmbeddedArt {
        view_box,
        inner,
        base,
    })
}

/// Colour of a drawing that begins with a rectangle over its whole area.
fn full_ground(inner: &str, view_box: &str) -> Option<String> {
    let first = between(inner, "<", ">")?;
    let side = view_box.rsplit(' ').next()?;
    let whole = first.starts_with("rect ")
        && first.contains(&format!(" width=\"{side}\""))
        && first.contains(&format!(" height=\"{side}\""))
        && !first.contains("opacity");
    let fill = between(first, " fill=\"", "\"")?;
    (whole && fill.starts_with('#')).then(|| fill.to_owned())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    let (found, _) = rest.split_once(end)?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_cells_become_one_rectangle() {
        let paths = runs(&[1, 1, 2, 0, 1, 1], 3);
        assert_eq!(paths[&1], "M0 0h2v1h-2zM1 1h2v1h-2z");
        assert_eq!(paths[&2], "M2 0h1v1h-1z");
        assert!(!paths.contains_key(&0));
    }

    #[test]
    fn drawings_keep_their_ids_apart() {
        let text = "<svg viewBox=\"0 0 8 8\"><rect width=\"8\" height=\"8\" fill=\"#123\"/><g \
            id=\"a\" fill=\"url(#b)\"/></svg>";
        let art = read(text, 7).unwrap();
        assert_eq!(art.base.as_deref(), Some("#123"));
        assert!(art.inner.contains("id=\"s7-a\"") && art.inner.contains("url(#s7-b)"));
    }

    #[test]
    fn a_map_without_tiles_is_a_plain_floor() {
        let picture = String::from_utf8(draw(10, 5, &MapDocument::default(), &[])).unwrap();
        assert!(picture.contains("viewBox=\"0 0 10 5\"") && picture.contains(FLOOR));
    }
}
