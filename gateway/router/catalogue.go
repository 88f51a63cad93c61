// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Catalogue is what can be changed while the gateway runs: which models there
// are, under which names, and how much each of them can take.
type Catalogue struct {
	Models []Entry
	Groups []Group
	// Strategy chooses where no group says otherwise; default StrategySovereignty.
	Strategy Strategy
	// Limits of every entry that has none of its own.
	Limits Limits
	// Endpoints bounds what all models of an endpoint take together, by the
	// endpoint's key; no entry: no bound of its own.
	Endpoints map[string]Limits
}

// Entry is one model at one endpoint. Two entries with the same id and different
// endpoints are replicas: policies see one model, requests are spread over both.
type Entry struct {
	// Card is what policies see. Replicas have equal cards but for price and
	// energy. Card.Capabilities says what the model can do beyond plain text; nil
	// means that nobody said, and then nothing is refused for it.
	Card gateway.ModelCard
	// Endpoint is the key of the endpoint in the upstream's configuration,
	// Upstream the model's name there (default: the card's id).
	Endpoint, Upstream string
	// Weight orders models that are equally sovereign, higher first, and is the
	// share of an entry where load is spread (0 counts as 1).
	Weight int
	// Aliases under which callers may ask for the model. An alias of several
	// models is a group.
	Aliases []gateway.ModelID
	// Limits of this entry; zero fields take the catalogue's.
	Limits Limits
	// HedgeAfter is how long a request waits here for content before another route is
	// asked beside it, see Hedge; 0: none is.
	HedgeAfter time.Duration
}

// Group is a name for several models, for example "schleuse/klein".
type Group struct {
	Name gateway.ModelID
	// Models of the group; entries that have Name as an alias belong to it as well.
	Models []gateway.ModelID
	// Strategy chooses among them; default: the catalogue's.
	Strategy Strategy
	// Loose lets every turn of a conversation be chosen anew.
	Loose bool
	// HedgeAfter is that of all its models, whatever they say themselves.
	HedgeAfter time.Duration
}

// Limits bounds what is sent to a model, or to an endpoint, at once.
type Limits struct {
	// Concurrent is the number of requests at once; 0: no bound.
	Concurrent int
	// Queue is how many may wait for a place, over all tenants; default 128,
	// negative: nobody waits.
	Queue int
	// Wait is how long one may wait; default 5 s.
	Wait time.Duration
}

const (
	defaultQueue = 128
	defaultWait  = 5 * time.Second
)

// or fills zero fields from other limits.
func (l Limits) or(other Limits) Limits {
	if l.Concurrent == 0 {
		l.Concurrent = other.Concurrent
	}
	if l.Queue == 0 {
		l.Queue = other.Queue
	}
	if l.Wait == 0 {
		l.Wait = other.Wait
	}
	return l
}

func (l Limits) withDefaults() Limits { return l.or(Limits{Queue: defaultQueue, Wait: defaultWait}) }

// Strategy says how one of several permitted models is chosen. Whatever it says,
// a model whose server is well goes before one whose server is not.
type Strategy string

// Strategies.
const (
	// StrategySovereignty: the most sovereign residency first, then the higher weight.
	StrategySovereignty Strategy = "sovereignty"
	// StrategyCost: the lowest price for a request of this length first.
	StrategyCost Strategy = "cost"
	// StrategyLatency: the shortest expected time first, from what was measured.
	// Measurements lose their force with time, so that every server is tried again.
	StrategyLatency Strategy = "latency"
	// StrategyWeight: at random, in proportion to the weights.
	StrategyWeight Strategy = "weight"
	// StrategyOrder: as they stand in the group, or in the catalogue.
	StrategyOrder Strategy = "order"
)

var strategies = []Strategy{StrategySovereignty, StrategyCost, StrategyLatency, StrategyWeight, StrategyOrder}

// check names every mistake with its place.
func (c Catalogue) check() error {
	k := checker{models: map[gateway.ModelID]int{}, places: map[key]int{}, aliases: map[gateway.ModelID]bool{}}
	k.strategy("strategy", c.Strategy)
	k.limits("limits", c.Limits)
	for i, e := range c.Models {
		k.entry(fmt.Sprintf("models[%d] %s", i, e.Card.ID), i, e, c.Models)
	}
	for i, e := range c.Models {
		k.names(fmt.Sprintf("models[%d] %s", i, e.Card.ID), e)
	}
	seen := map[gateway.ModelID]bool{}
	for i, g := range c.Groups {
		k.group(fmt.Sprintf("groups[%d] %s", i, g.Name), g, seen[g.Name])
		seen[g.Name] = true
	}
	k.endpoints(c)
	return errors.Join(k.problems...)
}

// checker collects the mistakes of a catalogue.
type checker struct {
	problems []error
	models   map[gateway.ModelID]int // index of the first entry
	places   map[key]int
	aliases  map[gateway.ModelID]bool
}

func (k *checker) problem(at, format string, args ...any) {
	k.problems = append(k.problems, fmt.Errorf("%s: "+format, append([]any{at}, args...)...))
}

func (k *checker) entry(at string, i int, e Entry, all []Entry) {
	if flaw := flawedName(e.Card.ID); flaw != "" {
		k.problem(at, "id %s", flaw)
	}
	if e.Endpoint == "" {
		k.problem(at, "endpoint is missing")
	}
	if e.Weight < 0 {
		k.problem(at, "weight %d is negative", e.Weight)
	}
	k.limits(at+": limits", e.Limits)
	k.hedge(at, e.HedgeAfter)
	k.card(at, e.Card)
	if first, ok := k.places[key{e.Card.ID, e.Endpoint}]; ok {
		k.problem(at, "id %q is used twice at endpoint %q (models[%d]); a replica has an endpoint of its own", e.Card.ID, e.Endpoint, first)
		return
	}
	k.places[key{e.Card.ID, e.Endpoint}] = i
	first, replica := k.models[e.Card.ID]
	if !replica {
		k.models[e.Card.ID] = i
		return
	}
	if field := difference(all[first].Card, e.Card); field != "" {
		k.problem(at, "%s differs from models[%d]; policies see one card for all replicas of %s", field, first, e.Card.ID)
	}
}

// card checks what policies and router rely on.
func (k *checker) card(at string, c gateway.ModelCard) {
	if rank(c.Residency) == unknownRank {
		k.problem(at, "residency %q is unknown", c.Residency)
	}
	if len(c.Operations) == 0 {
		k.problem(at, "operations is empty")
	}
	for _, o := range c.Operations {
		if !slices.Contains(operations, o) {
			k.problem(at, "operation %q is unknown or needs no model", o)
		}
	}
	for _, name := range c.Capabilities {
		if needOf(name) == 0 {
			k.problem(at, "capability %q is unknown", name)
		}
	}
	for _, d := range c.DataClasses {
		if !slices.Contains(dataClasses, d) {
			k.problem(at, "data class %q is unknown", d)
		}
	}
	if !slices.Contains([]string{"", "own", "public", "private"}, c.ProcessorKind) {
		k.problem(at, "processor_kind %q is unknown: own, public or private", c.ProcessorKind)
	}
	if c.Country != "" && (len(c.Country) != 2 || strings.Trim(c.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		k.problem(at, "country %q is not two capital letters", c.Country)
	}
	if c.Context < 0 {
		k.problem(at, "context %d is negative", c.Context)
	}
	if c.Price.Input < 0 || c.Price.Output < 0 || c.Price.Minute < 0 {
		k.problem(at, "price is negative")
	}
	if c.Energy < 0 || math.IsNaN(c.Energy) || math.IsInf(c.Energy, 0) {
		k.problem(at, "energy %v is no estimate", c.Energy)
	}
}

// names checks the aliases of an entry, when all ids are known.
func (k *checker) names(at string, e Entry) {
	for i, a := range e.Aliases {
		if flaw := flawedName(a); flaw != "" {
			k.problem(at, "aliases[%d] %s", i, flaw)
		}
		if _, taken := k.models[a]; taken {
			k.problem(at, "aliases[%d]: %q is the id of a model and cannot be used twice", i, a)
		}
		if slices.Contains(e.Aliases[:i], a) {
			k.problem(at, "aliases[%d]: %q is used twice", i, a)
		}
		k.aliases[a] = true
	}
}

func (k *checker) group(at string, g Group, again bool) {
	if flaw := flawedName(g.Name); flaw != "" {
		k.problem(at, "name %s", flaw)
	}
	if again {
		k.problem(at, "name %q is used twice", g.Name)
	}
	if _, taken := k.models[g.Name]; taken {
		k.problem(at, "name %q is the id of a model", g.Name)
	}
	if len(g.Models) == 0 && !k.aliases[g.Name] {
		k.problem(at, "no model belongs to the group")
	}
	for i, id := range g.Models {
		if _, known := k.models[id]; !known {
			k.problem(at, "models[%d]: there is no model %q", i, id)
		}
		if slices.Contains(g.Models[:i], id) {
			k.problem(at, "models[%d]: %q is named twice", i, id)
		}
	}
	k.strategy(at+": strategy", g.Strategy)
	k.hedge(at, g.HedgeAfter)
}

func (k *checker) endpoints(c Catalogue) {
	for name, l := range c.Endpoints {
		at := "endpoints." + name
		k.limits(at, l)
		if !slices.ContainsFunc(c.Models, func(e Entry) bool { return e.Endpoint == name }) {
			k.problem(at, "no model is at this endpoint")
		}
	}
}

func (k *checker) strategy(at string, s Strategy) {
	if s != "" && !slices.Contains(strategies, s) {
		k.problem(at, "%q is unknown; there are %v", s, strategies)
	}
}

func (k *checker) limits(at string, l Limits) {
	if l.Concurrent < 0 {
		k.problem(at, "concurrent %d is negative", l.Concurrent)
	}
	if l.Wait < 0 {
		k.problem(at, "wait %s is negative", l.Wait)
	}
	if l.Queue > maxQueue {
		k.problem(at, "queue %d is larger than %d", l.Queue, maxQueue)
	}
}

// leastHedge keeps a slip of the pen from having everything asked twice.
const leastHedge = 10 * time.Millisecond

func (k *checker) hedge(at string, after time.Duration) {
	if after != 0 && after < leastHedge {
		k.problem(at, "hedge_after %s is shorter than %s", after, leastHedge)
	}
}

// maxQueue bounds what a mistaken configuration can make us hold.
const maxQueue = 100_000

const maxNameBytes = 200

// flawedName says what is wrong with a name that callers are to write.
func flawedName(id gateway.ModelID) string {
	switch {
	case id == "":
		return "is empty"
	case len(id) > maxNameBytes:
		return fmt.Sprintf("is longer than %d bytes", maxNameBytes)
	case strings.ContainsFunc(string(id), func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }):
		return fmt.Sprintf("%q contains blanks or control characters", id)
	}
	return ""
}

// difference names the first field in which two cards of one model differ.
// Price and energy may: they decide nothing.
func difference(a, b gateway.ModelCard) string {
	b.Price, b.Energy = a.Price, a.Energy
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			tag, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			return tag
		}
	}
	return ""
}

// operations that a model does.
var operations = []gateway.Operation{
	gateway.OperationChat, gateway.OperationCompletion, gateway.OperationEmbeddings, gateway.OperationRerank, gateway.OperationTranscription,
	gateway.OperationTool,
}

var dataClasses = []gateway.DataClass{
	gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten,
	gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential,
}

const unknownRank = 99

// rank orders residencies from most to least sovereign.
func rank(r gateway.Residency) int {
	switch r {
	case gateway.ResidencyOwn:
		return 0
	case gateway.ResidencyPublicEU:
		return 1
	case gateway.ResidencyPrivateEU:
		return 2
	case gateway.ResidencyEUofNonEU:
		return 3
	case gateway.ResidencyNonEU:
		return 4
	case gateway.ResidencyUnknown:
		return unknownRank
	default:
		return unknownRank
	}
}
