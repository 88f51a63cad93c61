// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

// Steuernummer: check digits per Land on the 13-digit form, after ELSTER's
// "Prüfung der Steuer- und Steueridentifikationsnummer".

// taxWeights are the factors of the first twelve digits; the fifth digit is the
// fixed 0 of the 13-digit form.
type taxWeights [12]int

var (
	weightsCommon  = taxWeights{0, 5, 4, 3, 0, 2, 7, 6, 5, 4, 3, 2}
	weightsBerlinA = taxWeights{0, 0, 0, 0, 0, 7, 6, 5, 8, 4, 3, 2}
	weightsBerlinB = taxWeights{0, 0, 2, 9, 0, 8, 7, 6, 5, 4, 3, 2} // also Niedersachsen
	weightsHanse   = taxWeights{0, 0, 4, 3, 0, 2, 7, 6, 5, 4, 3, 2}
	weightsNRW     = taxWeights{0, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1}
	weightsRP      = taxWeights{0, 0, 1, 2, 0, 1, 2, 1, 2, 1, 2, 1}
	weightsTwo     = taxWeights{0, 0, 512, 256, 0, 128, 64, 32, 16, 8, 4, 2}
	addendsTwo     = taxWeights{0, 0, 9, 8, 0, 7, 6, 5, 4, 3, 2, 1}
)

// validTaxNumber checks a 13-digit Steuernummer.
func validTaxNumber(s string) bool {
	if len(s) != 13 || !allDigits(s) || s[4] != '0' || !taxDistrict(s) {
		return false
	}
	check := int(s[12] - '0')
	switch two := num(s[:2]); {
	case two == 11:
		return elevens(s, berlinWeights(s)) == check
	case two == 21, two == 26, two == 28:
		return twos(s) == check
	case two == 22, two == 24:
		return elevens(s, weightsHanse) == check
	case two == 23:
		return elevens(s, weightsBerlinB) == check
	case two == 27:
		return rhineland(s) == check
	case two >= 50 && two <= 59:
		return weigh(s, weightsNRW)%11 == check
	case two == 10, two >= 30 && two <= 32, two == 40, two == 41, two >= 90:
		return elevens(s, weightsCommon) == check
	}
	return false
}

// taxDistrict refuses districts that are never given out.
func taxDistrict(s string) bool {
	d := num(s[5:8])
	if s[0] == '5' {
		d = num(s[5:9])
	}
	return d != 0 && d != 998 && d != 999
}

func weigh(s string, w taxWeights) int {
	sum := 0
	for i, f := range w {
		sum += f * int(s[i]-'0')
	}
	return sum
}

// elevens is the distance to the next multiple of 11; 10 is no check digit.
func elevens(s string, w taxWeights) int { return (11 - weigh(s, w)%11) % 11 }

// twos is the 2er-Verfahren (Baden-Württemberg, Hessen, Schleswig-Holstein).
func twos(s string) int {
	sum := 0
	for i, f := range weightsTwo {
		p := (int(s[i]-'0') + addendsTwo[i]) % 10 * f
		for p > 9 {
			p = p%10 + p/10%10 + p/100%10 + p/1000
		}
		sum += p
	}
	return (10 - sum%10) % 10
}

// rhineland is the modified method of Rheinland-Pfalz.
func rhineland(s string) int {
	sum := 0
	for i, f := range weightsRP {
		p := f * int(s[i]-'0')
		if p > 9 {
			p = p%10 + 1
		}
		sum += p
	}
	return (10 - sum%10) % 10
}

// berlinWeights chooses the variant by tax office and district.
func berlinWeights(s string) taxWeights {
	office, d := num(s[2:4]), num(s[5:8])
	switch office {
	case 27, 29, 30:
		return weightsBerlinA
	case 13, 14, 17, 20, 21, 23, 24, 25:
		if d < 201 || d > 693 {
			return weightsBerlinA
		}
	case 16:
		if d > 29 && d < 201 || d > 693 && d < 875 || d > 899 {
			return weightsBerlinA
		}
	case 19:
		if d < 201 || d > 639 && d < 680 || d > 684 {
			return weightsBerlinA
		}
	}
	return weightsBerlinB
}

// validPrintedTaxNumber checks the printed form, given as its groups joined and
// their lengths, against every Land that prints it so.
func validPrintedTaxNumber(digits string, groups string) bool {
	switch groups {
	case "2-3-5", "10": // BE HH NI RP SH, with blanks HB
		for _, land := range []string{"11", "22", "23", "24", "27", "21"} {
			if validTaxNumber(land + digits[:2] + "0" + digits[2:]) {
				return true
			}
		}
		return groups == "10" && validTaxNumber("28"+digits[:2]+"0"+digits[2:])
	case "5-5": // BW
		return validTaxNumber("28" + digits[:2] + "0" + digits[2:])
	case "3-3-5", "11":
		if digits[0] == '0' && validTaxNumber("26"+digits[1:3]+"0"+digits[3:]) { // HE
			return true
		}
		for _, land := range []string{"1", "3", "4", "9"} { // BB BY MV SL SN ST TH
			if validTaxNumber(land + digits[:3] + "0" + digits[3:]) {
				return true
			}
		}
		return groups == "11" && validTaxNumber("5"+digits[:3]+"0"+digits[3:])
	case "3-4-4": // NW
		return validTaxNumber("5" + digits[:3] + "0" + digits[3:])
	}
	return false
}
