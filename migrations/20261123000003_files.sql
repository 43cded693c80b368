-- Pictures that people uploaded, by the hash of their bytes, so that the same picture is kept once and we know whose it is.
create table uploads (
    hash text primary key,
    user_id text references users (id) on delete set null,
    kind text not null,
    width bigint not null,
    height bigint not null,
    size bigint not null,
    created_at bigint not null
);

-- How much somebody brought is asked before each upload.
create index uploads_by_user on uploads (user_id);

-- The newest saved state of each space; goes with the space.
create table checkpoints (
    space_id text primary key references spaces (id) on delete cascade,
    epoch bigint not null,
    tick bigint not null,
    blob bytea not null,
    at bigint not null
);
