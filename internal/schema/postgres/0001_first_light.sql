-- Transactions that were committed, so that one whose answer was lost is not
-- done again. Rows are deleted after a day.
CREATE TABLE train (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

-- What the database says about itself: node numbers given out, master key.
CREATE TABLE meta (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    number BIGINT NOT NULL,
    text   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Every body an API object ever had. The newest version is the object.
CREATE TABLE object_version (
    scope   BIGINT NOT NULL,
    object  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, object, version)
);

-- What happened, in order. Points at the object as it was.
CREATE TABLE event (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    lane    BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    type    TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    object  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE UNIQUE INDEX event_lane_seq ON event (scope, lane, seq);
CREATE INDEX event_type ON event (scope, type, key);

-- The last sequence number given in each lane.
CREATE TABLE event_lane (
    scope BIGINT NOT NULL,
    lane  BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    PRIMARY KEY (scope, lane)
);

-- Idempotency keys, by 128 bits of their hash.
CREATE TABLE idempotency (
    scope    BIGINT NOT NULL,
    hash_a   BIGINT NOT NULL,
    hash_b   BIGINT NOT NULL,
    request  BYTEA NOT NULL,
    state    BIGINT NOT NULL,
    lease    BIGINT NOT NULL,
    recovery BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    origin   TEXT COLLATE "C" NOT NULL,
    reply    TEXT COLLATE "C" NOT NULL,
    sealed   BYTEA NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE INDEX idempotency_created ON idempotency (created);

-- Work to be done later. due is 0 when there is nothing more to do.
CREATE TABLE job (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    state   BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    tries   BIGINT NOT NULL,
    created BIGINT NOT NULL,
    payload TEXT COLLATE "C" NOT NULL,
    problem TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX job_due ON job (due) WHERE due > 0;

-- One data key per subject, sealed under the master key. Deleting the row
-- erases everything that was sealed under it.
CREATE TABLE subject_key (
    scope   BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    sealed  BYTEA NOT NULL,
    PRIMARY KEY (scope, subject)
);
