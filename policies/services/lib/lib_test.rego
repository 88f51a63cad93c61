# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.lib_test

import rego.v2

import data.schleuse.lib

test_months_end_with_the_month if {
	lib.add_months("2026-08-31", -6) == "2026-02-28"
	lib.add_months("2024-08-31", -6) == "2024-02-29"
	lib.add_months("2026-01-31", 1) == "2026-02-28"
	lib.add_months("2026-12-15", 1) == "2027-01-15"
}

test_days if lib.add_days("2026-02-27", 3) == "2026-03-02"

test_of_age_on_the_birthday if {
	lib.younger_than("2008-11-21", "2026-11-20", 18)
	not lib.younger_than("2008-11-21", "2026-11-21", 18)
}

test_born_on_29_february if {
	lib.younger_than("2008-02-29", "2026-02-28", 18)
	not lib.younger_than("2008-02-29", "2026-03-01", 18)
}

test_absent_is_not_yes if {
	lib.yes(true)
	not lib.yes(false)
	not lib.yes("true")
	not lib.yes(input.absent)
}
