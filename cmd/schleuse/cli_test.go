// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// The test binary is the product when this is set: so that a test can kill it.
const asProgram = "SCHLEUSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// schleuse runs one command line in this process.
func schleuse(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// startDemo runs the demonstration as a process of its own and returns its links.
func startDemo(t *testing.T, data string, env ...string) (*exec.Cmd, demoLinks) {
	t.Helper()
	_ = os.Remove(filepath.Join(data, "demo.json"))
	cmd := exec.Command(os.Args[0], "demo", "--listen", "127.0.0.1:0", "--data", data)
	cmd.Env = append(append(os.Environ(), asProgram+"=1", "SCHLEUSE_LAW=", "SCHLEUSE_MODEL_URL="), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var links demoLinks
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		raw, err := os.ReadFile(filepath.Join(data, "demo.json"))
		if err == nil && json.Unmarshal(raw, &links) == nil {
			if r, err := http.Get(links.URL + "/readyz"); err == nil {
				_ = r.Body.Close()
				if r.StatusCode == http.StatusOK {
					return cmd, links
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the demonstration did not get ready")
		}
	}
}

const (
	demoApplication = "demo/antrag.json"
	demoDocuments   = "demo/akte"
)

func TestCheckIsTheSameHereAndOverHTTP(t *testing.T) {
	t.Parallel()
	_, links := startDemo(t, t.TempDir())
	args := []string{"check", "--service", "wohngeld-mietzuschuss", "--application", demoApplication, "--documents", demoDocuments, "--json"}
	code, here, errOut := schleuse(t, args...)
	if code != exitFinding {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	code, there, errOut := schleuse(t, append(args, "--server", links.URL, "--key", links.Key)...)
	if code != exitFinding {
		t.Fatalf("over HTTP: exit code %d: %s", code, errOut)
	}
	a, b := report(t, here), report(t, there)
	if len(a.DecisionIDs) != 1 || len(b.DecisionIDs) != 1 {
		t.Errorf("decisions %v and %v, want one each", a.DecisionIDs, b.DecisionIDs)
	}
	a.DecisionIDs, b.DecisionIDs = nil, nil
	if x, y := asJSON(t, a), asJSON(t, b); x != y {
		t.Errorf("the reports differ:\n%s\n%s", x, y)
	}
	want := []string{"verdienst:p1", "bafoeg:p3"}
	if strings.Join(a.MissingEvidence, " ") != strings.Join(want, " ") || strings.Join(a.MissingFields, " ") != "haushalt[p3].geschlecht" || a.Complete {
		t.Errorf("missing %v %v complete %v", a.MissingEvidence, a.MissingFields, a.Complete)
	}
}

func report(t *testing.T, raw string) completeness.Report {
	t.Helper()
	var r completeness.Report
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		t.Fatalf("read report: %v\n%s", err, raw)
	}
	return r
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestDraftHereAndOverHTTP(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, links := startDemo(t, t.TempDir())
	_, raw, _ := schleuse(t, "check", "--application", demoApplication, "--documents", demoDocuments, "--json")
	reportFile := filepath.Join(folder, "report.json")
	if err := os.WriteFile(reportFile, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"draft", "--kind", "nachforderung", "--report", reportFile, "--application", demoApplication, "--person", "Kim Yılmaz", "--release"}
	for name, more := range map[string][]string{
		"hier": {"--authority", "demo/behoerde.json"},
		"dort": {"--server", links.URL, "--key", links.Key},
	} {
		for ending, magic := range map[string]string{".odt": "PK", ".docx": "PK", ".pdf": "%PDF", ".html": "<!"} {
			out := filepath.Join(folder, name+ending)
			code, _, errOut := schleuse(t, append(append(base, more...), "--out", out)...)
			if code != exitFine {
				t.Errorf("%s%s: exit code %d: %s", name, ending, code, errOut)
				continue
			}
			data, err := os.ReadFile(out)
			if err != nil || !bytes.HasPrefix(data, []byte(magic)) {
				t.Errorf("%s%s begins with %.8q, %v", name, ending, data, err)
			}
		}
		letter := unzip(t, filepath.Join(folder, name+".odt"), "content.xml")
		for _, want := range []string{"Jonas Achterberg", "Ida Zöllner", "66 Abs", "67 SGB", "Stadt Tannberg", "Kim Yılmaz", "13 DSGVO"} {
			if !strings.Contains(strings.ReplaceAll(letter, "\u00a0", " "), want) {
				t.Errorf("%s: the letter lacks %q", name, want)
			}
		}
		for _, not := range []string{"ENTWURF", "Rechtsbehelf", "[["} {
			if strings.Contains(letter, not) {
				t.Errorf("%s: the released letter holds %q", name, not)
			}
		}
	}
}

func unzip(t *testing.T, path, name string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := readBounded(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Without the authority's data the draft is written, names what is missing and
// cannot be released.
func TestDraftNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, raw, _ := schleuse(t, "check", "--application", demoApplication, "--json")
	reportFile := filepath.Join(folder, "report.json")
	if err := os.WriteFile(reportFile, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := schleuse(t, "draft", "--report", reportFile, "--out", filepath.Join(folder, "b.html"))
	if code != exitFinding || !strings.Contains(out, "Name der Behörde") {
		t.Errorf("exit code %d: %s", code, out)
	}
	code, _, errOut := schleuse(t, "draft", "--report", reportFile, "--out", filepath.Join(folder, "c.html"), "--person", "Kim", "--release")
	if code != exitFailed || !strings.Contains(errOut, "freigegeben") {
		t.Errorf("release of a draft with placeholders: exit code %d: %s", code, errOut)
	}
}

func TestExitCodesAndMessages(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"help":                {[]string{"--help"}, exitFine, ""},
		"version":             {[]string{"version"}, exitFine, ""},
		"unknown verb":        {[]string{"tanzen"}, exitUsage, "tanzen"},
		"unknown flag":        {[]string{"check", "--schnell"}, exitUsage, "schnell"},
		"no application":      {[]string{"check"}, exitUsage, "--application"},
		"unknown service":     {[]string{"check", "--service", "mondfahrt", "--application", write("a.json", `{}`)}, exitFailed, "service"},
		"broken JSON":         {[]string{"check", "--service", "bewohnerparkausweis", "--application", write("b.json", `{"a":`)}, exitFailed, ""},
		"outside address":     {[]string{"demo", "--listen", "0.0.0.0:0"}, exitUsage, "127.0.0.1"},
		"strange file ending": {[]string{"draft", "--report", "r", "--out", "brief.xls"}, exitUsage, ".odt"},
		"policies":            {[]string{"policy", "test"}, exitFine, ""},
		"denied":              {[]string{"policy", "eval", write("q.yaml", "tenant: t\npurpose: social_scoring\n")}, exitFinding, ""},
		"norm exists":         {[]string{"norms", "check", "§ 66 Abs. 3 SGB I"}, exitFine, ""},
		"norm does not":       {[]string{"norms", "check", "§ 66 Abs. 9 SGB I"}, exitFinding, ""},
		"typo in config":      {[]string{"config", "validate", "--config", write("c.yaml", "listen: 127.0.0.1:1\ntenatns: []\n")}, exitUsage, "tenatns"},
		"config without all":  {[]string{"config", "validate", "--config", write("d.yaml", "listen: 0.0.0.0:80\n")}, exitUsage, "secret_file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errOut := schleuse(t, c.args...)
			if code != c.code || !strings.Contains(errOut, c.want) {
				t.Errorf("exit code %d, want %d; message %q should name %q", code, c.code, errOut, c.want)
			}
		})
	}
}

func TestExampleConfigurationIsValid(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]byte(exampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	c.secret = randomSecret()
	for name, e := range c.Endpoints {
		e.Key = ""
		c.Endpoints[name] = e
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Authorities["tannberg"].Land != "BW" {
		t.Errorf("authorities: %+v", c.Authorities)
	}
}

// Killed in the middle of a stream, the record can be proved, and the next start
// says what happened to the request.
func TestRecordSurvivesAKillInTheMiddleOfAStream(t *testing.T) {
	t.Parallel()
	model := upstreamtest.Start(t)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	model.Always(upstreamtest.Behaviour{Hold: hold})
	data := t.TempDir()
	cmd, links := startDemo(t, data, "SCHLEUSE_MODEL_URL="+model.URL)
	id := firstPiece(t, links)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	code, out, errOut := schleuse(t, "audit", "verify", "--data", data)
	if code != exitFine || !strings.Contains(out, "noch nicht abgeschlossen") {
		t.Fatalf("after the kill: exit code %d: %s%s", code, out, errOut)
	}
	_, links = startDemo(t, data)
	if outcome := outcomeOfDecision(t, links, id); outcome != string(gateway.OutcomeInterrupted) {
		t.Errorf("outcome %q, want interrupted", outcome)
	}
	if code, out, errOut = schleuse(t, "audit", "verify", "--data", data); code != exitFine || strings.Contains(out, "noch nicht") {
		t.Errorf("after the next start: exit code %d: %s%s", code, out, errOut)
	}
	exportAndVerify(t, data)
}

// firstPiece opens a stream and returns the decision once text has come.
func firstPiece(t *testing.T, links demoLinks) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, links.URL+"/v1/chat/completions", strings.NewReader(`{"stream":true,"messages":[{"role":"user","content":"Was steht in der Dienstanweisung?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+links.Key)
	r.Header.Set("Schleuse-Purpose", "chat")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if _, err := answer.Body.Read(make([]byte, 16)); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
	return answer.Header.Get("Schleuse-Decision")
}

func outcomeOfDecision(t *testing.T, links demoLinks, id string) string {
	t.Helper()
	raw, err := (&client{url: links.URL, key: links.Key}).get(t.Context(), "/api/v1/decisions/"+id)
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Closing struct{ Outcome string } }
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d.Closing.Outcome
}

// exportAndVerify takes the record out and proves it without the database; one
// flipped byte in the database is found and named.
func exportAndVerify(t *testing.T, data string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "protokoll.zip")
	if code, _, errOut := schleuse(t, "audit", "export", "--data", data, "--reason", "Prüfung der Ausgabe", "--case", "14.2/17", "--out", file); code != exitFine {
		t.Fatalf("export: %s", errOut)
	}
	public, err := os.ReadFile(filepath.Join(data, publicKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := schleuse(t, "audit", "verify", "--export", file, "--public-key", strings.TrimSpace(string(public))); code != exitFine {
		t.Errorf("verify the export: %s%s", out, errOut)
	}
	if code, _, _ := schleuse(t, "audit", "verify", "--export", file, "--public-key", "test+00000000+AAAA"); code == exitFine {
		t.Error("an export was proved with a foreign key")
	}
}
