// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies/plan"
)

// bundle is a policy folder as read: parsed, not yet compiled with data.
type bundle struct {
	revision string
	// coarse: the rules see of quantities only whether there is any.
	coarse       bool
	capabilities *ast.Capabilities
	// modules decide, tests are only run by Test.
	modules, tests map[string]*ast.Module
	// sources are the Rego files as written, for the formatter.
	sources map[string][]byte
	catalog map[string]any
	rules   []RuleInfo
	// compiler holds the compiled modules; snapshots share it.
	compiler *ast.Compiler
	plans    plans
	// hash covers every file that decides, signed is the BundleDigest of all.
	hash   []byte
	signed string
}

// snapshot is an immutable, compiled bundle with its data.
type snapshot struct {
	revision, digest string
	// signed is the BundleDigest of the files as they were signed.
	signed string
	// coarse is the bundle's, aliases the catalogue's.
	coarse  bool
	aliases map[string]string
	// tables that view looks up.
	tables map[string]ast.Object
	// main is data.main.result, query the same for topdown.
	main       document
	query      rego.PreparedEvalQuery
	candidates *candidateFacts
	cache      *decisionCache
	compiler   *ast.Compiler
	store      storage.Store
	rules      []RuleInfo
	byPath     map[string]RuleInfo
	// own are the rules of tenants; nil when none has any.
	own map[gateway.TenantID]*tenantRules
}

func readBundle(root fs.FS) (*bundle, error) {
	b, err := parseBundle(root)
	if err != nil {
		return nil, err
	}
	return b, b.check()
}

// parseBundle reads a bundle that is not compiled yet.
func parseBundle(root fs.FS) (*bundle, error) {
	plan.Register() // everything else of OPA comes after a bundle
	capabilities, err := allowedFunctions()
	if err != nil {
		return nil, err
	}
	b := &bundle{capabilities: capabilities, modules: map[string]*ast.Module{}, tests: map[string]*ast.Module{}, sources: map[string][]byte{}, catalog: map[string]any{}}
	files, err := listFiles(root)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	h.Write(capabilitiesJSON)
	for _, name := range files {
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := b.add(name, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if strings.HasSuffix(name, "_test.rego") || name == capabilitiesFile {
			continue // neither decides
		}
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(raw)))
		h.Write([]byte(name + "\x00"))
		h.Write(length[:])
		h.Write(raw)
	}
	b.hash = h.Sum(nil)
	b.signed, err = digestOf(root)
	return b, err
}

// listFiles names every file of a bundle, in order.
func listFiles(root fs.FS) ([]string, error) {
	files := []string{"manifest.yaml"}
	if _, err := fs.Stat(root, capabilitiesFile); err == nil {
		files = append(files, capabilitiesFile)
	}
	for _, dir := range []string{"catalog", "rego"} {
		err := fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir():
				return nil
			case !strings.HasSuffix(name, ".rego") && !strings.HasSuffix(name, ".yaml"):
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.Size() > maxFile || len(files) >= maxFiles {
				return fmt.Errorf("%s: bundle too large", name)
			}
			files = append(files, name)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return files, nil
}

func (b *bundle) add(name string, raw []byte) error {
	switch {
	case name == "manifest.yaml":
		return b.addManifest(raw)
	case name == capabilitiesFile:
		return noMoreThan(b.capabilities, raw)
	case strings.HasPrefix(name, "catalog/"):
		var table any
		if err := tameYAML(raw); err != nil {
			return err
		}
		if err := yaml.Unmarshal(raw, &table); err != nil {
			return err
		}
		value, err := plain(table)
		b.catalog[strings.TrimSuffix(path.Base(name), ".yaml")] = value
		return err
	case strings.HasSuffix(name, ".rego"):
		return b.addModule(name, raw)
	}
	return nil
}

func (b *bundle) addManifest(raw []byte) error {
	if err := tameYAML(raw); err != nil {
		return err
	}
	var manifest struct {
		Revision string `yaml:"revision"`
		Title    string `yaml:"title"`
		// Quantities is exact (the default) or presence.
		Quantities string `yaml:"quantities"`
	}
	if err := yaml.UnmarshalWithOptions(raw, &manifest, yaml.Strict()); err != nil {
		return err
	}
	b.revision, b.coarse = manifest.Revision, manifest.Quantities == "presence"
	if q := manifest.Quantities; q != "" && q != "exact" && q != "presence" {
		return fmt.Errorf("quantities: %q is neither exact nor presence", q)
	}
	return nil
}

func (b *bundle) addModule(name string, raw []byte) error {
	module, err := parseRego(name, raw)
	if err != nil {
		return err
	}
	b.sources[name] = raw
	if strings.HasSuffix(name, "_test.rego") {
		b.tests[name] = module
		return nil
	}
	b.modules[name] = module
	return nil
}

func (b *bundle) check() error {
	if b.revision == "" {
		return fmt.Errorf("manifest.yaml: no revision")
	}
	if terms := b.size(); terms > maxTerms {
		return fmt.Errorf("the rules have %d terms, at most %d are read", terms, maxTerms)
	}
	if expanded(slices.Concat(slices.Collect(maps.Values(b.modules)), slices.Collect(maps.Values(b.tests)))...) > maxExpansion {
		return errGrowth
	}
	rules, err := b.readRules()
	if err != nil {
		return err
	}
	b.rules = rules
	if b.modules[collected], err = b.collect(); err != nil {
		return err
	}
	b.compiler, err = b.compile(b.modules)
	return err
}

// snapshot compiles the bundle and fills its store.
func (b *bundle) snapshot(ctx context.Context, c Config) (*snapshot, error) {
	catalog, err := b.data(c)
	if err != nil {
		return nil, err
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"catalog": catalog},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	main, err := b.document(ctx, "data.main.result", store)
	if err != nil {
		return nil, err
	}
	candidates, err := b.candidateFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	if err := candidates.check(ctx, b.modules, canaryTimeout); err != nil {
		return nil, err
	}
	digest, err := b.digest(c)
	if err != nil {
		return nil, err
	}
	catalogValue, err := storage.ReadOne(ctx, store, storage.Path{"catalog"})
	if err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	value, _ := catalogValue.(ast.Value)
	tables, err := lookups(value)
	if err != nil {
		return nil, err
	}
	s := &snapshot{revision: b.revision, digest: digest, signed: b.signed, candidates: candidates, cache: newDecisionCache(c.Now), tables: tables, coarse: b.coarse, aliases: aliases(catalog), main: main, query: main.query, compiler: b.compiler, store: store, rules: b.rules, byPath: map[string]RuleInfo{}}
	for _, r := range b.rules {
		s.byPath[r.path] = r
	}
	s.own = b.tenantRuleSets(ctx, c.Tenants, store)
	return s, nil
}

func prepare(ctx context.Context, query string, compiler *ast.Compiler, store storage.Store) (rego.PreparedEvalQuery, error) {
	prepared, err := rego.New(rego.Query(query), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return prepared, fmt.Errorf("prepare %s: %w", query, err)
	}
	return prepared, nil
}

func (b *bundle) compile(modules map[string]*ast.Module) (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(b.capabilities).WithDefaultRegoVersion(ast.RegoV1)
	copies := make(map[string]*ast.Module, len(modules))
	for name, m := range modules {
		copies[name] = m.Copy()
	}
	compiler.Compile(copies)
	if compiler.Failed() {
		return nil, compiler.Errors
	}
	return compiler, nil
}

// data is the catalogue with tenants, services, overrides and the rules' dates.
func (b *bundle) data(c Config) (map[string]any, error) {
	overrides, err := plain(c.Overrides)
	if err != nil {
		return nil, fmt.Errorf("overrides: %w", err)
	}
	catalog := b.catalog
	if o, ok := overrides.(map[string]any); ok {
		catalog = merge(b.catalog, o)
	}
	catalog = merge(catalog, nil)
	tenants, err := plain(withoutRules(tenantData(c.Tenants, aliases(catalog))))
	if err != nil {
		return nil, fmt.Errorf("tenants: %w", err)
	}
	services, err := serviceData(catalog, c.Services)
	if err != nil {
		return nil, err
	}
	catalog["tenants"], catalog["services"], catalog["dated_rules"] = tenants, services, b.datedRules()
	return withDates(catalog), nil
}

func (b *bundle) digest(c Config) (string, error) {
	extra, err := json.Marshal([]any{c.Tenants, c.Services, c.Overrides})
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(append(slices.Clone(b.hash), extra...))
	return hex.EncodeToString(sum[:]), nil
}

// tenantData replaces absent lists by empty ones (Rego counts them) and other
// names of purposes by the one in the table.
func tenantData(tenants map[gateway.TenantID]Tenant, aliases map[string]string) map[gateway.TenantID]Tenant {
	out := make(map[gateway.TenantID]Tenant, len(tenants))
	for id, t := range tenants {
		t.Services = append([]gateway.ServiceID{}, t.Services...)
		t.Residencies = append([]gateway.Residency{}, t.Residencies...)
		t.Releases = slices.DeleteFunc(append([]Release{}, t.Releases...), func(r Release) bool { return r.Undated() })
		t.Rules = slices.Clone(t.Rules)
		for i := range t.Releases {
			t.Releases[i].Purposes = canonicalPurposes(t.Releases[i].Purposes, aliases)
		}
		t.TenantDuties = t.complete(aliases)
		out[id] = t
	}
	return out
}

// withoutRules: no rule reads the text of another.
func withoutRules(tenants map[gateway.TenantID]Tenant) map[gateway.TenantID]Tenant {
	for id, t := range tenants {
		t.Rules = nil
		tenants[id] = t
	}
	return tenants
}

func canonicalPurposes(purposes []gateway.Purpose, aliases map[string]string) []gateway.Purpose {
	out := append([]gateway.Purpose{}, purposes...)
	for i, p := range out {
		if name, ok := aliases[string(p)]; ok {
			out[i] = gateway.Purpose(name)
		}
	}
	return out
}

// aliases are other names of purposes.
func aliases(catalog map[string]any) map[string]string {
	table, _ := catalog["purposes"].(map[string]any)
	names, _ := table["aliases"].(map[string]any)
	out := make(map[string]string, len(names))
	for alias, name := range names {
		if s, ok := name.(string); ok {
			out[alias] = s
		}
	}
	return out
}

// withDates gives every row of the purposes table a first and a last day, so
// that rules compare and need not ask whether there is one.
func withDates(catalog map[string]any) map[string]any {
	table, _ := catalog["purposes"].(map[string]any)
	purposes, _ := table["purposes"].(map[string]any)
	dated := make(map[string]any, len(purposes))
	for name, p := range purposes {
		purpose, ok := p.(map[string]any)
		if !ok {
			continue
		}
		rows, _ := purpose["rows"].([]any)
		out := make([]any, 0, len(rows))
		for _, r := range rows {
			if row, ok := r.(map[string]any); ok {
				out = append(out, merge(always, row))
			}
		}
		dated[name] = merge(purpose, map[string]any{"rows": out})
	}
	return merge(catalog, map[string]any{"purposes": map[string]any{"purposes": dated}})
}

// always is what has no first and no last day.
var always = map[string]any{"valid_from": "0000-00-00", "valid_to": "9999-99-99"}

// serviceData turns cards into data. Data classes of a service definition may
// use the words of catalog/classes.yaml, aliases; an unknown word is an error.
func serviceData(catalog map[string]any, cards []gateway.ServiceCard) (map[string]any, error) {
	purposes := aliases(catalog)
	table, _ := catalog["classes"].(map[string]any)
	known, _ := table["classes"].(map[string]any)
	aliases, _ := table["aliases"].(map[string]any)
	out := map[string]any{}
	for _, card := range cards {
		classes := []any{}
		for _, class := range card.DataClasses {
			if _, ok := known[string(class)]; ok {
				classes = append(classes, string(class))
				continue
			}
			alias, ok := aliases[string(class)].([]any)
			if !ok {
				return nil, fmt.Errorf("service %s: unknown data class %q", card.ID, class)
			}
			classes = append(classes, alias...)
		}
		out[string(card.ID)] = map[string]any{
			"annex_iii": card.AnnexIII, "data_classes": classes, "automation_norm": card.AutomationNorm,
			"fields": fieldData(card.Fields, purposes),
		}
	}
	return out, nil
}

// plain turns a value into what JSON knows, with exact numbers.
func plain(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, util.UnmarshalJSON(raw, &out)
}

// merge returns a with b on top; a and b stay as they are.
func merge(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	maps.Copy(out, a)
	for k, v := range b {
		below, left := out[k].(map[string]any)
		above, right := v.(map[string]any)
		if left && right {
			out[k] = merge(below, above)
			continue
		}
		out[k] = v
	}
	return out
}
