// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import "time"

// Pseudonym is a keyed digest (HMAC-SHA-256 under a key of the tenant) of a
// file number, a user or a text. Never a bare hash: short values could be guessed.
type Pseudonym string

// Record is what one request leaves behind when it is admitted or refused:
// facts, counts and pseudonyms, no content. It is durable before anything
// leaves the house, to a model or to the caller.
type Record struct {
	ID        string      `json:"id"`
	Time      time.Time   `json:"time"`
	Tenant    TenantID    `json:"tenant"`
	System    SystemID    `json:"system"`
	KeyID     string      `json:"key_id"`
	User      Pseudonym   `json:"user,omitempty"`
	Roles     []string    `json:"roles,omitempty"`
	Channel   Channel     `json:"channel"`
	Operation Operation   `json:"operation"`
	Purpose   Purpose     `json:"purpose"`
	Service   ServiceID   `json:"service,omitempty"`
	Case      Pseudonym   `json:"case,omitempty"`
	Declared  []DataClass `json:"declared,omitempty"`
	// Content is a keyed commitment to the request body; BodyBytes its size.
	Content   Pseudonym `json:"content,omitempty"`
	BodyBytes int       `json:"body_bytes"`
	Screened  Screened  `json:"screened"`
	// Entities is the number of known entities of the case that were given.
	Entities  int          `json:"entities"`
	Decisions []Decision   `json:"decisions"`
	Passages  []PassageRef `json:"passages,omitempty"`
	// Route is where the request goes, Fallback where it may go when that fails:
	// permitted as well, and written down before anything leaves.
	Route    *Route  `json:"route,omitempty"`
	Fallback []Route `json:"fallback,omitempty"`
	// Answer is the decision on an answer in which nothing new is found, made
	// before anything leaves; its input is that of the last of Decisions with the
	// stage of an answer and nothing screened. One on an answer with findings stands in the Closing.
	Answer *Decision `json:"answer,omitempty"`
	// Applied are the obligations that were in force and fulfilled, in order, whether
	// or not there was anything to do for them: a rule that takes fields out of every
	// request is fulfilled by one that has none of them.
	Applied []string `json:"applied,omitempty"`
	// Changes are what they changed in the request before it left, see Change. Empty:
	// nothing was changed. Nil: nothing was sent, or the record is older than this
	// field and does not say.
	Changes []Change `json:"changes,omitzero"`
	// Masked is the number of values replaced before the text left.
	Masked int `json:"masked"`
	// Kept is set when the content of the request is kept, see Keeper.
	Kept *Kept `json:"kept,omitempty"`
	// Retain says how long the record is kept, where an obligation says so.
	Retain *Retention `json:"retain,omitempty"`
}

// Retention bounds how long something is kept: not shorter than the floor, not
// longer than the ceiling.
type Retention struct {
	FloorDays   int `json:"floor_days"`
	CeilingDays int `json:"ceiling_days"`
}

// Effect is the effect of the last decision; a record without one is a denial.
func (r Record) Effect() Effect {
	if len(r.Decisions) == 0 {
		return EffectDeny
	}
	return r.Decisions[len(r.Decisions)-1].Effect
}

// Outcome says how a request ended.
type Outcome string

// Outcomes.
const (
	OutcomeAnswered    Outcome = "answered"
	OutcomeDenied      Outcome = "denied"
	OutcomeStopped     Outcome = "stopped"     // the response decision refused the answer
	OutcomeTruncated   Outcome = "truncated"   // the model's answer ended before it was complete
	OutcomeFailed      Outcome = "failed"      // the model could not be reached or refused
	OutcomeCancelled   Outcome = "cancelled"   // the caller left
	OutcomeInterrupted Outcome = "interrupted" // the process died; written at the next start
)

// Closing is the end of a Record's story.
type Closing struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Outcome Outcome   `json:"outcome"`
	// Code is the gateway error code when Outcome is not answered.
	Code      Code          `json:"code,omitempty"`
	Usage     Usage         `json:"usage"`
	FirstByte time.Duration `json:"first_byte_ns,omitempty"`
	Model     time.Duration `json:"model_ns,omitempty"`
	Total     time.Duration `json:"total_ns"`
	// Response is the decision on an answer in which something new was found.
	Response *Decision `json:"response,omitempty"`
	// Screened is what stands in the answer, before restoring.
	Screened Screened `json:"screened"`
	// Restored is the number of placeholders turned back into values.
	Restored int `json:"restored"`
	// Content is a keyed commitment to the answer.
	Content Pseudonym `json:"content,omitempty"`
	// Answered is the route that was taken last, when it is not the record's first.
	Answered *Route `json:"answered,omitempty"`
	// Attempts are the tries, when there was more than one or none succeeded.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Cost is what the model costs at the price of the route.
	Cost MicroEuro `json:"cost_micro_euro,omitempty"`
	// Result is a short fact about what came out, for example "unvollstaendig, 3 Befunde".
	Result string `json:"result,omitempty"`
	// Kept is set when the answer is kept.
	Kept *Kept `json:"kept,omitempty"`
	// CitationsMissing: the answer had to name its sources and names none of them.
	CitationsMissing bool `json:"citations_missing,omitempty"`
}

// Usage counts tokens as the upstream reported them.
type Usage struct {
	Input  int `json:"input_tokens"`
	Output int `json:"output_tokens"`
	// Cached is the part of Input that the upstream had in its cache, Reasoning
	// the part of Output that is not shown.
	Cached    int `json:"cached_tokens,omitempty"`
	Reasoning int `json:"reasoning_tokens,omitempty"`
	// AudioSeconds is the length of a recording that was transcribed.
	AudioSeconds int `json:"audio_seconds,omitempty"`
	// Reported is false when the upstream said nothing. Then the counts are
	// Estimated from the length of the texts, or zero when nothing was sent.
	Reported  bool `json:"reported"`
	Estimated bool `json:"estimated,omitempty"`
}
