-- Word filters of spaces. `spaces.word_filter` is the id of the list that holds, or empty. A list
-- is never changed, only followed by one with another id, so that processes know by the id whether
-- they have it. `words` has a word in each line; `action` is `redact`, `refuse` or `report`.
create table word_lists (
    id text primary key,
    space_id text not null references spaces (id) on delete cascade,
    action text not null default 'redact',
    words text not null default '',
    at bigint not null default 0
);
create index word_lists_by_space on word_lists (space_id);
