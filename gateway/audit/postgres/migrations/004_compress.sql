-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- To compress bodies as PostgreSQL does of itself takes more of its time than all
-- the rest of writing them; LZ4 takes hardly any. What is there stays as it
-- is. A server that was built without LZ4 goes on as before.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE entry ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN
    NULL;
END $$;
