-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- Sealed contents. file and person are pseudonyms of the record; their keys are
-- in another database.
CREATE TABLE vault_item (
    tenant    TEXT NOT NULL,
    entry     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    key_id    TEXT NOT NULL,
    file      TEXT NOT NULL,
    person    TEXT NOT NULL,
    made      BIGINT NOT NULL, -- nanoseconds since 1970, as is expires
    expires   BIGINT NOT NULL,
    content   TEXT NOT NULL,   -- commitment, as it stands in the record
    bytes     BIGINT NOT NULL,
    days      BIGINT NOT NULL,
    original  BIGINT NOT NULL,
    truncated BIGINT NOT NULL,
    sealed    BYTEA NOT NULL,
    PRIMARY KEY (tenant, entry, kind)
);
CREATE INDEX vault_item_expires ON vault_item (expires);
CREATE INDEX vault_item_file ON vault_item (tenant, file) WHERE file <> '';
CREATE INDEX vault_item_person ON vault_item (tenant, person) WHERE person <> '';
CREATE INDEX vault_item_key ON vault_item (tenant, key_id);
