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
		k.problem(at, "Die Kennung unter id %s.", flaw)
	}
	if e.Endpoint == "" {
		k.problem(at, "Die Angabe endpoint fehlt.")
	}
	if e.Weight < 0 {
		k.problem(at, "Das Gewicht unter weight (%d) ist negativ.", e.Weight)
	}
	k.limits(at+": limits", e.Limits)
	k.hedge(at, e.HedgeAfter)
	k.card(at, e.Card)
	if first, ok := k.places[key{e.Card.ID, e.Endpoint}]; ok {
		k.problem(at, "Die Kennung %q steht am Endpunkt %q doppelt (models[%d]); eine Replik hat einen eigenen Endpunkt.", e.Card.ID, e.Endpoint, first)
		return
	}
	k.places[key{e.Card.ID, e.Endpoint}] = i
	first, replica := k.models[e.Card.ID]
	if !replica {
		k.models[e.Card.ID] = i
		return
	}
	if field := difference(all[first].Card, e.Card); field != "" {
		k.problem(at, "Die Angabe %s weicht von models[%d] ab; für alle Repliken von %s gelten dieselben Angaben.", field, first, e.Card.ID)
	}
}

// card checks what policies and router rely on.
func (k *checker) card(at string, c gateway.ModelCard) {
	if rank(c.Residency) == unknownRank {
		k.problem(at, "Der Standort %q unter residency ist nicht bekannt; möglich sind: %s.", c.Residency, residencyNames())
	}
	if len(c.Operations) == 0 {
		k.problem(at, "Unter operations steht nichts.")
	}
	for _, o := range c.Operations {
		if !slices.Contains(operations, o) {
			k.problem(at, "Die Art der Anfrage %q unter operations ist nicht bekannt oder braucht kein Modell.", o)
		}
	}
	for _, name := range c.Capabilities {
		if needOf(name) == 0 {
			k.problem(at, "Die Fähigkeit %q unter capabilities ist nicht bekannt.", name)
		}
	}
	for _, d := range c.DataClasses {
		if !slices.Contains(dataClasses, d) {
			k.problem(at, "Die Datenart %q unter data_classes ist nicht bekannt.", d)
		}
	}
	if !slices.Contains([]string{"", "own", "public", "private"}, c.ProcessorKind) {
		k.problem(at, "Die Art %q unter processor_kind ist nicht bekannt; möglich sind own, public und private.", c.ProcessorKind)
	}
	if !slices.Contains(para80Grounds, c.Para80Ground) {
		k.problem(at, "Der Grund %q unter para80_ground ist nicht bekannt; möglich sind %s.", c.Para80Ground, strings.Join(para80Grounds[1:], ", "))
	}
	if c.Country != "" && (len(c.Country) != 2 || strings.Trim(c.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		k.problem(at, "Das Land %q unter country besteht nicht aus zwei Großbuchstaben.", c.Country)
	}
	if c.Context < 0 {
		k.problem(at, "Die Länge unter context (%d) ist negativ.", c.Context)
	}
	if c.Price.Input < 0 || c.Price.Output < 0 || c.Price.Minute < 0 {
		k.problem(at, "Der Preis unter price ist negativ.")
	}
	if c.Energy < 0 || math.IsNaN(c.Energy) || math.IsInf(c.Energy, 0) {
		k.problem(at, "Der Wert unter energy_wh (%v) ist keine Schätzung in Wattstunden.", c.Energy)
	}
}

// names checks the aliases of an entry, when all ids are known.
func (k *checker) names(at string, e Entry) {
	for i, a := range e.Aliases {
		if flaw := flawedName(a); flaw != "" {
			k.problem(at, "Der Name unter aliases[%d] %s.", i, flaw)
		}
		if _, taken := k.models[a]; taken {
			k.problem(at, "Der Name unter aliases[%d], %q, ist schon die Kennung eines Modells.", i, a)
		}
		if slices.Contains(e.Aliases[:i], a) {
			k.problem(at, "Der Name unter aliases[%d], %q, steht doppelt.", i, a)
		}
		k.aliases[a] = true
	}
}

func (k *checker) group(at string, g Group, again bool) {
	if flaw := flawedName(g.Name); flaw != "" {
		k.problem(at, "Der Name unter name %s.", flaw)
	}
	if again {
		k.problem(at, "Der Name %q steht doppelt.", g.Name)
	}
	if _, taken := k.models[g.Name]; taken {
		k.problem(at, "Der Name %q ist schon die Kennung eines Modells.", g.Name)
	}
	if len(g.Models) == 0 && !k.aliases[g.Name] {
		k.problem(at, "Zur Gruppe gehört kein Modell.")
	}
	for i, id := range g.Models {
		if _, known := k.models[id]; !known {
			k.problem(at, "Das Modell unter models[%d], %q, gibt es nicht.", i, id)
		}
		if slices.Contains(g.Models[:i], id) {
			k.problem(at, "Das Modell unter models[%d], %q, steht doppelt.", i, id)
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
			k.problem(at, "An diesem Endpunkt steht kein Modell.")
		}
	}
}

func (k *checker) strategy(at string, s Strategy) {
	if s != "" && !slices.Contains(strategies, s) {
		k.problem(at, "Die Strategie %q ist nicht bekannt; es gibt: sovereignty, cost, latency, weight, order.", s)
	}
}

func (k *checker) limits(at string, l Limits) {
	if l.Concurrent < 0 {
		k.problem(at, "Der Wert unter concurrent (%d) ist negativ.", l.Concurrent)
	}
	if l.Wait < 0 {
		k.problem(at, "Die Dauer unter wait (%s) ist negativ.", l.Wait)
	}
	if l.Queue > maxQueue {
		k.problem(at, "Der Wert unter queue (%d) ist größer als %d.", l.Queue, maxQueue)
	}
}

// leastHedge keeps a slip of the pen from having everything asked twice.
const leastHedge = 10 * time.Millisecond

func (k *checker) hedge(at string, after time.Duration) {
	if after != 0 && after < leastHedge {
		k.problem(at, "Die Dauer unter hedge_after (%s) ist kürzer als %s.", after, leastHedge)
	}
}

// maxQueue bounds what a mistaken configuration can make us hold.
const maxQueue = 100_000

const maxNameBytes = 200

// flawedName says what is wrong with a name that callers are to write.
func flawedName(id gateway.ModelID) string {
	switch {
	case id == "":
		return "ist leer"
	case len(id) > maxNameBytes:
		return fmt.Sprintf("ist länger als %d Byte", maxNameBytes)
	case strings.ContainsFunc(string(id), func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }):
		return fmt.Sprintf("%q enthält Leer- oder Steuerzeichen", id)
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

// residencies that the router ranks, the most sovereign first.
var residencies = []gateway.Residency{
	gateway.ResidencyOwn, gateway.ResidencyPublicEU, gateway.ResidencyPrivateEU, gateway.ResidencyEUofNonEU, gateway.ResidencyNonEU,
}

func residencyNames() string {
	var out []string
	for _, r := range residencies {
		out = append(out, string(r))
	}
	return strings.Join(out, ", ")
}

// para80Grounds are what § 80 Abs. 3 SGB X knows, or nothing.
var para80Grounds = []string{"", "disruption", "cost", "majority_public"}

// rank orders residencies from most to least sovereign.
func rank(r gateway.Residency) int {
	if i := slices.Index(residencies, r); i >= 0 {
		return i
	}
	return unknownRank
}
