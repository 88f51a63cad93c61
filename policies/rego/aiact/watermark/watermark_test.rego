# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.watermark_test

import rego.v2

import data.fixtures
import data.rules.aiact.watermark

test_generated if {
	count(watermark.oblige) == 1 with input as fixtures.base
}

test_embeddings if {
	count(watermark.oblige) == 0 with input as fixtures.asked({"operation": "embeddings"})
}
