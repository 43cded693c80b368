-- Who may enter a space and what each role may do there. `access` goes on to say whether the lobby
-- lists it. Null is no limit, no end or no password; `permission_roles` is JSON, with the roles of
-- the permissions that owners may hand out. Flags and times as everywhere. `membership_version`
-- rises with every change of a membership, a ban or a rule of entering, in the same transaction, so
-- that a process that was not told of the change finds it.
alter table spaces add column access_policy text not null default 'open';
alter table spaces add column password_hash text default null;
alter table spaces add column password_version bigint not null default 0;
alter table spaces add column guests bigint not null default 0;
alter table spaces add column capacity bigint default null;
alter table spaces add column opens_at bigint default null;
alter table spaces add column closes_at bigint default null;
alter table spaces add column lockdown_until bigint default null;
alter table spaces add column permission_roles text not null default '{}';
alter table spaces add column membership_version bigint not null default 1;
alter table spaces add column description text not null default '';
alter table spaces add column thumbnail text default null;
alter table spaces add column word_filter text not null default '';
alter table spaces add column appeal text not null default '';
alter table spaces add column archived_at bigint default null;
alter table spaces add column deleted_at bigint default null;

-- A guest has no account: `username` is a placeholder, and `display_name` is shown in its place.
-- `invite_id` is the invite by which the guest came, `guest_network` a keyed hash of the network.
alter table users add column is_guest bigint not null default 0;
alter table users add column display_name text default null;
alter table users add column invite_id text default null;
alter table users add column guest_network text default null;
alter table users add column changed_at bigint not null default 0;
alter table users add column findable text not null default 'known';
alter table users add column delete_at bigint default null;

-- Guests are counted, and swept when they are gone.
create index users_by_guest on users (is_guest, created_at);

-- Members of a space. The owner is `spaces.creator_id` and has no row.
create table space_members (
    space_id text not null references spaces (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null default 'member',
    at bigint not null default 0,
    by_id text default null references users (id) on delete set null,
    primary key (space_id, user_id)
);
create index space_members_by_user on space_members (user_id);

-- Proof that a user passed the access policy of a space. One for a password holds until the
-- password changes.
create table access_grants (
    space_id text not null references spaces (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    reason text not null default '',
    until bigint not null default 0,
    password_version bigint not null default 0,
    primary key (space_id, user_id, reason)
);

-- Who asks to be let in. `answer` is empty until someone answers.
create table join_requests (
    space_id text not null references spaces (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    text text not null default '',
    at bigint not null default 0,
    answer text not null default '',
    by_id text default null references users (id) on delete set null,
    primary key (space_id, user_id)
);
create index join_requests_by_user on join_requests (user_id);

-- Who came by which invite, so that each counts once.
create table invite_uses (
    invite_id text not null references invites (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    at bigint not null default 0,
    primary key (invite_id, user_id)
);

-- Offers of an owner to hand a space over.
create table transfers (
    space_id text primary key references spaces (id) on delete cascade,
    to_id text not null references users (id) on delete cascade,
    by_id text default null references users (id) on delete set null,
    expires_at bigint not null default 0
);

-- Keys that all processes of a server share, made by the first one that needs them.
create table server_keys (
    name text primary key,
    value text not null default ''
);
