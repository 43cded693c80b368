-- How many bytes the kept messages of a space take, with 256 for each message in addition to its
-- text: the oldest are forgotten when it is too much.
alter table spaces add column chat_bytes bigint not null default 0;
update spaces set chat_bytes = coalesce(
    (select sum(octet_length(text) + 256) from chat_lines where space_id = spaces.id), 0);
