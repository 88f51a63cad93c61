// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

// Draft is an assembled letter with everything that is needed to check it again
// after a person has edited it.
type Draft struct {
	ID      string            `json:"id"`
	Kind    Kind              `json:"kind"`
	Service gateway.ServiceID `json:"service"`
	Regime  Regime            `json:"regime"`
	Case    string            `json:"case"`
	// Letter may be edited; Parts say how it was assembled.
	Letter document.Letter `json:"letter"`
	Parts  []Part          `json:"parts"`
	// Checks in the order of the letter; Releasable means: none is red.
	Checks     []Check `json:"checks"`
	Releasable bool    `json:"releasable"`
	// Missing names the placeholders that have to be filled first.
	Missing   []string    `json:"missing"`
	Citations []CitedNorm `json:"citations"`
	Template  TemplateRef `json:"template"`
	ReportID  string      `json:"report_id,omitempty"`
	// Date of the letter, YYYY-MM-DD.
	Date     string    `json:"date"`
	Deadline *Deadline `json:"deadline,omitempty"`
	// DecisionID is the record of the request that made the draft.
	DecisionID string   `json:"decision_id"`
	Released   *Release `json:"released,omitempty"`
}

// TemplateRef identifies the text the letter was made from.
type TemplateRef struct {
	Version   string `json:"version"`
	ValidFrom string `json:"valid_from"`
	// ReleasedNote replaces the note on the draft at the release.
	ReleasedNote string `json:"released_note"`
}

// Deadline is the computed last day and how it came about.
type Deadline struct {
	// Date is YYYY-MM-DD.
	Date  string   `json:"date"`
	Days  int      `json:"days"`
	Steps []string `json:"steps"`
	// Verified is false when the rule on notification was not read in the law.
	Verified bool   `json:"verified"`
	Source   string `json:"source"`
}

// CitedNorm is one norm in the letter with what the register knows about it.
type CitedNorm struct {
	Citation string `json:"citation"`
	Heading  string `json:"heading,omitempty"`
	Stand    string `json:"stand,omitempty"`
	Verified bool   `json:"verified"`
}

// Release is the act of the person who answers for the letter.
type Release struct {
	Person string    `json:"person"`
	Time   time.Time `json:"time"`
	// DecisionID is the record of the release.
	DecisionID string `json:"decision_id"`
}

// FactKind says what a fact is, and so which check watches it.
type FactKind string

// Kinds of facts.
const (
	FactDate      FactKind = "date"
	FactNumber    FactKind = "number"
	FactName      FactKind = "name"
	FactReference FactKind = "reference" // file number
	FactNorm      FactKind = "norm"
)

// Fact is a value that has to appear in a part exactly as it is.
type Fact struct {
	Kind  FactKind `json:"kind"`
	Value string   `json:"value"`
}

// Part is one text of the letter as it was assembled: the yardstick for checks.
type Part struct {
	// Path is the place in the letter, for example "body[4].items[0][1]".
	Path string `json:"path"`
	// Block is the id of the template's block.
	Block string `json:"block"`
	Text  string `json:"text"`
	// Mandatory blocks may not be taken out, Fixed texts not be changed.
	Mandatory bool `json:"mandatory,omitempty"`
	Fixed     bool `json:"fixed,omitempty"`
	// Legal texts do not count for readability.
	Legal bool `json:"legal,omitempty"`
	// Must are facts that have to appear, Citations the norms that were supplied.
	Must      []Fact   `json:"must,omitempty"`
	Citations []string `json:"citations,omitempty"`
}

// Level of a check.
type Level string

// Levels.
const (
	LevelGreen  Level = "green"
	LevelYellow Level = "yellow" // a person should look
	LevelRed    Level = "red"    // blocks the release
)

// Check is the result of one test at one place.
type Check struct {
	// ID is G1, G2, G4, G5, G6, G8 or G9.
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// Reason is a German sentence.
	Reason string `json:"reason"`
	// Path, Start and End say where; Text is what stands there.
	Path  string `json:"path,omitempty"`
	Start int    `json:"start,omitempty"`
	End   int    `json:"end,omitempty"`
	Text  string `json:"text,omitempty"`
}
