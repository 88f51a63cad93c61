// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Catalog holds the services of one folder, validated and compiled. It does not
// change after loading and is safe for concurrent use.
type Catalog struct {
	services map[gateway.ServiceID]*compiled
	order    []*compiled
	types    *documentTypes
}

// compiled is a service ready to be checked.
type compiled struct {
	Service
	schema *jsonschema.Schema
	rules  *ruleset
}

// LoadCatalog reads every folder with a service.yaml (beside it schema.json and
// rules.rego), the shared Rego in lib/ and documents.yaml. Any mistake is an
// error, and all mistakes are reported at once: a rule set that loads is complete.
func LoadCatalog(ctx context.Context, fsys fs.FS) (*Catalog, error) {
	types, err := loadDocumentTypes(fsys)
	if err != nil {
		return nil, err
	}
	lib, err := readLibrary(fsys)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(fsys, "*/service.yaml")
	if err != nil {
		return nil, fmt.Errorf("find services: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("no services found")
	}
	c := &Catalog{services: map[gateway.ServiceID]*compiled{}, types: types}
	var errs []error
	for _, file := range files {
		s, err := loadService(ctx, fsys, path.Dir(file), lib, types)
		if err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w", path.Dir(file), err))
			continue
		}
		c.services[s.ID] = s
		c.order = append(c.order, s)
	}
	return c, errors.Join(errs...)
}

// Services returns the definitions in alphabetical order.
func (c *Catalog) Services() []Service {
	out := make([]Service, len(c.order))
	for i, s := range c.order {
		out[i] = s.Service
	}
	return out
}

// Service returns one definition.
func (c *Catalog) Service(id gateway.ServiceID) (Service, bool) {
	s, ok := c.services[id]
	if !ok {
		return Service{}, false
	}
	return s.Service, true
}

// Cards returns what policies know about the services.
func (c *Catalog) Cards() []gateway.ServiceCard {
	out := make([]gateway.ServiceCard, len(c.order))
	for i, s := range c.order {
		out[i] = s.Card()
	}
	return out
}

func loadService(ctx context.Context, fsys fs.FS, dir string, lib []module, types *documentTypes) (*compiled, error) {
	definition, err := fs.ReadFile(fsys, path.Join(dir, "service.yaml"))
	if err != nil {
		return nil, err
	}
	c := &compiled{}
	if err := decodeYAML(definition, &c.Service); err != nil {
		return nil, err
	}
	problems := validate(&c.Service)
	if string(c.ID) != dir {
		problems = append(problems, fmt.Sprintf("id %s differs from the folder", c.ID))
	}
	problems = append(problems, types.unknown(c.Service)...)
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	schema, err := fs.ReadFile(fsys, path.Join(dir, "schema.json"))
	if err != nil {
		return nil, err
	}
	if c.schema, err = compileSchema(string(c.ID), schema); err != nil {
		return nil, err
	}
	rules, err := fs.ReadFile(fsys, path.Join(dir, "rules.rego"))
	if err != nil {
		return nil, err
	}
	c.RulesSHA256 = digest(definition, schema, rules, lib, types.source)
	c.rules, err = compileRules(ctx, c.Service, module{name: dir + "/rules.rego", source: string(rules)}, lib)
	return c, err
}

func decodeYAML(data []byte, into any) error {
	// Strict: unknown and repeated keys are errors.
	return yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(into)
}

// digest identifies everything a report depends on besides its input.
func digest(definition, schema, rules []byte, lib []module, types []byte) string {
	h := sha256.New()
	write := func(b []byte) {
		_, _ = fmt.Fprintf(h, "%d\n", len(b))
		_, _ = h.Write(b)
	}
	for _, b := range [][]byte{definition, schema, rules, types} {
		write(b)
	}
	for _, m := range lib {
		write([]byte(m.source))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func readLibrary(fsys fs.FS) ([]module, error) {
	files, err := fs.Glob(fsys, "lib/*.rego")
	if err != nil {
		return nil, fmt.Errorf("find library: %w", err)
	}
	var lib []module
	for _, f := range files {
		if strings.HasSuffix(f, "_test.rego") {
			continue
		}
		b, err := fs.ReadFile(fsys, f)
		if err != nil {
			return nil, fmt.Errorf("read library: %w", err)
		}
		lib = append(lib, module{name: f, source: string(b)})
	}
	return lib, nil
}
