// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Stage is the point of the story at which a decision is asked for.
type Stage string

// Stages.
const (
	StageRequest  Stage = "request"  // before anything is looked up
	StageContext  Stage = "context"  // after retrieval: what the passages contain may narrow the models
	StageResponse Stage = "response" // before the answer is released
)

// FindingKind names what the screener recognised, for example "iban".
type FindingKind string

// Finding is one place in one text where personal data stands. It never holds
// the value.
type Finding struct {
	Kind FindingKind
	// Text is the index of the text, Start and End are byte offsets into it.
	Text, Start, End int
	// Known means: matches an entity of the case.
	Known bool
	// Validated means: check digits or a closed list confirm it.
	Validated bool
}

// Screened is the summary of a screening that policies and records see.
type Screened struct {
	// Counts per kind of finding.
	Counts map[FindingKind]int `json:"counts"`
	// Categories are the special categories of Art. 9 DSGVO hinted at in the text:
	// health, religion, ethnic_origin, political_opinion, trade_union,
	// sexual_life, genetic, biometric.
	Categories []string `json:"categories"`
	// Unscreenable counts parts no scanner reads: images, audio, files.
	Unscreenable int `json:"unscreenable"`
}

// Total is the number of findings of all kinds.
func (s Screened) Total() int {
	n := 0
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// ModelCard is what policies and the router know about one model: where it
// runs, who runs it, under which contract.
type ModelCard struct {
	ID        ModelID   `json:"id"`
	Residency Residency `json:"residency"`
	Operator  string    `json:"operator"`
	Country   string    `json:"country"`
	// ProcessorKind is own, public or private (§ 80 Abs. 3 SGB X).
	ProcessorKind string `json:"processor_kind"`
	// Contract is the id of the contract under Art. 28 DSGVO (AVV); empty: none.
	Contract string `json:"contract"`
	// Para80Notice is the reference of the notice under § 80 Abs. 1 SGB X.
	Para80Notice string `json:"para80_notice"`
	// Para80Ground says why a private processor may have social data: "disruption",
	// "cost" (§ 80 Abs. 3 Satz 1 SGB X) or "majority_public" (Satz 2).
	Para80Ground string `json:"para80_ground,omitempty"`
	// Para30AO says that staff is bound to the tax secret (§ 30 Abs. 9 AO).
	Para30AO bool `json:"para30_ao"`
	// Art9 says that the model is released for special categories.
	Art9 bool `json:"art9"`
	// TrainsOnInput says that the operator may train on what is sent.
	TrainsOnInput bool `json:"trains_on_input"`
	// DataClasses the model is released for.
	DataClasses []DataClass `json:"data_classes"`
	// Operations the model can do.
	Operations []Operation `json:"operations"`
	// Context is the window in tokens; 0: unknown.
	Context int `json:"context"`
	// Capabilities beyond plain text.
	Capabilities []Capability `json:"capabilities,omitempty"`
	// Price per million tokens.
	Price Price `json:"price,omitzero"`
	// Energy is an estimate in watt-hours per 1,000 output tokens; 0: unknown.
	Energy float64 `json:"energy_wh,omitempty"`
}

// Capability is something a model can do beyond plain text.
type Capability string

// Capabilities.
const (
	CapabilityTools      Capability = "tools"
	CapabilityJSONSchema Capability = "json_schema"
	CapabilityVision     Capability = "vision"
	CapabilityAudio      Capability = "audio"
	CapabilityLogprobs   Capability = "logprobs"
	CapabilityReasoning  Capability = "reasoning"
)

// MicroEuro is money in millionths of a euro.
type MicroEuro int64

// Price is what a million tokens and a minute of a recording cost.
type Price struct {
	Input  MicroEuro `json:"input"`
	Output MicroEuro `json:"output"`
	Minute MicroEuro `json:"minute,omitempty"`
}

// Of is the price of so many tokens, rounded up. Beyond what can be counted it
// is a sum nobody has.
func (p Price) Of(input, output int) MicroEuro {
	const million = 1_000_000
	return (times(input, p.Input) + times(output, p.Output) + million - 1) / million
}

// OfAudio is the price of so many seconds, rounded up.
func (p Price) OfAudio(seconds int) MicroEuro {
	const minute = 60
	return (times(seconds, p.Minute) + minute - 1) / minute
}

// times multiplies without overflow: how many tokens there may be is foreign input.
func times(tokens int, price MicroEuro) MicroEuro {
	const most = math.MaxInt64 / 4
	if tokens <= 0 || price <= 0 {
		return 0
	}
	if price > most/MicroEuro(tokens) {
		return most
	}
	return MicroEuro(tokens) * price
}

// External says that the text leaves the house when it goes to this model.
func (m ModelCard) External() bool { return m.Residency != ResidencyOwn }

// Residency is where and under whose control a model runs.
type Residency string

// Residencies, from most to least sovereign.
const (
	ResidencyOwn       Residency = "own_datacentre"
	ResidencyPublicEU  Residency = "public_sector_eu"
	ResidencyPrivateEU Residency = "private_eu"
	ResidencyEUofNonEU Residency = "eu_subsidiary_of_non_eu"
	ResidencyNonEU     Residency = "non_eu"
	ResidencyUnknown   Residency = ""
)

// residencies from most to least sovereign.
var residencies = [...]Residency{ResidencyOwn, ResidencyPublicEU, ResidencyPrivateEU, ResidencyEUofNonEU, ResidencyNonEU}

// AtLeast says that a residency is known, and as sovereign as another one or more.
func (r Residency) AtLeast(other Residency) bool {
	is, than := slices.Index(residencies[:], r), slices.Index(residencies[:], other)
	return is >= 0 && is <= than
}

// ServiceCard is what policies know about a public service (Leistung).
type ServiceCard struct {
	ID ServiceID `json:"id"`
	// Title is German.
	Title string `json:"title"`
	// AnnexIII is the point of Annex III of the AI Act, for example "5(a)"; empty: none.
	AnnexIII    string      `json:"annex_iii"`
	DataClasses []DataClass `json:"data_classes"`
	// AutomationNorm allows a fully automatic act, for example "§ 46 Abs. 5 StVO"; empty: none.
	AutomationNorm string `json:"automation_norm"`
	// LegalBasis are the norms the service rests on (Art. 6 Abs. 3 DSGVO).
	LegalBasis []string `json:"legal_basis,omitempty"`
	// Fields are the names of the data fields that may be used, by purpose; "*": for
	// every purpose without a list of its own. Empty: not bounded.
	Fields map[Purpose][]string `json:"fields,omitempty"`
}

// Question is what a Decider is asked. It carries facts, never text.
type Question struct {
	Stage    Stage
	Request  Request // policies use everything but Body
	Screened Screened
	// Models are the candidates that could do the operation; on StageResponse the one used.
	Models []ModelCard
	// Passages are facts about what retrieval found (StageContext).
	Passages []Passage
}

// Effect is the outcome of a decision.
type Effect string

// Effects. Anything else is a denial.
const (
	EffectAllow Effect = "allow"
	EffectDeny  Effect = "deny"
)

// Reason says which rule spoke, on which legal basis, in a sentence for people.
type Reason struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	// Basis is the legal basis, for example "Art. 5 Abs. 1 lit. c KI-VO".
	Basis string `json:"basis"`
	// Text is one German sentence.
	Text string `json:"text"`
	// Severity is block, narrow (excludes models or adds obligations) or info.
	Severity string `json:"severity"`
}

// Obligation is something that must be done when the request goes ahead. One
// that cannot be carried out turns the decision into a denial.
type Obligation struct {
	ID     string         `json:"id"`
	Rule   string         `json:"rule"`
	Params map[string]any `json:"params,omitempty"`
}

// Obligations the gateway carries out; an unknown one is a denial.
const (
	ObligationPseudonymise = "pseudonymise"   // replace findings for models outside the house, restore in the answer
	ObligationNotice       = "notice"         // tell people that they talk to an AI system; params: text
	ObligationHumanRelease = "human_release"  // the result is a draft until a named person releases it
	ObligationNoContentLog = "no_content_log" // never store content (the gateway stores none)
	ObligationWatermark    = "watermark"      // mark generated content as such in the answer's metadata
	ObligationStripFields  = "strip_fields"   // remove top-level body fields; params: fields
	ObligationReview       = "review_output"  // release the stream in reviewed windows; params: max_bytes
	ObligationLogContent   = "log_content"    // keep the content encrypted; params: days, original
)

// Risk is the class of the request under the AI Act.
type Risk struct {
	// Class is prohibited, high_risk, exempt_6_3_a, exempt_6_3_b, exempt_6_3_d,
	// transparency, out_of_scope or unclassified.
	Class string `json:"class"`
	// Basis is norm and paragraph.
	Basis string `json:"basis"`
	// Note says, for example, from when a duty applies.
	Note string `json:"note,omitempty"`
}

// Decision is the answer to a Question. Others may have got the same: what its
// lists and maps hold is read, never changed; who needs it otherwise makes copies.
type Decision struct {
	Stage  Stage  `json:"stage"`
	Effect Effect `json:"effect"`
	Risk   Risk   `json:"risk"`
	// DataClasses are the effective classes after raising.
	DataClasses []DataClass  `json:"data_classes"`
	Reasons     []Reason     `json:"reasons"`
	Obligations []Obligation `json:"obligations"`
	// Models are the candidates that may be used, Rejected those that may not, with the rules.
	Models   []ModelID            `json:"models"`
	Rejected map[ModelID][]string `json:"rejected"`
	// Revision and Digest identify the policy that decided: Digest is that of all that
	// decides, tenants and services too; Bundle that of the rules' files alone, as they
	// were signed. Older records have no Bundle.
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
	Bundle   string `json:"bundle,omitempty"`
	// Input is the canonical policy input: facts and counts, no content. Replay needs it.
	Input    json.RawMessage `json:"input,omitempty"`
	Duration time.Duration   `json:"duration_ns"`
}

// Allowed is true only for EffectAllow.
func (d Decision) Allowed() bool { return d.Effect == EffectAllow }

// Obligation returns the first obligation with the id.
func (d Decision) Obligation(id string) (Obligation, bool) {
	for _, o := range d.Obligations {
		if o.ID == id {
			return o, true
		}
	}
	return Obligation{}, false
}
