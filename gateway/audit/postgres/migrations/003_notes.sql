-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- What lists and the retention of contents look for. The rows that are there are
-- filled from their bodies next, see fill.go. The defaults go with that, so that a
-- replica of an earlier version fails rather than writes rows nobody finds.
ALTER TABLE entry
    ADD COLUMN result   TEXT NOT NULL DEFAULT '',
    ADD COLUMN revision TEXT NOT NULL DEFAULT '',
    ADD COLUMN topic    TEXT NOT NULL DEFAULT '',
    ADD COLUMN object   TEXT NOT NULL DEFAULT '',
    ADD COLUMN floor    INT NOT NULL DEFAULT 0,
    ADD COLUMN ceiling  INT NOT NULL DEFAULT 0,
    ADD COLUMN removed  SMALLINT NOT NULL DEFAULT 0;

-- Filled is a row here when the columns above are.
CREATE TABLE record_fill (name TEXT PRIMARY KEY);

-- What was removed is in no list.
DROP INDEX entry_tenant_open;
CREATE INDEX entry_tenant_open ON entry (tenant, at, seq) WHERE kind = 'open' AND removed = 0;
DROP INDEX entry_at_open;
CREATE INDEX entry_at_open ON entry (at, seq) WHERE kind = 'open' AND removed = 0;

-- The journal, and what entries say themselves about their time.
CREATE INDEX entry_note ON entry (topic, object) WHERE kind = 'note' AND removed = 0;
CREATE INDEX entry_journal ON entry (seq) WHERE kind = 'note' AND removed = 0;
CREATE INDEX entry_own ON entry (at, seq) WHERE kind = 'open' AND removed = 0 AND ceiling > 0;
CREATE INDEX checkpoint_at ON checkpoint (at, size);

-- The content of a row may be removed, nothing else may be changed. Against
-- mistakes, not against attackers: those are found by the hashes.
DROP TRIGGER entry_append_only ON entry;
CREATE TRIGGER entry_append_only BEFORE DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION record_is_append_only();
CREATE TRIGGER entry_update BEFORE UPDATE ON entry
    FOR EACH ROW WHEN (NOT (OLD.removed = 0 AND NEW.removed = 1 AND NEW.body = '' AND NEW.seq = OLD.seq AND NEW.kind = OLD.kind
        AND NEW.id = OLD.id AND NEW.tenant = OLD.tenant AND NEW.at = OLD.at))
    EXECUTE FUNCTION record_is_append_only();

-- Removes the contents of these rows, all of them or none. It runs with the
-- rights of who calls it.
CREATE FUNCTION record_remove(numbers BIGINT[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    done BIGINT;
BEGIN
    UPDATE entry SET removed = 1, body = '', writer = '', system = '', purpose = '', service = '', operation = '', effect = '', outcome = '',
        model = '', residency = '', file = '', rules = '', result = '', revision = '', topic = '', object = '', floor = 0, ceiling = 0
        WHERE seq = ANY (numbers) AND removed = 0;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done <> cardinality(numbers) THEN
        RAISE EXCEPTION 'some contents are not there' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
