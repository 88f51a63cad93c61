// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Identities have types, so that none is passed where another belongs.
type (
	// TenantID names a Mandant, usually one municipality.
	TenantID string
	// SystemID names a calling system, usually one Fachverfahren of a tenant.
	SystemID string
	// ServiceID names a public service (Leistung), for example "wohngeld-mietzuschuss".
	ServiceID string
	// ModelID names an entry of the model catalogue.
	ModelID string
	// Principal is who may read a document: "user:…", "group:…", "role:…" or "public".
	Principal string
)

// Purpose is what a request is for. The AI Act classifies purposes, not models,
// therefore a request without a known purpose is refused.
type Purpose string

// The purposes that policies know. Those from LegalQACase on are refused or
// treated as high-risk, see policies/rego/aiact.
const (
	PurposeChat                   Purpose = "chat"
	PurposeResearch               Purpose = "research"
	PurposeFactualQA              Purpose = "factual_qa"
	PurposeLegalReferences        Purpose = "legal_references"
	PurposeSummarise              Purpose = "summarise"
	PurposeTranscribe             Purpose = "transcribe"
	PurposeTranslate              Purpose = "translate"
	PurposeSimplifyLanguage       Purpose = "simplify_language"
	PurposeExtraction             Purpose = "extraction"
	PurposeDocumentClassification Purpose = "document_classification"
	PurposeCompletenessCheck      Purpose = "completeness_check"
	PurposeLetterRequestDocuments Purpose = "letter_request_documents"
	PurposeLetterReceipt          Purpose = "letter_receipt"
	PurposeLetterHearing          Purpose = "letter_hearing"
	PurposeLetterFromDecision     Purpose = "letter_from_human_decision"
	PurposeCitizenInformation     Purpose = "citizen_information"
	PurposeServiceFinder          Purpose = "service_finder"
	PurposeRouting                Purpose = "routing"
)

// DataClass says how sensitive the content of a request is.
type DataClass string

// Data classes. A caller or a service declares them; what the screener finds
// may raise them, nothing lowers them.
const (
	DataPublic       DataClass = "public"
	DataInternal     DataClass = "internal"
	DataPersonal     DataClass = "personal"
	DataArt9         DataClass = "art9"         // Art. 9 Abs. 1 DSGVO
	DataSozialdaten  DataClass = "sozialdaten"  // § 67 Abs. 2 SGB X
	DataSteuer       DataClass = "steuer"       // § 30 AO
	DataTrade        DataClass = "trade"        // § 14 GewO
	DataConfidential DataClass = "confidential" // Verschlusssache, xdomea Vertraulichkeitsstufe
)

// Channel says who reads the answer.
type Channel string

// Channels. Citizens are told that they talk to an AI system (Art. 50 Abs. 1 KI-VO).
const (
	ChannelCaseworker Channel = "caseworker"
	ChannelCitizen    Channel = "citizen"
	ChannelSystem     Channel = "system"
)

// Operation is the kind of work a request asks for.
type Operation string

// Operations.
const (
	OperationChat          Operation = "chat"          // POST /v1/chat/completions, /v1/responses, /v1/messages
	OperationCompletion    Operation = "completion"    // POST /v1/completions
	OperationEmbeddings    Operation = "embeddings"    // POST /v1/embeddings
	OperationRerank        Operation = "rerank"        // POST /v1/rerank
	OperationTranscription Operation = "transcription" // POST /v1/audio/transcriptions
	OperationSearch        Operation = "search"        // POST /api/v1/search
	OperationCheck         Operation = "check"         // POST /api/v1/checks
	OperationDraft         Operation = "draft"         // POST /api/v1/drafts
	OperationTool          Operation = "tool"          // a released tool of another MCP server
)

// Caller is who asks, as established by gateway/identity, never by the request.
type Caller struct {
	Tenant TenantID
	System SystemID
	// KeyID is the public part of the API key, or the session id of a page.
	KeyID string
	// User is the person as the calling system names it: an assertion of the
	// system (marked so in the record), never a widening of its rights.
	User  string
	Roles []string
	// Principals are the identities used for reading rights in retrieval.
	Principals []Principal
	Channel    Channel
	// Purposes the key may be used for; empty means none.
	Purposes []Purpose
	// DefaultPurpose is used when a request names none.
	DefaultPurpose Purpose
	// Services, Models and Sources the caller is confined to; empty: no limit
	// beyond the policies.
	Services []ServiceID
	Models   []ModelID
	Sources  []string
	// CostCentre (Kostenstelle) that pays.
	CostCentre string
	// Auth says how the caller proved who it is: key, oidc, certificate, ticket or session.
	Auth string
}

// LogValue shows who called without the person.
func (c Caller) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("tenant", string(c.Tenant)),
		slog.String("system", string(c.System)),
		slog.String("key_id", c.KeyID),
	)
}

// Entity is something the Fachverfahren already knows about the case and that
// must not leave the house: the strongest lever of the screener.
type Entity struct {
	// Type is person, address, date_of_birth, iban, phone, email, file_number or other.
	Type string `json:"type"`
	// Value is the whole value; for a person First, Last and BirthName are better.
	Value     string `json:"-"`
	First     string `json:"-"`
	Last      string `json:"-"`
	BirthName string `json:"-"`
	// Role says who it is: applicant, household_member, landlord, representative …
	Role string `json:"role,omitempty"`
}

// LogValue shows the type only.
func (e Entity) LogValue() slog.Value { return slog.StringValue("entity:" + e.Type) }

// UnmarshalJSON accepts {"type","value":"…","role"} and
// {"type":"person","value":{"first","last","birth_name"},"role"}.
func (e *Entity) UnmarshalJSON(data []byte) error {
	var in struct {
		Type  string          `json:"type"`
		Value json.RawMessage `json:"value"`
		Role  string          `json:"role"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*e = Entity{Type: in.Type, Role: in.Role}
	if len(in.Value) > 0 && in.Value[0] == '{' {
		var name struct {
			First     string `json:"first"`
			Last      string `json:"last"`
			BirthName string `json:"birth_name"`
		}
		if err := json.Unmarshal(in.Value, &name); err != nil {
			return err
		}
		e.First, e.Last, e.BirthName = name.First, name.Last, name.BirthName
		return nil
	}
	if len(in.Value) == 0 {
		return nil
	}
	return json.Unmarshal(in.Value, &e.Value)
}

// Request is one request as a value. Stages return changed copies.
type Request struct {
	ID        string
	Time      time.Time
	Caller    Caller
	Operation Operation
	Purpose   Purpose
	Service   ServiceID
	// Case is the Aktenzeichen. It is pseudonymised in every record.
	Case string
	// CaseDate is the date the law is applied for; zero means Time.
	CaseDate  time.Time
	DataClass []DataClass
	Entities  []Entity
	// Sources are the document sources to retrieve from; empty: no retrieval.
	Sources []string
	// Chain are the purposes of the earlier steps on the same case, in their order:
	// what a system does in steps is judged as a whole.
	Chain []Purpose
	// Fields are the names of the data fields of the case that the body holds, as
	// the service defines them.
	Fields []string
	// Automation is set when the caller acts on the result without a person.
	Automation *Automation
	// Ruling is the decision a person has made, for a letter that tells it.
	Ruling *Ruling
	// Model is what the caller asked for; empty lets the router choose.
	Model ModelID
	// Conversation keeps the turns of one conversation at one model; opaque.
	Conversation string
	// Body is the wire body for the model, untouched except by Decision.Apply.
	Body Body
	// Files go to the model beside the body, for example a recording. No scanner
	// reads them: each counts as unscreenable.
	Files []File
}

// Automation says what a fully automatic act needs to know of its case.
type Automation struct {
	// Complete: everything the rules of the service ask for is there.
	Complete bool
	// FreeText: the applicant has said something beside the fields, which a person
	// has to read (§ 24 Abs. 1 Satz 3 VwVfG, § 31a Satz 2 SGB X).
	FreeText bool
}

// Ruling is a decision made by a person.
type Ruling struct {
	// Tenor is the operative part as the person wrote it; it has to stand in the body.
	Tenor string
	// Burdening: the act interferes with rights. Hearing says whether its addressee
	// was heard before.
	Burdening bool
	Hearing   Hearing
}

// LogValue shows that there is a ruling, not what it says.
func (r Ruling) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("burdening", r.Burdening), slog.String("hearing", string(r.Hearing)))
}

// Hearing is the state of the hearing before a burdening act (§ 28 VwVfG, § 24 SGB X).
type Hearing string

// States of a hearing; empty: nobody said.
const (
	HearingHeld   Hearing = "held"
	HearingWaived Hearing = "waived" // an exception applies, and its reason is in the file
	HearingOpen   Hearing = "open"
)

// File is a file of a request.
type File struct {
	// Field is the name of the form field, Name that of the file.
	Field, Name, MediaType string
	Content                []byte
}

// LogValue shows what kind of file it is and how large.
func (f File) LogValue() slog.Value {
	return slog.GroupValue(slog.String("media_type", f.MediaType), slog.Int("bytes", len(f.Content)))
}

// LogValue shows what a request is about and none of its content.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", r.ID),
		slog.Any("caller", r.Caller),
		slog.String("operation", string(r.Operation)),
		slog.String("purpose", string(r.Purpose)),
		slog.String("service", string(r.Service)),
		slog.Int("body_bytes", r.Body.Len()),
	)
}
