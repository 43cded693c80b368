-- How far voices carry in a space, in tiles.
alter table spaces add column reach_tiles bigint not null default 5;
