// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identitytest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// AttachTickets opens a store of tickets once more, as another process would.
type AttachTickets func(t testing.TB) identity.TicketStore

// RunTickets is what every identity.TicketStore has to do. open makes an empty
// database for each test.
func RunTickets(t *testing.T, open func(t testing.TB) AttachTickets) {
	for _, c := range []struct {
		name string
		test func(*testing.T, AttachTickets)
	}{
		{"a ticket works once, at any process", ticketOnce},
		{"of many at once one gets it", ticketRace},
		{"a ticket ends with its time", ticketEnds},
		{"a scope has a limit of its own", ticketLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

var ticketTime = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func ticket(digest, scope string) identity.Ticket {
	return identity.Ticket{Digest: digest, Scope: scope, Until: ticketTime.Add(time.Minute), Body: []byte("body of " + digest + "\x00\xff")}
}

func ticketOnce(t *testing.T, attach AttachTickets) {
	ctx, one, two := context.Background(), attach(t), attach(t)
	if err := one.PutTicket(ctx, ticket("a", "lohe/woga"), ticketTime); err != nil {
		t.Fatal(err)
	}
	if _, err := two.TakeTicket(ctx, "b' OR ''='", ticketTime); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("another ticket = %v, want not found", err)
	}
	if body, err := two.TakeTicket(ctx, "a", ticketTime); err != nil || string(body) != "body of a\x00\xff" {
		t.Errorf("take = %q, %v", body, err)
	}
	for _, s := range []identity.TicketStore{one, two} {
		if _, err := s.TakeTicket(ctx, "a", ticketTime); gateway.CodeOf(err) != gateway.CodeNotFound {
			t.Errorf("take again = %v, want not found", err)
		}
	}
}

func ticketRace(t *testing.T, attach AttachTickets) {
	ctx := context.Background()
	stores := []identity.TicketStore{attach(t), attach(t)}
	for round := range 10 {
		id := fmt.Sprint("race-", round)
		if err := stores[0].PutTicket(ctx, ticket(id, "lohe/woga"), ticketTime); err != nil {
			t.Fatal(err)
		}
		var got atomic.Int64
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				_, err := stores[i%2].TakeTicket(ctx, id, ticketTime)
				switch gateway.CodeOf(err) {
				case "":
					got.Add(1)
				case gateway.CodeNotFound:
				default:
					t.Errorf("take = %v", err)
				}
			})
		}
		wait.Wait()
		if got.Load() != 1 {
			t.Fatalf("%d of sixteen got the ticket, want one", got.Load())
		}
	}
}

func ticketEnds(t *testing.T, attach AttachTickets) {
	ctx, s := context.Background(), attach(t)
	for _, id := range []string{"a", "b"} {
		if err := s.PutTicket(ctx, ticket(id, "lohe/woga"), ticketTime); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.TakeTicket(ctx, "a", ticketTime.Add(59*time.Second)); err != nil {
		t.Errorf("after 59 s: %v", err)
	}
	if _, err := s.TakeTicket(ctx, "b", ticketTime.Add(time.Minute)); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("after 60 s: %v, want not found", err)
	}
}

func ticketLimit(t *testing.T, attach AttachTickets) {
	ctx, s := context.Background(), attach(t)
	for i := range identity.TicketLimit {
		if err := s.PutTicket(ctx, ticket(fmt.Sprint("full-", i), "lohe/woga"), ticketTime); err != nil {
			t.Fatalf("ticket %d: %v", i, err)
		}
	}
	if err := s.PutTicket(ctx, ticket("more", "lohe/woga"), ticketTime); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Errorf("one more = %v, want rate limited", err)
	}
	if err := s.PutTicket(ctx, ticket("other", "tannberg/woga"), ticketTime); err != nil {
		t.Errorf("another scope: %v", err)
	}
	late := ticket("late", "lohe/woga")
	late.Until = late.Until.Add(time.Minute)
	if err := s.PutTicket(ctx, late, ticketTime.Add(time.Minute)); err != nil {
		t.Errorf("after the others ended: %v", err)
	}
}
