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

-- One row for each reference, by 128 bits of its hash. due is when the next
-- thing happens to the operation; 0 when nothing does any more.
CREATE TABLE bank_operation (
    scope     BIGINT NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    recorded  BIGINT NOT NULL,
    due       BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE INDEX bank_operation_recorded ON bank_operation (scope, recorded);
CREATE INDEX bank_operation_due ON bank_operation (scope, due) WHERE due > 0;

-- What the bank tells unasked, numbered from 1. Row 0 holds the last number.
CREATE TABLE bank_notice (
    scope  BIGINT NOT NULL,
    number BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    body   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, number)
);

-- Money that others have paid in, by 128 bits of the hash of their reference. at
-- is when it is booked.
CREATE TABLE bank_deposit (
    scope     BIGINT NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    amount    BIGINT NOT NULL,
    currency  TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    note      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
