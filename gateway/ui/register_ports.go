// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
)

// RegisterPages are the pages of what is documented and set up. Without a port
// its pages do not exist.
type RegisterPages struct {
	Classes  Classes
	Register Register
	Models   ModelBook
	Usage    UsageBook
	Tenants  TenantDesk
	System   SystemBook
	Persons  PersonDesk
	// Findings are the duties that the configuration leaves without evidence; nil:
	// they are not shown.
	Findings func(ctx context.Context) []policies.Finding
	// Note writes into the record what somebody did on a page. When it fails,
	// nothing may be changed or handed out. Required.
	Note func(ctx context.Context, n PageNote) error
}

// PageNote is what somebody did.
type PageNote struct {
	Person identity.Person
	// Tenant that it concerns; empty: the person's own.
	Tenant gateway.TenantID
	// Topic is exported, tenant_changed, access_given, erased, hold_placed or hold_lifted.
	Topic string
	// Object is what it concerns, Text one German sentence without personal data.
	Object, Text string
	Reason       string
	Old, New     json.RawMessage
}

// Classes says what a planned use of AI is under the AI Act.
type Classes interface {
	// Guide explains in a language, de or en.
	Guide(ctx context.Context, language string) (ClassGuide, error)
	Classify(ctx context.Context, p ClassPlan) (ClassResult, error)
}

// ClassGuide is what the policies explain about classes, purposes and services.
type ClassGuide struct {
	Revision, Date string
	Classes        []GuideClass
	Purposes       []GuidePurpose
	Services       []gateway.ServiceCard
	Examples       []GuideExample
}

// GuideClass is a class under the AI Act.
type GuideClass struct {
	ID, Title, Text, Basis string
	Permitted              bool
	Duties                 []GuideDuty
}

// GuideDuty is a line of a checklist: what, by which norm, who, how the gateway
// takes part, and from which day on.
type GuideDuty struct {
	Duty, Norm, Who, How, Since, Day string
	InForce                          bool
}

// GuidePurpose is a purpose that can be chosen.
type GuidePurpose struct {
	ID          gateway.Purpose
	Title, Text string
	Channels    []gateway.Channel
	// NeedsService: the service must be named.
	NeedsService bool
	Rows         []GuideRow
}

// GuideRow says which class a purpose has at a point of Annex III ("*": any other
// point, "none": no point), and where that stands.
type GuideRow struct{ Annex, Class, Basis, Source string }

// GuideExample is a concrete use in a municipality.
type GuideExample struct {
	ID, Area, Title string
	Purpose         gateway.Purpose
	Annex           string
	Channel         gateway.Channel
	Class, Norm     string
	// Paragraph of the Commission's draft guidelines; empty: none speaks of it.
	Paragraph, Why, From string
}

// ClassPlan is a use that somebody considers.
type ClassPlan struct {
	Tenant    gateway.TenantID
	Purpose   gateway.Purpose
	Service   gateway.ServiceID
	Channel   gateway.Channel
	DataClass []gateway.DataClass
	Date      time.Time
}

// ClassResult is what the policies say to a plan.
type ClassResult struct {
	Allowed     bool
	Risk        gateway.Risk
	DataClasses []gateway.DataClass
	// Reasons that block, Remarks that hold all the same.
	Reasons, Remarks []gateway.Reason
	// Duties the gateway carries out at every request.
	Duties []string
	Models []BookModel
	// Waiting are models that no rule rejects, while the plan itself is refused.
	Waiting  []BookModel
	Rejected []RejectedModel
	Revision string
}

// RejectedModel is a model that may not be used, with the rules that say so.
type RejectedModel struct {
	Model   BookModel
	Reasons []gateway.Reason
}

// Register is the list of AI uses of a tenant (KI-Verzeichnis).
type Register interface {
	// Book of a tenant; CodeNotFound if there is no such tenant.
	Book(ctx context.Context, tenant gateway.TenantID) (Book, error)
	// Published is the register of a tenant that publishes it, at most a few
	// minutes old; CodeNotFound for every other one.
	Published(ctx context.Context, tenant gateway.TenantID) (Book, error)
}

// Book is the register of one tenant, made from configuration and usage.
type Book struct {
	Tenant gateway.TenantID
	Name   string
	// Publish lets everybody read it, without internal fields.
	Publish bool
	// Contact for questions, Office that keeps the register.
	Contact, Office string
	Date            time.Time
	Revision        string
	Entries         []BookEntry
}

// BookEntry is one use: a purpose for a service.
type BookEntry struct {
	Service      gateway.ServiceID // empty: not bound to a service
	ServiceTitle string
	AnnexIII     string
	Purpose      gateway.Purpose
	PurposeTitle string
	Text         string
	// Role is betreiber or anbieter (Art. 3 Nr. 3 und 4 KI-VO).
	Role string
	// Class under the AI Act with norm and reasoning.
	Class, ClassTitle, Basis, Reasoning string
	// Refused: the policies would not let it happen, with the reasons.
	Refused []gateway.Reason
	// What is documented elsewhere, by its reference.
	LegalBasis, Exemption, Registration, DPIA, FRIA, VVT, Oversight string
	DataClasses                                                     []gateway.DataClass
	Models                                                          []BookModel
	// Duties the gateway carries out at every request.
	Duties              []string
	Retention           string
	ValidFrom, Reviewed string
	Systems             []string
	Requests            int64
	Gaps                []BookGap
}

// BookModel is a model that may be used.
type BookModel struct {
	ID                          gateway.ModelID
	Place                       gateway.Residency
	Operator, Country, Contract string
}

// BookGap is something that has to be documented and is not.
type BookGap struct {
	Title, Norm string
	// Since is the first day on which it is a duty, Due that it is one today.
	Since string
	Due   bool
}

// ModelBook is the catalogue with what is known of its models.
type ModelBook interface {
	// Models in the order of the catalogue. Use, cost and times are those of a
	// tenant, or of all when it is empty, since a time.
	Models(ctx context.Context, tenant gateway.TenantID, since time.Time) ([]ModelSheet, error)
	// Rejections says for each class of data which rules would keep it from a
	// model; a class without reasons may be sent there.
	Rejections(ctx context.Context, tenant gateway.TenantID, card gateway.ModelCard) ([]ClassVerdict, error)
}

// ModelSheet is one model of the catalogue.
type ModelSheet struct {
	Card    gateway.ModelCard
	Aliases []gateway.ModelID
	Servers []ModelServer
	// Uses by purpose, the most frequent first.
	Uses []ModelUse
	// Times of the newest answers.
	Times Times
}

// ModelServer is the model at one endpoint.
type ModelServer struct {
	Endpoint string
	// State is closed, open, half_open or paused.
	State                    string
	Until                    time.Time
	InFlight, Waiting, Limit int
	ErrorRate                float64
	LastFailure              time.Time
}

// Available says that requests go there.
func (s ModelServer) Available() bool { return s.State == "closed" || s.State == "half_open" }

// ModelUse is what a model was used for.
type ModelUse struct {
	Purpose       gateway.Purpose
	Requests      int64
	Input, Output int64
	Cost          gateway.MicroEuro
}

// ClassVerdict says why a class of data may not be sent to a model.
type ClassVerdict struct {
	Class   gateway.DataClass
	Reasons []gateway.Reason
}

// Times are measured durations of Count answers.
type Times struct {
	Count                  int
	First, Half, Ninetieth time.Duration // first byte (half of them), p50, p95
}

// UsageBook sums what was used, never by person.
type UsageBook interface {
	// Usage sums by the groups asked for, which the rows then carry.
	Usage(ctx context.Context, q UsageQuery) ([]UsageRow, error)
	// Times measures the newest answers of each day.
	Times(ctx context.Context, q UsageQuery) (TimesReport, error)
	// Budgets of a tenant, or those that are used most when it is empty.
	Budgets(ctx context.Context, tenant gateway.TenantID) ([]Budget, error)
	// PriceList names the prices that are in force, with their date.
	PriceList() string
}

// UsageGroup is something usage can be grouped by.
type UsageGroup string

// Groups of usage.
const (
	UsageTenant     UsageGroup = "tenant"
	UsageSystem     UsageGroup = "system"
	UsageCostCentre UsageGroup = "cost_centre"
	UsagePurpose    UsageGroup = "purpose"
	UsageService    UsageGroup = "service"
	UsageModel      UsageGroup = "model"
)

// UsageQuery chooses usage; From and To are days, both included.
type UsageQuery struct {
	From, To time.Time
	// Tenant, empty: all.
	Tenant gateway.TenantID
	By     []UsageGroup
}

// UsageRow is the usage of one group.
type UsageRow struct {
	Tenant     gateway.TenantID
	System     gateway.SystemID
	CostCentre string
	Purpose    gateway.Purpose
	Service    gateway.ServiceID
	Model      gateway.ModelID
	// Place where the model runs; empty: there was none.
	Place gateway.Residency

	Requests, Input, Output, Estimated int64
	Cost                               gateway.MicroEuro
	// WattHours are an estimate.
	WattHours float64
}

// TimesReport is how long answers took, in all and by day.
type TimesReport struct {
	All  Times
	Days []DayTimes
	// Each is how many answers of a day were looked at at most.
	Each int
}

// DayTimes are the times of one day.
type DayTimes struct {
	Day time.Time
	Times
}

// Budget is how much of an amount is used.
type Budget struct {
	// Title says in German what is bounded for whom.
	Title      string
	Used, Most gateway.MicroEuro
	// Percent used, also where the amounts are not for the reader.
	Percent int
	Hidden  bool
	Frees   time.Time
}

// TenantDesk shows and changes tenants. identity.Registry says who may what.
type TenantDesk interface {
	List(by identity.Actor, cursor, text string, limit int) identity.Page
	Show(ctx context.Context, by identity.Actor, id gateway.TenantID) (identity.Tenant, error)
	Create(ctx context.Context, by identity.Actor, w identity.Wish, requestKey string) (identity.Outcome, error)
	Put(ctx context.Context, by identity.Actor, w identity.Wish) (identity.Outcome, error)
	SetActive(ctx context.Context, by identity.Actor, id gateway.TenantID, active bool) (identity.Outcome, error)
	CreateKey(ctx context.Context, by identity.Actor, at identity.Place, w identity.KeyWish, requestKey string) (identity.Outcome, error)
	RotateKey(ctx context.Context, by identity.Actor, at identity.Place, id string, overlap time.Duration, requestKey string) (identity.Outcome, error)
	RevokeKey(ctx context.Context, by identity.Actor, at identity.Place, id string) (identity.Outcome, error)

	// Limits in force for a tenant and its systems, with what is used.
	Limits(ctx context.Context, id gateway.TenantID) ([]LimitLine, error)
	// Releases of high-risk purposes in force.
	Releases(id gateway.TenantID) []ReleaseLine
	// Duties as they were set for the tenant, else as the configuration says.
	Duties(ctx context.Context, id gateway.TenantID) policies.TenantDuties
	// Origins of pages that may show the panel for the tenant.
	Origins(id gateway.TenantID) []string
	// Purposes a key can be made for, by id and title.
	Purposes(ctx context.Context, language string) ([]GuidePurpose, error)
}

// LimitLine is one limit.
type LimitLine struct {
	Title, Unit string
	Most, Left  int64
	Used        int64
	Budget      bool
	Hidden      bool
}

// ReleaseLine is the release of high-risk purposes of a service.
type ReleaseLine struct {
	Service                             gateway.ServiceID
	Purposes                            []gateway.Purpose
	Registration, FRIA, DPIA, Oversight string
	ValidFrom, ValidTo                  string
}

// SystemBook is what runs here.
type SystemBook interface {
	System(ctx context.Context) (SystemFacts, error)
	// SBOM writes the parts list as CycloneDX JSON.
	SBOM(w io.Writer) error
}

// SystemFacts is the product as it runs.
type SystemFacts struct {
	Version, Go, Build string
	Started            time.Time
	// Revision and Digest of the policies in force.
	Revision, Digest string
	Rules, Services  int
	// Configuration as YAML, without secrets.
	Configuration string
	Stores        []StoreFacts
	Migrations    []Migration
	// Witnesses of the record; none configured: empty.
	Witnesses []WitnessFacts
	// Checkpoint is the size of the record at its newest checkpoint.
	Entries      int64
	Replicas     int
	Dependencies []Dependency
	Vendored     []Dependency
	Memory       int64
	Goroutines   int
}

// StoreFacts is a database or one of its files.
type StoreFacts struct {
	Name, Kind string
	Bytes      int64
	Healthy    bool
	Problem    string
}

// Migration is a script that the stores have applied.
type Migration struct{ Component, Name string }

// WitnessFacts is who keeps checkpoints outside.
type WitnessFacts struct {
	Name string
	Last time.Time
	OK   bool
	Text string
}

// Dependency is a part made by others.
type Dependency struct{ Name, Version, Licence string }

// PersonDesk answers what persons may ask of the gateway (Art. 15, 17 DSGVO), and
// keeps legal holds. It notes what it does and refuses whom it has to.
type PersonDesk interface {
	Access(ctx context.Context, by identity.Person, s PersonSubject) (Disclosure, error)
	// Preview says what Erase would do, and does nothing.
	Preview(ctx context.Context, by identity.Person, s PersonSubject) (Erasure, error)
	Erase(ctx context.Context, by identity.Person, s PersonSubject, reason string) (Erasure, error)
	Holds(ctx context.Context, by identity.Person, tenant gateway.TenantID) ([]HoldLine, error)
	PlaceHold(ctx context.Context, by identity.Person, s PersonSubject, reason string) error
	LiftHold(ctx context.Context, by identity.Person, tenant gateway.TenantID, id, reason string) error
}

// PersonSubject is whom it is about: a file number or a user, as the Fachverfahren
// writes it.
type PersonSubject struct {
	Tenant     gateway.TenantID
	Case, User string
}

// Disclosure is what is held about a subject.
type Disclosure struct {
	Made time.Time
	// Entries of the record, Contents that are kept, Retrievals from documents.
	Entries, Contents, Retrievals int
	Statements                    []PersonStatement
	Letter                        document.Letter
	JSON                          []byte
}

// PersonStatement is a part of the disclosure with its norm.
type PersonStatement struct {
	Norm, Title string
	Lines       []string
}

// Erasure says what is or was erased and what stays.
type Erasure struct {
	Made                       time.Time
	Keys, Contents, Retrievals int
	Stays                      []StayLine
}

// StayLine is something that is not erased, and why.
type StayLine struct {
	What, Why string
	Count     int
	Until     time.Time
}

// HoldLine is a legal hold.
type HoldLine struct {
	ID, Reason string
	// About says what it keeps, under a pseudonym; empty: everything of the tenant.
	About string
	From  time.Time
}
