// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "API-Schlüssel"}
	c.AddCommand(keyCreateCommand())
	return c
}

func keyCreateCommand() *cobra.Command {
	var config, env string
	var days int
	c := &cobra.Command{
		Use: "create", Short: "Einen Schlüssel erzeugen und den Eintrag für die Konfiguration ausgeben", Args: noArgs,
		Long: "Der Schlüssel wird nur hier und nur einmal gezeigt. In die Konfiguration kommt sein Prüfwert; gesperrt wird er, indem man den Eintrag entfernt.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 366 {
				return usageError{fmt.Errorf("--days: %d is not between 1 and 366", days)}
			}
			conf, err := loadConfig(config)
			if err != nil {
				return err
			}
			if err := conf.validateSecret(); err != nil {
				return err
			}
			text, id, hash := identity.NewKey(env, derive(conf.secret, "api keys"))
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Schlüssel (wird nicht noch einmal gezeigt):\n  %s\n\nEintrag unter tenants[].systems[].keys:\n"+
				"  - id: %s\n    hash: %s\n    expires: %s\n    purposes: [completeness_check, letter_request_documents]\n    default_purpose: completeness_check\n    principals: []\n",
				text, id, hash, time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339))
			return err
		},
	}
	c.Flags().StringVar(&config, "config", "schleuse.yaml", "Konfigurationsdatei")
	c.Flags().StringVar(&env, "env", "prod", "Umgebung, steht im Schlüssel")
	c.Flags().IntVar(&days, "days", 180, "Gültigkeit in Tagen, höchstens 366")
	return c
}
