// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Limits are what callers may use. All limits that match a request apply to it.
// In the maps a named entry stands instead of "*", which gives every other one
// the same limit, each for itself.
type Limits struct {
	// All bounds all requests together.
	All Limit `json:"all,omitzero" yaml:"all"`
	// Tenants by id.
	Tenants map[string]Limit `json:"tenants,omitempty" yaml:"tenants"`
	// Systems by "tenant/system".
	Systems map[string]Limit `json:"systems,omitempty" yaml:"systems"`
	// Keys by the public part of the key.
	Keys map[string]Limit `json:"keys,omitempty" yaml:"keys"`
	// Purposes by "purpose" (over all tenants), "tenant/purpose" or "*/purpose"
	// (every tenant for itself).
	Purposes map[string]Limit `json:"purposes,omitempty" yaml:"purposes"`
}

// Limit bounds one scope; a zero field bounds nothing.
type Limit struct {
	// RequestsPerMinute is the rate in the long run; a sixth of it, at least one
	// request, may come at once.
	RequestsPerMinute int64 `json:"requests_per_minute,omitempty" yaml:"requests_per_minute"`
	// InputTokensPerMinute and OutputTokensPerMinute are rates in the long run; a
	// minute's worth may come at once. A larger request waits for a full minute's
	// worth and is paid off afterwards.
	InputTokensPerMinute  int64 `json:"input_tokens_per_minute,omitempty" yaml:"input_tokens_per_minute"`
	OutputTokensPerMinute int64 `json:"output_tokens_per_minute,omitempty" yaml:"output_tokens_per_minute"`
	// Concurrent is the most requests under way at once.
	Concurrent int64 `json:"concurrent,omitempty" yaml:"concurrent"`
	// BudgetPerDay and BudgetPerMonth are euros per calendar day and month in Germany.
	BudgetPerDay   Euro `json:"budget_per_day,omitempty" yaml:"budget_per_day"`
	BudgetPerMonth Euro `json:"budget_per_month,omitempty" yaml:"budget_per_month"`
}

// Euro is an amount in configuration, written as a decimal number of euros.
type Euro gateway.MicroEuro

const (
	million  = 1_000_000
	maxEuros = 1_000_000_000
	// maxRate keeps sums of rates far from overflow.
	maxRate = 1_000_000_000_000
)

// String is the decimal number.
func (e Euro) String() string {
	sign := ""
	if e < 0 {
		sign, e = "-", -e
	}
	s := fmt.Sprintf("%s%d.%06d", sign, e/million, e%million)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalJSON writes a number.
func (e Euro) MarshalJSON() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalJSON reads a number or a text with one.
func (e *Euro) UnmarshalJSON(raw []byte) (err error) {
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return fmt.Errorf("Betrag in Euro: %w", err)
	}
	*e, err = ParseEuro(n.String())
	return err
}

// MarshalYAML writes a number.
func (e Euro) MarshalYAML() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalYAML reads a number or a text with one.
func (e *Euro) UnmarshalYAML(decode func(any) error) error {
	var text string
	err := decode(&text)
	if err != nil {
		return fmt.Errorf("Betrag in Euro: %w", err)
	}
	*e, err = ParseEuro(text)
	return err
}

// ParseEuro reads digits with at most six decimals after a point.
func ParseEuro(s string) (Euro, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	malformed := fmt.Errorf("%.20q ist kein Betrag in Euro wie 12.50", s)
	if whole == "" || len(whole) > 10 || len(fraction) > 6 || strings.HasSuffix(s, ".") || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, malformed
	}
	n, err := strconv.ParseInt(whole+(fraction + "000000")[:6], 10, 64)
	if err != nil || n > maxEuros*million {
		return 0, malformed
	}
	return Euro(n), nil
}

// Validate names every mistake at once.
func (l Limits) Validate() error {
	problems := []error{l.All.validate("all")}
	for _, group := range []struct {
		name   string
		limits map[string]Limit
		shape  func(string) bool
	}{
		{"tenants", l.Tenants, plain},
		{"systems", l.Systems, func(s string) bool { return s == "*" || pair(s) && !strings.Contains(s, "*") }},
		{"keys", l.Keys, plain},
		{"purposes", l.Purposes, func(s string) bool { return plain(s) && s != "*" || pair(s) && !strings.HasSuffix(s, "*") }},
	} {
		for _, name := range slices.Sorted(maps.Keys(group.limits)) {
			at := group.name + "." + name
			if !group.shape(name) {
				problems = append(problems, fmt.Errorf("%s: Eine Grenze kann hier nicht so heißen.", at))
			}
			problems = append(problems, group.limits[name].validate(at))
		}
	}
	return errors.Join(problems...)
}

func plain(s string) bool { return s != "" && len(s) <= 200 && !strings.ContainsAny(s, "/ \n") }

func pair(s string) bool {
	tenant, rest, ok := strings.Cut(s, "/")
	return ok && plain(tenant) && plain(rest)
}

func (l Limit) validate(at string) error {
	for _, k := range kinds {
		most := int64(maxRate)
		if k.Budget() {
			most = maxEuros * million
		}
		if n := l.of(k); n < 0 || n > most {
			return fmt.Errorf("%s.%s: Der Wert ist negativ oder zu groß.", at, k)
		}
	}
	return nil
}

// Kind says what is counted.
type Kind string

// Kinds, named as in the configuration.
const (
	KindRequests   Kind = "requests_per_minute"
	KindInput      Kind = "input_tokens_per_minute"
	KindOutput     Kind = "output_tokens_per_minute"
	KindConcurrent Kind = "concurrent"
	KindDay        Kind = "budget_per_day"
	KindMonth      Kind = "budget_per_month"
)

var kinds = [...]Kind{KindRequests, KindConcurrent, KindInput, KindOutput, KindDay, KindMonth}

// Budget says that money is counted: what is used stays used until the period ends.
func (k Kind) Budget() bool { return k == KindDay || k == KindMonth }

func (l Limit) of(k Kind) int64 {
	switch k {
	case KindRequests:
		return l.RequestsPerMinute
	case KindInput:
		return l.InputTokensPerMinute
	case KindOutput:
		return l.OutputTokensPerMinute
	case KindConcurrent:
		return l.Concurrent
	case KindDay:
		return int64(l.BudgetPerDay)
	case KindMonth:
		return int64(l.BudgetPerMonth)
	}
	return 0
}

// Scope is what a limit is for: a class and the names that belong to it.
type Scope struct {
	// Class is all, tenant, system, key or purpose.
	Class  string           `json:"class"`
	Tenant gateway.TenantID `json:"tenant,omitempty"`
	// Name of the system, key or purpose.
	Name string `json:"name,omitempty"`
}

// String is the name under which the scope is kept.
func (s Scope) String() string {
	switch s.Class {
	case "all":
		return "all"
	case "tenant":
		return "tenant:" + string(s.Tenant)
	}
	return s.Class + ":" + string(s.Tenant) + "/" + s.Name
}

// shared says that several tenants use the scope, so that its numbers are
// nobody's in particular.
func (s Scope) shared() bool { return s.Class == "all" || s.Class == "purpose" && s.Tenant == "" }

// identity is everything limits look at in a request.
type identity struct {
	tenant  gateway.TenantID
	system  gateway.SystemID
	key     string
	purpose gateway.Purpose
}

type bounded struct {
	scope Scope
	limit Limit
}

// of lists the limits that apply to a caller, the widest scope last: what is
// the caller's own is refused first.
func (l Limits) of(id identity) []bounded {
	var out []bounded
	add := func(s Scope, limit Limit) {
		if limit != (Limit{}) {
			out = append(out, bounded{s, limit})
		}
	}
	if id.key != "" {
		add(Scope{"key", id.tenant, id.key}, entry(l.Keys, id.key, "*"))
	}
	if id.system != "" {
		add(Scope{"system", id.tenant, string(id.system)}, entry(l.Systems, string(id.tenant)+"/"+string(id.system), "*"))
	}
	if id.purpose != "" {
		add(Scope{"purpose", id.tenant, string(id.purpose)}, entry(l.Purposes, string(id.tenant)+"/"+string(id.purpose), "*/"+string(id.purpose)))
	}
	add(Scope{Class: "tenant", Tenant: id.tenant}, entry(l.Tenants, string(id.tenant), "*"))
	if id.purpose != "" {
		add(Scope{Class: "purpose", Name: string(id.purpose)}, l.Purposes[string(id.purpose)])
	}
	add(Scope{Class: "all"}, l.All)
	return out
}

func entry(limits map[string]Limit, name, standard string) Limit {
	if l, ok := limits[name]; ok && name != "*" {
		return l
	}
	return limits[standard]
}

// limitOf is the limit a scope has now; zero when it has none any more.
func (l Limits) limitOf(s Scope) Limit {
	id := identity{tenant: s.Tenant}
	switch s.Class {
	case "key":
		id.key = s.Name
	case "system":
		id.system = gateway.SystemID(s.Name)
	case "purpose":
		id.purpose = gateway.Purpose(s.Name)
	}
	for _, b := range l.of(id) {
		if b.scope == s {
			return b.limit
		}
	}
	return Limit{}
}

// knows says that some limit looks at the purpose. Others are not told apart:
// a purpose is foreign input.
func (l Limits) purposes() map[gateway.Purpose]bool {
	out := map[gateway.Purpose]bool{}
	for name := range l.Purposes {
		out[gateway.Purpose(name[strings.LastIndexByte(name, '/')+1:])] = true
	}
	return out
}

// clone keeps later changes of the caller's maps out.
func (l Limits) clone() Limits {
	l.Tenants, l.Systems = maps.Clone(l.Tenants), maps.Clone(l.Systems)
	l.Keys, l.Purposes = maps.Clone(l.Keys), maps.Clone(l.Purposes)
	return l
}
