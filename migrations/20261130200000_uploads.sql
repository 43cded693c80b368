-- Pictures are kept in the format that fits them, and are looked after by where they are shown. `touched_at` is when a picture was brought,
-- or shown in one more place: what nothing shows is swept some time after that.
alter table uploads add column format text not null default 'png';
alter table uploads add column touched_at bigint not null default 0;
update uploads set touched_at = created_at;
create index uploads_by_time on uploads (touched_at);

-- How much each user brought, and what is on its way: one upload at a time, whose bytes are set aside before they come. `ticket` names
-- it and is empty when there is none; one that was not ended by `expires_at` does not count.
create table upload_accounts (
    user_id text primary key references users (id) on delete cascade,
    used bigint not null default 0,
    reserved bigint not null default 0,
    ticket text not null default '',
    expires_at bigint not null default 0
);
insert into upload_accounts (user_id, used)
select user_id, cast(sum(size) as bigint) from uploads where user_id is not null group by user_id;

-- Which messages in spaces show which pictures. A message need not be kept itself, so only the space is referred to.
create table line_uploads (
    line_id text not null,
    hash text not null,
    space_id text not null references spaces (id) on delete cascade,
    at bigint not null default 0,
    primary key (line_id, hash)
);
create index line_uploads_by_hash on line_uploads (hash);
create index line_uploads_by_space on line_uploads (space_id, at);
insert into line_uploads (line_id, hash, space_id, at)
select chat_lines.id, uploads.hash, chat_lines.space_id, chat_lines.at from chat_lines
join uploads on chat_lines.text like '%/files/' || uploads.hash || '.%'
where chat_lines.deleted = 0 and chat_lines.text like '%/files/%';

-- The same for direct messages.
create table direct_uploads (
    message_id text not null references direct_messages (id) on delete cascade,
    hash text not null,
    primary key (message_id, hash)
);
create index direct_uploads_by_hash on direct_uploads (hash);
insert into direct_uploads (message_id, hash)
select direct_messages.id, uploads.hash from direct_messages
join uploads on direct_messages.text like '%/files/' || uploads.hash || '.%'
where direct_messages.text like '%/files/%';

-- Files that are no pictures any more, and those that are about to be pictures: from `due_at` on they may be removed. Files that stand
-- neither here nor in `uploads` are not ours, and stay.
create table dead_uploads (
    name text primary key,
    due_at bigint not null default 0
);
create index dead_uploads_by_time on dead_uploads (due_at);
