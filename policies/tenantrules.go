// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Rules of a tenant are Rego modules of package tenantrules["<tenant>"], one rule
// each, with METADATA as in the library. They can only narrow: what they say is
// taken up in Go, after the library has decided (tenantnarrow.go). They are compiled
// apart from the library and from each other, so there is nothing they could
// redefine, and they are code of strangers (untrusted.go).

// Bounds of the rules of one tenant.
const (
	maxTenantRules  = 20
	maxTenantSource = 32 << 10
)

// tenantRuleID keeps tenants' ids apart from those of the library.
var tenantRuleID = regexp.MustCompile(`^MND-[0-9]{3}$`)

// tenantRules are the rules of one tenant, ready to be asked.
type tenantRules struct {
	rules []tenantRule
	// broken, if set, refuses everything: rules that cannot be read are not no rules.
	broken *tenantError
}

type tenantRule struct {
	info  RuleInfo
	query rego.PreparedEvalQuery
}

// tenantError is why a tenant's rule could not be asked. It becomes a denial under
// the id of that rule.
type tenantError struct {
	reason gateway.Reason
	cause  error
}

func (f *tenantError) Error() string {
	return fmt.Sprintf("rule %s of the tenant: %v", f.reason.Rule, f.cause)
}

func (f *tenantError) Unwrap() error { return f.cause }

// tenantKernel speaks for rules that have no readable id.
var tenantKernel = gateway.Reason{
	Rule: "MND-000", Title: "Regeln des Mandanten nicht verwertbar", Basis: "Art. 5 Abs. 2, Art. 24 Abs. 2 DSGVO",
	Text:     "Die eigenen Regeln des Mandanten konnten nicht gelesen werden; ohne sie wird nichts weitergegeben.",
	Severity: "block",
}

// failure of a rule that is known by name.
func (r RuleInfo) failure(cause error) *tenantError {
	return &tenantError{cause: cause, reason: gateway.Reason{
		Rule: r.ID, Title: r.Title, Basis: r.Basis, Severity: "block",
		Text: "Die eigene Regel des Mandanten konnte nicht ausgewertet werden; ohne sie wird nichts weitergegeben.",
	}}
}

// CheckTenantRules says what is wrong with rules of a tenant, as an error with a
// sentence for people. Rules that do not pass refuse every request of the tenant.
// An empty tenant is the one that the first rule names.
func CheckTenantRules(ctx context.Context, tenant gateway.TenantID, sources []string) error {
	if tenant == "" && len(sources) > 0 {
		tenant = namedTenant(sources[0])
	}
	b, err := readBundle(Library())
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	s, err := b.snapshot(ctx, newEngine(Config{Tenants: map[gateway.TenantID]Tenant{tenant: {Active: true, Rules: sources}}}).cfg)
	if err != nil {
		return err
	}
	if own := s.own[tenant]; own != nil && own.broken != nil {
		return &gateway.Error{
			Op: "check rules of a tenant", Code: gateway.CodeInvalid, Path: "rules",
			Message: "Die Regeln des Mandanten sind nicht verwertbar: " + own.broken.cause.Error(), Err: own.broken.cause,
		}
	}
	return nil
}

func namedTenant(source string) gateway.TenantID {
	m, err := parseRego("rules[0]", []byte(source))
	if err != nil || len(m.Package.Path) != 3 {
		return "unbekannt"
	}
	return gateway.TenantID(termText(m.Package.Path[2]))
}

// tenantRuleSets compiles the rules of all tenants that have any; nil when none has.
func (b *bundle) tenantRuleSets(ctx context.Context, tenants map[gateway.TenantID]Tenant, store storage.Store) map[gateway.TenantID]*tenantRules {
	var out map[gateway.TenantID]*tenantRules
	for id, t := range tenants {
		if len(t.Rules) == 0 {
			continue
		}
		if out == nil {
			out = map[gateway.TenantID]*tenantRules{}
		}
		rules, err := b.tenantRules(ctx, id, t.Rules, store)
		if err != nil {
			failure, named := errors.AsType[*tenantError](err)
			if !named {
				failure = &tenantError{reason: tenantKernel, cause: err}
			}
			rules = &tenantRules{broken: failure}
		}
		out[id] = rules
	}
	return out
}

func (b *bundle) tenantRules(ctx context.Context, tenant gateway.TenantID, sources []string, store storage.Store) (*tenantRules, error) {
	if len(sources) > maxTenantRules {
		return nil, fmt.Errorf("%d rules, at most %d", len(sources), maxTenantRules)
	}
	var out tenantRules
	seen := map[string]bool{}
	for i, source := range sources {
		rule, err := b.tenantRule(ctx, tenant, i, source, store)
		if err != nil {
			return nil, err
		}
		if seen[rule.info.ID] {
			return nil, rule.info.failure(errors.New("two rules have this id"))
		}
		seen[rule.info.ID] = true
		out.rules = append(out.rules, rule)
	}
	return &out, nil
}

func (b *bundle) tenantRule(ctx context.Context, tenant gateway.TenantID, i int, source string, store storage.Store) (tenantRule, error) {
	name := fmt.Sprintf("rules[%d]", i)
	if len(source) > maxTenantSource {
		return tenantRule{}, fmt.Errorf("%s: %d bytes, at most %d", name, len(source), maxTenantSource)
	}
	module, err := parseRego(name, []byte(source))
	if err != nil {
		return tenantRule{}, err
	}
	info, err := tenantRuleInfo(module, tenant)
	if err != nil {
		return tenantRule{}, fmt.Errorf("%s: %w", name, err)
	}
	query, err := b.compileTenantRule(ctx, module, tenant, i, store)
	if err != nil {
		return tenantRule{}, info.failure(err)
	}
	return tenantRule{info: info, query: query}, nil
}

func tenantRuleInfo(m *ast.Module, tenant gateway.TenantID) (RuleInfo, error) {
	if want := tenantPackage(tenant); !m.Package.Path.Equal(want) {
		return RuleInfo{}, fmt.Errorf("the package is %s, for this tenant it is %s", m.Package.Path, want)
	}
	a := packageAnnotations(m)
	if a == nil {
		return RuleInfo{}, errors.New("no METADATA block with scope package")
	}
	info := infoOf(a, m)
	if err := info.validate(); err != nil {
		return RuleInfo{}, err
	}
	if !tenantRuleID.MatchString(info.ID) || info.ID == tenantKernel.Rule {
		return RuleInfo{}, fmt.Errorf("rule_id %q is not like MND-001", info.ID)
	}
	return info, nil
}

func tenantPackage(tenant gateway.TenantID, more ...string) ast.Ref {
	ref := ast.Ref{ast.DefaultRootDocument, ast.StringTerm("tenantrules"), ast.StringTerm(string(tenant))}
	for _, m := range more {
		ref = append(ref, ast.StringTerm(m))
	}
	return ref
}

// compileTenantRule gives the module a package of its own and compiles it alone.
func (b *bundle) compileTenantRule(ctx context.Context, m *ast.Module, tenant gateway.TenantID, i int, store storage.Store) (rego.PreparedEvalQuery, error) {
	if err := onlyConsequences(m); err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	own := tenantPackage(tenant, strconv.Itoa(i))
	m.Package.Path = own
	m.Annotations = nil // read, and they speak of another package
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(forTenants(b.capabilities)).WithDefaultRegoVersion(ast.RegoV1)
	compiler.Compile(map[string]*ast.Module{"tenant.rego": m})
	if compiler.Failed() {
		return rego.PreparedEvalQuery{}, compiler.Errors
	}
	for _, compiled := range compiler.Modules {
		if err := onlyTables(compiled, own); err != nil {
			return rego.PreparedEvalQuery{}, err
		}
	}
	return prepare(ctx, own.String(), compiler, store)
}

// onlyConsequences: a tenant's rule defines deny, reject, oblige and note, and
// helpers whose names begin with an underscore.
func onlyConsequences(m *ast.Module) error {
	said, err := contributions(m)
	if err != nil {
		return err
	}
	if len(said) == 0 {
		return fmt.Errorf("none of %s is defined", strings.Join(consequences, ", "))
	}
	for _, r := range m.Rules {
		for ; r != nil; r = r.Else {
			name := r.Head.Ref().GroundPrefix().String()
			if !slices.Contains(consequences, name) && !strings.HasPrefix(name, "_") {
				return fmt.Errorf("%s is defined; a rule of a tenant says %s, and helpers begin with _", name, strings.Join(consequences, ", "))
			}
		}
	}
	var with bool
	ast.WalkWiths(m, func(*ast.With) bool {
		with = true
		return true
	})
	if with {
		return errors.New("“with” is not for rules of tenants")
	}
	return nil
}

// onlyTables: of data a tenant's rule sees itself and the tables, but not what is
// known of other tenants.
func onlyTables(m *ast.Module, own ast.Ref) error {
	var foreign string
	ast.WalkRefs(m, func(ref ast.Ref) bool {
		if !ref[0].Equal(ast.DefaultRootDocument) || ref.HasPrefix(own) {
			return false
		}
		table := ""
		if len(ref) > 2 && ref[1].Equal(ast.StringTerm("catalog")) {
			table = termText(ref[2])
		}
		if table == "" || table == "tenants" {
			foreign = ref.String()
		}
		return false
	})
	if foreign != "" {
		return fmt.Errorf("%s is not for rules of tenants; they see input and single tables of data.catalog", foreign)
	}
	return nil
}

// forTenants leaves out what makes long texts in one call, which no deadline ends.
func forTenants(all *ast.Capabilities) *ast.Capabilities {
	out := *all
	out.Builtins = slices.DeleteFunc(slices.Clone(all.Builtins), func(f *ast.Builtin) bool {
		return f.Name == ast.Concat.Name || f.Name == ast.Sprintf.Name || f.Name == ast.InternalTemplateString.Name
	})
	return &out
}
