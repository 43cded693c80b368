-- Hash of the file that a picture was made of, with its owner: the same file is not decoded again.
-- Empty for pictures from before.
alter table uploads add column source text not null default '';
create index uploads_by_source on uploads (user_id, source);
