-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- Counts of the entries of 4,096 leaves each, computed from them so that lists need
-- not count all anew. Who may read or
-- write entries may read or keep them.
CREATE TABLE record_summary (
    block BIGINT PRIMARY KEY,
    body  BYTEA NOT NULL
);
DO $$
DECLARE
    may RECORD;
BEGIN
    FOR may IN SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'entry' AND privilege_type IN ('SELECT', 'INSERT') AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('GRANT %s ON record_summary TO %I', may.privilege_type, may.grantee);
    END LOOP;
END $$;

-- What is removed from a block is in no count of it. It runs with the rights of the
-- owner: a role that may empty an entry need not be able to change a count. The lock
-- keeps a count away that was made before the removal and is kept after it.
CREATE FUNCTION record_uncount() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1548483589, 'record_summary'::regclass::oid::bigint::bit(32)::int);
    DELETE FROM record_summary WHERE block IN (SELECT DISTINCT seq / 4096 FROM emptied WHERE removed = 1);
    RETURN NULL;
END $$;
CREATE TRIGGER entry_summary AFTER UPDATE ON entry REFERENCING NEW TABLE AS emptied
    FOR EACH STATEMENT EXECUTE FUNCTION record_uncount();
