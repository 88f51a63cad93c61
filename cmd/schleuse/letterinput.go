// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
)

// letterInput turns a check into what a request for documents is made of.
func (p *parts) letterInput(_ gateway.TenantID, in completeness.Input, report completeness.Report) (drafting.Input, error) {
	service, ok := p.catalog.Service(in.Service)
	if !ok {
		return drafting.Input{}, unknownService(in.Service)
	}
	out := letterFor(service, in)
	out.Report, out.Caseworker = &report, p.config.caseworker
	return out, nil
}

// letterFor takes recipient, day of receipt and period from an application. What
// it does not find stays empty: the draft then has a placeholder that blocks its
// release.
func letterFor(service completeness.Service, in completeness.Input) drafting.Input {
	out := drafting.Input{Kind: drafting.KindRequest, Service: drafting.ServiceOf(service), Case: in.Case}
	if days, ok := in.Params[service.Nachforderung.PeriodParam].(float64); ok {
		out.PeriodDays = int(days)
	}
	var application map[string]any
	if json.Unmarshal(in.Application, &application) != nil {
		return out
	}
	who := service.Persons
	out.Recipient.First, out.Recipient.Last = textAt(application, who.First), textAt(application, who.Last)
	name := who.Last
	if who.Full != "" {
		name = who.Full
		out.Recipient.First, out.Recipient.Last = splitName(textAt(application, who.Full))
	}
	prefix, _, _ := strings.Cut(name, ".")
	r := &out.Recipient
	r.Street, r.Postcode, r.City = splitAddress(textAt(application, prefix+".anschrift"))
	if day, err := time.Parse(time.DateOnly, textAt(application, service.DateField)); err == nil {
		out.Received = day
	}
	return out
}

// textAt reads a text at a dotted path; "" when there is none.
func textAt(value map[string]any, path string) string {
	var at any = value
	for part := range strings.SplitSeq(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = object[part]
	}
	text, _ := at.(string)
	return text
}

// splitName takes the last word as the surname.
func splitName(full string) (first, last string) {
	full = strings.TrimSpace(full)
	if i := strings.LastIndexByte(full, ' '); i >= 0 {
		return full[:i], full[i+1:]
	}
	return "", full
}

// splitAddress takes „Lindenstraße 12, 77999 Tannberg“ apart.
func splitAddress(address string) (street, postcode, city string) {
	street, place, ok := strings.Cut(address, ",")
	street, place = strings.TrimSpace(street), strings.TrimSpace(place)
	if !ok {
		return street, "", ""
	}
	postcode, city, _ = strings.Cut(place, " ")
	if len(postcode) != 5 || strings.Trim(postcode, "0123456789") != "" {
		return street, "", place
	}
	return street, postcode, strings.TrimSpace(city)
}
