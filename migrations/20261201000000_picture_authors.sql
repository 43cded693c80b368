-- Who wrote the message that shows a picture: only its owner's messages delete a picture when they
-- go. Empty for messages whose author is not known any more; their pictures are swept once nothing
-- shows them.
alter table line_uploads add column user_id text not null default '';
update line_uploads set user_id = coalesce(
    (select user_id from chat_lines where chat_lines.id = line_id), '');
