# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Shared functions of the service rules
# description: >-
#   Dates are YYYY-MM-DD, so they compare as text. Money is in whole cents.
package schleuse.lib

import rego.v2

# A date some months later, or earlier for a negative number. Where the day does
# not exist in that month, it is the last day (§ 188 Abs. 3 BGB).
add_months(date, months) := format(time.add_date(start, 0, 0, min([day, last_day]) - 1)) if {
	[_, _, day] := time.date(ns(date))
	start := time.add_date(time.add_date(ns(date), 0, 0, 1 - day), 0, months, 0)
	[_, _, last_day] := time.date(time.add_date(start, 0, 1, -1))
}

add_years(date, years) := add_months(date, years * 12)

add_days(date, days) := format(time.add_date(ns(date), 0, 0, days))

# Younger than the age on the day. Somebody born on 29 February comes of age at
# the end of 28 February, hence on 1 March (§ 187 Abs. 2, § 188 Abs. 2 BGB).
younger_than(birth, day, years) if {
	format(time.add_date(ns(birth), years, 0, 0)) > day
}

ns(date) := time.parse_ns("2006-01-02", date)

format(at) := sprintf("%04d-%02d-%02d", time.date(at))

# The path of a field of a list item, as reports write it: haushalt[p3].name.
item_path(list, item, field) := sprintf("%s[%s].%s", [list, item._key, field])

# Said yes. Absent is not yes.
yes(value) if value == true

# A document that may count as evidence.
has_document(documents, types) if {
	some document in documents
	some type in document.types
	type in types
}

letters(text) := regex.replace(lower(text), `[^a-zäöüß]`, "")
