-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- Counts of the entries of 4,096 leaves each, computed from them so that lists need
-- not count all anew. What is removed from a block is in no count of it.
CREATE TABLE record_summary (
    block INTEGER PRIMARY KEY,
    body  BLOB NOT NULL
);
CREATE TRIGGER entry_summary AFTER UPDATE ON entry WHEN NEW.removed = 1
BEGIN DELETE FROM record_summary WHERE block = NEW.seq / 4096; END;
