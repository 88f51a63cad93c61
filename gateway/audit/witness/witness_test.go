// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package witness_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
)

func checkpoint(size int64, text string) witness.Checkpoint {
	return witness.Checkpoint{Size: size, Text: []byte(text)}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFolderNeverOverwrites(t *testing.T) {
	t.Parallel()
	folder, ctx := t.TempDir(), context.Background()
	f, err := witness.NewFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 { // as replicas do
		wg.Go(func() {
			if err := f.Keep(ctx, checkpoint(7, "sieben")); err != nil {
				t.Errorf("keep: %v", err)
			}
		})
	}
	wg.Wait()
	names := files(t, folder)
	if len(names) != 1 || !strings.HasPrefix(names[0], "00000000000000000007-") {
		t.Fatalf("files = %v, want one", names)
	}
	// The same size with another text is what a set-back log signs: both stay.
	if err := f.Keep(ctx, checkpoint(7, "anders")); err != nil {
		t.Errorf("keep another text: %v", err)
	}
	kept, err := f.Kept(ctx)
	if err != nil || len(kept) != 2 {
		t.Errorf("kept = %q, %v; want both texts", kept, err)
	}
	// Somebody writes into a file: what is kept is not replaced, and it is said.
	path := filepath.Join(folder, names[0])
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("fremd"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(ctx, checkpoint(7, "sieben")); err == nil {
		t.Error("a changed file is not noticed")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "fremd" {
		t.Errorf("the file holds %q, %v; it was overwritten", text, err)
	}
	gone, err := witness.NewFolder(filepath.Join(folder, "nicht", "da"))
	if err != nil {
		t.Fatal(err)
	}
	if gone.Keep(ctx, checkpoint(1, "x")) == nil {
		t.Error("a folder that is not there is made")
	}
	for _, text := range []string{"", strings.Repeat("x", 5000)} {
		if f.Keep(ctx, checkpoint(1, text)) == nil {
			t.Errorf("a text of %d bytes is kept", len(text))
		}
	}
}

// server is a witness that can be told what to answer.
type server struct {
	mu     sync.Mutex
	status int
	got    []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	s.got = append(s.got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(text))
	if s.status/100 == 3 {
		w.Header().Set("Location", "/anderswo")
	}
	w.WriteHeader(s.status)
}

func (s *server) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	s := &server{}
	ts := httptest.NewServer(s)
	defer ts.Close()
	h, err := witness.NewHTTP(witness.HTTPConfig{URL: ts.URL + "/protokoll/", Headers: map[string]string{"Authorization": "Bearer x"}})
	if err != nil {
		t.Fatal(err)
	}
	for status, ok := range map[int]bool{200: true, 201: true, 204: true, 412: true, 409: true, 302: false, 307: false, 401: false, 404: false, 500: false} {
		s.answer(status)
		if err := h.Keep(context.Background(), checkpoint(3, "drei")); (err == nil) != ok {
			t.Errorf("answer %d: %v, want kept %v", status, err, ok)
		}
	}
	for _, got := range s.got {
		if !strings.HasPrefix(got, "PUT /protokoll/00000000000000000003-") || !strings.HasSuffix(got, " Bearer x drei") {
			t.Errorf("the server got %q; a redirect was followed or the text is wrong", got)
		}
	}
	for _, address := range []string{"", "zeuge", "ftp://a/b", "https://name:wort@host/", "http://%zz"} {
		if _, err := witness.NewHTTP(witness.HTTPConfig{URL: address}); err == nil {
			t.Errorf("the address %q is taken", address)
		}
	}
	if _, err := witness.NewHTTP(witness.HTTPConfig{URL: ts.URL, Method: "DELETE"}); err == nil {
		t.Error("the method DELETE is taken")
	}
}

func TestExporterRetriesAndTellsItsLag(t *testing.T) {
	t.Parallel()
	s := &server{status: 500}
	ts := httptest.NewServer(s)
	defer ts.Close()
	h, err := witness.NewHTTP(witness.HTTPConfig{URL: ts.URL, Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	f, err := witness.NewFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	newest := checkpoint(5, "fuenf")
	e, err := witness.New(witness.Config{
		Witnesses: []witness.Witness{h, f}, Clock: func() time.Time { return now },
		Newest: func(context.Context) (witness.Checkpoint, error) { return newest, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background()); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("export to a broken server = %v", err)
	}
	now = now.Add(2 * time.Hour)
	if e.Lag() != 2*time.Hour || len(files(t, folder)) != 1 {
		t.Errorf("lag %s, files %v; want two hours, and the folder has it all the same", e.Lag(), files(t, folder))
	}
	s.answer(200)
	if err := e.Export(context.Background()); err != nil || e.Lag() != 0 {
		t.Errorf("export = %v, lag %s", err, e.Lag())
	}
	if err := e.Export(context.Background()); err != nil || len(s.got) != 2 {
		t.Errorf("the server got %d, %v; the same checkpoint is sent once", len(s.got), err)
	}
	newest = checkpoint(9, "neun")
	if err := e.Export(context.Background()); err != nil || e.States()[0].Size != 9 {
		t.Errorf("states = %+v, %v", e.States(), err)
	}
	kept, err := e.Kept(context.Background())
	if err != nil || len(kept) != 2 {
		t.Errorf("kept = %q, %v; want the two of the folder", kept, err)
	}
	if _, err := witness.New(witness.Config{Witnesses: []witness.Witness{f, f}, Newest: func(context.Context) (witness.Checkpoint, error) { return newest, nil }}); err == nil {
		t.Error("two witnesses have one name")
	}
}

// TestNothingIsHandedOverAgainstAWitness: a record that was set back is not witnessed
// as if nothing had happened.
func TestNothingIsHandedOverAgainstAWitness(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f, err := witness.NewFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(context.Background(), checkpoint(9, "neun")); err != nil {
		t.Fatal(err)
	}
	back := true
	e, err := witness.New(witness.Config{
		Witnesses: []witness.Witness{f},
		Newest:    func(context.Context) (witness.Checkpoint, error) { return checkpoint(5, "fuenf"), nil },
		Check: func(_ context.Context, kept [][]byte) error {
			if back && len(kept) == 1 && string(kept[0]) == "neun" {
				return errors.New("set back")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background()); err == nil || len(files(t, folder)) != 1 {
		t.Errorf("export against a witness = %v, files %v", err, files(t, folder))
	}
	back = false
	if err := e.Export(context.Background()); err != nil || len(files(t, folder)) != 2 {
		t.Errorf("export = %v, files %v", err, files(t, folder))
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan struct{}, 100)
	e, err := witness.New(witness.Config{Every: time.Millisecond, Retry: time.Millisecond, Newest: func(context.Context) (witness.Checkpoint, error) {
		select {
		case asked <- struct{}{}:
		default:
		}
		return witness.Checkpoint{}, errors.New("the record is away")
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { e.Run(ctx); close(done) }()
	for range 3 {
		<-asked
	}
	cancel()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("the exporter goes on")
	}
}
