-- Pictures come first, because people refer to them. `seed_key` names what came from a seed folder, so that seeding
-- again updates it instead of adding it twice.
create table avatars (
    id text primary key,
    name text not null,
    image_url text not null,
    seed_key text unique,
    created_at bigint not null
);

-- Names are unique, so that a name over a head means one person.
create table users (
    id text primary key,
    username text not null constraint users_username_unique unique,
    password_hash text not null,
    role text not null check (role in ('user', 'admin')),
    avatar_id text references avatars (id) on delete set null,
    created_at bigint not null
);

-- Only a hash of the token is kept, so that a stolen database signs nobody in.
create table sessions (
    token_hash text primary key,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    used_at bigint not null,
    expires_at bigint not null
);

-- Signing out everywhere and deleting a user find the sessions by user.
create index sessions_by_user on sessions (user_id);

-- Expired sessions are swept by time.
create index sessions_by_expiry on sessions (expires_at);

-- The one-time token of the first-run set-up; one row, replaced at each start while there is no admin.
create table setup (
    id bigint primary key check (id = 1),
    token_hash text not null,
    created_at bigint not null
);
