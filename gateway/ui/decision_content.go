// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Contents opens what is kept of an entry for the revision of its tenant, and notes
// that before anything is read. It refuses everybody else.
type Contents func(ctx context.Context, by identity.Person, tenant gateway.TenantID, entry, reason, file string) (KeptContent, error)

// KeptContent is what is kept of an entry, in plain text.
type KeptContent struct {
	Expires         time.Time
	Request, Answer []byte
	// Original: personal data was not replaced.
	Original bool
}

// contentView shows what is kept of an entry. It is the only page of the record
// with words of a request.
type contentView struct {
	view
	Row             row
	Content         KeptContent
	Request, Answer contentText
	Reason          string
}

// contentText is one side as it can be read.
type contentText struct {
	Text string
	// Left is the number of bytes that are not shown.
	Left int
}

// maxShown bounds a side on the page.
const maxShown = 200_000

// decisionContent is POST /admin/decisions/{id}/content, with a justification of
// its own: to look at an entry is not to read what somebody wrote.
func (u *UI) decisionContent(w http.ResponseWriter, r *http.Request) error {
	entry, err := u.opened(r)
	if err != nil {
		return err
	}
	if u.Contents == nil || entry.Record.Kept == nil {
		return &gateway.Error{Op: "show content", Code: gateway.CodeNotFound, Message: "Zu diesem Eintrag ist kein Inhalt aufbewahrt."}
	}
	reason := strings.Join(strings.Fields(r.PostForm.Get("begruendung")), " ")
	if utf8.RuneCountInString(reason) < minReason {
		return invalid("begruendung", "Bitte begründen Sie in einem Satz, warum Sie den Wortlaut lesen.")
	}
	content, err := u.Contents(r.Context(), personOf(r), entry.Record.Tenant, entry.Record.ID, reason, strings.TrimSpace(r.PostForm.Get("aktenzeichen")))
	if err != nil {
		return err
	}
	v := contentView{view: u.view(r, "Wortlaut"), Row: u.row(entry.Item), Content: content, Request: readable(content.Request), Answer: readable(content.Answer), Reason: reason}
	v.Path, v.Here = decisionsPath, decisionsPath+"/"+entry.Record.ID
	return u.render(w, r, http.StatusOK, "decision_content.html", v)
}

// readable puts JSON into lines and cuts what is too long.
func readable(raw []byte) contentText {
	var lines bytes.Buffer
	if json.Indent(&lines, raw, "", "  ") == nil {
		raw = lines.Bytes()
	}
	text := strings.ToValidUTF8(string(raw), "\uFFFD")
	if len(text) <= maxShown {
		return contentText{Text: text}
	}
	shown := strings.ToValidUTF8(text[:maxShown], "")
	return contentText{Text: shown, Left: len(text) - len(shown)}
}
