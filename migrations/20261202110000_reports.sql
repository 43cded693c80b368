-- Who reads a report, and who answered it. `about_rank` is the place of the reported person's role
-- in the chain of roles at that time, so that only people above them read the report; `to_admins`
-- is 1 where no one in the space was above them. Names are those of that time.
alter table reports add column about_rank bigint not null default 0;
alter table reports add column to_admins bigint not null default 0;
alter table reports add column done_name text not null default '';
alter table reports add column done_at bigint default null;
create index reports_by_author on reports (by_id, id);
create index reports_to_admins on reports (to_admins, id);
