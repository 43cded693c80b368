-- What one person wrote to another, wherever both are. Ids rise with time; `pair` is both users' ids, the smaller one first. The sender's
-- own number makes a message that is sent again the same message.
create table direct_messages (
    id text primary key,
    pair text not null,
    from_id text not null references users (id) on delete cascade,
    to_id text not null references users (id) on delete cascade,
    client_id bigint not null,
    text text not null,
    at bigint not null,
    constraint direct_messages_once unique (from_id, to_id, client_id)
);
create index direct_messages_by_pair on direct_messages (pair, id);
create index direct_messages_by_recipient on direct_messages (to_id, id);

-- Up to which message somebody has read what another wrote to them.
create table direct_reads (
    user_id text not null references users (id) on delete cascade,
    other_id text not null references users (id) on delete cascade,
    up_to text not null,
    primary key (user_id, other_id)
);
