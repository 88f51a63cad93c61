// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestFrontierAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	var f frontier
	var stored []tlog.Hash
	read := func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	}
	for n := range int64(300) {
		leaf := []byte(fmt.Sprint("leaf ", n))
		want, err := tlog.StoredHashes(n, leaf, tlog.HashReaderFunc(read))
		if err != nil {
			t.Fatalf("stored hashes of leaf %d: %v", n, err)
		}
		if got := f.push(tlog.RecordHash(leaf)); !slices.Equal(got, want) {
			t.Fatalf("push of leaf %d gives %v, want %v", n, got, want)
		}
		stored = append(stored, want...)
		if root, err := tlog.TreeHash(n+1, tlog.HashReaderFunc(read)); err != nil || f.root() != root {
			t.Fatalf("root of %d leaves is %v, want %v, %v", n+1, f.root(), root, err)
		}
		loaded, err := loadFrontier(n+1, read)
		if err != nil || loaded.size != f.size || !slices.Equal(loaded.hashes, f.hashes) {
			t.Fatalf("frontier of %d leaves loaded from the store is %v, want %v, %v", n+1, loaded, f, err)
		}
	}
}

func TestEmptyRootIsTheLibrarys(t *testing.T) {
	t.Parallel()
	want, err := tlog.TreeHash(0, nil)
	if err != nil || (frontier{}).root() != want {
		t.Errorf("root of no leaves is %v, want %v, %v", frontier{}.root(), want, err)
	}
}

func TestCheckpointIsOpenedOnlyWhenItIsSound(t *testing.T) {
	t.Parallel()
	private, public, err := GenerateKey("stadt.example/record")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := trusted("stadt.example/record", []string{public})
	if err != nil {
		t.Fatal(err)
	}
	s := statement{Origin: "stadt.example/record", Size: 42, Root: tlog.RecordHash([]byte("x"))}
	signed, err := signCheckpoint(s, time.Unix(0, 0), signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := openCheckpoint(signed.Note, s.Origin, keys); err != nil || got != s {
		t.Errorf("opened checkpoint = %+v, %v; want %+v", got, err, s)
	}
	if lines := strings.Split(string(signed.Note), "\n"); lines[0] != s.Origin || lines[1] != "42" || lines[2] != s.Root.String() || !strings.HasPrefix(lines[4], "— stadt.example/record ") {
		t.Errorf("checkpoint does not have the form of c2sp.org/tlog-checkpoint:\n%s", signed.Note)
	}
	for at := range signed.Note {
		changed := bytes.Clone(signed.Note)
		changed[at] ^= 1
		if got, err := openCheckpoint(changed, s.Origin, keys); err == nil && got != s {
			t.Errorf("a changed byte %d gives %+v", at, got)
		}
	}
	other := s
	other.Origin = "anderswo.example/record"
	foreign, err := signCheckpoint(other, time.Unix(0, 0), signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openCheckpoint(foreign.Note, s.Origin, keys); err == nil {
		t.Error("the checkpoint of another log is accepted")
	}
}

func FuzzParseStatement(f *testing.F) {
	f.Add("stadt.example/record\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	f.Add("a\n-1\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStatement(text)
		if err == nil && !strings.HasPrefix(text, s.String()) {
			t.Errorf("%q is read as %q", text, s.String())
		}
	})
}
