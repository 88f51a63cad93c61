-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per tenant, with its systems, the hashes of their keys and its
-- settings in the body. A deleted tenant leaves its row without a body, so that
-- every process learns of it.
CREATE TABLE tenant (
    id       TEXT PRIMARY KEY,
    version  BIGINT NOT NULL,
    revision BIGINT NOT NULL, -- of the last change
    body     BYTEA
);
CREATE INDEX tenant_changed ON tenant (revision);

-- The number of changes so far: one row, changed in the transaction of every change.
CREATE TABLE tenant_revision (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    n   BIGINT NOT NULL
);
INSERT INTO tenant_revision (one, n) VALUES (1, 0);

-- The day on which a key was used last, in days since 1970.
CREATE TABLE key_use (
    key TEXT PRIMARY KEY,
    day BIGINT NOT NULL
);

-- Encrypted answers to requests that may be repeated.
CREATE TABLE tenant_request (
    id     TEXT PRIMARY KEY,
    at     BIGINT NOT NULL, -- seconds since 1970
    answer BYTEA NOT NULL
);
CREATE INDEX tenant_request_at ON tenant_request (at);
