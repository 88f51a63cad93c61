-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- One beginning, be it of a request or a note, and one end for each id: the
-- index alone refuses a second one.
CREATE UNIQUE INDEX entry_story ON entry (id, (kind = 'close'));
DROP INDEX entry_id;

-- Only beginnings are listed by time.
CREATE INDEX entry_tenant_open ON entry (tenant, at, seq) WHERE kind = 'open';
DROP INDEX entry_tenant;
CREATE INDEX entry_at_open ON entry (at, seq) WHERE kind = 'open';
DROP INDEX entry_at;

-- The open entries of all writers are read together.
DROP INDEX pending_writer;
