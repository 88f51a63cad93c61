// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "API-Schlüssel: erzeugen, auflisten, ersetzen, sperren"}
	c.AddCommand(keyCreateCommand(), keyListCommand(), keyRotateCommand(), keyRevokeCommand())
	return c
}

// keyOptions are what a new key is for.
type keyOptions struct {
	config, tenant, system, env, label, purpose                 string
	days                                                        int
	purposes, services, models, sources, principals, rolesGiven []string
}

func (o *keyOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.tenant, "tenant", "", "Mandant; ohne ihn entsteht ein Eintrag für die Konfiguration")
	f.StringVar(&o.system, "system", "", "Fachverfahren des Mandanten")
	f.StringVar(&o.label, "label", "", "Bezeichnung; je Bezeichnung gelten höchstens zwei Schlüssel")
	f.StringVar(&o.env, "env", "prod", "Umgebung, steht im Schlüssel (nur für die Konfiguration)")
	f.IntVar(&o.days, "days", 180, "Gültigkeit in Tagen, höchstens 400")
	f.StringSliceVar(&o.purposes, "purposes", []string{string(gateway.PurposeCompletenessCheck), string(gateway.PurposeLetterRequestDocuments)}, "Zwecke, durch Komma getrennt")
	f.StringVar(&o.purpose, "default-purpose", string(gateway.PurposeCompletenessCheck), "Zweck, wenn eine Anfrage keinen nennt")
	f.StringSliceVar(&o.services, "services", nil, "nur diese Leistungen")
	f.StringSliceVar(&o.models, "models", nil, "nur diese Modelle")
	f.StringSliceVar(&o.sources, "sources", nil, "nur diese Dokumentquellen")
	f.StringSliceVar(&o.principals, "principals", nil, "Leserechte, zum Beispiel group:wohngeld")
	f.StringSliceVar(&o.rolesGiven, "roles", nil, "Rollen, zum Beispiel mandant oder betrieb")
}

func (o *keyOptions) wish() identity.KeyWish {
	w := identity.KeyWish{
		Label: o.label, Days: o.days, DefaultPurpose: gateway.Purpose(o.purpose), Purposes: named[gateway.Purpose](o.purposes),
		Services: named[gateway.ServiceID](o.services), Models: named[gateway.ModelID](o.models), Sources: o.sources,
		Principals: named[gateway.Principal](o.principals), Roles: o.rolesGiven,
	}
	if len(w.Purposes) == 0 {
		w.DefaultPurpose = ""
	}
	return w
}

// named gives texts their type.
func named[S ~string](texts []string) []S {
	var out []S
	for _, text := range texts {
		out = append(out, S(text))
	}
	return out
}

func keyCreateCommand() *cobra.Command {
	var o keyOptions
	c := &cobra.Command{
		Use: "create", Short: "Einen Schlüssel erzeugen", Args: noArgs,
		Long: "Der Schlüssel wird nur hier und nur einmal gezeigt. Mit --tenant und --system gilt er sofort, auch für laufende Dienste.\n" +
			"Ohne sie entsteht ein Eintrag für die Konfiguration; gesperrt wird ein solcher Schlüssel, indem man den Eintrag entfernt.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit := int(identity.MaxKeyLife / (24 * time.Hour)); o.days < 1 || o.days > limit {
				return usageError{fmt.Errorf("--days: %d liegt nicht zwischen 1 und %d", o.days, limit)}
			}
			if o.tenant == "" && o.system == "" {
				return keyForConfig(cmd.OutOrStdout(), o)
			}
			return withTenants(cmd.Context(), o.config, func(r *identity.Registry) error {
				out, err := r.CreateKey(cmd.Context(), operator(), identity.Place{Tenant: gateway.TenantID(o.tenant), System: gateway.SystemID(o.system)}, o.wish(), "")
				if err != nil {
					return err
				}
				showKeys(cmd.OutOrStdout(), out.Keys)
				return nil
			})
		},
	}
	configFlag(c, &o.config)
	o.flags(c.Flags())
	return c
}

// keyForConfig makes a key that no database knows.
func keyForConfig(out io.Writer, o keyOptions) error {
	conf, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	if err := conf.validateSecret(); err != nil {
		return err
	}
	text, id, hash := identity.NewKey(o.env, derive(conf.secret, "api keys"))
	w := o.wish()
	_, err = fmt.Fprintf(out, "Schlüssel (wird nicht noch einmal gezeigt):\n  %s\n\nEintrag unter tenants[].systems[].keys:\n"+
		"  - id: %s\n    hash: %s\n    expires: %s\n    purposes: [%s]\n    default_purpose: %s\n    principals: [%s]\n",
		text, id, hash, time.Now().AddDate(0, 0, o.days).UTC().Format(time.RFC3339),
		strings.Join(o.purposes, ", "), w.DefaultPurpose, strings.Join(o.principals, ", "))
	return err
}

func keyListCommand() *cobra.Command {
	var config, tenant, system string
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "Schlüssel auflisten, ohne Geheimnisse", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				table := newTable(cmd.OutOrStdout(), "MANDANT", "FACHVERFAHREN", "SCHLÜSSEL", "BEZEICHNUNG", "ZUSTAND", "GÜLTIG BIS", "ZULETZT GENUTZT", "ROLLEN")
				for _, t := range r.List(operator(), "", "", identity.MaxTenants).Items {
					if tenant != "" && string(t.ID) != tenant {
						continue
					}
					shown, err := r.Show(cmd.Context(), operator(), t.ID)
					if err != nil {
						return err
					}
					listKeys(table, shown, system, all)
				}
				return table.Flush()
			})
		},
	}
	configFlag(c, &config)
	c.Flags().StringVar(&tenant, "tenant", "", "nur dieser Mandant")
	c.Flags().StringVar(&system, "system", "", "nur dieses Fachverfahren")
	c.Flags().BoolVar(&all, "all", false, "auch abgelaufene und gesperrte")
	return c
}

func listKeys(out table, t identity.Tenant, system string, all bool) {
	for _, s := range t.Systems {
		if system != "" && string(s.ID) != system {
			continue
		}
		for _, k := range s.Keys {
			if all || k.State == identity.KeyValid {
				out.row(string(t.ID), string(s.ID), k.ID, k.Label, keyState(k.State), day(k.Expires), lastUsed(k.LastUsed), strings.Join(k.Roles, ","))
			}
		}
	}
}

func keyState(s identity.KeyState) string {
	switch s {
	case identity.KeyValid:
		return "gültig"
	case identity.KeyExpired:
		return "abgelaufen"
	case identity.KeyRevoked:
		return "gesperrt"
	}
	return string(s)
}

func lastUsed(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return "nie"
	}
	return t.Format("02.01.2006")
}

func keyRotateCommand() *cobra.Command {
	var config string
	var overlap time.Duration
	c := &cobra.Command{
		Use: "rotate SCHLÜSSEL", Short: "Einen Schlüssel durch einen neuen ersetzen; der alte gilt noch für die Überlappung", Args: oneArg("die Kennung eines Schlüssels"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if overlap <= 0 {
				return usageError{fmt.Errorf("--overlap: %s ist keine Dauer in der Zukunft; sofort endet ein Schlüssel durch schleuse key revoke", overlap)}
			}
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				place, err := r.FindKey(operator(), args[0])
				if err != nil {
					return err
				}
				out, err := r.RotateKey(cmd.Context(), operator(), place, args[0], overlap, "")
				if err != nil {
					return err
				}
				showKeys(cmd.OutOrStdout(), out.Keys)
				return nil
			})
		},
	}
	configFlag(c, &config)
	c.Flags().DurationVar(&overlap, "overlap", 7*24*time.Hour, "so lange gilt der alte Schlüssel noch")
	return c
}

func keyRevokeCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "revoke SCHLÜSSEL", Short: "Einen Schlüssel endgültig sperren, sofort", Args: oneArg("die Kennung eines Schlüssels"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				place, err := r.FindKey(operator(), args[0])
				if err != nil {
					return err
				}
				if _, err := r.RevokeKey(cmd.Context(), operator(), place, args[0]); err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Der Schlüssel %s von %s/%s ist gesperrt. Laufende Dienste wissen es nach spätestens zwei Sekunden.\n", args[0], place.Tenant, place.System)
				return err
			})
		},
	}
	configFlag(c, &config)
	return c
}
