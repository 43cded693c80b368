-- Which words stand in which line, so that a search need not read every line. A word is UTF-8 as bytes: they are compared byte by byte in every
-- database, whatever the language of a server.
create table chat_words (
    space_id text not null references spaces (id) on delete cascade,
    word bytea not null,
    seq bigint not null,
    primary key (space_id, word, seq)
);

-- Lines whose words are not there yet: those of earlier versions. They are filled in while the server runs.
alter table chat_lines add column indexed bigint not null default 0;
create index chat_lines_unindexed on chat_lines (space_id, id) where indexed = 0;
