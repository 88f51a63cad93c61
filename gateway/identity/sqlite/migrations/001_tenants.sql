-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per tenant, with its systems, the hashes of their keys and its
-- settings in the body. A deleted tenant leaves its row without a body, so that
-- every process learns of it.
CREATE TABLE tenant (
    id       TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of the last change
    body     BLOB
);
CREATE INDEX tenant_changed ON tenant (revision);

-- The number of changes so far: one row, changed in the transaction of every change.
CREATE TABLE tenant_revision (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    n   INTEGER NOT NULL
);
INSERT INTO tenant_revision (one, n) VALUES (1, 0);

-- The day on which a key was used last, in days since 1970.
CREATE TABLE key_use (
    key TEXT PRIMARY KEY,
    day INTEGER NOT NULL
);

-- Encrypted answers to requests that may be repeated.
CREATE TABLE tenant_request (
    id     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL, -- seconds since 1970
    answer BLOB NOT NULL
);
CREATE INDEX tenant_request_at ON tenant_request (at);
