-- `footprint` (JSON) is the part of the picture that blocks, in tiles from its top left corner; null is all of it.
create table elements (
    id text primary key,
    name text not null,
    image_url text not null,
    width bigint not null check (width between 1 and 1000),
    height bigint not null check (height between 1 and 1000),
    is_static bigint not null check (is_static in (0, 1)),
    flat bigint not null check (flat in (0, 1)),
    footprint text,
    seed_key text unique,
    created_at bigint not null
);

-- Tiles, layers and zones of a map are read and written as a whole, hence one JSON document.
create table maps (
    id text primary key,
    name text not null,
    description text not null,
    thumbnail text,
    width bigint not null check (width between 1 and 1000),
    height bigint not null check (height between 1 and 1000),
    document text not null,
    seed_key text unique,
    created_at bigint not null
);

-- What stands on a map; copied into each space that is made from it.
create table map_elements (
    id text primary key,
    map_id text not null references maps (id) on delete cascade,
    element_id text not null references elements (id) on delete cascade,
    x bigint not null,
    y bigint not null
);
create index map_elements_by_map on map_elements (map_id);

-- `search` is the name in lower case: SQLite folds only ASCII by itself. `plan_version` rises with every change of what
-- stands in the space, so that a running world and a browser's copy know whether they are behind.
create table spaces (
    id text primary key,
    name text not null,
    search text not null,
    creator_id text references users (id) on delete cascade,
    map_id text references maps (id) on delete set null,
    access text not null check (access in ('public', 'unlisted')),
    width bigint not null check (width between 1 and 1000),
    height bigint not null check (height between 1 and 1000),
    plan_version bigint not null,
    seed_key text unique,
    created_at bigint not null
);
create index spaces_by_creator on spaces (creator_id, id);
create index spaces_by_access on spaces (access, id);
create index spaces_by_map on spaces (map_id);

-- `from_map` tells what came with the map, so that seeding a changed map can renew just that.
create table space_elements (
    id text primary key,
    space_id text not null references spaces (id) on delete cascade,
    element_id text not null references elements (id) on delete cascade,
    x bigint not null,
    y bigint not null,
    from_map bigint not null check (from_map in (0, 1))
);
create index space_elements_by_space on space_elements (space_id);
create index space_elements_by_element on space_elements (element_id);
