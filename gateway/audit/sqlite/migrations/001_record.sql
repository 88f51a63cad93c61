-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One row per leaf of the Merkle tree. body is what was hashed; the other
-- columns are extracted from it for searching.
CREATE TABLE entry (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    tenant    TEXT NOT NULL,
    writer    TEXT NOT NULL,
    at        INTEGER NOT NULL, -- nanoseconds since 1970
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
    body      BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_id ON entry (id, kind);
CREATE INDEX entry_tenant ON entry (tenant, kind, at, seq);
CREATE INDEX entry_at ON entry (kind, at, seq);

-- The hashes of the tree, in the order of golang.org/x/mod/sumdb/tlog.
CREATE TABLE node (
    idx  INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
);

-- Signed statements about the whole log.
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    note BLOB NOT NULL
);

-- Entries that have a beginning and no end yet.
CREATE TABLE pending (
    id     TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    writer TEXT NOT NULL
);
CREATE INDEX pending_writer ON pending (writer);

-- Against mistakes, not against attackers: those are found by the hashes.
CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER node_update BEFORE UPDATE ON node BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER node_delete BEFORE DELETE ON node BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
