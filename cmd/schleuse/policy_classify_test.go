// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyClassify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"completeness": {[]string{"--purpose", "completeness_check", "--service", "wohngeld-mietzuschuss"},
			[]string{"exempt_6_3_a", "So, wie beschrieben: zulässig.", "Rn. 93", "[ ]", "Beispiele derselben Klasse"}},
		"eligibility": {[]string{"--purpose", "eligibility_evaluation", "--service", "wohngeld-mietzuschuss", "--date", "2026-11-22"},
			[]string{"Hochrisiko", "nicht zulässig", "AIA-003", "gilt ab 2. Dezember 2027", "gilt seit 2. August 2026", "Gilt ab 2. Dezember 2027"}},
		"after the date": {[]string{"--purpose", "eligibility_evaluation", "--service", "wohngeld-mietzuschuss", "--date", "2028-01-01"},
			[]string{"gilt seit 2. Dezember 2027"}},
		"citizens":  {[]string{"--purpose", "citizen_information", "--channel", "citizen"}, []string{"out_of_scope", "AIA-009"}},
		"chain":     {[]string{"--purpose", "assessment", "--service", "wohngeld-mietzuschuss", "--chain", "extraction,research"}, []string{"high_risk", "AIA-021"}},
		"automatic": {[]string{"--purpose", "automated_decision", "--service", "bewohnerparkausweis", "--channel", "system"}, []string{"So, wie beschrieben: zulässig."}},
		"purposes":  {nil, []string{"completeness_check", "Vollständigkeitsprüfung", "social_scoring"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := schleuse(t, append([]string{"policy", "classify"}, c.args...)...)
			if code != 0 {
				t.Fatalf("code %d: %s", code, errOut)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
		})
	}
}

func TestPolicyClassifyJSON(t *testing.T) {
	t.Parallel()
	code, out, errOut := schleuse(t, "policy", "classify", "--purpose", "social_scoring", "--json")
	var answer classified
	if err := json.Unmarshal([]byte(out), &answer); code != 0 || err != nil {
		t.Fatal(code, err, errOut)
	}
	if answer.Result.Allowed || answer.Class.ID != "prohibited" || answer.Class.Permitted || len(answer.Class.Checklist) == 0 {
		t.Errorf("%+v", answer)
	}
}

func TestPolicyClassifyRefusesWrongWords(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"purpose": {"--purpose", "wahrsagen"},
		"service": {"--purpose", "summarise", "--service", "atlantis"},
		"channel": {"--purpose", "summarise", "--channel", "radio"},
		"date":    {"--purpose", "summarise", "--date", "gestern"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, _, errOut := schleuse(t, append([]string{"policy", "classify"}, args...)...); code != 2 || !strings.Contains(errOut, "--"+name) {
				t.Errorf("code %d: %s", code, errOut)
			}
		})
	}
}

// With a configuration the tenant's releases count, and what it lacks is named.
func TestPolicyClassifyWithConfiguration(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "geheim"), []byte(strings.Repeat("x", 48)), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "schleuse.yaml")
	err := os.WriteFile(config, []byte(`
listen: 127.0.0.1:0
data: `+folder+`
origin: schleuse.test
secret_file: `+filepath.Join(folder, "geheim")+`
tenants:
  - {id: tannberg, name: Stadt Tannberg, active: true}
endpoints:
  haus: {url: "http://127.0.0.1:9", allow_private: true}
models:
  - {id: m, endpoint: haus, operations: [chat], residency: private_eu, operator: Muster, country: DE, processor_kind: private, contract: AVV-1, para80_notice: A-1, data_classes: [internal, personal, sozialdaten]}
releases:
  tannberg:
    - {service: wohngeld-mietzuschuss, purposes: [legal_qa_case], registration: EU-1, fria: "", dpia: D-1, oversight: "", valid_from: "2026-01-01"}
duties:
  tannberg: {early_high_risk: true, trained: "2026-02-01"}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	code, out, errOut := schleuse(t, "policy", "classify", "--purpose", "legal_qa_case", "--service", "wohngeld-mietzuschuss", "--config", config, "--tenant", "tannberg", "--date", "2026-11-22")
	if code != 0 {
		t.Fatal(code, errOut)
	}
	for _, want := range []string{"Hochrisiko", "§ 80 Abs. 3 SGB X", "Grundrechte-Folgenabschätzung", "tenant/tannberg"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if code, _, _ := schleuse(t, "policy", "classify", "--purpose", "summarise", "--config", config, "--tenant", "atlantis"); code != 2 {
		t.Errorf("an unknown tenant: code %d", code)
	}
}
