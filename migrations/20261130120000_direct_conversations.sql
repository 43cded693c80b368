-- With whom each person writes, kept with every message, so that the list of it need not read all messages. `unread` stops at a thousand.
create table direct_conversations (
    user_id text not null references users (id) on delete cascade,
    other_id text not null references users (id) on delete cascade,
    last_id text not null,
    unread bigint not null default 0,
    primary key (user_id, other_id)
);
create index direct_conversations_by_last on direct_conversations (user_id, last_id);
create index direct_conversations_by_other on direct_conversations (other_id);

insert into direct_conversations (user_id, other_id, last_id)
    select user_id, other_id, max(id) from
        (select from_id as user_id, to_id as other_id, id from direct_messages
        union all select to_id as user_id, from_id as other_id, id from direct_messages) as sides
    group by user_id, other_id;
update direct_conversations set unread = (select count(*) from direct_messages
    where from_id = direct_conversations.other_id and to_id = direct_conversations.user_id
    and id > coalesce((select up_to from direct_reads where direct_reads.user_id = direct_conversations.user_id
    and direct_reads.other_id = direct_conversations.other_id), ''));
