// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// The functions here take a number without blanks, in capitals, of the right
// length and alphabet unless said otherwise, and check its check digits.

// mod97 is the remainder of the decimal number a string stands for, letters
// counting 10 to 35 (ISO 7064 MOD 97-10).
func mod97(parts ...string) int {
	rem := 0
	for _, s := range parts {
		for i := range len(s) {
			switch c := s[i]; {
			case '0' <= c && c <= '9':
				rem = (rem*10 + int(c-'0')) % 97
			case 'A' <= c && c <= 'Z':
				rem = (rem*100 + int(c-'A') + 10) % 97
			default:
				return -1
			}
		}
	}
	return rem
}

// ibanLength is the length of an IBAN per country, 0 for countries without.
func ibanLength(country string) int {
	const table = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 " +
		"ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 " +
		"LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 " +
		"SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
	i := strings.Index(table, country)
	if len(country) != 2 || i < 0 || i%5 != 0 {
		return 0
	}
	return int(table[i+2]-'0')*10 + int(table[i+3]-'0')
}

func validIBAN(s string) bool {
	return len(s) >= 15 && len(s) == ibanLength(s[:2]) && mod97(s[4:], s[:4]) == 1
}

// validCreditorID leaves out the business code at positions 5 to 7 (SEPA AT-02).
func validCreditorID(s string) bool {
	return len(s) > 8 && mod97(s[7:], s[:4]) == 1
}

// mod11_10 is the check digit of ISO 7064 MOD 11,10 over all but the last digit.
func mod11_10(s string) bool {
	p := 10
	for i := range len(s) - 1 {
		sum := (int(s[i]-'0') + p) % 10
		if sum == 0 {
			sum = 10
		}
		p = sum * 2 % 11
	}
	return (11-p)%10 == int(s[len(s)-1]-'0')
}

// validTaxID checks a Steuerliche Identifikationsnummer (§ 139b AO): not
// starting with 0 (test numbers do), among the first ten digits exactly one
// occurs twice or three times, three equal ones never in a row.
func validTaxID(s string) bool {
	if len(s) != 11 || s[0] == '0' {
		return false
	}
	var count [10]int
	for i := range 10 {
		count[s[i]-'0']++
	}
	repeated := 0
	for d, n := range count {
		switch {
		case n > 3:
			return false
		case n == 3 && strings.Contains(s[:10], strings.Repeat(string(rune('0'+d)), 3)):
			return false
		case n > 1:
			repeated++
		}
	}
	return repeated == 1 && mod11_10(s)
}

// validVATID checks the nine digits of a Umsatzsteuer-Identifikationsnummer.
func validVATID(digits string) bool {
	return len(digits) == 9 && digits[0] != '0' && mod11_10(digits)
}

// crossSums adds the cross sums of the digits times their weights.
func crossSums(digits string, weights string) int {
	sum := 0
	for i := range len(digits) {
		p := int(digits[i]-'0') * int(weights[i]-'0')
		sum += p/10 + p%10
	}
	return sum
}

// letterDigits writes a letter as the two digits of its place in the alphabet.
func letterDigits(c byte) string {
	n := c - 'A' + 1
	return string([]byte{'0' + n/10, '0' + n%10})
}

// validPensionNumber checks a Versicherungsnummer (§ 147 SGB VI), for example
// 15070649C103: area, birth date, letter, serial number, check digit.
func validPensionNumber(s string) bool {
	if len(s) != 12 || !isUpper(s[8]) || !allDigits(s[:8]) || !allDigits(s[9:]) {
		return false
	}
	day, month := num(s[2:4]), num(s[4:6])
	if day < 1 || day > 31 && day < 51 || day > 81 || month < 1 || month > 12 || !pensionArea(num(s[:2])) {
		return false
	}
	digits := s[:8] + letterDigits(s[8]) + s[9:11]
	return crossSums(digits, "212571212121")%10 == int(s[11]-'0')
}

// pensionArea says whether an area number of a pension insurer exists.
func pensionArea(n int) bool {
	switch {
	case n >= 2 && n <= 4, n >= 8 && n <= 21, n == 23, n == 24, n == 25, n == 26, n == 28, n == 29:
		return true
	case n >= 38 && n <= 40, n >= 42 && n <= 44, n >= 48 && n <= 61, n >= 63 && n <= 66, n >= 68 && n <= 82, n == 89:
		return true
	}
	return false
}

// validHealthInsurance checks the unchanging part of a Krankenversichertennummer
// (§ 290 SGB V), for example A000500015.
func validHealthInsurance(s string) bool {
	if len(s) != 10 || !isUpper(s[0]) || !allDigits(s[1:]) {
		return false
	}
	return crossSums(letterDigits(s[0])+s[1:9], "1212121212")%10 == int(s[9]-'0')
}

// icaoCheck is the check digit of ICAO Doc 9303 (weights 7, 3, 1).
func icaoCheck(s string) byte {
	const weights = "731"
	sum := 0
	for i := range len(s) {
		sum += icaoValue(s[i]) * int(weights[i%3]-'0')
	}
	return byte('0' + sum%10)
}

func icaoValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'Z':
		return int(c-'A') + 10
	}
	return 0
}

// documentAlphabet are the characters of serial numbers of identity documents.
const documentAlphabet = "0123456789CFGHJKLMNPRTVWXYZ"

func inAlphabet(s, alphabet string) bool {
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}

// documentKind tells identity cards and passports apart by the first letter of
// the serial number; "" for neither.
func documentKind(first byte) kindID {
	switch {
	case strings.IndexByte("LMNPRTVWXY", first) >= 0:
		return kIDCard
	case strings.IndexByte("CFGHJK", first) >= 0:
		return kPassport
	}
	return kNone
}

// validLicence checks a Führerscheinnummer (since 1999), for example B072RRE2I55:
// ten characters weighted, the check character, the number of the copy.
func validLicence(s string) bool {
	if !licenceShape(s) {
		return false
	}
	sum := 0
	for i := range 9 {
		sum += icaoValue(s[i]) * (9 - i)
	}
	want := byte('0' + sum%11)
	if sum%11 == 10 {
		want = 'X'
	}
	return s[9] == want
}

func licenceShape(s string) bool {
	return len(s) == 11 && s[0] >= 'A' && s[0] <= 'P' && allDigits(s[1:3]) && (isDigit(s[9]) || s[9] == 'X')
}

// luhn checks a payment card number.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// cardIssuer says whether a number starts and ends like one of a card scheme.
func cardIssuer(s string) bool {
	if len(s) < 13 {
		return false
	}
	two, four := num(s[:2]), num(s[:4])
	switch len(s) {
	case 13, 19:
		return s[0] == '4'
	case 14:
		return two == 36 || two == 38
	case 15:
		return two == 34 || two == 37
	case 16:
		return s[0] == '4' || two >= 51 && two <= 55 || four >= 2221 && four <= 2720 || four == 6011 || two == 65 || two == 35
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) > 0
}

func allUpper(s string) bool {
	for i := range len(s) {
		if !isUpper(s[i]) {
			return false
		}
	}
	return len(s) > 0
}

// num is the value of a short run of digits.
func num(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
