-- Until when a user may not use the server, and why: null when they may; the largest number for "until an admin lifts it".
alter table users add column suspended_until bigint;
alter table users add column suspended_reason text;
