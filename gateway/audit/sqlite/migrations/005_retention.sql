-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- The content of a row may be removed, nothing else may be changed. Against
-- mistakes, not against attackers: those are found by the hashes.
CREATE TRIGGER entry_update BEFORE UPDATE ON entry
WHEN NOT (OLD.removed = 0 AND NEW.removed = 1 AND NEW.body = x'' AND NEW.seq = OLD.seq AND NEW.kind = OLD.kind AND NEW.id = OLD.id
    AND NEW.tenant = OLD.tenant AND NEW.at = OLD.at)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;

-- What was removed is in no list.
DROP INDEX entry_tenant;
CREATE INDEX entry_tenant ON entry (tenant, at) WHERE kind = 'open' AND removed = 0;
DROP INDEX entry_at;
CREATE INDEX entry_at ON entry (at) WHERE kind = 'open' AND removed = 0;

-- The journal, and what entries say themselves about their time.
CREATE INDEX entry_note ON entry (topic, object) WHERE kind = 'note' AND removed = 0;
CREATE INDEX entry_journal ON entry (seq) WHERE kind = 'note' AND removed = 0;
CREATE INDEX entry_own ON entry (at) WHERE kind = 'open' AND removed = 0 AND ceiling > 0;
CREATE INDEX checkpoint_at ON checkpoint (at, size);
