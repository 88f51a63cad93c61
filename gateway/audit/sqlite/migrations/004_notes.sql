-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- What lists and the retention of contents look for. The rows that are there are
-- filled from their bodies next; until then the record may be changed.
DROP TRIGGER entry_update;
ALTER TABLE entry ADD COLUMN result   TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN revision TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN topic    TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN object   TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN floor    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN ceiling  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN removed  INTEGER NOT NULL DEFAULT 0;
