-- Who may not enter a space: `kind` is `kick` or `ban`, `until` the largest number for "until it is
-- lifted". `user_id` is null where new guests of a network are kept out: `network` is a keyed hash
-- of it. Names are those of that time.
create table bans (
    id text primary key,
    kind text not null default 'ban',
    space_id text not null references spaces (id) on delete cascade,
    user_id text default null references users (id) on delete cascade,
    network text default null,
    until bigint not null default 0,
    reason text not null default '',
    by_id text default null references users (id) on delete set null,
    by_name text not null default '',
    at bigint not null default 0,
    lifted_at bigint default null
);
create index bans_by_user on bans (space_id, user_id);
create index bans_by_network on bans (space_id, network);

-- Who may not write, or is not heard or seen: `what` is `chat`, `voice` or `video`.
create table mutes (
    space_id text not null references spaces (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    what text not null,
    until bigint not null default 0,
    by_id text default null references users (id) on delete set null,
    by_name text not null default '',
    at bigint not null default 0,
    primary key (space_id, user_id, what)
);

-- What people reported about others. `context` is JSON: messages as they were, and where the two
-- stood. Nothing but the space is referenced, so that a report outlives its people.
create table reports (
    id text primary key,
    space_id text not null references spaces (id) on delete cascade,
    by_id text default null,
    about_id text default null,
    kind text not null default '',
    text text not null default '',
    context text not null default '{}',
    state text not null default 'open',
    answer text not null default '',
    done_by text default null,
    at bigint not null default 0
);
create index reports_by_space on reports (space_id, id);

-- Rows older than a year are swept by time.
create index audit_log_by_time on audit_log (at);
