-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE state_document (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  tenant text NOT NULL,
  version bigint NOT NULL,
  changed bigint NOT NULL, -- nanoseconds since 1970
  body text NOT NULL,
  PRIMARY KEY (kind, id)
);
