-- How many voices and pictures somebody hears and sees at once by distance, and whether walls stop voices (null: as the map says). How far
-- voices carry stands beside them since `reach_tiles`.
alter table spaces add column most_voices bigint not null default 16;
alter table spaces add column most_pictures bigint not null default 9;
alter table spaces add column walls bigint;
