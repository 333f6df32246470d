-- Transactions that were committed, so that one whose answer was lost is not
-- done again. Rows are deleted after a day.
CREATE TABLE train (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

-- What the book says about itself: node numbers given out.
CREATE TABLE meta (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    number BIGINT NOT NULL,
    text   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);

-- One row for each reference, by 128 bits of its hash. recorded is when its
-- operation was recorded, as a key that rises; it is zero where there is none,
-- but a decision relied on that. following names the operations, declined ones
-- not, that have the reference as their original, oldest first, with spaces in
-- between. notices is the number of the last of its notices, and due when
-- something is due for it, in ms since 1970; both are zero where there is none.
CREATE TABLE sandbox_entry (
    scope     BIGINT NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    recorded  BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    following TEXT COLLATE "C" NOT NULL,
    notices   BIGINT NOT NULL,
    due       BIGINT NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE INDEX sandbox_entry_recorded ON sandbox_entry (scope, recorded, hash_a, hash_b);
CREATE INDEX sandbox_entry_notices ON sandbox_entry (scope, notices) WHERE notices > 0;
CREATE INDEX sandbox_entry_due ON sandbox_entry (scope, due) WHERE due > 0;

-- One row: the number of the newest notice.
CREATE TABLE sandbox_feed (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
INSERT INTO sandbox_feed (scope, key, number) VALUES (0, 0, 0);
