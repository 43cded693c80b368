-- What was said in a space has one order, the one in which its lines were kept; ids hold the clocks of several processes. `chat_seq` is the
-- last number that was given in a space, and lines up to `chat_cleared` were deleted all at once and are swept bit by bit.
alter table chat_lines add column seq bigint not null default 0;
alter table spaces add column chat_seq bigint not null default 0;
alter table spaces add column chat_cleared bigint not null default 0;

-- Lines that were kept before stay in the order in which they were shown.
update chat_lines set seq = numbered.seq from
    (select id, row_number() over (partition by space_id order by id) as seq from chat_lines) as numbered
    where numbered.id = chat_lines.id;
create index chat_lines_by_seq on chat_lines (space_id, seq);
update spaces set chat_seq = coalesce((select max(seq) from chat_lines where chat_lines.space_id = spaces.id), 0);
