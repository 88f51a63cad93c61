-- SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
-- SPDX-License-Identifier: EUPL-1.2

-- A file has one writer: nobody asks for the entries of another one.
DROP INDEX pending_writer;
