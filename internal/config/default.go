package config

import (
	"log/slog"
	"time"
)

// Default returns the configuration of an empty file.
func Default() Config {
	const day = 24 * time.Hour
	return Config{
		Environment:   Production,
		ShutdownGrace: 30 * time.Second,
		Store:         Store{URL: "sqlite:///var/lib/attestd/attestd.db"},
		HTTP: HTTP{
			Listen:                "127.0.0.1:8480",
			ClientHeader:          "X-Forwarded-For",
			HSTS:                  365 * day,
			Public:                true,
			PublicAPI:             true,
			MaxBody:               256 << 10,
			ConnectionsPerAddress: 64,
			StreamsPerToken:       16,
			MaxConnections:        512, // far below 1024, which go.bug.st/serial's select() cannot go beyond
			ReadHeaderTimeout:     5 * time.Second,
			ReadTimeout:           15 * time.Second,
			IdleTimeout:           2 * time.Minute,
			EventHeartbeat:        15 * time.Second,
			RequestsPerSecond:     500,
		},
		Modems: ModemDefaults{
			Baud:             115200,
			RatePerMinute:    0,
			Burst:            1,
			SubmitTimeout:    180 * time.Second,
			PromptTimeout:    10 * time.Second,
			CommandTimeout:   10 * time.Second,
			LateResultWait:   30 * time.Second,
			AskAfter:         15 * time.Second,
			RegistrationWait: 60 * time.Second,
			ConfirmReports:   true,
			HoldLink:         true,
			HangUp:           true,
			Scan:             []string{"/dev/ttyUSB*", "/dev/ttyACM*"},
			SearchLimit:      3 * time.Minute,
			Reset:            true,
		},
		Queue: Queue{
			MaxAttempts:     5,
			Backoff:         30 * time.Second,
			MaxBackoff:      30 * time.Minute,
			EvidenceWindow:  5 * time.Minute,
			ReportWindow:    time.Hour,
			DefaultDeadline: day,
			OnUnknown:       "wait",
			WipeNumber:      30 * day,
		},
		Inbox: Inbox{Hold: 3 * day, Keep: 30 * day},
		Verify: Verify{
			DefaultLanguage:    "zh",
			TimeZone:           "Asia/Shanghai",
			Region:             []string{"86"},
			Life:               day,
			HardEnd:            2 * day,
			UndeliverableAfter: day,
			MaxSends:           3,
			ResendWait:         5 * time.Minute,
			ResendMinLeft:      5 * time.Minute,
			ReplaceTypes:       true,
			MaxWrong:           5,
			MaxAmendments:      2,
			MaxResubmits:       3,
			RejectOnLock:       "at_once",
			RepeatWindow:       10 * time.Second,
			Remember:           3 * day,
			Limits: VerifyLimits{
				SMSPerPhonePerDay:       10,
				SMSGap:                  time.Minute,
				RepliesPerPhonePerDay:   3,
				ResubmitsPerPhonePerDay: 5,
				ChecksPerIPPerMinute:    10,
				ChecksPerIPPerHour:      60,
				ChecksPerPhonePerHour:   20,
				ResendsPerIPPerHour:     5,

				WrongTailsPerPhonePerDay: 5,
			},
		},
		Abuse:    defaultAbuse(),
		Page:     Page{Proof: "work"},
		Camara:   Camara{Enabled: true, Life: 10 * time.Minute, Blocked: []string{}, NotOurs: []string{}},
		Privacy:  defaultPrivacy(),
		Webhooks: Webhooks{Timeout: 10 * time.Second, RetryFor: day, Concurrency: 4},
		Log:      Log{Level: slog.LevelInfo, Format: "text"},
	}
}

// defaultModem is a [[modem]] that says nothing, under the given [modems].
func defaultModem(shared ModemDefaults) Modem { return Modem{Enabled: true, ModemDefaults: shared} }
