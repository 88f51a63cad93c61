// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
)

//go:embed demo
var demoFiles embed.FS

// Names of the demonstration.
const (
	demoTenant   gateway.TenantID = "tannberg"
	demoWohngeld gateway.SystemID = "woga"
	demoGewerbe  gateway.SystemID = "gewan"
	demoCase                      = "50.21/2026-004711"
	demoFolder                    = "50.21-2026-004711"
)

// demoOptions are the flags of demo and what the environment says.
type demoOptions struct {
	listen, data       string
	law                string // SCHLEUSE_LAW
	modelURL, modelKey string // SCHLEUSE_MODEL_URL, SCHLEUSE_MODEL_KEY
	modelName          string // SCHLEUSE_MODEL_NAME
	history            bool
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use: "demo", Short: "Vorführung mit erfundenen Daten starten: ohne Datenbank, ohne Modell, ohne Netz", Args: noArgs,
		Long: "Startet den ganzen Dienst mit einer erfundenen Stadt, einer Wohngeld-Akte und allen Regeln, nur auf 127.0.0.1.\n" +
			"SCHLEUSE_MODEL_URL bindet ein OpenAI-kompatibles Modell an, SCHLEUSE_LAW liest Gesetze ein.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.law, o.modelURL, o.modelKey, o.modelName = os.Getenv("SCHLEUSE_LAW"), os.Getenv("SCHLEUSE_MODEL_URL"), os.Getenv("SCHLEUSE_MODEL_KEY"), os.Getenv("SCHLEUSE_MODEL_NAME")
			return demo(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "Adresse, nur auf diesem Rechner; Port 0 wählt einen freien")
	c.Flags().BoolVar(&o.history, "history", true, "mit den Anfragen eines erfundenen Tages beginnen, wenn der Ordner neu ist")
	c.Flags().StringVar(&o.data, "data", "", "Ordner, in dem die Daten bleiben; darin steht demo.json mit Adresse, Schlüssel und Anmeldelink")
	return c
}

// demo prepares the folder, builds the parts, loads the data and serves.
func demo(ctx context.Context, out, errOut io.Writer, o demoOptions) error {
	started := time.Now()
	if err := loopback(o.listen); err != nil {
		return usageError{err}
	}
	folder, done, err := demoDataFolder(o.data)
	if err != nil {
		return err
	}
	defer done()
	listener, err := listen(ctx, o.listen)
	if err != nil {
		return err
	}
	if o.data != "" && exists(filepath.Join(folder, "secret")) {
		o.history = false
	}
	dummies, url, err := startDummy()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = dummies.Close() }()
	c, key, model, err := demoConfig(ctx, folder, o)
	if err != nil {
		return err
	}
	addDummies(&c, url, model.url != "")
	p, err := build(ctx, c, slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = p.close() }()
	loaded, err := p.loadDemo(ctx, o.law)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if o.history {
		if err := p.liveADay(ctx); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	links := demoLinks{URL: address(c, listener), Key: key}
	if err := links.signIn(ctx, p.sessions); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := links.save(o.data); err != nil {
		return err
	}
	if o.data != "" {
		if err := saveDemoConfig(c); err != nil {
			return err
		}
	}
	if err := p.publishKey(); err != nil {
		return err
	}
	p.printDemo(out, o, links, loaded, model, time.Since(started))
	return newService(p, nil).run(ctx, p, listener)
}

// loopback refuses every address that others could reach.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return say("--listen: %q hat nicht die Form RECHNER:PORT.", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return say("--listen: Die Vorführung ist nur von diesem Rechner aus erreichbar; nehmen Sie 127.0.0.1:PORT.")
	}
	return nil
}

// demoDataFolder is the given folder, or a temporary one that goes with the process.
func demoDataFolder(data string) (folder string, done func(), err error) {
	if data != "" {
		return data, func() {}, os.MkdirAll(data, 0o700)
	}
	folder, err = os.MkdirTemp("", "schleuse-demo-")
	return folder, func() { _ = os.RemoveAll(folder) }, err
}

// demoLinks are for people and, in demo.json, for scripts.
type demoLinks struct {
	URL string `json:"url"`
	Key string `json:"api_key"`
	// Login is that of the auditor.
	Login string `json:"admin_login"`
	// Logins of the other persons of the town, by what they do.
	Logins map[string]string `json:"logins"`
}

// demoPeople are those of the town who open pages. Nobody audits what the same
// person administrates.
func demoPeople() []struct {
	does   string
	person identity.Person
} {
	return []struct {
		does   string
		person identity.Person
	}{
		{"revision", identity.Person{Tenant: demoTenant, Name: "Jona Petersen", Roles: []string{identity.RoleRevision}}},
		{"sachbearbeitung", identity.Person{
			Tenant: demoTenant, Name: "Kim Yılmaz", Roles: []string{identity.RoleCase}, Principals: []gateway.Principal{"group:wohngeld", "group:verwaltung"},
		}},
		{"verwaltung", identity.Person{Tenant: demoTenant, Name: "Mika Hartwig", Roles: []string{identity.RoleTenant}}},
		{"richtlinien", identity.Person{Tenant: demoTenant, Name: "Alex Brandt", Roles: []string{identity.RolePolicy}}},
		{"datenschutz", identity.Person{Tenant: demoTenant, Name: "Robin Seidel", Roles: []string{identity.RoleRevision, identity.RolePolicy}}},
		{"informationssicherheit", identity.Person{Tenant: demoTenant, Name: "Sascha Lenz", Roles: []string{identity.RolePolicy}}},
		{"betrieb", identity.Person{Tenant: demoTenant, Name: "Toni Färber", Roles: []string{identity.RoleOperator}, Operator: true}},
	}
}

// signIn makes a link that works once for each of them.
func (l *demoLinks) signIn(ctx context.Context, sessions *identity.Sessions) error {
	l.Logins = map[string]string{}
	for _, p := range demoPeople() {
		ticket, err := sessions.NewLogin(ctx, p.person)
		if err != nil {
			return err
		}
		l.Logins[p.does] = l.URL + "/login?t=" + ticket
	}
	l.Login = l.Logins["revision"]
	return nil
}

func (l *demoLinks) save(data string) error {
	if data == "" {
		return nil
	}
	//nolint:gosec // the key of a demonstration on this machine, for its owner only
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "demo.json"), append(raw, '\n'), 0o600)
}

// demoConfig is the invented town: one tenant, two systems, three roles.
func demoConfig(ctx context.Context, folder string, o demoOptions) (c Config, key string, model demoModel, err error) {
	secret, err := demoSecret(folder, o.data != "")
	if err != nil {
		return c, "", model, err
	}
	if err := copyDemoFiles(folder); err != nil {
		return c, "", model, err
	}
	input, err := demoInput(folder)
	if err != nil {
		return c, "", model, err
	}
	authority, err := demoAuthority()
	if err != nil {
		return c, "", model, err
	}
	text, id, hash := identity.NewKey("demo", derive(secret, "api keys"))
	c = Config{
		Listen: o.listen, Data: folder, Origin: "ki-schleuse-vorfuehrung", secret: secret, demo: true, Operator: "Vorführung Tannberg",
		Tenants: []identity.Tenant{{ID: demoTenant, Name: "Stadt Tannberg", Land: "BW", Active: true, Systems: []identity.System{
			{ID: demoWohngeld, Name: "WOGA Wohngeld", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{{
				ID: id, Hash: hash, Expires: time.Now().AddDate(0, 1, 0), Purposes: demoPurposes(), DefaultPurpose: gateway.PurposeChat,
				Roles: []string{identity.RoleCase}, Principals: []gateway.Principal{"group:wohngeld", "group:verwaltung"},
			}}},
			{ID: demoGewerbe, Name: "GEWAN Gewerbe", Channel: gateway.ChannelCaseworker},
		}}},
		Sources: []SourceConfig{
			{Name: "akte", Tenant: demoTenant, Kind: "filesystem", Path: filepath.Join(folder, "akten"), Readers: []gateway.Principal{"group:wohngeld"}, DataClass: []gateway.DataClass{gateway.DataSozialdaten}},
			{Name: "dienstanweisungen", Tenant: demoTenant, Kind: "filesystem", Path: filepath.Join(folder, "dienstanweisungen"), Readers: []gateway.Principal{"group:verwaltung"}, DataClass: []gateway.DataClass{gateway.DataInternal}},
		},
		Endpoints:   map[string]EndpointConfig{},
		Authorities: map[gateway.TenantID]Authority{demoTenant: {authority}},
		Vault:       VaultConfig{Enabled: true},
		Duties: map[gateway.TenantID]policies.TenantDuties{demoTenant: {
			Trained: "2026-09-14", StaffInformed: "2026-06-30", KeepContent: map[gateway.Purpose]int{gateway.PurposeSummarise: 30},
		}},
		caseworker: drafting.Person{Name: "Kim Yılmaz", Phone: "07999 4711-21", Email: "wohngeld@tannberg.example", Room: "2.14"},
		cases:      []ui.Case{{ID: demoFolder, Title: "Akte " + demoCase, Subtitle: "Wohngeld, Erstantrag, " + counted(len(input.Documents), "Unterlage", "Unterlagen"), Input: input}},
	}
	if c.Policies.Signers, err = demoSigners(folder); err != nil {
		return c, "", model, err
	}
	model = findModel(ctx, o)
	model.addTo(&c)
	return c, text, model, nil
}

func demoPurposes() []gateway.Purpose {
	return []gateway.Purpose{
		gateway.PurposeChat, gateway.PurposeResearch, gateway.PurposeFactualQA, gateway.PurposeSummarise, gateway.PurposeSimplifyLanguage,
		gateway.PurposeTranslate, gateway.PurposeExtraction, gateway.PurposeDocumentClassification, gateway.PurposeCompletenessCheck,
		gateway.PurposeLetterRequestDocuments, gateway.PurposeLetterReceipt, gateway.PurposeLegalReferences,
	}
}

// demoSecret lives as long as the data do.
func demoSecret(folder string, keep bool) ([]byte, error) {
	if !keep {
		return randomSecret(), nil
	}
	path := filepath.Join(folder, "secret")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret = randomSecret()
		err = os.WriteFile(path, secret, 0o600)
	}
	return secret, err
}

// copyDemoFiles puts file and work instructions where the connector reads them.
func copyDemoFiles(folder string) error {
	for from, to := range map[string]string{"demo/akte": filepath.Join("akten", demoFolder), "demo/dienstanweisungen": "dienstanweisungen"} {
		files, err := fs.ReadDir(demoFiles, from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(folder, to), 0o700); err != nil {
			return err
		}
		for _, f := range files {
			data, err := demoFiles.ReadFile(from + "/" + f.Name())
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, to, f.Name()), data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoInput is the application of the file with its documents.
func demoInput(folder string) (completeness.Input, error) {
	raw, err := demoFiles.ReadFile("demo/antrag.json")
	if err != nil {
		return completeness.Input{}, err
	}
	if err := os.WriteFile(filepath.Join(folder, "antrag.json"), raw, 0o600); err != nil {
		return completeness.Input{}, err
	}
	in, err := completeness.ParseApplication("", raw)
	if err != nil {
		return completeness.Input{}, fmt.Errorf("read application of the demonstration: %w", err)
	}
	in.Documents, err = readDocuments(filepath.Join(folder, "akten", demoFolder), nil)
	return in, err
}

// demoAuthority is the invented town as its letters show it.
func demoAuthority() (drafting.Profile, error) {
	var profile drafting.Profile
	raw, err := demoFiles.ReadFile("demo/behoerde.json")
	if err != nil {
		return profile, err
	}
	return profile, strict(raw, "demo/behoerde.json", &profile)
}

// demoModel is the model that SCHLEUSE_MODEL_URL names.
type demoModel struct {
	url, key, name string
	own            bool
	problem        error
}

const modelPingTime = 1500 * time.Millisecond

// findModel asks the endpoint what it offers. An endpoint that does not answer is
// kept: it may come up later.
func findModel(ctx context.Context, o demoOptions) demoModel {
	m := demoModel{url: o.modelURL, key: o.modelKey, name: o.modelName}
	if m.url == "" {
		return m
	}
	u, err := url.Parse(m.url)
	if err != nil {
		m.problem = err
		return m
	}
	ip, err := netip.ParseAddr(u.Hostname())
	m.own = u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsPrivate())
	ctx, cancel := context.WithTimeout(ctx, modelPingTime)
	defer cancel()
	client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"modell": {BaseURL: m.url, Key: upstream.Secret(m.key)}}})
	if err != nil {
		m.problem = err
		return m
	}
	defer client.Close()
	names, err := client.Models(ctx, "modell")
	m.problem = err
	if m.name == "" && len(names) > 0 {
		m.name = names[0]
	}
	if m.name == "" {
		m.name = "default"
	}
	return m
}

// addTo enters the model into the catalogue. One outside the house has no
// contract here, so that the policies keep personal data from it.
func (m demoModel) addTo(c *Config) {
	if m.url == "" {
		return
	}
	c.Endpoints["modell"] = EndpointConfig{URL: m.url, Key: m.key}
	entry := ModelConfig{
		ID: gateway.ModelID(m.name), Endpoint: "modell", Aliases: []gateway.ModelID{"schleuse/klein"}, Residency: gateway.ResidencyNonEU, Operator: "unbekannt", ProcessorKind: "private",
		Operations: []gateway.Operation{gateway.OperationChat, gateway.OperationEmbeddings}, DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal},
	}
	if m.own {
		entry.Residency, entry.Operator, entry.Country, entry.ProcessorKind = gateway.ResidencyOwn, "eigenes Haus", "DE", "own"
		entry.Para30AO, entry.Art9, entry.Contract, entry.Para80Notice = true, true, "eigener Betrieb", "eigener Betrieb"
		entry.DataClasses = []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential}
	}
	c.Models = append(c.Models, entry)
}

// demoLoaded says what was read, for the transcript.
type demoLoaded struct {
	documents, instructions int
	statutes, sections      int
	index                   time.Duration
}

// loadDemo reads the sources through their connector into the search and, where
// asked to, the statutes.
func (p *parts) loadDemo(ctx context.Context, law string) (demoLoaded, error) {
	var out demoLoaded
	started := time.Now()
	for i, s := range p.config.Sources {
		n, err := p.syncOnce(ctx, s, true)
		if err != nil {
			return out, err
		}
		if i == 0 {
			out.documents = n
		} else {
			out.instructions += n
		}
	}
	out.index = time.Since(started)
	if law == "" {
		return out, nil
	}
	var err error
	if out.statutes, out.sections, err = p.importLaw(ctx, law); err != nil {
		return out, fmt.Errorf("SCHLEUSE_LAW: %w", err)
	}
	p.register, err = loadRegister(p.config.Data)
	if err != nil {
		return out, err
	}
	return out, p.buildAssistAgain(ctx)
}

// buildAssistAgain lets drafts use a register that was imported meanwhile.
func (p *parts) buildAssistAgain(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.buildAssist, p.buildAPI} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// printDemo writes what a newcomer needs to know, and nothing else.
func (p *parts) printDemo(out io.Writer, o demoOptions, links demoLinks, l demoLoaded, m demoModel, took time.Duration) {
	place := "Daten nur, solange der Dienst läuft."
	if o.data != "" {
		place = "Daten in " + o.data + "."
	}
	fmt.Fprintf(out, "KI-Schleuse %s, Vorführung. Alle Personen und Akten sind erfunden. %s\n\n", version, place)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(out, "  %-14s "+format+"\n", append([]any{label}, args...)...)
	}
	line("Regeln", "%d geladen, Stand %s", len(p.engine.Rules()), p.engine.Revision())
	line("Leistungen", "%d, von Bauantrag bis Wohngeld", len(p.catalog.Services()))
	if l.documents+l.instructions == 0 {
		line("Akte", "%s, Wohngeld; Dokumente und Dienstanweisungen sind eingelesen und unverändert", demoCase)
	} else {
		line("Akte", "%s, Wohngeld, %d Dokumente, dazu %d Dienstanweisungen, Index in %.1f s", demoCase, l.documents, l.instructions, l.index.Seconds())
	}
	if l.statutes > 0 {
		line("Recht", "%d Gesetze mit %d Paragrafen eingelesen", l.statutes, l.sections)
	} else {
		line("Recht", "Normenregister mit %d Gesetzen; Gesetzestexte mit SCHLEUSE_LAW=Ordner", len(p.register.Statutes()))
	}
	line("Modell", "%s", m.describe())
	fmt.Fprintf(out, "\n  bereit nach %.1f s\n\n", took.Seconds())
	fmt.Fprintf(out, "  Anmeldelinks, einmalig, 30 Minuten:\n")
	for _, one := range []struct{ label, does string }{
		{"Revision", "revision"}, {"Amt (Panel)", "sachbearbeitung"}, {"Verwaltung", "verwaltung"}, {"Richtlinien", "richtlinien"},
		{"Datenschutz", "datenschutz"}, {"IT-Sicherheit", "informationssicherheit"}, {"Betrieb", "betrieb"},
	} {
		line(one.label, "%s", links.Logins[one.does])
	}
	fmt.Fprintln(out)
	line("API", "%s/api/openapi.json", links.URL)
	line("Schlüssel", "%s", links.Key)
	fmt.Fprintf(out, "\n  Weiter in einem zweiten Fenster:\n")
	fmt.Fprintf(out, "    bin/schleuse check --service wohngeld-mietzuschuss --application cmd/schleuse/demo/antrag.json --documents cmd/schleuse/demo/akte --json > report.json\n")
	fmt.Fprintf(out, "    bin/schleuse draft --report report.json --application cmd/schleuse/demo/antrag.json --authority cmd/schleuse/demo/behoerde.json --person 'Kim Yılmaz' --out brief.odt\n")
	if o.data != "" {
		fmt.Fprintf(out, "    bin/schleuse audit verify --data %s\n", o.data)
	}
	fmt.Fprintf(out, "\n  Beenden: Strg+C\n")
}

func (m demoModel) describe() string {
	switch {
	case m.url == "":
		return fmt.Sprintf("zwei Attrappen, die nichts rechnen (%s, %s). Ein echtes anbinden: SCHLEUSE_MODEL_URL", dummyInside, dummyOutside)
	case m.problem != nil:
		return fmt.Sprintf("%s antwortet nicht. Der Dienst läuft trotzdem; Anfragen an ein Modell scheitern, bis es erreichbar ist.", m.url)
	case m.own:
		return fmt.Sprintf("%s (OpenAI-kompatibel, %s, eigenes Haus)", m.name, m.url)
	}
	return fmt.Sprintf("%s (OpenAI-kompatibel, %s, außer Haus und ohne Vertrag: nur ohne Personenbezug)", m.name, m.url)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
