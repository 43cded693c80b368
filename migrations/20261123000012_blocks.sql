-- Whom a user keeps away from them: such two never hear, see or wave at one another, in any space.
create table blocks (
    user_id text not null references users (id) on delete cascade,
    other_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (user_id, other_id)
);

-- Whether somebody is kept away is asked from both sides, and deleting a user finds the rows of both.
create index blocks_by_other on blocks (other_id);
