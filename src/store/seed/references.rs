//! References: checks that everything a seed refers to exists: elements, pictures, spaces, zones,
//! and walkable tiles.

use std::collections::BTreeMap;

use super::folder::{Folder, SeedElement, SeedPlan, SeedSpace};
use super::tiled::SeedMap;
use super::{Problems, SeedError};
use crate::components::grid::Grid;
use crate::components::id::SpaceId;
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;
use crate::components::zone::ZoneKind;
use crate::store::maps::{TargetEntry, ZoneEntry};

impl Folder {
    /// Checks that it can be loaded: every file is valid and every reference exists.
    pub fn check(&self) -> Result<(), SeedError> {
        self.plan().map(drop)
    }

    /// Parses all files and checks their references.
    pub(super) fn plan(&self) -> Result<SeedPlan, SeedError> {
        let (plan, mut problems) = self.parse();
        check(&plan, self.has_picture, &mut problems);
        if problems.0.is_empty() {
            return Ok(plan);
        }
        Err(SeedError::Invalid(problems))
    }
}

/// Finds broken references; pictures are checked when the built-in ones are known.
fn check(plan: &SeedPlan, has_picture: Option<fn(&str) -> bool>, problems: &mut Problems) {
    let elements: BTreeMap<&str, &SeedElement> = plan
        .elements
        .iter()
        .map(|one| (one.key.as_str(), one))
        .collect();
    for map in &plan.maps {
        let file = map.file();
        let found = element_problems(map, &elements)
            .chain(zone_problems(map, plan))
            .chain(ground_problems(map, &elements));
        for what in found.collect::<Vec<_>>() {
            problems.add(&file, what);
        }
    }
    for space in &plan.spaces {
        if !plan.maps.iter().any(|map| map.key == space.map) {
            let what = format!(
                "space `{}`: there is no maps/{}.tmj that can be read",
                space.key, space.map
            );
            problems.add("spaces.json", what);
        }
    }
    if let Some(has_picture) = has_picture {
        picture_problems(plan, has_picture, problems);
    }
}

/// Spaces that portals of a map name by id.
pub(super) fn ids(map: &SeedMap) -> impl Iterator<Item = (&str, SpaceId)> {
    let zones = map.document.zones.iter();
    zones.filter_map(|zone| {
        let space = zone.target.as_ref()?.space.as_ref()?.parse().ok()?;
        Some((zone.name.as_str(), space))
    })
}

fn picture_problems(plan: &SeedPlan, has_picture: fn(&str) -> bool, problems: &mut Problems) {
    let lists = [
        (
            "avatars.json",
            "avatars",
            plan.avatars.iter().map(|one| &one.key).collect::<Vec<_>>(),
        ),
        (
            "elements.json",
            "elements",
            plan.elements.iter().map(|one| &one.key).collect(),
        ),
    ];
    for (file, folder, keys) in lists {
        for key in keys {
            let path = format!("{folder}/{key}.svg");
            if !has_picture(&path) {
                problems.add(file, format!("`{key}`: there is no picture /art/{path}"));
            }
        }
    }
    for map in &plan.maps {
        for tile in &map.document.tiles {
            let path = format!("tiles/{tile}.svg");
            if !has_picture(&path) {
                problems.add(
                    &map.file(),
                    format!("tile `{tile}`: there is no picture /art/{path}"),
                );
            }
        }
    }
}

fn element_problems<'a>(
    map: &'a SeedMap,
    known: &'a BTreeMap<&str, &SeedElement>,
) -> impl Iterator<Item = String> + 'a {
    map.elements.iter().filter_map(|(key, corner)| {
        let Some(element) = known.get(key.as_str()) else {
            return Some(format!("there is no element `{key}` in elements.json"));
        };
        let fits = element.row().fits(*corner, map.width, map.height);
        (!fits).then(|| {
            format!(
                "element `{key}` at tile {},{} lies outside the map",
                corner.x, corner.y
            )
        })
    })
}

fn zone_problems<'a>(map: &'a SeedMap, plan: &'a SeedPlan) -> impl Iterator<Item = String> + 'a {
    map.document.zones.iter().filter_map(|zone| {
        let TargetEntry { space, zone: name } = zone.target.as_ref()?;
        let key = space
            .as_ref()
            .filter(|space| space.parse::<SpaceId>().is_err())?;
        let wrong = |what: String| Some(format!("zone `{}`: {what}", zone.name));
        let Some(SeedSpace { map: there, .. }) = plan.spaces.iter().find(|space| space.key == *key)
        else {
            return wrong(format!(
                "it leads to `{key}`, which is no space of spaces.json and no id of a space"
            ));
        };
        let map = plan.maps.iter().find(|map| map.key == *there)?;
        let is_end = |zone: &ZoneEntry| {
            let kind = ZoneKind::from_word(&zone.kind);
            zone.name == *name && matches!(kind, Some(ZoneKind::Spawn | ZoneKind::Portal))
        };
        if name.is_empty() || map.document.zones.iter().any(is_end) {
            return None;
        }
        wrong(format!(
            "it leads to the zone `{name}` of `{key}`, where no spawn or portal is called so"
        ))
    })
}

/// Checks that the map has walkable tiles, also in each zone where players arrive.
fn ground_problems<'a>(
    map: &'a SeedMap,
    known: &'a BTreeMap<&str, &SeedElement>,
) -> impl Iterator<Item = String> + 'a {
    let mut grid = Grid::open(map.width, map.height);
    let solid = map.elements.iter().filter_map(|(key, corner)| {
        let element = known.get(key.as_str())?.row();
        element.solid(*corner, map.width, map.height)
    });
    for tile in map
        .document
        .blocked_tiles()
        .into_iter()
        .chain(solid.flat_map(TileRect::tiles))
    {
        grid.block(tile);
    }
    let is_open = |area: TileRect| area.tiles().any(|tile| grid.is_walkable(tile));
    let all = TileRect {
        corner: Tile::new(0, 0),
        width: map.width,
        height: map.height,
    };
    let nowhere = (!is_open(all)).then(|| "everything blocks: no one can stand on it".to_owned());
    let arrivals = map
        .document
        .zones()
        .into_iter()
        .filter(|zone| zone.kind == ZoneKind::Spawn);
    let blocked = arrivals.filter(|zone| nowhere.is_none() && !is_open(zone.area));
    let blocked: Vec<String> = blocked
        .map(|zone| {
            format!(
                "zone `{}`: people arrive there, and everything in it blocks",
                zone.name
            )
        })
        .collect();
    nowhere.into_iter().chain(blocked)
}
