// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// A launched panel shows and releases what its own Fachverfahren made of its case
// and service: another one may work on the same file number.
func TestLaunchedPanelStaysInItsSystem(t *testing.T) {
	t.Parallel()
	launch := &identity.Launch{Case: "WG-1", Service: "wohngeld", Caller: gateway.Caller{Tenant: "lohe", System: "woga"}}
	own := outcome{System: "woga", Input: completeness.Input{Case: "WG-1"}, Report: completeness.Report{Service: "wohngeld"}}
	if !opens(launch, own) || !opens(nil, own) {
		t.Error("the own result does not open")
	}
	for name, change := range map[string]func(*outcome){
		"another system":  func(o *outcome) { o.System = "gewan" },
		"another case":    func(o *outcome) { o.Input.Case = "WG-2" },
		"another service": func(o *outcome) { o.Report.Service = "bauen" },
		"no system":       func(o *outcome) { o.System = "" },
	} {
		o := own
		change(&o)
		if opens(launch, o) {
			t.Errorf("%s: the result opens", name)
		}
	}
	u := &UI{Config: Config{Pseudonymise: func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
		return gateway.Pseudonym(string(tenant) + "/" + kind + "/" + value)
	}}}
	person := launch.Person()
	if got, want := u.own(person), (approval.Of{System: "woga", Service: "wohngeld", Case: "lohe/case/WG-1"}); got != want {
		t.Errorf("the panel shows %+v, want %+v", got, want)
	}
	var word approval.Word
	if confine(&word, person); word.System != "woga" || word.Case != "WG-1" || word.Service != "wohngeld" {
		t.Errorf("the panel speaks of %+v", word)
	}
	if got := u.own(identity.Person{Tenant: "lohe"}); got != (approval.Of{}) {
		t.Errorf("a signed-in caseworker sees %+v only", got)
	}
}
