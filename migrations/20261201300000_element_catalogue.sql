-- How elements are found: pictures of one thing have a family, of which each is a variant. Tags are
-- words to search for, with spaces between them. Empty for elements that admins add.
alter table elements add column family text not null default '';
alter table elements add column variant text not null default '';
alter table elements add column tags text not null default '';
