-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One beginning, be it of a request or a note, and one end for each id: the
-- index alone refuses a second one.
DROP INDEX entry_id;
CREATE UNIQUE INDEX entry_story ON entry (id, (kind = 'close'));

-- Only beginnings are listed by time. An index ends with seq by itself.
DROP INDEX entry_tenant;
CREATE INDEX entry_tenant ON entry (tenant, at) WHERE kind = 'open';
DROP INDEX entry_at;
CREATE INDEX entry_at ON entry (at) WHERE kind = 'open';

-- One tree in place of a table and its index.
CREATE TABLE open_story (
    id     TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    writer TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO open_story SELECT id, seq, tenant, writer FROM pending;
DROP TABLE pending;
ALTER TABLE open_story RENAME TO pending;
