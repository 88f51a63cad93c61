# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Zweck in diesem Kanal nicht zulässig
# custom:
#   rule_id: TEN-005
#   title_en: Purpose not permitted in this channel
#   legal_basis: "Art. 5 Abs. 1 Buchst. b DSGVO, § 35 SGB I"
#   severity: block
#   text: >-
#     Dieser Zweck ist in diesem Kanal nicht vorgesehen, zum Beispiel Sachbearbeitung im Bürgerkanal.
#   text_en: >-
#     This purpose is not meant for this channel, for example casework in the citizens' channel.
package rules.tenant.channel

import rego.v2

import data.facts

deny if not permitted

permitted if input.caller.channel in input.known.purpose.channels

# A prohibited practice has no channel; the rule on Art. 5 KI-VO speaks for it.
permitted if facts.row.class == "prohibited"
