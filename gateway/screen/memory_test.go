// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

func sumOf(t testing.TB, sc gateway.Screener, c goldenCase) []byte {
	t.Helper()
	h := sha256.New()
	goldenSum(t, h, sc, c)
	return h.Sum(nil)
}

// longText is long enough to be remembered most of the time.
func longText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(goldenText(r))
	}
	return b.String()
}

// Chats that grow, change and lose their beginning, with the case growing as
// well, are screened as if every text were read anew. The small memories forget
// all the time.
func TestChatsAreScreenedAsIfReadAnew(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config screen.Config
	}{
		{"default", screen.Config{}},
		{"few texts", screen.Config{RememberTexts: 24}},
		{"few bytes", screen.Config{RememberBytes: 160 << 10}},
		{"short time", screen.Config{RememberFor: time.Nanosecond}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sc, err := screen.New(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			tenants := []gateway.Screener{sc, sc.For("tannberg"), sc.For("bergheim")}
			r := rand.New(rand.NewPCG(9, uint64(i)))
			for range 8 {
				checkChat(t, r, tenants)
			}
		})
	}
}

func checkChat(t *testing.T, r *rand.Rand, tenants []gateway.Screener) {
	t.Helper()
	c := goldenCase{known: goldenEntities[r.IntN(len(goldenEntities))]}
	for turn := range 12 {
		switch n := r.IntN(12); {
		case len(c.texts) > 2 && n < 2:
			c.texts = append([]string{}, c.texts[1:]...)
		case len(c.texts) > 2 && n < 4:
			c.texts[r.IntN(len(c.texts))] += " Frau Quandt wohnt hier."
		case n == 4:
			c.known = goldenEntities[r.IntN(len(goldenEntities))]
		default:
			c.texts = append(c.texts, longText(r))
		}
		if len(c.texts) > 1 && r.IntN(5) == 0 {
			c.texts = append(c.texts, c.texts[r.IntN(len(c.texts))])
		}
		sc := tenants[r.IntN(len(tenants))]
		if !bytes.Equal(sumOf(t, sc, c), sumOf(t, plainScreener(t), c)) {
			t.Fatalf("turn %d is screened differently with and without memory: %q", turn, c.texts)
		}
	}
}

// A name that a later turn reveals is found in the earlier ones, also when those
// are remembered, and no longer when the turn is gone.
func TestNameOfLaterTurnReachesRememberedOnes(t *testing.T) {
	t.Parallel()
	sc, err := screen.New(screen.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first := "Gestern rief Quandt an und fragte nach dem Stand. " + strings.Repeat("Der Antrag liegt noch vor. ", 20)
	second := "Frau Quandt hat heute geschrieben. " + strings.Repeat("Die Miete ist zu belegen. ", 20)
	for round, want := range []struct {
		texts    []string
		findings int
	}{{[]string{first}, 0}, {[]string{first, second}, 2}, {[]string{first, second}, 2}, {[]string{first}, 0}} {
		s, err := sc.Screen(context.Background(), want.texts, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Findings(); len(got) != want.findings {
			t.Errorf("round %d: %d findings, want %d: %v", round, len(got), want.findings, got)
		}
	}
}

// Many at once see what one sees.
func TestMemoryConcurrently(t *testing.T) {
	t.Parallel()
	sc, err := screen.New(screen.Config{RememberTexts: 64})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	cases := make([]goldenCase, 12)
	want := make([][]byte, len(cases))
	for i := range cases {
		cases[i] = goldenCase{[]string{longText(r), longText(r), longText(r)}, goldenEntities[i%len(goldenEntities)]}
		if i > 0 {
			cases[i].texts = append(cases[i].texts, cases[i-1].texts...)
		}
		want[i] = sumOf(t, plainScreener(t), cases[i])
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			tenant := sc.For(gateway.TenantID(fmt.Sprint(worker % 3)))
			for n := range 2 * len(cases) {
				i := (n*5 + worker) % len(cases)
				h := sha256.New()
				goldenSum(t, h, tenant, cases[i])
				if !bytes.Equal(h.Sum(nil), want[i]) {
					t.Errorf("case %d differs", i)
				}
			}
		})
	}
	wg.Wait()
}

// Where nothing is found next to nothing is allocated.
func TestFewAllocationsWithoutFindings(t *testing.T) {
	if testing.Short() {
		t.Skip("allocations are counted alone")
	}
	sc := plainScreener(t)
	texts := []string{strings.Repeat("Die Behörde hat bei der Entscheidung über den Antrag den Beteiligten Gelegenheit zu geben, sich zu äußern. ", 250)}
	n := testing.AllocsPerRun(50, func() {
		if _, err := sc.Screen(context.Background(), texts, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 20 { // the race detector drops pooled memory now and then
		t.Errorf("%.0f allocations for a text without findings", n)
	}
}
