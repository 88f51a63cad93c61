-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE shelf_item (
  kind text NOT NULL,
  tenant text NOT NULL,
  id text NOT NULL,
  until timestamptz NOT NULL,
  size bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (kind, tenant, id)
);
CREATE INDEX shelf_item_until ON shelf_item (until);
CREATE INDEX shelf_item_tenant ON shelf_item (tenant, until);
