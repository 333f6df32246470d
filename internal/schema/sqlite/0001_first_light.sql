-- What the database says about itself: node numbers given out, master key.
CREATE TABLE meta (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- The versions of objects that newer ones have replaced. The latest one is in the
-- table of its kind.
CREATE TABLE object_version (
    scope   INTEGER NOT NULL,
    object  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, object, version)
) STRICT, WITHOUT ROWID;

-- What happened, in order. Points at the object as it was.
CREATE TABLE event (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    object  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    request TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_lane_seq ON event (scope, lane, seq);
CREATE INDEX event_type ON event (scope, type, key);

-- Each lane of events: the last sequence number given; while due is not 0, the
-- first one that is not handed on to those who listen; the last one whose event
-- was deleted for its age.
CREATE TABLE event_lane (
    scope INTEGER NOT NULL,
    lane  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    fresh INTEGER NOT NULL,
    due   INTEGER NOT NULL,
    gone  INTEGER NOT NULL,
    PRIMARY KEY (scope, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_lane_due ON event_lane (due) WHERE due > 0;

-- The scopes in which somebody listens to events, or once did.
CREATE TABLE event_audience (
    scope INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- What search finds objects by: keyed hashes of words and parts of words.
CREATE TABLE search_term (
    scope INTEGER NOT NULL,
    term  INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    PRIMARY KEY (scope, term, key)
) STRICT, WITHOUT ROWID;

-- The terms that stand for an object, so that those which it no longer has go.
CREATE TABLE search_entry (
    scope INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    terms BLOB NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- How far the index of this format is built. scope is 0.
CREATE TABLE search_build (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    noun     INTEGER NOT NULL,
    at_scope INTEGER NOT NULL,
    at_key   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Idempotency keys, by 128 bits of their hash.
CREATE TABLE idempotency (
    scope    INTEGER NOT NULL,
    hash_a   INTEGER NOT NULL,
    hash_b   INTEGER NOT NULL,
    request  BLOB    NOT NULL,
    state    INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    recovery INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    origin   TEXT    NOT NULL,
    reply    TEXT    NOT NULL,
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX idempotency_created ON idempotency (created);

-- Work to be done later. due is 0 when there is nothing more to do. line is the
-- test clock that at is told by; 0: the system's.
CREATE TABLE job (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    state   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    owner   INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    created INTEGER NOT NULL,
    payload TEXT    NOT NULL,
    problem TEXT    NOT NULL,
    line    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX job_due ON job (kind, due) WHERE due > 0;
CREATE INDEX job_line ON job (scope, line, at, key) WHERE line > 0 AND due > 0;
CREATE INDEX job_dead ON job (scope, key) WHERE due = 0;

-- Test clocks: lines of time that are moved by hand.
CREATE TABLE test_clock (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- One data key per subject, sealed under the master key. Deleting the row
-- erases everything that was sealed under it.
CREATE TABLE subject_key (
    scope   INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    PRIMARY KEY (scope, subject)
) STRICT, WITHOUT ROWID;

-- Payments: what each kind of object is looked up by.
CREATE TABLE payment_intent (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    indexed  INTEGER NOT NULL,
    digest   INTEGER NOT NULL,
    status   TEXT    NOT NULL,
    customer INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    currency TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_intent_stale ON payment_intent (scope, key) WHERE indexed <> digest;
CREATE INDEX payment_intent_customer ON payment_intent (scope, customer, key) WHERE customer > 0;

-- Operations at providers. due is 0 when nothing is left to do.
CREATE TABLE attempt (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    due     INTEGER NOT NULL,
    owner   INTEGER NOT NULL,
    intent  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX attempt_due ON attempt (due) WHERE due > 0;
CREATE INDEX attempt_intent ON attempt (scope, intent, key);

CREATE TABLE charge (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    indexed  INTEGER NOT NULL,
    digest   INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    intent   INTEGER NOT NULL,
    status   TEXT    NOT NULL,
    amount   INTEGER NOT NULL,
    currency TEXT    NOT NULL,
    transfer_group TEXT NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX charge_stale ON charge (scope, key) WHERE indexed <> digest;
CREATE INDEX charge_customer ON charge (scope, customer, key) WHERE customer > 0;
CREATE INDEX charge_intent ON charge (scope, intent, key);
CREATE INDEX charge_group ON charge (scope, transfer_group, key) WHERE transfer_group <> '';

CREATE TABLE refund (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    charge  INTEGER NOT NULL,
    intent  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_charge ON refund (scope, charge, key);
CREATE INDEX refund_intent ON refund (scope, intent, key);

-- Movements of money: one row debits one account and credits another. number
-- counts the postings that debit the account, from 1 and without gaps, in the
-- order of their commits. txn is the key of the balance transaction it belongs
-- to, or, negated, of the maturity. Rows are never changed.
CREATE TABLE posting (
    scope    INTEGER NOT NULL,
    debit    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    txn      INTEGER NOT NULL,
    credit   INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (scope, debit, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_txn ON posting (scope, txn, key);

-- The sums of an account's postings, and of the holds on it; the number of the
-- last posting that debits it.
CREATE TABLE balance (
    scope   INTEGER NOT NULL,
    account INTEGER NOT NULL,
    debits  INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (scope, account)
) STRICT, WITHOUT ROWID;

-- Seals of postings, a chain for each shard. span says which postings, digest is
-- over them, head over the seal and the one before it. scope is 0.
CREATE TABLE seal (
    scope    INTEGER NOT NULL,
    shard    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    postings INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    span     BLOB NOT NULL,
    digest   BLOB NOT NULL,
    previous BLOB NOT NULL,
    head     BLOB NOT NULL,
    PRIMARY KEY (scope, shard, number)
) STRICT;

-- The last seal of each shard. Whoever seals holds this row. scope is 0.
CREATE TABLE seal_chain (
    scope  INTEGER NOT NULL,
    shard  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head   BLOB NOT NULL,
    PRIMARY KEY (scope, shard)
) STRICT;

-- How far the postings that debit an account are sealed.
CREATE TABLE seal_mark (
    scope   INTEGER NOT NULL,
    account INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (scope, account)
) STRICT;

-- What a merchant sees of a movement of money.
CREATE TABLE balance_transaction (
    scope        INTEGER NOT NULL,
    key          INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    source       INTEGER NOT NULL,
    type         TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    available_on INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX balance_transaction_source ON balance_transaction (scope, source, key);
CREATE INDEX balance_transaction_type ON balance_transaction (scope, type, key);

-- How balances stood when an event told of them.
CREATE TABLE balance_stand (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- What becomes available on a day. The key is the day's number since 1970,
-- times 1000, plus the currency's numeric code.
CREATE TABLE maturity (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    accrued INTEGER NOT NULL,
    posted  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX maturity_due ON maturity (key) WHERE posted = 0;

-- How much of something may be done in all, and how much was.
CREATE TABLE guard (
    scope    INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    ceiling  INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    PRIMARY KEY (scope, subject, kind)
) STRICT, WITHOUT ROWID;

-- Parts of a balance that are set aside for what is under way.
CREATE TABLE hold (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    account INTEGER NOT NULL,
    amount  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Money on its way from one scope to another: side 1 is the payer's row, side 2 the
-- receiver's, under the same key. peer is the other scope; account is due_to or
-- due_from in the currency. state is 1 until it has arrived.
CREATE TABLE remittance (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    side    INTEGER NOT NULL,
    peer    INTEGER NOT NULL,
    account INTEGER NOT NULL,
    amount  INTEGER NOT NULL,
    txn     INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    PRIMARY KEY (scope, key, side)
) STRICT, WITHOUT ROWID;

-- Merchants.
CREATE TABLE account (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- The account that was made first, under one fixed key, so that of two
-- processes that start on an empty database only one makes it.
CREATE TABLE first_account (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    account INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- API keys by 128 bits of their SHA-256, of which hash is the whole.
CREATE TABLE api_key (
    scope    INTEGER NOT NULL,
    hash_a   INTEGER NOT NULL,
    hash_b   INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    account  INTEGER NOT NULL,
    livemode INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    last4    TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    permissions TEXT NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE UNIQUE INDEX api_key_id ON api_key (id);
CREATE INDEX api_key_account ON api_key (account, id);

-- Customers. The address is looked up by a keyed hash of it; 0 when there is none.
CREATE TABLE customer (
    scope      INTEGER NOT NULL,
    key        INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    indexed    INTEGER NOT NULL,
    digest     INTEGER NOT NULL,
    email_hash INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    test_clock INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX customer_stale ON customer (scope, key) WHERE indexed <> digest;
CREATE INDEX customer_test_clock ON customer (scope, test_clock, key) WHERE test_clock > 0;
CREATE INDEX customer_email_hash ON customer (scope, email_hash, key);

-- Payment methods. customer is whom one is attached to, owner whom it was last
-- attached to; 0 for nobody.
CREATE TABLE payment_method (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    type     TEXT    NOT NULL,
    owner    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_method_customer ON payment_method (scope, customer, key);
CREATE INDEX payment_method_owner ON payment_method (scope, owner, key) WHERE owner > 0;

-- Methods that are set up without a payment, the attempts at it, and the
-- permissions given.
CREATE TABLE setup_intent (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    status   TEXT NOT NULL,
    customer INTEGER NOT NULL,
    method   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX setup_intent_customer ON setup_intent (scope, customer, key) WHERE customer > 0;
CREATE INDEX setup_intent_method ON setup_intent (scope, method, key) WHERE method > 0;

-- due is 0 when nothing is left to do.
CREATE TABLE setup_attempt (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    owner   INTEGER NOT NULL,
    intent  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX setup_attempt_due ON setup_attempt (due) WHERE due > 0;
CREATE INDEX setup_attempt_intent ON setup_attempt (scope, intent, key);

CREATE TABLE mandate (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    method  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX mandate_method ON mandate (scope, method, key);

-- What payers' pages have collected for a confirmation.
CREATE TABLE confirmation_token (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Tokens: card data sent once, to be used once.
CREATE TABLE token (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Card numbers, each sealed under a subject key of its own.
CREATE TABLE card (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    sealed BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Card security codes, sealed like the number, from their arrival to the first
-- definite outcome, or until they expire.
CREATE TABLE card_cvc (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_cvc_expires ON card_cvc (expires);

-- What providers told unasked, by the provider (a hash of its name) and its
-- number there. due is when what could not be applied yet is tried again; 0:
-- done. In scope 0 stands what is about nothing that there is.
CREATE TABLE notice (
    scope    INTEGER NOT NULL,
    provider INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (scope, provider, number)
) STRICT;
CREATE INDEX notice_due ON notice (due) WHERE due > 0;

-- How far each provider's notices were read. scope is 0: providers are nobody's.
CREATE TABLE notice_cursor (
    scope    INTEGER NOT NULL,
    provider INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    PRIMARY KEY (scope, provider)
) STRICT;

-- Disputes and inquiries about charges.
CREATE TABLE dispute (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    status  TEXT    NOT NULL,
    charge  INTEGER NOT NULL,
    intent  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX dispute_charge ON dispute (scope, charge, key);
CREATE INDEX dispute_intent ON dispute (scope, intent, key);

-- Issuers' warnings that a charge was fraud.
CREATE TABLE fraud_warning (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    charge  INTEGER NOT NULL,
    intent  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX fraud_warning_charge ON fraud_warning (scope, charge, key);
CREATE INDEX fraud_warning_intent ON fraud_warning (scope, intent, key);

-- Webhooks: where merchants want to be told what happened.
CREATE TABLE webhook_endpoint (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Endpoints with something to send. due is when one may be claimed: for one that
-- is being served, when its owner's lease ends; 0 when there is nothing to send.
-- mark counts what was added.
CREATE TABLE webhook_queue (
    scope    INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    owner    INTEGER NOT NULL,
    mark     INTEGER NOT NULL,
    failing  INTEGER NOT NULL,
    PRIMARY KEY (scope, endpoint)
) STRICT;
CREATE INDEX webhook_queue_due ON webhook_queue (due) WHERE due > 0;

-- What is sent to whom: one row for each event and endpoint. due is 0 when it is
-- not to be sent (any more); failed is when the first try failed, or 0.
CREATE TABLE webhook_delivery (
    scope    INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    lane     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    failed   INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    PRIMARY KEY (scope, event, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_delivery_due ON webhook_delivery (scope, endpoint, due) WHERE due > 0;
CREATE INDEX webhook_delivery_open ON webhook_delivery (scope, endpoint, lane, seq) WHERE state <> 2;
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (scope, endpoint, event);

-- Each time that something was sent, and what came back.
CREATE TABLE webhook_attempt (
    scope    INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    took     INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    problem  TEXT NOT NULL,
    reply    BLOB NOT NULL,
    PRIMARY KEY (scope, event, key)
) STRICT, WITHOUT ROWID;

-- Changes to what a customer has to its good, or owes, on its next invoice.
CREATE TABLE customer_balance_change (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX customer_balance_change_customer ON customer_balance_change (scope, customer, key);

-- Money that is held for customers, and its changes.
CREATE TABLE cash_balance (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX cash_balance_customer ON cash_balance (scope, customer, key);
CREATE TABLE cash_transaction (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX cash_transaction_customer ON cash_transaction (scope, customer, key);

-- Keys by which customers' devices look at their customers for a while.
CREATE TABLE ephemeral_key (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Tax ids of customers.
CREATE TABLE tax_id (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    deleted  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX tax_id_customer ON tax_id (scope, customer, key);

-- Who had which events sent again.
CREATE TABLE webhook_replay (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Money that moved between accounts of which the merchant sees none.
CREATE TABLE movement (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    source  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Bank accounts of the merchant. deleted is 1 once one was removed.
CREATE TABLE bank_account (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX bank_account_deleted ON bank_account (scope, deleted, key);

-- The default bank account of each currency, whose ISO 4217 numeric code the
-- key is. next is when an automatic payout to it is considered next.
CREATE TABLE bank_default (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    account INTEGER NOT NULL,
    next    INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX bank_default_next ON bank_default (next);

-- Tokens of bank accounts, to be used once.
CREATE TABLE bank_token (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Payouts. arrival is the second on which one is expected.
CREATE TABLE payout (
    scope       INTEGER NOT NULL,
    key         INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    destination INTEGER NOT NULL,
    arrival     INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX payout_status ON payout (scope, status, key);
CREATE INDEX payout_destination ON payout (scope, destination, key);

-- What is asked of a bank for a payout. due is 0 when nothing is left to do.
CREATE TABLE payout_attempt (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    due     INTEGER NOT NULL,
    owner   INTEGER NOT NULL,
    payout  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX payout_attempt_due ON payout_attempt (due) WHERE due > 0;
CREATE INDEX payout_attempt_key ON payout_attempt (key);
CREATE INDEX payout_attempt_payout ON payout_attempt (scope, payout, key);

-- How far the notices of a bank are read. scope is 0; the key is of the bank's
-- name.
CREATE TABLE payout_notice (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Files that merchants uploaded. expires is when the content is deleted; 0 for
-- never, and once it is.
CREATE TABLE file (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    purpose TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX file_purpose ON file (scope, purpose, key);
CREATE INDEX file_expires ON file (expires) WHERE expires > 0;

-- Contents of files, sealed. Number 0 is the data key.
CREATE TABLE file_chunk (
    scope  INTEGER NOT NULL,
    upload INTEGER NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB    NOT NULL,
    PRIMARY KEY (scope, upload, number)
) STRICT;

-- Uploads that are not files yet.
CREATE TABLE file_upload (
    scope  INTEGER NOT NULL,
    upload INTEGER NOT NULL,
    made   INTEGER NOT NULL,
    PRIMARY KEY (scope, upload)
) STRICT;
CREATE INDEX file_upload_made ON file_upload (made);

-- Links to files.
CREATE TABLE file_link (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    file    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX file_link_file ON file_link (scope, file, key);

-- Which payment methods are on.
CREATE TABLE payment_method_configuration (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- The configuration that is used where none is named, under one fixed key.
CREATE TABLE payment_method_default (
    scope         INTEGER NOT NULL,
    key           INTEGER NOT NULL,
    configuration INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- Domains that show payment methods. A name stands once in a scope.
CREATE TABLE payment_method_domain (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    enabled INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX payment_method_domain_name ON payment_method_domain (scope, name, key);
CREATE INDEX payment_method_domain_enabled ON payment_method_domain (scope, enabled, key);

-- End of the merchant's own account.

-- Domains registered for Apple Pay by the older calls.
CREATE TABLE apple_pay_domain (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    deleted INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX apple_pay_domain_name ON apple_pay_domain (scope, name, key);

-- Payments that somebody should look at.
CREATE TABLE review (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    open    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX review_open ON review (scope, open, key);

-- Reconciliation: what the books say beside what providers and banks say.

-- Differences that nothing explains.
CREATE TABLE settle_break (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    state    TEXT NOT NULL,
    type     TEXT NOT NULL,
    provider TEXT NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX settle_break_state ON settle_break (scope, state, key);

-- Which break is the latest about something, by a hash of its type and subject.
CREATE TABLE settle_mark (
    scope     INTEGER NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    break_key INTEGER NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;

-- Files that providers and banks sent. scope is 0: a file tells of all accounts. key
-- is made of the provider and the digest, so that the same file is there once.
-- state is 1 once all lines are there, and kept is how many are.
CREATE TABLE settle_file (
    scope     INTEGER NOT NULL,
    key       INTEGER NOT NULL,
    state     INTEGER NOT NULL,
    provider  TEXT NOT NULL,
    name      TEXT NOT NULL,
    day       TEXT NOT NULL,
    revision  INTEGER NOT NULL,
    statement INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    lines     INTEGER NOT NULL,
    kept      INTEGER NOT NULL,
    loaded    INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX settle_file_day ON settle_file (scope, provider, day, revision);

-- What statements say of themselves, by a hash of the account and of the place in
-- its sequence. scope is 0.
CREATE TABLE settle_sheet (
    scope    INTEGER NOT NULL,
    chain    INTEGER NOT NULL,
    hash     INTEGER NOT NULL,
    provider TEXT NOT NULL,
    account  TEXT NOT NULL,
    currency TEXT NOT NULL,
    day      TEXT NOT NULL,
    number   INTEGER NOT NULL,
    page     INTEGER NOT NULL,
    opened   INTEGER NOT NULL,
    opening  INTEGER NOT NULL,
    closing  INTEGER NOT NULL,
    PRIMARY KEY (scope, chain, hash)
) STRICT;
CREATE INDEX settle_sheet_chain ON settle_sheet (scope, chain, day, number, page);

-- Their lines. item_scope and item name what a line is matched with. state says
-- what became of it; settled is 1 once it stands in the books.
CREATE TABLE settle_line (
    scope      INTEGER NOT NULL,
    file       INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    provider   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    reference  TEXT NOT NULL,
    note       TEXT NOT NULL,
    batch      TEXT NOT NULL,
    gross      INTEGER NOT NULL,
    fee        INTEGER NOT NULL,
    net        INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    settled    INTEGER NOT NULL,
    item_scope INTEGER NOT NULL,
    item       INTEGER NOT NULL,
    PRIMARY KEY (scope, file, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX settle_line_open ON settle_line (scope, provider, file, number) WHERE state = 0;
CREATE INDEX settle_line_paid ON settle_line (kind, file, number) WHERE kind = 'deposit' AND settled = 0;
CREATE INDEX settle_line_batch ON settle_line (scope, provider, batch, file, number);

-- What of the books a report or a statement is to tell of. remaining is what of
-- the amount is not settled; the sum of it is what there is in provider_clearing.
CREATE TABLE settle_item (
    scope     INTEGER NOT NULL,
    key       INTEGER NOT NULL,
    account   INTEGER NOT NULL,
    txn       INTEGER NOT NULL,
    provider  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    reference TEXT NOT NULL,
    currency  TEXT NOT NULL,
    amount    INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    state     INTEGER NOT NULL,
    break_key INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX settle_item_open ON settle_item (provider, scope, key) WHERE state = 0;
CREATE INDEX settle_item_reference ON settle_item (provider, reference);

-- How far the postings that debit an account were looked through.
CREATE TABLE settle_cursor (
    scope   INTEGER NOT NULL,
    account INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (scope, account)
) STRICT;

-- What of the money at a provider is explained, by a hash of provider and
-- currency, as the last run left it.
CREATE TABLE settle_summary (
    scope    INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    provider TEXT NOT NULL,
    currency TEXT NOT NULL,
    total    INTEGER NOT NULL,
    matched  INTEGER NOT NULL,
    awaiting INTEGER NOT NULL,
    broken   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- What providers sent unasked, raw but for card data, by a hash of who sent it
-- and of its name there. scope is 0: a message names operations by our
-- references, which carry no account.
CREATE TABLE provider_message (
    scope    INTEGER NOT NULL,
    hash_a   INTEGER NOT NULL,
    hash_b   INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event    TEXT NOT NULL,
    received INTEGER NOT NULL,
    settled  INTEGER NOT NULL,
    copies   INTEGER NOT NULL,
    problem  TEXT NOT NULL,
    raw      TEXT NOT NULL,
    notices  TEXT NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX provider_message_state ON provider_message (scope, state, received);

-- Which messages tell of an operation, by a hash of our reference and half of
-- the message's. scope is 0.
CREATE TABLE provider_message_about (
    scope     INTEGER NOT NULL,
    subject   INTEGER NOT NULL,
    message   INTEGER NOT NULL,
    reference TEXT NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    PRIMARY KEY (scope, subject, message)
) STRICT;
