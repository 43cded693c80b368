-- What names are told apart by: without case, and as they look. Both are null for a name that looks like an earlier one's.
-- `name_checked` is 0 until the keys of a name from before were worked out, which needs code: the server does it at its start.
alter table users add column name_key text default null;
alter table users add column name_look text default null;
alter table users add column name_checked bigint not null default 0;
create unique index users_name_key_unique on users (name_key);
create unique index users_name_look_unique on users (name_look);

-- Which names are still to be checked, in the order in which they were taken.
create index users_unchecked on users (name_checked, created_at, id);
