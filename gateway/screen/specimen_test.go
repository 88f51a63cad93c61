// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

// Specimens are numbers published as examples by the bodies that issue them, or
// in the tests of public libraries. want is "" when nothing may be found.
func TestSpecimens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text      string
		kind      gateway.FindingKind
		value     string
		validated bool
	}{
		{"Konto DE89370400440532013000", screen.KindIBAN, "DE89370400440532013000", true},
		{"Konto DE89 3704 0044 0532 0130 00 bei", screen.KindIBAN, "DE89 3704 0044 0532 0130 00", true},
		{"zu DE89\u00A03704\u00A00044\u00A00532\u00A00130\u00A000.", screen.KindIBAN, "DE89\u00A03704\u00A00044\u00A00532\u00A00130\u00A000", true},
		{"auf DE89 3704\n  0044 0532 0130 00 zahlen", screen.KindIBAN, "DE89 3704\n  0044 0532 0130 00", true},
		{"zu de89370400440532013000", screen.KindIBAN, "de89370400440532013000", true},
		{"AT611904300234573201", screen.KindIBAN, "AT611904300234573201", true},
		{"GB29 NWBK 6016 1331 9268 19", screen.KindIBAN, "GB29 NWBK 6016 1331 9268 19", true},
		{"die Zahl DE88370400440532013000 steht da", "", "", false},
		{"IBAN: DE88370400440532013000", screen.KindIBAN, "DE88370400440532013000", false},
		{"BIC: COBADEFFXXX", screen.KindBIC, "COBADEFFXXX", false},
		{"86095742719", screen.KindTaxID, "86095742719", true},
		{"47036892816", screen.KindTaxID, "47036892816", true},
		{"65929970489", screen.KindTaxID, "65929970489", true},
		{"57549285017", screen.KindTaxID, "57549285017", true},
		{"25768131411", screen.KindTaxID, "25768131411", true},
		{"86 095 742 719", screen.KindTaxID, "86 095 742 719", true},
		{"12345678903", "", "", false},
		{"11123456786", "", "", false},
		{"36554266806", "", "", false},
		{"Steuer-ID 36554266806", screen.KindTaxID, "36554266806", false},
		{"DE136695976", screen.KindVATID, "DE136695976", true},
		{"DE136695978", "", "", false},
		{"DE123456788-00001", screen.KindBusinessID, "DE123456788-00001", true},
		{"DE123456788-00000", "", "", false},
		{"15070649C103", screen.KindPensionNumber, "15070649C103", true},
		{"15 070649 C 103", screen.KindPensionNumber, "15 070649 C 103", true},
		{"15070649C102", "", "", false},
		{"15071349C103", "", "", false},
		{"01070649C103", "", "", false},
		{"A000500015", screen.KindHealthInsurance, "A000500015", true},
		{"A123456789", "", "", false},
		{"KVNR: A123456789", screen.KindHealthInsurance, "A123456789", false},
		{"Personalausweis L01X00T47", screen.KindIDCard, "L01X00T47", false},
		{"Nr. L01X00T471", screen.KindIDCard, "L01X00T471", true},
		{"Nr. T220001293", screen.KindIDCard, "T220001293", true},
		{"Nr. L01X00T472", "", "", false},
		{"Ausweis 1220001297D", screen.KindIDCard, "1220001297D", true},
		{"Wort L01X00T47 ohne Hinweis", "", "", false},
		{"Reisepass C01X00T47", screen.KindPassport, "C01X00T47", false},
		{"C01X00T478", screen.KindPassport, "C01X00T478", true},
		{"C01X00T479", "", "", false},
		{"B072RRE2I55", screen.KindDrivingLicence, "B072RRE2I55", true},
		{"BO12345678A", "", "", false},
		{"DE98ZZZ09999999999", screen.KindCreditorID, "DE98ZZZ09999999999", true},
		{"DE97ZZZ09999999999", "", "", false},
		{"4111 1111 1111 1111", screen.KindCreditCard, "4111 1111 1111 1111", true},
		{"4111 1111 1111 1112", "", "", false},
		{"erreichbar unter Tel. 0711/12345-67", screen.KindPhone, "0711/12345-67", false},
		{"+49 (0)711 1234567", screen.KindPhone, "+49 (0)711 1234567", false},
		{"(030) 5550123", screen.KindPhone, "(030) 5550123", false},
		{"0171 2345678", screen.KindPhone, "0171 2345678", false},
		{"am 01.02.2023 10 Uhr", "", "", false},
		{"1.836,00 Euro", "", "", false},
		{"geb. 14.03.1988", screen.KindDateOfBirth, "14.03.1988", false},
		{"geboren am 7. März 1971 in Ulm", screen.KindDateOfBirth, "7. März 1971", false},
		{"* 14.03.1988", screen.KindDateOfBirth, "14.03.1988", false},
		{`"geburtsdatum": "1988-03-14"`, screen.KindDateOfBirth, "1988-03-14", false},
		{"Bescheid vom 14.03.2024", "", "", false},
		{"in der Lindenstraße 12 wohnt", screen.KindAddress, "Lindenstraße 12", false},
		{"Konrad-Adenauer-Str. 7b", screen.KindAddress, "Konrad-Adenauer-Str. 7b", false},
		{"Stuttgarter Straße 12-14", screen.KindAddress, "Stuttgarter Straße 12-14", false},
		{"70173 Stuttgart", screen.KindAddress, "70173 Stuttgart", false},
		{"12345 Euro", "", "", false},
		{"Der Rechtsweg 3 und Arbeitsplatz 4", "", "", false},
		{"Kennzeichen B-AB 1234", screen.KindLicencePlate, "B-AB 1234", false},
		{"WÜ-X 12E", screen.KindLicencePlate, "WÜ-X 12E", false},
		{"B-AB1234", screen.KindLicencePlate, "B-AB1234", false},
		{"BGH, Urteil V ZR 187/05, II R 2/19, DIN EN 301", "", "", false},
		{"Az.: 32.2-123.45-0815", screen.KindFileNumber, "32.2-123.45-0815", false},
		{"Kassenzeichen 5.0012.345678.9 angeben", screen.KindFileNumber, "5.0012.345678.9", false},
		{"Aktenzeichen: WG 2026/0815", screen.KindFileNumber, "WG 2026/0815", false},
		{"IP 192.168.17.4", screen.KindIPAddress, "192.168.17.4", false},
		{"Version 7.2.11.4", "", "", false},
		{"an max.muster@example.org.", screen.KindEmail, "max.muster@example.org", false},
		{"(jörg@müller.example)", screen.KindEmail, "jörg@müller.example", false},
		{"a@b", "", "", false},
		{"IDD<<L01X00T471<<<<<<<<<<<<<<<", screen.KindIDCard, "IDD<<L01X00T471<<<<<<<<<<<<<<<", true},
		{"P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<", screen.KindPassport, "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<", false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			findings := screenText(t, tt.text).Findings()
			if tt.kind == "" {
				if len(findings) != 0 {
					t.Fatalf("found %v in %q, want nothing", findings, tt.text)
				}
				return
			}
			for _, f := range findings {
				if f.Kind == tt.kind && tt.text[f.Start:f.End] == tt.value {
					if f.Validated != tt.validated {
						t.Fatalf("validated is %v, want %v", f.Validated, tt.validated)
					}
					return
				}
			}
			t.Fatalf("found %v, want %s %q", findings, tt.kind, tt.value)
		})
	}
}

// The examples of ELSTER's "Prüfung der Steuer- und Steueridentifikationsnummer",
// printed and in 13 digits, and the edges of Berlin's two methods.
func TestTaxNumbers(t *testing.T) {
	t.Parallel()
	valid := `66815/08156 198/815/08152 296/815/08153 97/815/08154 098/815/08157 41/815/08154 88/815/08158 400/8150/8159 500/8150/8151
		600/8150/8154 99/815/08152 096/815/08187 248/815/08156 38/815/08154 21/815/08150
		2866081508156 9198081508152 9296081508153 1197081508154 3098081508157 2497012301233 2241081508154 2653081508158 4098081508157
		2388081508158 5400081508159 5500081508151 5600081508154 2799081508152 1096081508187 3248081508156 3198081508152 2138081508154
		4198081508152 2865013528340 1113020008157 1113020108153 1116002908157 1116003008153 1116087508159 1119064008168 1127020008157
		1129020108152 1130020208158 1137010808156`
	for v := range strings.FieldsSeq(valid) {
		f := screenText(t, "Angabe: "+v).Findings()
		if len(f) != 1 || f[0].Kind != screen.KindTaxNumber || !f[0].Validated {
			t.Errorf("%s: found %v, want a validated tax number", v, f)
		}
	}
	for _, v := range []string{"Steuernummer 97 123 01233", "Steuernummer: 053 815 08158"} {
		f := screenText(t, v).Findings()
		if len(f) != 1 || !f[0].Validated {
			t.Errorf("%s: found %v, want a validated tax number", v, f)
		}
	}
	for v := range strings.FieldsSeq(`21/123/45678 2866012345678 1118010108150 2866081508151 2653081508150 9198081508153`) {
		if f := screenText(t, "Angabe: "+v).Findings(); len(f) != 0 {
			t.Errorf("%s: found %v, want nothing", v, f)
		}
		f := screenText(t, "Steuernummer: "+v).Findings()
		if len(f) != 1 || f[0].Kind != screen.KindTaxNumber || f[0].Validated {
			t.Errorf("labelled %s: found %v, want one that is not validated", v, f)
		}
	}
}

func TestPersons(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"title", "Herr Yusuf Kaya kommt.", "Herr [PERSON_1] kommt."},
		{"doctor with particle", "Frau Dr. med. Eva von der Heide", "Frau Dr. med. [PERSON_1]"},
		{"noun after the name", "Herrn Meyer Gelegenheit geben", "Herrn [PERSON_1] Gelegenheit geben"},
		{"label", "Name: Zwetkow, Plamen\n", "Name: [PERSON_1]\n"},
		{"JSON", `{"vorname":"Oluchi","nachname":"Adeyemi"}`, `{"vorname":"[PERSON_1]","nachname":"[PERSON_2]"}`},
		{"greeting", "Hallo Zoltan, danke", "Hallo [PERSON_1], danke"},
		{"closing", "Mit freundlichen Grüßen\nIm Auftrag\nR. Quandt", "Mit freundlichen Grüßen\nIm Auftrag\n[PERSON_1]"},
		{"signed", "gez. Quandt", "gez. [PERSON_1]"},
		{"first name", "Auch Sabine Quandt und Quandts Hund", "Auch [PERSON_1] und [PERSON_1]s Hund"},
		{"no name", "Sehr geehrte Damen und Herren, liebe Grüße, Frau Bürgermeisterin, Name der Behörde", "Sehr geehrte Damen und Herren, liebe Grüße, Frau Bürgermeisterin, Name der Behörde"},
		{"company", "Vermieter: Tannberg Wohnbau GmbH", "Vermieter: Tannberg Wohnbau GmbH"},
		{"surnames that end like nouns", "Anna Jung, Petra Albrecht und Ute Althaus", "[PERSON_1], [PERSON_2] und [PERSON_3]"},
		{"sayings", "Herr der Lage, Eheleute Aufwendungen, kam Leo zur Welt", "Herr der Lage, Eheleute Aufwendungen, kam [PERSON_1] zur Welt"},
		{"column of a form", "Familienname      Kolb\nVornamen          Zoltan\nGeburtsort        Ulm", "Familienname      [PERSON_1]\nVornamen          [PERSON_2]\nGeburtsort        Ulm"},
		{"nobility", "Friederike Freifrau von Lohe, Frau Freifrau von Lohe", "[PERSON_1], Frau [PERSON_1]"},
		{"maiden name", "Anna Krüger geb. Wolf", "[PERSON_1] geb. [PERSON_2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := masked(t, tt.text); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestKnownEntities(t *testing.T) {
	t.Parallel()
	erika := person("Erika Luise", "Müller-Lüdenscheidt")
	tests := []struct {
		name, text, want string
		known            []gateway.Entity
	}{
		{"spellings", "Mueller, MÜLLER, MUELLER, Muller, müller", "[PERSON_1], [PERSON_1], [PERSON_1], [PERSON_1], [PERSON_1]", []gateway.Entity{person("Jörg", "Müller")}},
		{"decomposed umlaut", "Mu\u0308ller war da", "[PERSON_1] war da", []gateway.Entity{person("Jörg", "Müller")}},
		{"soft hyphen", "Mül\u00ADler war da", "[PERSON_1] war da", []gateway.Entity{person("Jörg", "Müller")}},
		{"sharp s", "WEISSENBERGER und Weißenberger", "[PERSON_1] und [PERSON_1]", []gateway.Entity{person("", "Weißenberger")}},
		{"Turkish", "Yilmaz, Yılmaz, YILMAZ, Şahin", "[PERSON_1], [PERSON_1], [PERSON_1], [PERSON_2]", []gateway.Entity{person("", "Yılmaz"), person("", "Sahin")}},
		{"double name", "Frau Müller-Lüdenscheidt, Erika Müller-Lüdenscheidt, Frau Müller", "Frau [PERSON_1], [PERSON_1], Frau [PERSON_1]", []gateway.Entity{erika}},
		{"last name first", "Muster, Erika wohnt", "[PERSON_1] wohnt", []gateway.Entity{person("Erika", "Muster")}},
		{"initial", "E. Muster wohnt", "[PERSON_1] wohnt", []gateway.Entity{person("Erika", "Muster")}},
		{"relative", "Petra Muster und Erika Muster", "[PERSON_1] und [PERSON_2]", []gateway.Entity{person("Erika", "Muster")}},
		{"relative with a rare name", "Xanthippe Muster kam", "[PERSON_1] kam", []gateway.Entity{person("Erika", "Muster")}},
		{"noun before the name", "Antragstellerin Muster und Bescheid Muster", "Antragstellerin [PERSON_1] und Bescheid [PERSON_1]", []gateway.Entity{person("Erika", "Muster")}},
		{"ambiguous surname", "Der Richter sprach mit Richter. Im Mai kam Frau Mai.", "Der Richter sprach mit [PERSON_1]. Im Mai kam Frau [PERSON_2].", []gateway.Entity{person("Jan", "Richter"), person("Ute", "Mai")}},
		{"adjective", "ein klein wenig; Klein kam", "ein klein wenig; [PERSON_1] kam", []gateway.Entity{person("Ute", "Klein")}},
		{"particles", "Ahmed El Khatib; Herr El-Khatib; Khatib", "[PERSON_1]; Herr [PERSON_1]; [PERSON_1]", []gateway.Entity{person("Ahmed", "El Khatib")}},
		{"genitive", "Beckers Antrag, Fritz' Hund", "[PERSON_1]s Antrag, [PERSON_2]' Hund", []gateway.Entity{person("", "Becker"), person("", "Fritz")}},
		{"value only", "Erika Muster", "[PERSON_1]", []gateway.Entity{{Type: "person", Value: "Muster, Erika"}}},
		{"birth name", "Frau Muster geb. Adler", "Frau [PERSON_1] geb. [PERSON_2]", []gateway.Entity{{Type: "person", First: "Erika", Last: "Muster", BirthName: "Adler"}}},
		{"date in all shapes", "14.03.1988, 14. März 1988, 1988-03-14, 14.3.88, 14/03/1988; 15.03.1988", "[DATE_OF_BIRTH_1_1988], [DATE_OF_BIRTH_1_1988], [DATE_OF_BIRTH_1_1988], [DATE_OF_BIRTH_1_1988], [DATE_OF_BIRTH_1_1988]; 15.03.1988", []gateway.Entity{{Type: "date_of_birth", Value: "1988-03-14"}}},
		{"address", "Am Hang 5, 77999 Tannberg; AM HANG 5; PLZ 77999", "[ADDRESS_1], [ADDRESS_2]; [ADDRESS_1]; PLZ [ADDRESS_3]", []gateway.Entity{{Type: "address", Value: "Am Hang 5, 77999 Tannberg"}}},
		{"street spellings", "Hauptstr. 5 oder Hauptstrasse 5, Hauptstraße", "[ADDRESS_1] oder [ADDRESS_1], [ADDRESS_2]", []gateway.Entity{{Type: "address", Value: "Hauptstraße 5"}}},
		{"phone", "+49 711 123456, 0711123456, 0049 711 123 456", "[PHONE_1], [PHONE_1], [PHONE_1]", []gateway.Entity{{Type: "phone", Value: "0711/123456"}}},
		{"file number", "WG-2026/0815, WG 2026 0815 und wg20260815", "[FILE_NUMBER_1], [FILE_NUMBER_2] und [FILE_NUMBER_3]", []gateway.Entity{{Type: "file_number", Value: "WG-2026/0815"}}},
		{"invalid IBAN the case knows", "auf DE88 3704 0044 0532 0130 00", "auf [IBAN_1]", []gateway.Entity{{Type: "iban", Value: "DE88370400440532013000"}}},
		{"other", "Hund Waldi, Chip 276 0981 0123", "Hund [OTHER_1], Chip [OTHER_2]", []gateway.Entity{{Type: "other", Value: "Waldi"}, {Type: "other", Value: "27609810123"}}},
		{"e-mail holds a name", "erika.muster@example.org", "[EMAIL_1]", []gateway.Entity{person("Erika", "Muster")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := masked(t, tt.text, tt.known...); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCategoriesNeedAPerson(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, want string
		known            []gateway.Entity
	}{
		{"known person", "Erika Muster ist schwerbehindert.", "health", []gateway.Entity{person("Erika", "Muster")}},
		{"title", "Herr Quandt ist katholisch.", "religion", nil},
		{"self", "Ich leide seit Jahren an Depressionen.", "health", nil},
		{"pronoun after a person", "Frau Quandt rief an. Sie ist Mitglied der Gewerkschaftsmitgliederversammlung.", "trade_union", nil},
		{"role noun in a case", "Die Antragstellerin ist schwanger.", "health", []gateway.Entity{person("Erika", "Muster")}},
		{"escaped second letter", `Herr Quandt ist J\u00fcdisch getraut.`, "religion", nil},
		{"escaped third letter", `Frau Quandt: bl\u00efnd.`, "health", nil},
		{"escaped later", `Frau Quandt ist geh\u00f6rlos.`, "health", nil},
		{"norm", "Schwerbehinderte Menschen haben Anspruch auf bezahlten zusätzlichen Urlaub.", "", nil},
		{"another sentence", "Frau Quandt rief an. Schwerbehinderte Menschen haben Anspruch auf Urlaub.", "", nil},
		{"trap", "Frau Quandt ist bei der Krankenkasse im Kirchweg.", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(screenText(t, tt.text, tt.known...).Summary().Categories, ",")
			if got != tt.want {
				t.Errorf("categories %q, want %q", got, tt.want)
			}
		})
	}
}
