// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"math/bits"
	"strings"
)

// role is what a word can mean for a recogniser; a word may have several.
type role uint64

const (
	rSalutation role = 1 << iota // Herr, Frau, Familie
	rTitle                       // Dr., Prof.
	rParticle                    // von, van, El
	rNameLabel                   // Name:, Vorname:, Antragsteller:
	rGreeting                    // Liebe, Hallo
	rClosing                     // Grüßen, Hochachtungsvoll
	rSigned                      // gez.
	rFirstName                   // a common first name
	rAmbiguous                   // also an ordinary word: Richter, Klein, Mai
	rFunction                    // article, preposition, conjunction, auxiliary
	rArticle                     // what stands before a noun, not before a name
	rNoun                        // never part of a name: Antragstellerin, Bescheid
	rPersonNoun                  // stands for a person of the case: Antragstellerin
	rMonth
	rLegalForm  // GmbH, eG
	rSelf       // ich, mein
	rThird      // er, sie, ihr
	rStreet     // Straße, Weg: a street word standing alone
	rStreetPrep // Am, Im, An: may open a street name
	rUnit       // Euro, km: what a number counts
	rPlace      // a large town
	rRegister   // Registerzeichen of courts: ZR, StR
	rEnd        // upper end of the plain roles
)

// Triggers: words that say what the number after them is.
const (
	tBank role = rEnd << iota
	tTaxID
	tTaxNumber
	tVAT
	tBusiness
	tPension
	tHealth
	tIDCard
	tPassport
	tLicence
	tPhone
	tBirth
	tPlate
	tFile
	tCard
	tIP
	tVersion
	tAddress
	tCreditor
	tEnd

	triggerMask = tEnd - tBank
	triggers    = 19
)

// triggerIndex numbers a trigger from 0.
func triggerIndex(t role) int {
	return bits.TrailingZeros64(uint64(t)) - bits.TrailingZeros64(uint64(tBank))
}

// lexicon is an immutable open-addressing table from word hash to roles. Hashes
// are compared, not words: a chance collision of 64 bits would at worst mask one
// word too many.
type lexicon struct {
	slots []lexSlot
	mask  uint64
}

type lexSlot struct {
	hash  uint64
	roles role
}

// lexiconBuilder collects words before the table is laid out.
type lexiconBuilder map[uint64]role

func (b lexiconBuilder) add(r role, words string) {
	for w := range strings.FieldsSeq(words) {
		for _, form := range spellings(w) {
			b[hashFolded(form)] |= r
		}
	}
}

// addExact adds words without the short spelling of ae, oe, ue.
func (b lexiconBuilder) addExact(r role, words string) {
	for w := range strings.FieldsSeq(words) {
		b[hashFolded(fold(w))] |= r
	}
}

func (b lexiconBuilder) build() *lexicon {
	size := uint64(1) << bits.Len(uint(len(b)*2))
	l := &lexicon{slots: make([]lexSlot, size), mask: size - 1}
	for h, r := range b {
		i := slotOf(h) & l.mask
		for l.slots[i].roles != 0 {
			i = (i + 1) & l.mask
		}
		l.slots[i] = lexSlot{h, r}
	}
	return l
}

func slotOf(h uint64) uint64 { return h ^ h>>29 }

func (l *lexicon) lookup(h uint64) role {
	for i := slotOf(h) & l.mask; ; i = (i + 1) & l.mask {
		slot := &l.slots[i]
		if slot.roles == 0 {
			return 0
		}
		if slot.hash == h {
			return slot.roles
		}
	}
}

// newLexicon builds the fixed word table; more are the configured words.
func newLexicon(fileTriggers, firstNames []string) *lexicon {
	b := lexiconBuilder{}
	for _, e := range wordLists() {
		b.addExact(e.roles, e.words)
	}
	for _, e := range triggerLists() {
		b.add(e.roles, e.words)
	}
	b.add(rFirstName, firstNameList)
	b.add(rFirstName, strings.Join(firstNames, " "))
	b.add(tFile, strings.Join(fileTriggers, " "))
	return b.build()
}
