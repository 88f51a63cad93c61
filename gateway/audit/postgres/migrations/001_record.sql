-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per leaf of the Merkle tree. body is what was hashed; the other
-- columns are extracted from it for searching.
CREATE TABLE entry (
    seq       BIGINT PRIMARY KEY,
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    tenant    TEXT NOT NULL,
    writer    TEXT NOT NULL,
    at        BIGINT NOT NULL, -- nanoseconds since 1970
    system    TEXT NOT NULL,
    purpose   TEXT NOT NULL,
    service   TEXT NOT NULL,
    operation TEXT NOT NULL,
    effect    TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    model     TEXT NOT NULL,
    residency TEXT NOT NULL,
    file      TEXT NOT NULL,
    rules     TEXT NOT NULL,
    body      BYTEA NOT NULL
);
CREATE UNIQUE INDEX entry_id ON entry (id, kind);
CREATE INDEX entry_tenant ON entry (tenant, kind, at, seq);
CREATE INDEX entry_at ON entry (kind, at, seq);

-- The hashes of the tree, in the order of golang.org/x/mod/sumdb/tlog.
CREATE TABLE node (
    idx  BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL
);

-- Signed statements about the whole log.
CREATE TABLE checkpoint (
    size BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    note BYTEA NOT NULL
);

-- Entries that have a beginning and no end yet.
CREATE TABLE pending (
    id     TEXT PRIMARY KEY,
    seq    BIGINT NOT NULL,
    tenant TEXT NOT NULL,
    writer TEXT NOT NULL
);
CREATE INDEX pending_writer ON pending (writer);

-- Against mistakes, not against attackers: those are found by the hashes.
CREATE FUNCTION record_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is append-only';
END $$;
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION record_is_append_only();
CREATE TRIGGER node_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON node
    FOR EACH STATEMENT EXECUTE FUNCTION record_is_append_only();
