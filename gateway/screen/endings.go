// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// endings are ways a folded word may end, by their last letter.
type endings [32][]string

func newEndings(lists ...string) *endings {
	e := &endings{}
	for _, list := range lists {
		for w := range strings.FieldsSeq(list) {
			last := w[len(w)-1] & 31
			e[last] = append(e[last], w)
		}
	}
	return e
}

// match returns the ending of a word that has more bytes before it than least,
// "" for none.
func (e *endings) match(word []byte, least int) string {
	if len(word) == 0 {
		return ""
	}
	for _, end := range e[word[len(word)-1]&31] {
		if len(word) >= len(end)+least && string(word[len(word)-len(end):]) == end {
			return end
		}
	}
	return ""
}

// The endings of nouns that are no surnames, of streets and of towns.
var (
	abstractEndings = newEndings(`ungen heit heiten keit keiten schaft schaften tion tionen ismus`)
	nounEndings     = newEndings(`ungen heit heiten keit keiten schaft schaften tion tionen ismus`,
		`ung tat ment geld amt antrag bescheid bescheids nummer recht gesetz gericht stelle kosten betrag vertrag unterlagen
		frist zeit kasse strasse wesen lage nahme gabe pflicht steuer anspruch verfahren leistung erklarung steller stellerin nehmer
		nehmerin geber geberin mieter mieterin partner partnerin minister ministerin prasident prasidentin kanzler chef chefin sprecher
		sprecherin trainer anwalt anwaltin leiter leiterin direktor direktorin fuhrer fuhrerin mitglied verband verein partei unternehmen
		gesellschaft club klub team jahr jahre monat entscheidung urteil beschluss absatz schreiben karte konto datum`)
	surnameEndings = newEndings(`brecht hartung hornung clement jung`)

	streetEndings = newEndings(`strasse str gasse allee chaussee promenade damm stieg ufer`)
	pathEndings   = newEndings(`weg platz steig pfad`)
	notPaths      = newEndings(`rechtsweg verwaltungsweg dienstweg umweg ausweg gehweg radweg instanzenweg klageweg
		arbeitsplatz parkplatz stellplatz sitzplatz studienplatz heimplatz kitaplatz betreuungsplatz ausbildungsplatz
		arbeitsweg schulweg hinweg ruckweg bildungsweg rettungsweg postweg tabellenplatz listenplatz startplatz`)
	placeEndings = newEndings(`ring markt hof berg park wall graben kai garten gaerten feld hohe tal
		wiese wiesen hang blick winkel acker bruecke brucke tor siedlung zeile rain halde busch heide`)

	townEndings = newEndings(`stadt stedt burg heim ingen hausen dorf berg bach feld kirchen hofen furt
		bruck brucken rode leben itz ow walde hafen haven weiler wangen lingen beuren stetten tal born
		horst holz au ach wald munde munster zell roth fels stein`)
)
