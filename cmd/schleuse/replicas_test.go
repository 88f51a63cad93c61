// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// pair is two processes on one database, a model server that both ask, and a key
// for each tenant.
type pair struct {
	a, b    *replica
	configs [2]string
	model   *upstreamtest.Server // answers at once
	held    *upstreamtest.Server // answers what says "HALTEN", and never ends
	keys    map[string]string
}

// replica is one process. Its address changes when it is started again.
type replica struct {
	cmd      *exec.Cmd
	url      atomic.Value // string
	admin    string
	revision string
	// doomed is set before the process is killed, until its successor has an address;
	// deaths counts.
	doomed atomic.Bool
	deaths atomic.Int32
}

func (r *replica) at(path string) string { return r.url.Load().(string) + path }

const replicaConfig = `listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
data: %s
database: %q
secret_file: %s
origin: zwei.example
shutdown: 30s
tenants:
%s
limits:
  tenants:
    budgetstadt: {budget_per_day: 0.35}
    taktstadt: {requests_per_minute: 60}
endpoints:
  haus: {url: %q, allow_private: true}
models:
  - id: modell
    endpoint: haus
    operations: [chat]
    residency: own_datacentre
    operator: Rechenzentrum
    country: DE
    processor_kind: own
    contract: AVV-1
    data_classes: [public, internal, personal]
    price: {input: 1000, output: 1000}
`

// What one request of the town with a budget costs: two words in, five out, at
// 1,000 euros per million.
const (
	budgetRequest = 7_000
	budgetOfDay   = 350_000
	shortAnswer   = "eins zwei drei vier fünf"
)

func startPair(t *testing.T, dsn string) *pair {
	t.Helper()
	hold := make(chan struct{})
	p := &pair{model: &upstreamtest.Server{}, held: &upstreamtest.Server{}, keys: map[string]string{}}
	p.model.Always(upstreamtest.Behaviour{Text: shortAnswer, Latency: 5 * time.Millisecond})
	p.held.Always(upstreamtest.Behaviour{Text: shortAnswer, Hold: hold})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("HALTEN")) {
			p.held.ServeHTTP(w, r)
			return
		}
		p.model.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(hold)
		server.Close()
	})
	folder, secret := t.TempDir(), randomSecret()
	secretFile := filepath.Join(folder, "secret")
	if err := os.WriteFile(secretFile, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	var tenants strings.Builder
	for _, id := range []string{"leitstelle", "tannberg", "budgetstadt", "taktstadt"} {
		text, key, hash := identity.NewKey("test", derive(secret, "api keys"))
		p.keys[id] = text
		roles := "[]"
		if id == "leitstelle" {
			roles = "[" + identity.RoleOperator + "]"
		}
		fmt.Fprintf(&tenants, "  - {id: %[1]s, name: %[1]s, active: true, systems: [{id: fach, name: Fach, channel: caseworker, keys: [{id: %[2]q, hash: %[3]q, expires: %[4]s, purposes: [chat], default_purpose: chat, roles: %[5]s}]}]}\n",
			id, key, hash, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), roles)
	}
	for i := range p.configs {
		p.configs[i] = filepath.Join(folder, fmt.Sprintf("replik-%d.yaml", i))
		text := fmt.Sprintf(replicaConfig, filepath.Join(folder, fmt.Sprintf("daten-%d", i)), dsn, secretFile, tenants.String(), server.URL+"/v1")
		if err := os.WriteFile(p.configs[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.a, p.b = &replica{}, &replica{}
	p.a.start(t, p.configs[0])
	p.b.start(t, p.configs[1])
	return p
}

var served = regexp.MustCompile(`auf (\S+), Regelstand (\S+)\.\n`)

// start runs a process and waits until it takes requests.
func (r *replica) start(t *testing.T, config string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--config", config)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errOut, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	first, admin := make(chan string, 1), make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, out)
	}()
	go func() {
		lines := bufio.NewScanner(errOut)
		for lines.Scan() {
			var entry struct{ Msg, Address, Level string }
			_ = json.Unmarshal(lines.Bytes(), &entry)
			switch {
			case entry.Msg == "operators are served":
				admin <- entry.Address
			case entry.Level == "ERROR" || entry.Level == "":
				t.Logf("%s: %s", filepath.Base(config), lines.Text())
			}
		}
	}()
	found := served.FindStringSubmatch(within(t, first, "the first line of "+config))
	if found == nil {
		t.Fatal("the process says nothing about its address")
	}
	r.cmd, r.revision = cmd, found[2]
	r.admin = "http://" + within(t, admin, "the address for operators of "+config)
	url := "http://" + found[1]
	eventually(t, "a replica is ready", func() bool {
		answer, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	r.url.Store(url)
	r.doomed.Store(false)
}

func within(t *testing.T, c <-chan string, what string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(time.Minute):
		t.Fatalf("not within a minute: %s", what)
		return ""
	}
}

// kill ends the process at once.
func (r *replica) kill(t *testing.T) {
	t.Helper()
	r.deaths.Add(1)
	r.doomed.Store(true)
	if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait()
}

// end asks the process to end and waits until it has, in order.
func (r *replica) end(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("the end of a replica: %v", err)
	}
}

// reply is what came of one request.
type reply struct {
	status   int
	decision string
	body     string
	// whole says that everything came, up to the end mark of a stream.
	whole bool
}

func (p *pair) send(ctx context.Context, r *replica, method, path, key, body string) (reply, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.at(path), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	out := reply{status: answer.StatusCode, decision: answer.Header.Get("Schleuse-Decision")}
	raw, err := io.ReadAll(answer.Body)
	out.body = string(raw)
	stream := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream")
	out.whole = err == nil && out.status == http.StatusOK && (!stream || strings.HasSuffix(strings.TrimSpace(out.body), "data: [DONE]"))
	return out, err
}

const replicaChat = `{"model":"modell","max_tokens":10,"stream":%v,"messages":[{"role":"user","content":%q}]}`

// crowd is clients that ask either replica until they are told to stop.
type crowd struct {
	*pair
	*testing.T

	stop    context.CancelFunc
	clients sync.WaitGroup

	mu      sync.Mutex
	whole   []string // decisions behind answers that came whole
	refused map[string]int
	slowest time.Duration
	onA     int
}

func (p *pair) crowd(t *testing.T) *crowd {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &crowd{pair: p, T: t, stop: stop, refused: map[string]int{}}
	t.Cleanup(func() { stop(); l.clients.Wait() })
	for tenant, c := range map[string]struct {
		clients int
		text    string
	}{"tannberg": {4, "Guten Tag"}, "budgetstadt": {2, "Budget bitte"}, "taktstadt": {2, "Takt bitte"}} {
		for i := range c.clients {
			l.clients.Go(func() {
				for n := i; ctx.Err() == nil; n++ {
					l.ask(ctx, tenant, fmt.Sprintf(replicaChat, n%2 == 0, c.text))
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
	}
	return l
}

// ask sends one request. Only a replica that is being killed may fail.
func (l *crowd) ask(ctx context.Context, tenant, body string) {
	r, begin := l.a, time.Now()
	if rand.IntN(2) == 0 {
		r = l.b
	}
	deaths, doomed := r.deaths.Load(), r.doomed.Load()
	out, err := l.send(ctx, r, http.MethodPost, "/v1/chat/completions", l.keys[tenant], body)
	if ctx.Err() != nil {
		return
	}
	took := time.Since(begin)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && out.whole:
		l.whole = append(l.whole, out.decision)
		if r == l.a {
			l.onA++
		}
	case err == nil && tenant != "tannberg" && out.status == http.StatusTooManyRequests:
		l.refused[tenant]++
	case doomed || r.deaths.Load() != deaths:
		return
	default:
		l.Errorf("%s: status %d, %v: %.300s", tenant, out.status, err, out.body)
	}
	if r == l.b {
		l.slowest = max(l.slowest, took)
	}
}

func (l *crowd) answered() (all, onA int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.whole), l.onA
}

// Two processes on one PostgreSQL are one gateway: for who asks, for limits and
// budgets, for keys and tenants, and for the record, even when one of them is
// killed in the middle.
func TestTwoReplicasAreOne(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("two processes and a database are left out with -short")
	}
	p := startPair(t, postgrestest.DSN(t))
	p.sameRules(t)
	begin := time.Now()
	l := p.crowd(t)
	p.onboard(t)
	eventually(t, "both replicas answer", func() bool { all, onA := l.answered(); return onA > 20 && all > 60 })

	cut := p.hold(t, 3)
	p.a.kill(t)
	all, onA := l.answered()
	eventually(t, "the other one goes on", func() bool { n, _ := l.answered(); return n > all+60 })
	p.a.start(t, p.configs[0])
	eventually(t, "the killed one is back", func() bool { _, n := l.answered(); return n > onA+20 })
	p.sameRules(t)
	eventually(t, "the budget is used up", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.refused["budgetstadt"] > 10 })
	p.interrupted(t, cut)
	l.stop()
	l.clients.Wait()
	p.notOverspent(t, l, time.Since(begin))
	p.a.end(t)
	p.b.end(t)
	p.proves(t, l.whole)
	if l.slowest > 10*time.Second {
		t.Errorf("a request at the living replica took %s", l.slowest)
	}
}

// sameRules: both show the same policies to operators.
func (p *pair) sameRules(t *testing.T) {
	t.Helper()
	info := regexp.MustCompile(`(?m)^schleuse_policy_info\{.*\} 1$`)
	var shown []string
	for _, r := range []*replica{p.a, p.b} {
		line := info.FindString(fetch(t, r.admin+"/metrics"))
		if line == "" || !strings.Contains(line, r.revision) {
			t.Errorf("metrics say %q, the process said %q", line, r.revision)
		}
		shown = append(shown, line)
	}
	if shown[0] != shown[1] {
		t.Errorf("different policies: %q", shown)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, answer.StatusCode, err)
	}
	return string(raw)
}

// onboard: a tenant made through one replica works through the other, and its
// key, revoked through the one, is refused by the other.
func (p *pair) onboard(t *testing.T) {
	t.Helper()
	made, err := p.send(t.Context(), p.a, http.MethodPost, "/api/v1/tenants", p.keys["leitstelle"],
		`{"id":"neuheim","name":"Gemeinde Neuheim","systems":[{"id":"fach","name":"Fach","channel":"caseworker","keys":[{"label":"erster","purposes":["chat"],"default_purpose":"chat"}]}]}`)
	var outcome struct {
		Keys []struct {
			Secret string
			Key    struct{ ID string }
		}
	}
	if err != nil || made.status != http.StatusCreated || json.Unmarshal([]byte(made.body), &outcome) != nil || len(outcome.Keys) != 1 {
		t.Fatalf("status %d, %v: %s", made.status, err, made.body)
	}
	key := outcome.Keys[0]
	status := func() int {
		out, err := p.send(t.Context(), p.b, http.MethodPost, "/v1/chat/completions", key.Secret, fmt.Sprintf(replicaChat, false, "Guten Tag"))
		if err != nil {
			t.Fatal(err)
		}
		return out.status
	}
	begin := time.Now()
	eventually(t, "the new tenant chats through the other replica", func() bool { return status() == http.StatusOK })
	t.Logf("a new tenant is known after %s", time.Since(begin))
	gone, err := p.send(t.Context(), p.a, http.MethodDelete, "/api/v1/tenants/neuheim/systems/fach/keys/"+key.Key.ID, p.keys["leitstelle"], "")
	if err != nil || gone.status != http.StatusNoContent {
		t.Fatalf("revoke: status %d, %v: %s", gone.status, err, gone.body)
	}
	begin = time.Now()
	eventually(t, "the other replica refuses the revoked key", func() bool { return status() == http.StatusUnauthorized })
	t.Logf("a revoked key is refused after %s", time.Since(begin))
}

// hold opens streams at the first replica that do not end, and returns their decisions.
func (p *pair) hold(t *testing.T, n int) (cut []string) {
	t.Helper()
	for range n {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.a.at("/v1/chat/completions"), strings.NewReader(fmt.Sprintf(replicaChat, true, "HALTEN")))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+p.keys["tannberg"])
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		if _, err := answer.Body.Read(make([]byte, 16)); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v", answer.StatusCode, err)
		}
		cut = append(cut, answer.Header.Get("Schleuse-Decision"))
	}
	return cut
}

// interrupted waits until the living have written down what the dead left open.
func (p *pair) interrupted(t *testing.T, cut []string) {
	t.Helper()
	for _, id := range cut {
		outcome := ""
		for deadline := time.Now().Add(2 * time.Minute); outcome == "" && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			outcome = outcomeOfDecision(t, demoLinks{URL: p.b.at(""), Key: p.keys["tannberg"]}, id)
		}
		if outcome != string(gateway.OutcomeInterrupted) {
			t.Errorf("a request of the killed replica ended as %q", outcome)
		}
	}
}

// notOverspent counts at the model server, where the money is spent.
func (p *pair) notOverspent(t *testing.T, l *crowd, took time.Duration) {
	t.Helper()
	count := map[string]int{}
	for _, r := range p.model.Requests() {
		for _, text := range []string{"Budget bitte", "Takt bitte"} {
			if bytes.Contains(r.Body, []byte(text)) {
				count[text]++
			}
		}
	}
	if n := count["Budget bitte"]; n*budgetRequest > budgetOfDay || n < 5 {
		t.Errorf("%d requests of %d µ€ on a budget of %d", n, budgetRequest, budgetOfDay)
	}
	// A sixth of a minute's requests may come at once, then one a second.
	if n := count["Takt bitte"]; n > 10+int(took.Seconds())+1 || n < 5 || l.refused["taktstadt"] == 0 {
		t.Errorf("%d requests in %s at 60 a minute, %d refused", n, took, l.refused["taktstadt"])
	}
	t.Logf("%d whole answers in %s; %d of %d that the budget allows, %d at 60 a minute; refused %v; slowest at the living replica %s",
		len(l.whole), took, count["Budget bitte"], budgetOfDay/budgetRequest, count["Takt bitte"], l.refused, l.slowest)
}

// proves: the record is sound and knows every answer that somebody got whole.
func (p *pair) proves(t *testing.T, whole []string) {
	t.Helper()
	if code, out, errOut := schleuse(t, "audit", "verify", "--config", p.configs[1]); code != exitFine || strings.Contains(out, "noch nicht abgeschlossen") {
		t.Errorf("verify: exit code %d: %s%s", code, out, errOut)
	}
	viewer, done, err := openViewer(t.Context(), recordOptions{config: p.configs[1]})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	outcomes := map[string]gateway.Outcome{}
	decided := map[string]bool{} // what may be answered was durable before
	filter := audit.Filter{Scope: audit.Scope{All: true}, Limit: 500}
	for {
		page, err := viewer.List(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if item.Closing != nil {
				outcomes[item.Record.ID] = item.Closing.Outcome
				decided[item.Record.ID] = item.Record.Answer != nil && item.Record.Answer.Allowed()
			}
		}
		if page.Next == "" {
			break
		}
		filter.Cursor = page.Next
	}
	// An ending may be a moment younger than its answer: what the killed process
	// had answered last ends as interrupted, with the decision on the answer.
	late := 0
	for _, id := range whole {
		if outcomes[id] == gateway.OutcomeInterrupted && decided[id] && late < 32 {
			late++
			continue
		}
		if outcomes[id] != gateway.OutcomeAnswered {
			t.Errorf("the record of a whole answer %q says %q", id, outcomes[id])
		}
	}
}
