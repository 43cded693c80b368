-- The rule of a name's looser keys. Zero for keys by an earlier version: a server works them out
-- again at its start, which needs code.
alter table users add column name_loosely_rule bigint not null default 0;

-- Which names are still to be checked, in the order in which they were taken.
create index users_loosely_by_rule on users (name_loosely_rule, created_at, id);
