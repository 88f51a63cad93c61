// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Result is how a request went, in one word.
type Result string

// Results.
const (
	ResultAllowed Result = "allowed" // answered
	ResultDuties  Result = "duties"  // answered under obligations that somebody feels, see felt
	ResultRelease Result = "release" // answered with a draft that a person has to release
	ResultDenied  Result = "denied"  // refused before anything was sent
	ResultStopped Result = "stopped" // the answer was refused
	ResultFailed  Result = "failed"  // no answer, for technical reasons or because the caller left
	ResultOpen    Result = "open"    // not ended yet
)

// Results are all of them, in the order of pages.
func Results() []Result {
	return []Result{ResultAllowed, ResultDuties, ResultRelease, ResultDenied, ResultStopped, ResultFailed, ResultOpen}
}

// Result judges by the last decision and the end.
func (i Item) Result() Result {
	var outcome gateway.Outcome
	if i.Closing != nil {
		outcome = i.Closing.Outcome
	}
	return resultOf(promised(i.Record), outcome)
}

// resultOf joins what a beginning promised and how it ended; stores say the same in SQL.
func resultOf(promise Result, outcome gateway.Outcome) Result {
	switch {
	case promise == ResultDenied || outcome == gateway.OutcomeDenied:
		return ResultDenied
	case outcome == "":
		return ResultOpen
	case outcome == gateway.OutcomeAnswered:
		return promise
	case outcome == gateway.OutcomeStopped:
		return ResultStopped
	}
	return ResultFailed
}

// promised is the result of a record whose request is answered.
func promised(r gateway.Record) Result {
	if r.Effect() != gateway.EffectAllow {
		return ResultDenied
	}
	last := r.Decisions[len(r.Decisions)-1]
	if _, ok := last.Obligation(gateway.ObligationHumanRelease); ok {
		return ResultRelease
	}
	if slices.ContainsFunc(last.Obligations, func(o gateway.Obligation) bool { return Felt(r, o.ID) }) {
		return ResultDuties
	}
	return ResultAllowed
}

// Felt says that an obligation changed something for a person: the request, what is read
// with the answer, who gets it. One that only changes requests is felt where the record
// says that it did; how long an entry is kept and without what, a mark for machines and
// an answer that was looked at piece by piece are not felt at all.
//
// Records of before do not say what was changed. They keep the result they were stored
// with, for which being in force was enough.
func Felt(r gateway.Record, id string) bool {
	known := r.Changes != nil
	switch id {
	case gateway.ObligationNoContentLog, gateway.ObligationRetain:
		return false
	case gateway.ObligationWatermark, gateway.ObligationReview:
		return !known
	case gateway.ObligationStripFields, gateway.ObligationBlockTools, gateway.ObligationCapTokens,
		gateway.ObligationRestrictModels, gateway.ObligationPseudonymise:
		return !known || slices.ContainsFunc(r.Changes, func(c gateway.Change) bool { return c.ID == id })
	}
	return true
}

// revision is that of the rules which decided last.
func revision(r gateway.Record) string {
	if len(r.Decisions) == 0 {
		return ""
	}
	return r.Decisions[len(r.Decisions)-1].Revision
}
