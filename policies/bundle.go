// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
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
)

// maxFile bounds one file of a bundle, maxFiles their number.
const (
	maxFile  = 1 << 20
	maxFiles = 2000
)

// bundle is a policy folder as read: parsed, not yet compiled with data.
type bundle struct {
	revision     string
	capabilities *ast.Capabilities
	// modules decide, tests are only run by Test.
	modules, tests map[string]*ast.Module
	// sources are the Rego files as written, for the formatter.
	sources map[string][]byte
	catalog map[string]any
	rules   []RuleInfo
	// hash covers every file that decides.
	hash []byte
}

// snapshot is an immutable, compiled bundle with its data.
type snapshot struct {
	revision, digest string
	query            rego.PreparedEvalQuery
	compiler         *ast.Compiler
	store            storage.Store
	rules            []RuleInfo
	byPath           map[string]RuleInfo
}

func readBundle(root fs.FS) (*bundle, error) {
	b := &bundle{modules: map[string]*ast.Module{}, tests: map[string]*ast.Module{}, sources: map[string][]byte{}, catalog: map[string]any{}}
	files, err := listFiles(root)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, name := range files {
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := b.add(name, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(raw)))
		h.Write([]byte(name + "\x00"))
		h.Write(length[:])
		h.Write(raw)
	}
	b.hash = h.Sum(nil)
	return b, b.check()
}

// listFiles names every file of a bundle, in order.
func listFiles(root fs.FS) ([]string, error) {
	files := []string{"capabilities.json", "manifest.yaml"}
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
		var manifest struct {
			Revision string `yaml:"revision"`
			Title    string `yaml:"title"`
		}
		if err := yaml.UnmarshalWithOptions(raw, &manifest, yaml.Strict()); err != nil {
			return err
		}
		b.revision = manifest.Revision
		return nil
	case name == "capabilities.json":
		capabilities, err := ast.LoadCapabilitiesJSON(bytes.NewReader(raw))
		b.capabilities = capabilities
		return err
	case strings.HasPrefix(name, "catalog/"):
		var table any
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

func (b *bundle) addModule(name string, raw []byte) error {
	module, err := ast.ParseModuleWithOpts(name, string(raw), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
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
	if b.capabilities == nil || len(b.capabilities.Builtins) == 0 {
		return fmt.Errorf("capabilities.json: no built-in functions listed")
	}
	rules, err := b.readRules()
	b.rules = rules
	return err
}

// snapshot compiles the bundle and fills its store.
func (b *bundle) snapshot(ctx context.Context, c Config) (*snapshot, error) {
	catalog, err := b.data(c)
	if err != nil {
		return nil, err
	}
	compiler, err := b.compile(b.modules)
	if err != nil {
		return nil, err
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"catalog": catalog},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(rego.Query("data.main.result"), rego.Compiler(compiler), rego.Store(store),
		rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare query: %w", err)
	}
	digest, err := b.digest(c)
	if err != nil {
		return nil, err
	}
	s := &snapshot{revision: b.revision, digest: digest, query: query, compiler: compiler, store: store, rules: b.rules, byPath: map[string]RuleInfo{}}
	for _, r := range b.rules {
		s.byPath[r.path] = r
	}
	return s, nil
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
	tenants, err := plain(tenantData(c.Tenants))
	if err != nil {
		return nil, fmt.Errorf("tenants: %w", err)
	}
	services, err := serviceData(catalog, c.Services)
	if err != nil {
		return nil, err
	}
	catalog["tenants"], catalog["services"], catalog["dated_rules"] = tenants, services, b.datedRules()
	return catalog, nil
}

func (b *bundle) digest(c Config) (string, error) {
	extra, err := json.Marshal([]any{c.Tenants, c.Services, c.Overrides})
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(append(slices.Clone(b.hash), extra...))
	return hex.EncodeToString(sum[:]), nil
}

// tenantData replaces absent lists by empty ones: Rego counts them.
func tenantData(tenants map[gateway.TenantID]Tenant) map[gateway.TenantID]Tenant {
	out := make(map[gateway.TenantID]Tenant, len(tenants))
	for id, t := range tenants {
		t.Services = append([]gateway.ServiceID{}, t.Services...)
		t.Residencies = append([]gateway.Residency{}, t.Residencies...)
		t.Releases = append([]Release{}, t.Releases...)
		out[id] = t
	}
	return out
}

// serviceData turns cards into data. Data classes of a service definition may
// use the words of catalog/classes.yaml, aliases; an unknown word is an error.
func serviceData(catalog map[string]any, cards []gateway.ServiceCard) (map[string]any, error) {
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
