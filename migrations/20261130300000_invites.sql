-- A link that admits people: to a space, or with `space_id` null to the server only. Only a hash of its token is kept.
-- `max_uses` and `expires_at` null are without end.
create table invites (
    id text primary key,
    token_hash text not null constraint invites_token_hash_unique unique,
    space_id text default null references spaces (id) on delete cascade,
    role text not null default 'visitor',
    by_id text default null references users (id) on delete set null,
    label text not null default '',
    expires_at bigint default null,
    max_uses bigint default null,
    uses bigint not null default 0,
    revoked_at bigint default null,
    at bigint not null default 0
);

-- The invites of a space are listed together.
create index invites_by_space on invites (space_id);
