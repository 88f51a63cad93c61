// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	// maxListing bounds the list of names that a server returns, maxRead how many of
	// them are read: the newest half, and the others spread over the rest.
	maxListing = 8 << 20
	maxRead    = 200
)

var named = regexp.MustCompile(`^[0-9]{20}-[0-9a-f]{16}\` + extension + `$`)

// Kept reads back what the server keeps: a GET of the address returns the names, a GET
// of each name below it the text. A server that does not show what it has confirmed to
// this process is an error, as is a text that does not belong to its name.
func (h *HTTP) Kept(ctx context.Context) ([][]byte, error) {
	if h.writeOnly {
		return nil, nil
	}
	names, err := h.list(ctx)
	if err != nil {
		return nil, err
	}
	if last := h.confirmed(); last != "" && !slices.Contains(names, last) {
		return nil, errors.New("the server does not show a checkpoint that it has confirmed")
	}
	names = some(names)
	texts := make([][]byte, 0, len(names))
	for _, name := range names {
		text, err := h.get(ctx, name, maxText)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if !belongs(name, text) {
			return nil, fmt.Errorf("read %s: another text is kept under the name of this checkpoint", name)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// list reads the names: one a line, or a JSON array of objects with "name", as web
// servers list a folder. Other files do not count.
func (h *HTTP) list(ctx context.Context) ([]string, error) {
	text, err := h.get(ctx, "", maxListing)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	names := strings.Fields(string(text))
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		var files []struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(text, &files); err != nil {
			return nil, errors.New("list checkpoints: the server's list is not valid JSON")
		}
		names = names[:0]
		for _, f := range files {
			names = append(names, f.Name)
		}
	} else if len(text) > 0 && text[0] == '<' {
		return nil, errors.New("list checkpoints: the server answers with a page, not with a list of names")
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !named.MatchString(n) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

// some are the newest half of what may be read and others at equal distances.
func some(names []string) []string {
	if len(names) <= maxRead {
		return names
	}
	older, newest := names[:len(names)-maxRead/2], names[len(names)-maxRead/2:]
	out := make([]string, 0, maxRead)
	for i := range maxRead / 2 {
		out = append(out, older[i*len(older)/(maxRead/2)])
	}
	return append(out, newest...)
}

// belongs says that a text has the name under which it is kept.
func belongs(name string, text []byte) bool {
	_, sum, _ := strings.Cut(Checkpoint{Text: text}.name(), "-")
	return strings.HasSuffix(name, "-"+sum)
}

// get reads a file below the address, or the address itself.
func (h *HTTP) get(ctx context.Context, name string, most int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, h.below(name), nil)
	if err != nil {
		return nil, err
	}
	q.Header = h.header.Clone()
	q.Header.Del("Content-Type")
	q.Header.Set("Accept", "text/plain, application/json")
	answer, err := h.client.Do(q)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, withoutAddress(err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("the server answers with more than %d bytes", most)
	}
	return text, nil
}

// below is the address of a file, with "" that of the folder.
func (h *HTTP) below(name string) string {
	to := *h.address
	to.Path = strings.TrimSuffix(to.Path, "/") + "/" + name
	return to.String()
}

func (h *HTTP) confirmed() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func (h *HTTP) confirm(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = name
}
