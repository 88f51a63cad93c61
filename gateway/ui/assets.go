// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets serves the static files under names that carry their hash, so that
// browsers keep them for good and never see an old one.
type assets struct{ files map[string]asset }

type asset struct {
	hash, mediaType string
	data, zipped    []byte
}

func newAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	err := fs.WalkDir(staticFiles, "static", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := staticFiles.ReadFile(p)
		if err != nil {
			return err
		}
		mediaType := mime.TypeByExtension(path.Ext(p))
		switch path.Ext(p) {
		case ".css", ".js", ".svg":
		case ".woff2":
			mediaType = "font/woff2"
		default:
			return nil // licences and notes are not served
		}
		sum := sha256.Sum256(data)
		zipped, err := zip(data)
		if err != nil {
			return err
		}
		a.files[path.Base(p)] = asset{hash: hex.EncodeToString(sum[:8]), mediaType: mediaType, data: data, zipped: zipped}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	a.linkFonts()
	return a, nil
}

// linkFonts puts the hashed addresses of the fonts into the style sheet.
func (a *assets) linkFonts() {
	css, ok := a.files["schleuse.css"]
	if !ok {
		return
	}
	text := string(css.data)
	for name, f := range a.files {
		if strings.HasSuffix(name, ".woff2") {
			text = strings.ReplaceAll(text, "url(\""+name+"\")", "url(\"/static/"+f.hash+"/"+name+"\")")
		}
	}
	css.data = []byte(text)
	sum := sha256.Sum256(css.data)
	css.hash = hex.EncodeToString(sum[:8])
	css.zipped, _ = zip(css.data)
	a.files["schleuse.css"] = css
}

func zip(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// url is the address of a file; an unknown name is a mistake in a template.
func (a *assets) url(name string) (string, error) {
	f, ok := a.files[name]
	if !ok {
		return "", fmt.Errorf("no static file %s", name)
	}
	return "/static/" + f.hash + "/" + name, nil
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("name")]
	if !ok || f.hash != r.PathValue("hash") {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	data := f.data
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(f.zipped) < len(f.data) {
		h.Set("Content-Encoding", "gzip")
		data = f.zipped
	}
	h.Add("Vary", "Accept-Encoding")
	_, _ = w.Write(data)
}
