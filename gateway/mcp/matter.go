// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
)

// matter is what a call says about itself: in its _meta under "schleuse", or in
// the headers of the request. A contradiction between the two is an error.
type matter struct {
	Purpose   gateway.Purpose     `json:"purpose"`
	Service   gateway.ServiceID   `json:"service"`
	Case      string              `json:"case"`
	DataClass []gateway.DataClass `json:"data_class"`
	Entities  []gateway.Entity    `json:"case_entities"`
}

// maxMatter bounds what is said, maxEntities the known entities of a case,
// maxHeader one header.
const (
	maxMatter   = 64 << 10
	maxEntities = 500
	maxHeader   = 512
)

func matterOf(meta sdk.Meta, h http.Header) (matter, error) {
	m, err := matterOfMeta(meta)
	if err != nil {
		return matter{}, err
	}
	if err := m.heed(h); err != nil {
		return matter{}, err
	}
	for _, class := range m.DataClass {
		if !slices.Contains(knownClasses[:], class) { // a typing error must not weaken the protection
			return matter{}, unreadable("data_class", "Diese Datenklasse ist nicht bekannt. Bekannt sind: public, internal, personal, art9, sozialdaten, steuer, trade, confidential.")
		}
	}
	return m, nil
}

// matterOfMeta reads "schleuse" of the meta data. A field that is not known might
// be meant to protect something, so it is an error.
func matterOfMeta(meta sdk.Meta) (m matter, err error) {
	said, ok := meta["schleuse"]
	if !ok {
		return m, nil
	}
	raw, err := json.Marshal(said)
	if err == nil && len(raw) <= maxMatter {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&m) == nil && len(m.Entities) <= maxEntities {
			return m, nil
		}
	}
	return matter{}, unreadable("_meta.schleuse", "Die Angaben zum Aufruf sind nicht lesbar. Erwartet werden purpose, service, case, data_class und case_entities.")
}

// heed adds what stands in the headers.
func (m *matter) heed(h http.Header) error {
	for _, name := range [...]string{"Schleuse-Purpose", "Schleuse-Service", "Schleuse-Case", "Schleuse-Data-Class"} {
		if len(h.Get(name)) > maxHeader {
			return unreadable(name, "Die Kopfzeile ist zu lang.")
		}
	}
	if !merge(&m.Purpose, h.Get("Schleuse-Purpose")) || !merge(&m.Service, h.Get("Schleuse-Service")) || !merge(&m.Case, h.Get("Schleuse-Case")) {
		return unreadable("_meta.schleuse", "Die Angaben zum Aufruf widersprechen den Kopfzeilen der Anfrage.")
	}
	if classes := h.Get("Schleuse-Data-Class"); classes != "" { // classes only raise
		for class := range strings.SplitSeq(classes, ",") {
			m.DataClass = append(m.DataClass, gateway.DataClass(strings.TrimSpace(class)))
		}
	}
	return nil
}

func merge[T ~string](into *T, header string) bool {
	header = strings.TrimSpace(header)
	if *into == "" {
		*into = T(header)
	}
	return header == "" || string(*into) == header
}

func unreadable(path, message string) error {
	return &gateway.Error{Op: "read context", Code: gateway.CodeInvalid, Path: path, Message: message}
}

var knownClasses = [...]gateway.DataClass{
	gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9,
	gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential,
}
