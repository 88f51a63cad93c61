-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- Launch tickets, each for a minute. The body is sealed under the text of the
-- ticket, which stands nowhere.
CREATE TABLE launch_ticket (
    digest TEXT PRIMARY KEY,
    scope  TEXT NOT NULL,   -- tenant and system
    until  INTEGER NOT NULL, -- milliseconds since 1970
    body   BLOB NOT NULL
);
CREATE INDEX launch_ticket_until ON launch_ticket (until);
CREATE INDEX launch_ticket_scope ON launch_ticket (scope, until);
