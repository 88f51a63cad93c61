-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per limit of one scope (and period, for budgets). Amounts are
-- millionths of a euro, requests or tokens per minute, or places.
CREATE TABLE quota_account (
    id     TEXT PRIMARY KEY,
    ends   INTEGER NOT NULL,           -- nanoseconds since 1970; 0: never
    used   INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0, -- the sum of quota_lease.amount
    lost   INTEGER NOT NULL DEFAULT 0, -- the sum of quota_lease.lost
    hungry INTEGER NOT NULL DEFAULT 0, -- until then the replica in asker needs what others hold
    asker  TEXT NOT NULL DEFAULT '',
    ready  INTEGER NOT NULL DEFAULT 0  -- then a share that nobody holds is full
);

CREATE INDEX quota_account_hungry ON quota_account (hungry);

-- What a replica holds of an account.
CREATE TABLE quota_lease (
    account TEXT NOT NULL,
    replica TEXT NOT NULL,
    amount  INTEGER NOT NULL,
    lost    INTEGER NOT NULL,
    seq     INTEGER NOT NULL, -- of the last claim, which got granted
    granted INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (account, replica)
);
CREATE INDEX quota_lease_expires ON quota_lease (expires);

-- Processes that are alive.
CREATE TABLE quota_replica (
    id      TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
);

-- What was used in an hour (German time). person is empty unless the tenant's
-- agreement allows it, and then a pseudonym.
CREATE TABLE quota_usage (
    day              TEXT NOT NULL,
    hour             INTEGER NOT NULL,
    tenant           TEXT NOT NULL,
    system           TEXT NOT NULL,
    cost_centre      TEXT NOT NULL,
    purpose          TEXT NOT NULL,
    service          TEXT NOT NULL,
    model            TEXT NOT NULL,
    outcome          TEXT NOT NULL,
    person           TEXT NOT NULL,
    requests         INTEGER NOT NULL,
    input_reported   INTEGER NOT NULL,
    input_estimated  INTEGER NOT NULL,
    output_reported  INTEGER NOT NULL,
    output_estimated INTEGER NOT NULL,
    cost             INTEGER NOT NULL,
    masked           INTEGER NOT NULL,
    energy           INTEGER NOT NULL,
    PRIMARY KEY (day, hour, tenant, system, cost_centre, purpose, service, model, outcome, person)
);
CREATE INDEX quota_usage_tenant ON quota_usage (tenant, day);

-- Batches that were added, so that none counts twice.
CREATE TABLE quota_batch (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
);

-- Budgets that were used to 80, 90 and 100 per cent.
CREATE TABLE quota_notice (
    account TEXT NOT NULL,
    percent INTEGER NOT NULL,
    tenant  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    ends    INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (account, percent)
);
CREATE INDEX quota_notice_at ON quota_notice (at);
