-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- Keys of cases and entries, sealed under the key of their tenant. A row without
-- wrapped is a tombstone.
CREATE TABLE vault_key (
    id        TEXT PRIMARY KEY,
    tenant    TEXT NOT NULL,
    name      TEXT NOT NULL,
    made      BIGINT NOT NULL, -- nanoseconds since 1970, as are ends and destroyed
    ends      BIGINT NOT NULL,
    destroyed BIGINT NOT NULL, -- 0: it is not
    wrapped   BYTEA,
    newest    BIGINT NOT NULL  -- 0: a tombstone that was followed by another key
);
CREATE UNIQUE INDEX vault_key_newest ON vault_key (tenant, name) WHERE newest = 1;
CREATE INDEX vault_key_name ON vault_key (tenant, name);
CREATE INDEX vault_key_ends ON vault_key (ends);

-- Erasures that have begun and not ended.
CREATE TABLE vault_job (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
