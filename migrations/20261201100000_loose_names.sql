-- Looser keys of names, of which no two users have the same: without dots around a name and marks
-- below letters. Null for a name that looks like an earlier one's. People sign in by the keys from
-- before, so that these lock no one out.
alter table users add column name_key_loose text default null;
alter table users add column name_look_loose text default null;
-- 0 until the looser keys of a name from before were worked out, which needs code: the server does
-- it at its start.
alter table users add column name_loosely_checked bigint not null default 0;
create unique index users_name_key_loose_unique on users (name_key_loose);
create unique index users_name_look_loose_unique on users (name_look_loose);

-- Which names are still to be checked, in the order in which they were taken.
create index users_loosely_unchecked on users (name_loosely_checked, created_at, id);
