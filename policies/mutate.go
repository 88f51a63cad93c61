// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// mutations damages the recorded inputs of golden cases and decides them again, up
// to a number that is spread over all of them. It says which opened: whatever is
// lost or wrong, a denial must never become an allow.
func (s *snapshot) mutations(ctx context.Context, cases []goldenCase, sample int, limit time.Duration) (tried int, openings []string, err error) {
	if len(cases) == 0 {
		return 0, nil, nil
	}
	each := max(1, sample/len(cases))
	for i, c := range cases {
		n, found, err := s.mutateCase(ctx, c, i, each, limit)
		if err != nil {
			return tried, openings, err
		}
		tried += n
		openings = append(openings, found...)
	}
	return tried, openings, nil
}

func (s *snapshot) mutateCase(ctx context.Context, c goldenCase, i, most int, limit time.Duration) (tried int, openings []string, err error) {
	f, err := questionFacts(c.question)
	if err != nil {
		return 0, nil, err
	}
	recorded := f.canonical()
	var before gateway.Decision
	err = twice(func() error {
		before, err = s.decideFacts(ctx, &f, limit)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	var input map[string]any
	if err := json.Unmarshal(recorded, &input); err != nil {
		return 0, nil, err
	}
	all := 0
	mutate(input, func(string, any, any) { all++ })
	step, at := max(1, all/most), i // another part of the tree for each case
	mutate(input, func(path string, original, replacement any) {
		if at++; at%step != 0 || ctx.Err() != nil {
			return
		}
		tried++
		raw, err := json.Marshal(input)
		if err != nil {
			return
		}
		after, err := side{s, limit}.decide(ctx, c.question.Stage, raw)
		if err != nil {
			return // refused
		}
		if what := opened(before, after); what != "" {
			openings = append(openings, fmt.Sprintf("%s: %s = %v instead of %v %s", c.name(), path, replacement, original, what))
		}
	})
	return tried, openings, ctx.Err()
}

// opened says what the second decision gives away that the first did not.
func opened(before, after gateway.Decision) string {
	if !after.Allowed() {
		return ""
	}
	if !before.Allowed() {
		return "turns the denial into an allow"
	}
	for _, m := range after.Models {
		if _, rejected := before.Rejected[m]; rejected {
			return "permits the rejected model " + string(m)
		}
		if !slices.Contains(before.Models, m) {
			return "permits a model nobody offered"
		}
	}
	for _, o := range before.Obligations {
		if _, kept := after.Obligation(o.ID); !kept {
			return "loses the obligation " + o.ID
		}
	}
	return ""
}

// mutate calls try once for every damaged version of the tree, with the tree
// damaged, and leaves the tree as it was.
func mutate(root map[string]any, try func(path string, original, replacement any)) {
	var visit func(path string, node any)
	visit = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for _, key := range sortedKeys(node) {
				visitKey(node, key, path+"/"+key, try)
				visit(path+"/"+key, node[key])
			}
		case []any:
			for i := range node {
				visitIndex(node, i, path+"/"+strconv.Itoa(i), try)
				visit(path+"/"+strconv.Itoa(i), node[i])
			}
		}
	}
	visit("", root)
}

func visitKey(node map[string]any, key, path string, try func(string, any, any)) {
	original := node[key]
	delete(node, key)
	try(path, original, "(deleted)")
	for _, replacement := range replacements(original) {
		node[key] = replacement
		try(path, original, replacement)
	}
	// A list shortened by its last and by its first element.
	if list, ok := original.([]any); ok && len(list) > 0 {
		for _, shorter := range [][]any{list[1:], list[:len(list)-1]} {
			node[key] = shorter
			try(path, original, shorter)
		}
	}
	node[key] = original
}

func visitIndex(node []any, i int, path string, try func(string, any, any)) {
	original := node[i]
	for _, replacement := range replacements(original) {
		node[i] = replacement
		try(path, original, replacement)
	}
	node[i] = original
}

// replacements are null, junk and every other type. What would be a legitimate
// other answer to the same question is left out: yes for no, 7 for 2.
func replacements(original any) []any {
	number, yes, list, object := any(-1.0), any(true), any([]any{}), any(map[string]any{})
	out := []any{nil, "", "junk", number, list, object}
	switch original.(type) {
	case bool:
		return append(out, 1.0)
	case float64:
		return append(out, yes, 0.5)
	case []any:
		return append(out, yes, []any{"junk"})
	case map[string]any:
		return append(out, yes, map[string]any{"junk": "junk"})
	}
	return append(out, yes)
}
