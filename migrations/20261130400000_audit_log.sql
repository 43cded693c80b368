-- What admins did to people and their things, with the names of that time: rows outlive what they speak of, so nothing is referenced.
-- `actor_id` is null for the command line, `space_id` for what concerns the whole server.
create table audit_log (
    id text primary key,
    space_id text,
    actor_id text,
    actor text not null default '',
    action text not null default '',
    target_id text,
    target text not null default '',
    detail text not null default '',
    at bigint not null default 0
);

-- It is shown newest first, page by page; ids rise with time.
create index audit_log_by_space on audit_log (space_id, id);
