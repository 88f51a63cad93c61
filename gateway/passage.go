// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"strings"
	"time"
)

// Citation says where a passage stands, so that a person can open it.
type Citation struct {
	Source   string `json:"source"`
	Document string `json:"document"`
	Title    string `json:"title"`
	// Version is the etag or hash of the document when it was indexed.
	Version string `json:"version"`
	// Page counts from 1; 0: the document has no pages.
	Page int `json:"page,omitempty"`
	// Section is a norm such as "§ 17 Abs. 2 BMG" or a heading path.
	Section string `json:"section,omitempty"`
	// Start and End are byte offsets into the page's text, for statutes into the
	// section's.
	Start int `json:"start"`
	End   int `json:"end"`
	// SHA256 of the passage text (hex): a citation is valid only while it matches.
	SHA256 string `json:"sha256"`
	URL    string `json:"url,omitempty"`
	// Stand is the date of the law's version, for statutes.
	Stand string `json:"stand,omitempty"`
}

// Passage is a piece of a document that the caller may read.
type Passage struct {
	ID       string      `json:"id"`
	Text     string      `json:"text"`
	Score    float64     `json:"score"`
	Citation Citation    `json:"citation"`
	Class    []DataClass `json:"data_class,omitempty"`
}

// PassageRef is a Passage in a Record: where it stands, not what it says. The
// document is a pseudonym, because paths of files carry names of people.
type PassageRef struct {
	Source   string    `json:"source"`
	Document Pseudonym `json:"document"`
	Version  string    `json:"version"`
	Page     int       `json:"page,omitempty"`
	// Section is kept for norms only: headings of other documents may name people.
	Section string `json:"section,omitempty"`
	SHA256  string `json:"sha256"`
}

// ref is the passage without its text, title and names.
func (p Passage) ref(document Pseudonym) PassageRef {
	c := p.Citation
	r := PassageRef{Source: c.Source, Document: document, Version: c.Version, Page: c.Page, SHA256: c.SHA256}
	if strings.HasPrefix(c.Section, "§") || strings.HasPrefix(c.Section, "Art.") {
		r.Section = c.Section
	}
	return r
}

// Query is what retrieval is asked.
type Query struct {
	Tenant TenantID
	// Principals of the caller: a passage is found only if one of them may read it.
	Principals []Principal
	// Sources to look in: none means no passages, "*" all of the tenant. Rights
	// are applied either way.
	Sources []string
	Text    string
	// Limit is the number of passages wanted, 1 to 50; 0 means 8.
	Limit int
	// For is the request that the search belongs to: who looks something up, and
	// what for, stands in the retrieval log.
	For Request
}

// Route is where a request goes.
type Route struct {
	Model     ModelID   `json:"model"`
	Residency Residency `json:"residency"`
	Operator  string    `json:"operator"`
	Country   string    `json:"country"`
	// Upstream is the model's name at the endpoint, Endpoint the key into the configuration.
	Upstream string `json:"upstream"`
	Endpoint string `json:"endpoint"`
	// Price is what the model costs at the time of the request.
	Price Price `json:"price,omitzero"`
	// Why the router chose it, in a few words.
	Why string `json:"why,omitempty"`
}

// Attempt is one try at a route.
type Attempt struct {
	Model    ModelID   `json:"model"`
	Endpoint string    `json:"endpoint"`
	Started  time.Time `json:"started"`
	// FirstByte and Duration count from Started.
	FirstByte time.Duration `json:"first_byte_ns,omitempty"`
	Duration  time.Duration `json:"duration_ns"`
	// Code is empty when the model answered, Status what its server said, if anything.
	Code   Code `json:"code,omitempty"`
	Status int  `json:"status,omitempty"`
	// RetryAfter is what the server asked for.
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
	// Output is the number of tokens that came, reported or estimated.
	Output int `json:"output_tokens,omitempty"`
}
