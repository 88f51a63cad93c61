// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quotatest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

const cents = 10_000 // millionths of a euro

func dayBudget(e quota.Euro) quota.Limits {
	return quota.Limits{Tenants: map[string]quota.Limit{"*": {BudgetPerDay: e}}}
}

// spendInParallel lets so many callers spend until the budget refuses each of
// them several times in a row, and returns what they spent.
func spendInParallel(t *testing.T, callers int, keepers ...*quota.Keeper) int64 {
	t.Helper()
	var spent, admitted, highest atomic.Int64
	var running atomic.Int64
	var wg sync.WaitGroup
	for n := range callers {
		random := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // a fixed seed, so that what fails can be repeated
		wg.Go(func() {
			for refused := 0; refused < 5; {
				estimate := gateway.MicroEuro(1 + random.Int64N(4*cents))
				cost := gateway.MicroEuro(random.Int64N(int64(estimate) + 1))
				raise(&highest, running.Add(1))
				err := spend(context.Background(), keepers[n%len(keepers)], estimate, cost)
				running.Add(-1)
				switch {
				case err == nil:
					refused = 0
					spent.Add(int64(cost))
					admitted.Add(1)
				case gateway.CodeOf(err) == gateway.CodeBudget:
					refused++
					time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				default:
					t.Errorf("spend: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d requests, %d at once, spent %s €", admitted.Load(), highest.Load(), quota.Euro(spent.Load()))
	return spent.Load()
}

// raise makes n the highest number if it is.
func raise(highest *atomic.Int64, n int64) {
	for h := highest.Load(); n > h; h = highest.Load() {
		if highest.CompareAndSwap(h, n) {
			return
		}
	}
}

func neverOverspends(t *testing.T, b Backend) {
	const budget = 500 * cents
	f := newFixture(t, b, dayBudget(budget))
	first, _ := f.keeper()
	second, _ := f.keeper()
	spent := spendInParallel(t, 64, first, second)
	if spent > budget {
		t.Errorf("spent %d of %d", spent, budget)
	}
	if spent < budget*8/10 {
		t.Errorf("spent only %d of %d before both refused", spent, budget)
	}
	f.stop(first)
	f.stop(second)
	if book := f.book(); book.Used != spent || book.Leased != 0 || book.Lost != 0 {
		t.Errorf("the ledger says %+v, want %d used and nothing leased or lost", book, spent)
	}
}

func cutOff(t *testing.T, b Backend) {
	const budget = 500 * cents
	f := newFixture(t, b, dayBudget(budget))
	f.lease = 300 * time.Millisecond
	first, _ := f.keeper()
	second, store := f.keeper()
	time.AfterFunc(100*time.Millisecond, func() { store.broken.Store(true) })
	spent := spendInParallel(t, 64, first, second)
	if spent > budget {
		t.Errorf("spent %d of %d", spent, budget)
	}
	// The one that was cut off comes back and tells how it was.
	store.broken.Store(false)
	f.stop(second)
	f.stop(first)
	if book := f.book(); book.Used != spent || book.Leased != 0 || book.Lost != 0 {
		t.Errorf("the ledger says %+v, want %d used and nothing leased or lost", book, spent)
	}
}

// childAddress is where the process works that is killed.
const childAddress = "SCHLEUSE_TEST_QUOTA_ADDRESS"

// killedBudget is what the killed process and its survivor share.
const killedBudget = 2000 * cents

// Child spends without end and says how much on its standard output, before it
// counts as spent. A store's test calls it from TestChild; it does something
// only in the process that the suite starts.
func Child(t *testing.T, b Backend) {
	address := os.Getenv(childAddress)
	if address == "" {
		t.Skip("runs only as the child of another test")
	}
	k, err := quota.New(quota.Config{
		Store: b.Attach(t, address), Replica: fmt.Sprintf("child-%d", os.Getpid()), Limits: dayBudget(killedBudget),
		Lease: time.Second, Every: 50 * time.Millisecond, Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatalf("start the keeper: %v", err)
	}
	var out sync.Mutex
	for range 8 {
		go func() {
			for {
				ticket, err := k.Admit(context.Background(), request(tenant))
				if err == nil && ticket.Reserve(context.Background(), gateway.Estimate{Cost: cents}) == nil {
					out.Lock()
					fmt.Println("spent", cents/2)
					out.Unlock()
					time.Sleep(2 * time.Millisecond)
					ticket.Settle(context.Background(), used(cents/2, 10, 10))
					continue
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
	select {}
}

func killed(t *testing.T, b Backend) {
	f := newFixture(t, b, dayBudget(killedBudget))
	f.lease = time.Second
	k, _ := f.keeper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v") //nolint:gosec // this test binary
	child.Env = append(os.Environ(), childAddress+"="+f.address)
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatalf("output of the child: %v", err)
	}
	if err := child.Start(); err != nil {
		t.Fatalf("start the child: %v", err)
	}
	var childSpent int64
	requests := 0
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		var n int64
		if !strings.HasPrefix(lines.Text(), "spent ") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "spent %d", &n); err != nil {
			continue // cut off in the middle
		}
		childSpent += n
		if requests++; requests == 300 {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait()
	if requests < 300 {
		t.Fatalf("the child ended after %d requests", requests)
	}
	spent := spendInParallel(t, 64, k)
	// The last lease of the child expires and counts as lost, then all is booked.
	time.Sleep(f.lease + 200*time.Millisecond)
	spent += spendInParallel(t, 64, k)
	f.stop(k)
	book := f.book()
	if childSpent+spent > killedBudget {
		t.Errorf("spent %d and %d of %d", childSpent, spent, killedBudget)
	}
	if book.Used+book.Lost > killedBudget || book.Leased != 0 || book.Used+book.Lost < childSpent+spent {
		t.Errorf("the ledger says %+v; spent were %d and %d", book, childSpent, spent)
	}
	t.Logf("the child spent %d, the other %d; lost %d of %d", childSpent, spent, book.Lost, int64(killedBudget))
	if book.Lost > killedBudget/4 {
		t.Errorf("a killed process took %d of %d with it", book.Lost, int64(killedBudget))
	}
}

func lowEstimates(t *testing.T, b Backend) {
	const budget = 100 * cents
	f := newFixture(t, b, dayBudget(budget))
	k, _ := f.keeper()
	var spent int64
	for spent < budget {
		if err := spend(context.Background(), k, cents, 3*cents); err != nil {
			if gateway.CodeOf(err) != gateway.CodeBudget {
				t.Fatalf("spend: %v", err)
			}
			break
		}
		spent += 3 * cents
	}
	if spent > budget+2*cents {
		t.Errorf("one after the other spent %d: more than one request's excess above %d", spent, budget)
	}
	f.stop(k)
	if book := f.book(); book.Used != spent || book.Leased != 0 {
		t.Errorf("the ledger says %+v, want %d used", book, spent)
	}
}

func wholeBudget(t *testing.T, b Backend) {
	const budget = 50 * cents
	f := newFixture(t, b, dayBudget(budget))
	keepers := make([]*quota.Keeper, 2)
	for i := range keepers {
		keepers[i], _ = f.keeper()
	}
	n := 0
	for deadline := time.Now().Add(20 * time.Second); n < 50 && time.Now().Before(deadline); {
		if err := spend(context.Background(), keepers[n%2], cents, cents); err == nil {
			n++
			continue
		}
		time.Sleep(20 * time.Millisecond) // the other replica gives back what it does not need
	}
	if n != 50 {
		t.Errorf("%d of 50 requests fit into the budget", n)
	}
	for _, k := range keepers {
		if err := spend(context.Background(), k, cents, cents); gateway.CodeOf(err) != gateway.CodeBudget {
			t.Errorf("one more: %v, want %s", err, gateway.CodeBudget)
		}
	}
}

func noticesOnce(t *testing.T, b Backend) {
	const budget = 500 * cents
	f := newFixture(t, b, dayBudget(budget))
	var mu sync.Mutex
	heard := map[int]int{}
	notice := func(c *quota.Config) {
		c.Notice = func(n quota.Notice) {
			mu.Lock()
			defer mu.Unlock()
			heard[n.Percent]++
			if n.Scope.Tenant != tenant || n.Text == "" || n.Budget != budget {
				t.Errorf("notice = %+v", n)
			}
		}
	}
	first, _ := f.keeper(notice)
	second, _ := f.keeper(notice)
	spendInParallel(t, 16, first, second)
	eventually(t, "three notices", func() bool {
		list, err := first.Notices(context.Background(), tenant, 10)
		mu.Lock()
		defer mu.Unlock()
		return err == nil && len(list) == 3 && len(heard) == 3
	})
	mu.Lock()
	defer mu.Unlock()
	for percent, n := range heard {
		if n != 1 {
			t.Errorf("the notice of %d per cent came %d times", percent, n)
		}
	}
	list, err := first.Notices(context.Background(), "nachbarstadt", 10)
	if err != nil || len(list) != 0 {
		t.Errorf("another tenant sees %v, %v", list, err)
	}
}
