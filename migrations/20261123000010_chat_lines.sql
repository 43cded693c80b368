-- A line can be changed, taken back, answered, and stand out. `scope` is the number of the protocol; of a deleted line only its place is
-- left, so that answers to it still have something to point at.
alter table chat_lines add column scope bigint not null default 0;
alter table chat_lines add column reply_to text;
alter table chat_lines add column edited_at bigint;
alter table chat_lines add column deleted bigint not null default 0;

-- What people think of lines; one row for each emoji of each user. `at` keeps the order in which they came.
create table chat_reactions (
    line_id text not null references chat_lines (id) on delete cascade,
    emoji text not null,
    user_id text not null,
    at bigint not null,
    primary key (line_id, emoji, user_id)
);

-- How long lines are kept, in days (null for ever), and how many seconds must lie between two of the same user.
alter table spaces add column chat_retention_days bigint;
alter table spaces add column chat_slow_seconds bigint not null default 0;

-- Lines that are too old are swept by time.
create index chat_lines_by_time on chat_lines (space_id, at);
