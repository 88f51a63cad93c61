-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per look into documents. person and file are pseudonyms.
CREATE TABLE access_retrieval (
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL,
    at     BIGINT NOT NULL,  -- nanoseconds since 1970
    system TEXT NOT NULL,
    person TEXT NOT NULL,
    file   TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX access_retrieval_at ON access_retrieval (at);
CREATE INDEX access_retrieval_tenant ON access_retrieval (tenant, at);
CREATE INDEX access_retrieval_file ON access_retrieval (tenant, file) WHERE file <> '';
CREATE INDEX access_retrieval_person ON access_retrieval (tenant, person) WHERE person <> '';
