// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/policies/release"
)

// settingsTree is a configuration as notes show it: with its defaults, in plain values,
// and with a keyed digest in the place of every secret.
type settingsTree map[string]any

// sectionRules is what the program brings with it, beside what the file says.
const sectionRules = "rules"

// placeSections are where a process runs. Replicas differ in them.
func placeSections() []string { return []string{"listen", "admin_listen", "data"} }

// document has what config print shows, and digests of what it hides: that a secret
// was replaced is seen, what it is nobody can try out.
func (c Config) document() (settingsTree, error) {
	open, err := tree(c)
	if err != nil {
		return nil, err
	}
	c.hideSecrets()
	shown, err := tree(c)
	if err != nil {
		return nil, err
	}
	out, _ := veil(derive(c.secret, "configuration digests")).cover(open, shown).(map[string]any)
	dropNames(out)
	return out, nil
}

// tree is a value as YAML says it, in the types of JSON.
func tree(value any) (any, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return plain(raw)
}

// plain reads JSON without rounding numbers.
func plain(raw []byte) (out any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err = decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return out, nil
}

// veil is the key of the digests that stand for secrets.
type veil []byte

// cover puts digests where what is shown differs from what is, and where only the
// environment knows the value.
func (v veil) cover(open, shown any) any {
	switch o := open.(type) {
	case map[string]any:
		s, _ := shown.(map[string]any)
		out := make(map[string]any, len(o))
		for name, value := range o {
			if text, ok := value.(string); ok && name == "hash" && text != "" {
				out[name] = v.digest(text)
				continue
			}
			out[name] = v.cover(value, s[name])
		}
		return out
	case []any:
		s, _ := shown.([]any)
		out := make([]any, len(o))
		for i, value := range o {
			var beside any
			if i < len(s) {
				beside = s[i]
			}
			out[i] = v.cover(value, beside)
		}
		return out
	case string:
		return v.text(o, shown)
	}
	return open
}

func (v veil) text(open string, shown any) string {
	text, _ := shown.(string)
	switch {
	case open != text:
		return strings.TrimSpace(text + " " + v.digest(open))
	case strings.HasPrefix(open, "${"):
		if value, err := fromEnvironment(open); err == nil {
			return open + " " + v.digest(value)
		}
	}
	return open
}

func (v veil) digest(text string) string {
	h := hmac.New(sha256.New, v)
	_, _ = h.Write([]byte(text)) // a hash takes all
	return "hmac-sha256:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// addRules puts in what the program brings: its rules, file by file.
func (d settingsTree) addRules(ctx context.Context) error {
	delivery, err := release.Embedded().Read(ctx)
	if err != nil {
		return fmt.Errorf("read the rules of the program: %w", err)
	}
	manifest, err := delivery.Files.Manifest()
	if err != nil {
		return fmt.Errorf("read the rules of the program: %w", err)
	}
	files := map[string]any{}
	for name, content := range delivery.Files {
		sum := sha256.Sum256(content)
		files[name] = "sha256:" + hex.EncodeToString(sum[:8])
	}
	d[sectionRules] = map[string]any{"revision": manifest.Revision, "digest": delivery.Files.Digest(), "files": files}
	return nil
}

// takePlace takes out where the process runs.
func (d settingsTree) takePlace() map[string]any {
	place := map[string]any{}
	for _, name := range placeSections() {
		place[name] = d[name]
		delete(d, name)
	}
	return place
}

// digest is keyed as well: a part that is left out cannot be guessed by trying.
func (d settingsTree) digest(key []byte) (string, []byte, error) {
	raw, err := json.Marshal(d) // names in order
	if err != nil {
		return "", nil, fmt.Errorf("encode configuration: %w", err)
	}
	return veil(key).digest(string(raw)), raw, nil
}

// tenants are those that the document names anywhere, in order.
func (d settingsTree) tenants() []string {
	found := map[string]bool{}
	for _, section := range []string{"releases", "duties", "authorities"} {
		for tenant := range objectOf(d[section]) {
			found[tenant] = true
		}
	}
	for tenant := range objectOf(objectOf(d["limits"])["tenants"]) {
		found[tenant] = true
	}
	for tenant := range children(d["tenants"]) {
		found[tenant] = true
	}
	for _, source := range listOf(d["sources"]) {
		if tenant, ok := objectOf(source)["tenant"].(string); ok {
			found[tenant] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// of is what the document says of a tenant.
func (d settingsTree) of(tenant string) settingsTree {
	out := settingsTree{}
	for _, section := range []string{"releases", "duties", "authorities"} {
		out.add(section, objectOf(d[section])[tenant])
	}
	out.add("limits", objectOf(objectOf(d["limits"])["tenants"])[tenant])
	out.add("tenants", children(d["tenants"])[tenant])
	var sources []any
	for _, source := range listOf(d["sources"]) {
		if objectOf(source)["tenant"] == tenant {
			sources = append(sources, source)
		}
	}
	if len(sources) > 0 {
		out["sources"] = sources
	}
	return out
}

func (d settingsTree) add(section string, value any) {
	if value != nil {
		d[section] = value
	}
}

func objectOf(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}

func listOf(value any) []any {
	list, _ := value.([]any)
	return list
}
