-- Who runs a space. Rows are never deleted, or an epoch could come twice; `node` is empty when nobody runs it. `proven_at` is set
-- while SQL stands in for the directory: as long as it is fresh nobody else may take the space.
create table space_owner (
    space_id text primary key,
    epoch bigint not null,
    node text not null,
    nonce text not null,
    proven_at bigint
);
create index space_owner_by_nonce on space_owner (nonce);
insert into space_owner (space_id, epoch, node, nonce) select space_id, epoch, '', '' from checkpoints;

-- What happened in a space since its checkpoint and must not be lost, in order.
create table space_log (
    space_id text not null references spaces (id) on delete cascade,
    tick bigint not null,
    number bigint not null,
    event bytea not null,
    primary key (space_id, tick, number)
);
