// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// A type in another case or a second one must not hide what a server would run.
func TestToolsOfTheServerCannotHide(t *testing.T) {
	t.Parallel()
	for field, ok := range map[string]bool{
		`"tools":[{"type":"web_search","Type":"function"}]`:                         false,
		`"tools":[{"Type":"web_search","type":"function"}]`:                         false,
		`"tools":[{"type":"web_search","type":"function"}]`:                         false,
		`"tools":[{"type":"function","type":"web_search"}]`:                         false,
		`"tools":[{"ty\u0070e":"web_search","function":{"name":"f"}}]`:              false,
		`"Tools":[{"type":"web_search"}]`:                                           false,
		`"tools":[{"type":["web_search"]}]`:                                         false,
		`"tools":{"type":"web_search"}`:                                             false,
		`"tools":["web_search"]`:                                                    false,
		`"tools":[{"type":"function","function":{"name":"f","type":"web_search"}}]`: true,
		`"tools":[{"function":{"name":"f"}},{"type":null},{"type":"custom"}]`:       true,
		`"tools":[]`: true,
	} {
		p, g := setup(t)
		r := chat(t, "Hallo")
		r.Body = parse(t, `{"messages":[{"role":"user","content":"x"}],`+field+`}`)
		_, err := g.Complete(t.Context(), r)
		if ok != (err == nil) || ok != (p.sent != "") {
			t.Errorf("%s: error %v, sent %q", field, err, p.sent)
		}
		if !ok && gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What a caller asks for can be more than fits a number; it must not come out cheap.
func TestPriceOfAbsurdAmounts(t *testing.T) {
	t.Parallel()
	p := gateway.Price{Input: 15_000_000, Output: 60_000_000}
	if got := p.Of(1_000_000, 500_000); got != 45_000_000 {
		t.Errorf("price %d", got)
	}
	if got := p.Of(1, 0); got != 15 {
		t.Errorf("price of a token %d", got)
	}
	last := gateway.MicroEuro(0)
	for _, tokens := range []int{1, 1 << 20, math.MaxInt32, math.MaxInt32 * 128, math.MaxInt32 * 1024, math.MaxInt} {
		got := p.Of(tokens, tokens)
		if got < last {
			t.Errorf("%d tokens cost %d, fewer cost %d", tokens, got, last)
		}
		last = got
	}
}

// An answer nested millions deep is unreadable; it must not exhaust the stack.
func TestDeepAnswersAreRefused(t *testing.T) {
	t.Parallel()
	const deep = 6 << 20
	for _, o := range []gateway.Operation{gateway.OperationEmbeddings, gateway.OperationChat, gateway.OperationTool} {
		p, g := setup(t)
		p.answer = `{"data":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}`
		r := chat(t, "x")
		r.Operation = o
		if _, err := g.Complete(t.Context(), r); gateway.CodeOf(err) != gateway.CodeUnavailable {
			t.Errorf("%s: %v", o, err)
		}
	}
}

// A model that has read a request costs, also when another one is asked afterwards
// or cannot be reached any more.
func TestAttemptsThatCameToNothingCost(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]gateway.Code{"the second answers": "", "the second is full": gateway.CodeOverloaded} {
		r, g := onRoads(t)
		r.tries = []try{{err: &gateway.Error{Code: gateway.CodeTimeout}}, {answer: `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}`}}
		entered := 0
		r.enter = func(gateway.Route) error {
			if entered++; entered == 2 && second != "" {
				return &gateway.Error{Code: second}
			}
			return nil
		}
		_ = ask(t.Context(), g, chat(t, "x"), false)
		end := r.closings[0]
		least := outside.Price.Of((len(r.bodies[0])+2)/3, 0)
		if got := end.Cost - inside.Price.Of(end.Usage.Input, end.Usage.Output); got != least {
			t.Errorf("%s: %d beside the answer, want %d for the first attempt", name, got, least)
		}
	}
}
