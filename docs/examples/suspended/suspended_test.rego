# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.suspended_test

import rego.v2

import data.rules.tenant.suspended

test_fires if suspended.deny with input as {"purpose": "simplify_language"}

test_does_not_fire if not suspended.deny with input as {"purpose": "summarise"}
