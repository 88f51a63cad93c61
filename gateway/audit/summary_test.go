// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// someFacts are those of stories at random.
func someFacts(seed uint64, n int) map[fact]int {
	r := rand.New(rand.NewPCG(seed, 1))
	facts := map[fact]int{}
	for range n {
		facts[fact{
			hour: 494_000 + int64(r.IntN(50)), tenant: gateway.TenantID(fmt.Sprint("stadt-", r.IntN(20))),
			combination: combination{
				system: fmt.Sprint("s", r.IntN(3)), effect: "allow", result: ResultAllowed, rules: fmt.Sprint("|R-", r.IntN(4), "|"),
				outcome: []string{"answered", "failed"}[r.IntN(2)],
			},
		}]++
	}
	return facts
}

func same(c combination) *shared { return &shared{combination: c} }

func TestSummariesComeBack(t *testing.T) {
	t.Parallel()
	for n := range 50 {
		facts := someFacts(uint64(n), n*40)
		body := encodeSummary(facts)
		if !bytes.Equal(body, encodeSummary(facts)) {
			t.Fatal("the same facts give other bytes")
		}
		s, err := decodeSummary(body, same)
		if err != nil {
			t.Fatalf("%d facts: %v", len(facts), err)
		}
		for _, c := range s.cells {
			f := fact{int64(c.hour), gateway.TenantID(s.tenants[c.tenant]), s.combos[c.combo].combination}
			if facts[f] != int(c.n) {
				t.Errorf("%+v comes back %d times, not %d", f, c.n, facts[f])
			}
			delete(facts, f)
		}
		if len(facts) > 0 {
			t.Errorf("%d facts do not come back", len(facts))
		}
		if n > 5 {
			continue
		}
		for at := range len(body) {
			if _, err := decodeSummary(body[:at], same); err == nil {
				t.Fatalf("a summary cut at %d of %d bytes is read", at, len(body))
			}
		}
	}
}

func FuzzDecodeSummary(f *testing.F) {
	f.Add(encodeSummary(nil))
	f.Add(encodeSummary(someFacts(1, 30)))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := decodeSummary(body, same)
		if err != nil {
			return
		}
		for _, c := range s.cells {
			if int(c.tenant) >= len(s.tenants) || int(c.combo) >= len(s.combos) {
				t.Fatalf("%+v points nowhere", c)
			}
		}
	})
}
