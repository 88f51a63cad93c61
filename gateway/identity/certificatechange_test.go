// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// Certificates of stored tenants are the operator's; what does not speak of them
// leaves them alone, and a key keeps its bond when it is rotated.
func TestCertificatesOfStoredTenants(t *testing.T) {
	t.Parallel()
	ctx, o := context.Background(), newOffice(t, nil)
	sum := strings.Repeat("ab", 32)
	w := identitytest.Municipality("lohe")
	w.Systems[0].Certificates = []identity.Certificate{{SHA256: sum, Purposes: []gateway.Purpose{"chat"}}}
	w.Systems[0].Keys[0].Certificate = sum
	out, err := o.Create(ctx, identitytest.Operator, w, "")
	if err != nil {
		t.Fatal(err)
	}
	admin := identity.Actor{Name: "mandant", Tenant: "lohe"}
	w.Systems[0].Certificates = []identity.Certificate{{SHA256: strings.Repeat("cd", 32)}}
	if _, err := o.Put(ctx, admin, w); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("the tenant names another certificate: %v, want denied", err)
	}
	w.Systems[0].Certificates = nil
	if _, err := o.Put(ctx, admin, w); err != nil {
		t.Errorf("the tenant without certificates: %v", err)
	}
	tenant, _ := o.Tenant("lohe")
	if list := tenant.Systems[0].Certificates; len(list) != 1 || list[0].SHA256 != sum {
		t.Errorf("certificates %+v, want the one that there was", list)
	}
	next, err := o.RotateKey(ctx, identitytest.Operator, identity.Place{Tenant: "lohe", System: "woga"}, out.Keys[0].Key.ID, 0, "")
	if err != nil || next.Keys[0].Key.Certificate != sum {
		t.Fatalf("rotated key %+v, %v: it must keep its bond", next.Keys, err)
	}
	if _, err := identitytest.Caller(ctx, o.Registry, next.Keys[0].Secret); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the bound key by itself: %v, want unauthenticated", err)
	}
	tenant, _ = o.Tenant("lohe")
	w.Systems[0].Certificates, w.Version = []identity.Certificate{}, tenant.Version
	if _, err := o.Put(ctx, identitytest.Operator, w); err != nil {
		t.Fatal(err)
	}
	if tenant, _ := o.Tenant("lohe"); len(tenant.Systems[0].Certificates) != 0 {
		t.Error("an empty list must remove the certificates")
	}
	w.Version = 0
	w.Systems[0].Certificates = []identity.Certificate{{SHA256: "x"}, {DNS: "*.example", CA: sum}, {}}
	_, err = o.Put(ctx, identitytest.Operator, w)
	if gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("wrong certificates: %v, want invalid", err)
	}
}
