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
-- but a decision relied on that. following names the approved operations that
-- have the reference as their original, oldest first, with spaces in between.
CREATE TABLE sandbox_entry (
    scope     BIGINT NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    recorded  BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    following TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE INDEX sandbox_entry_recorded ON sandbox_entry (scope, recorded, hash_a, hash_b);
