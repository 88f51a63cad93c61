// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// metrics shows what the parts of the configuration in force know at the moment
// they are asked: models and their servers, limits and budgets, policies, record.
// Counters that a new configuration takes over go on.
type metrics struct{ p *parts }

var (
	endpointLabels = []string{"model", "endpoint"}

	endpointOpen     = metric("schleuse_endpoint_open", "1 while the model at the endpoint is left alone.", endpointLabels...)
	endpointInFlight = metric("schleuse_endpoint_in_flight", "Requests that the endpoint is answering.", endpointLabels...)
	endpointWaiting  = metric("schleuse_endpoint_waiting", "Requests that wait for a place at the endpoint.", endpointLabels...)
	endpointRequests = metric("schleuse_endpoint_requests_total", "Attempts at the endpoint.", endpointLabels...)
	endpointFailures = metric("schleuse_endpoint_failures_total", "Attempts that failed.", endpointLabels...)
	endpointRetries  = metric("schleuse_endpoint_retries_total", "Attempts that were repetitions.", endpointLabels...)
	endpointHedges   = metric("schleuse_endpoint_hedges_total", "Attempts beside a slow one.", endpointLabels...)
	endpointOpenings = metric("schleuse_endpoint_openings_total", "How often the endpoint began to be left alone.", endpointLabels...)

	budgetUsed      = metric("schleuse_budget_used_ratio", "Part of a budget that is used, as this replica knows it.", "scope", "name", "period")
	limitRefusals   = metric("schleuse_limit_refusals_total", "Requests refused because a limit was reached.", "kind")
	limitUnchecked  = metric("schleuse_limit_refusals_without_store_total", "Requests refused because limits could not be checked.")
	limitStoreDown  = metric("schleuse_limit_store_down", "1 while limits and usage cannot be exchanged with the database.")
	usageUnwritten  = metric("schleuse_usage_rows_unwritten", "Rows of usage that are not in the database yet.")
	policyInfo      = metric("schleuse_policy_info", "1, with the policies in force.", "revision", "digest")
	recordReachable = metric("schleuse_record_reachable", "1 while the record can be read and its seal is right.")
	recordEntries   = metric("schleuse_record_entries", "Entries of the record at its newest checkpoint.")
	witnessLag      = metric("schleuse_record_witness_lag_seconds", "How long a checkpoint of the record waits for the witness.", "witness")
	recordVerified  = metric("schleuse_record_verified", "1 if the last verification of the whole record found nothing wrong, 0 if it did; left out before the first one.")
	verifiedAt      = metric("schleuse_record_verified_timestamp_seconds", "When the record was last verified.")
	retainedAt      = metric("schleuse_record_retention_timestamp_seconds", "When contents whose time is over were last removed; the start of the process before the first time.")
	retainPostponed = metric("schleuse_record_retention_postponed", "1 if the last removal was postponed or failed, so that contents stay longer than they should.")
	witnessSize     = metric("schleuse_record_witness_entries", "Entries of the record that the witness has seen from this replica.", "witness")
)

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe names everything that Collect can give, so that the collector of a new
// configuration is known to be of the same kind and takes the place of the old.
func (m metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		endpointOpen, endpointInFlight, endpointWaiting, endpointRequests, endpointFailures, endpointRetries, endpointHedges, endpointOpenings,
		budgetUsed, limitRefusals, limitUnchecked, limitStoreDown, usageUnwritten, policyInfo, recordReachable, recordEntries, recordVerified, verifiedAt, retainedAt, retainPostponed, witnessLag, witnessSize,
	} {
		out <- d
	}
}

// Collect looks at everything. Only the record is read from its database.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	for _, s := range m.p.router.Status() {
		collectEndpoint(out, s)
	}
	collectLimits(out, m.p.quota.Status())
	gauge(out, policyInfo, 1, m.p.engine.Revision(), m.p.engine.Digest())
	m.collectRecord(out)
}

func collectEndpoint(out chan<- prometheus.Metric, s router.Status) {
	labels := []string{string(s.Model), s.Endpoint}
	gauge(out, endpointOpen, truth(!s.Available()), labels...)
	gauge(out, endpointInFlight, float64(s.InFlight), labels...)
	gauge(out, endpointWaiting, float64(s.Waiting), labels...)
	counter(out, endpointRequests, float64(s.Requests), labels...)
	counter(out, endpointFailures, float64(s.Failures), labels...)
	counter(out, endpointRetries, float64(s.Retries), labels...)
	counter(out, endpointHedges, float64(s.Hedges), labels...)
	counter(out, endpointOpenings, float64(s.Openings), labels...)
}

func collectLimits(out chan<- prometheus.Metric, s quota.Status) {
	for _, b := range s.Budgets {
		period := "day"
		if b.Kind == quota.KindMonth {
			period = "month"
		}
		gauge(out, budgetUsed, b.Fraction, b.Scope.Class, string(b.Scope.Tenant), period)
	}
	for kind, n := range s.Refused {
		counter(out, limitRefusals, float64(n), string(kind))
	}
	counter(out, limitUnchecked, float64(s.RefusedWithoutStore))
	gauge(out, limitStoreDown, truth(s.StoreDown))
	gauge(out, usageUnwritten, float64(s.UsageRows))
}

// recordWait bounds how long a scrape waits for the database of the record.
const recordWait = 2 * time.Second

func (m metrics) collectRecord(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), recordWait)
	defer cancel()
	checkpoint, err := m.p.record.Checkpoint(ctx)
	gauge(out, recordReachable, truth(err == nil))
	if err == nil {
		gauge(out, recordEntries, float64(checkpointSize(checkpoint)))
	}
	if v := m.p.verified.Load(); v != nil {
		gauge(out, recordVerified, truth(v.ok))
		gauge(out, verifiedAt, float64(v.at.Unix()))
	}
	r := m.p.retained.Load()
	if r == nil {
		r = &retained{at: m.p.started}
	}
	gauge(out, retainedAt, float64(r.at.Unix()))
	gauge(out, retainPostponed, truth(r.late))
	for _, s := range m.p.witnesses.States() {
		gauge(out, witnessLag, s.Lag(time.Now()).Seconds(), s.Name)
		gauge(out, witnessSize, float64(s.Size), s.Name)
	}
}

// checkpointSize is the second line of a checkpoint; an empty record has none.
func checkpointSize(checkpoint []byte) int64 {
	_, rest, _ := strings.Cut(string(checkpoint), "\n")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	give(out, d, prometheus.GaugeValue, v, labels)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	give(out, d, prometheus.CounterValue, v, labels)
}

// give leaves out a value whose name no label can hold, so that the others are
// still shown.
func give(out chan<- prometheus.Metric, d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	if m, err := prometheus.NewConstMetric(d, kind, v, labels...); err == nil {
		out <- m
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
