-- Whether what is said in a space is kept for ever, or forgotten when nobody is there any more.
alter table spaces add column chat text not null default 'ephemeral';

-- What was said in spaces that keep it. Ids rise with time. `search` is the text in small letters.
create table chat_lines (
    id text primary key,
    space_id text not null references spaces (id) on delete cascade,
    user_id text not null,
    name text not null,
    text text not null,
    search text not null,
    at bigint not null
);
create index chat_lines_by_space on chat_lines (space_id, id);
