// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const (
	approvalsPath = "/admin/approvals"
	maxWaiting    = 200
)

// approvalView is what waits for a person.
type approvalView struct {
	view
	Count    int
	Oldest   time.Duration
	More     bool
	Services []serviceCount
	// Rows are single results; only for those who may see records.
	Rows []waitingRow
	// Details: the person may open the entries.
	Details bool
	// Proposals are changes of policies that wait for signatures; nil: not theirs.
	Proposals []ProposalLine
	Policies  bool
	// Said tells that the word has just been written down.
	Said string
	Case string
}

type serviceCount struct {
	Service, Title string
	Count          int
}

type waitingRow struct {
	row
	Service string
	Age     phrase
	Old     bool
	// Letter is where the person sees what is to be released, and releases it;
	// empty: it is not here, or somebody else's.
	Letter string
}

// approvalList shows what waits: single results to the Revision, counts to
// others, changes of policies to whom they concern.
func (u *UI) approvalList(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	v := approvalView{view: u.view(r, "Freigaben"), Details: person.Has(forRevision...), Policies: u.opens(person, "GET "+proposalsPath)}
	queue, err := u.Approvals.Queue(r.Context(), scope(person), approval.Of{})
	if err != nil {
		return err
	}
	if v.Details {
		err := u.noteOnce(r, "approvals", sessionDay, audit.Note{Topic: audit.TopicListViewed, Object: "approvals", Text: "Offene Freigaben angesehen."})
		if err != nil {
			return err
		}
	}
	u.fillQueue(&v, queue, v.Details)
	if v.Policies {
		if v.Proposals, err = u.Policies.OpenProposals(r.Context()); err != nil {
			return err
		}
	}
	return u.render(w, r, http.StatusOK, "approval_list.html", v)
}

func (u *UI) fillQueue(v *approvalView, queue approval.Queue, rows bool) {
	v.Count, v.More = len(queue.Waiting), queue.More
	if v.Count > 0 {
		v.Oldest = queue.Waiting[0].Age
	}
	for _, id := range slices.SortedFunc(maps.Keys(queue.ByService), func(a, b gateway.ServiceID) int {
		return cmp.Or(queue.ByService[b]-queue.ByService[a], cmp.Compare(a, b))
	}) {
		v.Services = append(v.Services, serviceCount{string(id), cmp.Or(u.serviceName(id), "ohne Leistung"), queue.ByService[id]})
	}
	if !rows {
		return
	}
	for _, one := range queue.Waiting[:min(len(queue.Waiting), maxWaiting)] {
		v.Rows = append(v.Rows, waitingRow{row: u.row(one.Item), Service: u.serviceName(one.Record.Service), Age: ageText(one.Age), Old: one.Age > 48*time.Hour})
	}
}

// ageText is an age in the unit that people would use.
func ageText(age time.Duration) phrase {
	switch minutes := int(age.Minutes()); {
	case minutes < 1:
		return say("seit weniger als einer Minute")
	case minutes < 120:
		return sayCount(minutes, say("seit einer Minute"), say("seit %d Minuten"))
	case minutes < 48*60:
		return say("seit %d Stunden", minutes/60)
	default:
		return say("seit %d Tagen", minutes/60/24)
	}
}

// approvalPanel shows a caseworker of the tenant what waits, in a launched panel
// that of its own case. It leads to what the person can see and release here; the
// rest can only be rejected.
func (u *UI) approvalPanel(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	v := approvalView{view: u.view(r, "Ergebnisse freigeben")}
	if r.URL.Query().Get("gesagt") == string(approval.Rejected) {
		v.Said = "Das Ergebnis ist verworfen."
	}
	queue, err := u.Approvals.Queue(r.Context(), audit.Scope{Tenant: person.Tenant}, u.own(person))
	if err != nil {
		return err
	}
	if person.Launch != nil {
		v.Case = person.Launch.Case
	}
	u.fillQueue(&v, queue, true)
	for i := range v.Rows {
		if v.Rows[i].Letter, err = u.letterOf(r, v.Rows[i].ID); err != nil {
			return err
		}
	}
	return u.render(w, r, http.StatusOK, "approval_panel.html", v)
}

// own is what a launched panel is confined to: its case, as its Fachverfahren
// works on it, and its service, if it was launched for one.
func (u *UI) own(p identity.Person) approval.Of {
	if p.Launch == nil {
		return approval.Of{}
	}
	return approval.Of{System: p.Launch.Caller.System, Case: u.pseudonym(p.Tenant, "case", p.Launch.Case), Service: p.Launch.Service}
}

// approvalSay writes down that the caseworker rejects a result. Nobody releases
// without seeing what: that is done with the letter, or in the Fachverfahren.
func (u *UI) approvalSay(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	if approval.Outcome(r.PostForm.Get("ergebnis")) != approval.Rejected {
		return invalid("ergebnis", "Freigegeben wird ein Ergebnis dort, wo es zu sehen ist: beim Schreiben oder im Fachverfahren. Hier lässt es sich nur verwerfen.")
	}
	word := approval.Word{
		Tenant: person.Tenant, User: person.User(), Role: identity.RoleCase, Entry: r.PathValue("id"),
		Outcome: approval.Rejected, Comment: strings.Join(strings.Fields(r.PostForm.Get("bemerkung")), " "),
	}
	confine(&word, person)
	if err := u.Approvals.Say(r.Context(), word); err != nil {
		return err
	}
	redirect(w, r, "/panel/approvals?gesagt="+string(word.Outcome))
	return nil
}

// confine keeps the word of a launched panel to what it was launched for.
func confine(w *approval.Word, p identity.Person) {
	if p.Launch != nil {
		w.System, w.Case, w.Service = p.Launch.Caller.System, p.Launch.Case, p.Launch.Service
	}
}

// sayOfDraft notes the release of a letter as the release of its entry, if that
// one needs it.
func (u *UI) sayOfDraft(ctx context.Context, p identity.Person, entry string, changed bool) error {
	if u.Approvals == nil || entry == "" {
		return nil
	}
	word := approval.Word{Tenant: p.Tenant, User: p.User(), Role: identity.RoleCase, Entry: entry, Outcome: approval.Released, Comment: "Schreiben freigegeben."}
	if changed {
		word.Outcome = approval.Changed
	}
	confine(&word, p)
	err := u.Approvals.Say(ctx, word)
	if code := gateway.CodeOf(err); code == gateway.CodeInvalid || code == gateway.CodeConflict {
		return nil // it needs no release, or the Fachverfahren has reported it
	}
	return err
}
