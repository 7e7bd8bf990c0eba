// Package config turns a TOML file into a validated Config. The defaults live in [Default]; config.example.toml at the
// root of the project is the manual, and a test holds it equal to them.
//
// Secrets never stand in the file: keys that end in _file name files that hold them. A relative name is looked for in
// $CREDENTIALS_DIRECTORY first (systemd's LoadCredential=), then beside the config file.
package config

import (
	"log/slog"
	"time"
)

// Environments. Fixed test numbers are allowed only in the second.
const (
	Production = "production"
	Test       = "test"
)

// Config is everything that attestd can be told. A key, or a section with all its keys, that a running gateway takes
// over at a
// reload says so in its tag; all others need a restart. [Load] returns it complete: defaults filled in, every [[modem]]
// with
// the values it takes from [modems], file names made absolute, PINs read.
type Config struct {
	Environment   string        `toml:"environment"`
	ShutdownGrace time.Duration `toml:"shutdown_grace" reload:"yes"`
	Store         Store         `toml:"store"`
	HTTP          HTTP          `toml:"http"`
	Modems        ModemDefaults `toml:"modems" reload:"yes"`
	Modem         []Modem       `toml:"modem" reload:"yes"`
	Queue         Queue         `toml:"queue" reload:"yes"`
	Inbox         Inbox         `toml:"inbox" reload:"yes"`
	Inbound       []InboundRule `toml:"inbound" reload:"yes"` // nil: the built-in ones
	Verify        Verify        `toml:"verify" reload:"yes"`
	Webhooks      Webhooks      `toml:"webhooks" reload:"yes"`
	Webhook       []Webhook     `toml:"webhook" reload:"yes"`
	Abuse         Abuse         `toml:"abuse" reload:"yes"`
	Page          Page          `toml:"page" reload:"yes"`
	Camara        Camara        `toml:"camara"`
	Privacy       Privacy       `toml:"privacy" reload:"yes"`
	Log           Log           `toml:"log"`
}

// Store says where the database is and where the key that seals it.
type Store struct {
	URL string `toml:"url"`
	// KeyFile is empty in the file for "attestd.key beside the SQLite file"; after Load it is the resolved path.
	KeyFile string `toml:"key_file"`
}

// HTTP is the API's listener.
type HTTP struct {
	Listen         string        `toml:"listen"`
	TLSCertFile    string        `toml:"tls_cert_file"`
	TLSKeyFile     string        `toml:"tls_key_file"`
	TrustedProxies []string      `toml:"trusted_proxies"` // addresses or CIDR prefixes that are believed about their clients
	ClientHeader   string        `toml:"client_header"`   // X-Forwarded-For, Forwarded
	HSTS           time.Duration `toml:"hsts"`            // 0: none
	Public         bool          `toml:"public"`          // serve the page, and /v1/public/* unless PublicAPI is false
	PublicAPI      bool          `toml:"public_api"`
	MaxBody        Size          `toml:"max_body"`
	MaxConnections int           `toml:"max_connections"`
	PublicListen   string        `toml:"public_listen"` // empty: at Listen
	MetricsListen  string        `toml:"metrics_listen"`

	ConnectionsPerAddress int `toml:"max_connections_per_address"`
	StreamsPerToken       int `toml:"streams_per_token"`

	ReadHeaderTimeout time.Duration `toml:"read_header_timeout"`
	ReadTimeout       time.Duration `toml:"read_timeout"`
	IdleTimeout       time.Duration `toml:"idle_timeout"`
	EventHeartbeat    time.Duration `toml:"event_heartbeat"`
	RequestsPerSecond int           `toml:"requests_per_second" reload:"yes"` // of one token; 0 is no limit
}

// ModemDefaults are the values that modems share; each [[modem]] may give its own.
type ModemDefaults struct {
	Baud             int           `toml:"baud"`
	PINFile          string        `toml:"pin_file"`
	SMSC             string        `toml:"smsc"`
	RatePerMinute    float64       `toml:"rate_per_minute"` // 0 = no limit
	Burst            int           `toml:"burst"`
	SubmitTimeout    time.Duration `toml:"submit_timeout"`
	PromptTimeout    time.Duration `toml:"prompt_timeout"`
	CommandTimeout   time.Duration `toml:"command_timeout"`
	LateResultWait   time.Duration `toml:"late_result_wait"`
	AskAfter         time.Duration `toml:"ask_after"` // 0: never
	RegistrationWait time.Duration `toml:"registration_wait"`
	DirectDelivery   bool          `toml:"direct_delivery"`
	ConfirmReports   bool          `toml:"confirm_reports"`
	HoldLink         bool          `toml:"hold_link"`
	HangUp           bool          `toml:"hang_up"`      // an incoming call is ended
	Scan             []string      `toml:"scan"`         // patterns of the ttys that may be opened in search of a modem with port = "auto"
	SearchLimit      time.Duration `toml:"search_limit"` // without a network for so long, a modem is sick
	Reset            bool          `toml:"reset"`        // a sick modem may be restarted
}

// Modem is one [[modem]].
type Modem struct {
	Name    string `toml:"name"`
	Port    string `toml:"port"` // path, pattern of paths, "auto", or tcp://host:port
	Enabled bool   `toml:"enabled"`
	IMEI    string `toml:"imei"` // optional: the only module that is it
	SIM     string `toml:"sim"`  // optional: ICCID; the only card
	ModemDefaults

	PIN Secret `toml:"-"` // what pin_file holds
}

// Queue is the policy of the outbox.
type Queue struct {
	MaxAttempts     int           `toml:"max_attempts"`
	Backoff         time.Duration `toml:"backoff"`
	MaxBackoff      time.Duration `toml:"max_backoff"`
	EvidenceWindow  time.Duration `toml:"evidence_window"`
	ReportWindow    time.Duration `toml:"report_window"`
	DefaultDeadline time.Duration `toml:"default_deadline"`
	OnUnknown       string        `toml:"on_unknown"` // wait, repeat, hold
	WipeText        time.Duration `toml:"wipe_text"`
	WipeNumber      time.Duration `toml:"wipe_number"`
}

// Inbox is the policy for what comes in.
type Inbox struct {
	Hold time.Duration `toml:"hold"` // how long an incomplete long message waits for its parts
	Keep time.Duration `toml:"keep"` // how long what came in is kept
}

// Verify holds the choices of filing verification; verify.Policy says what each means.
type Verify struct {
	Site            string   `toml:"site"`             // what an SMS calls the site where a filing names none
	DefaultLanguage string   `toml:"default_language"` // zh, en
	TimeZone        string   `toml:"time_zone"`        // of the times in texts
	Region          []string `toml:"region"`           // country codes that codes may be sent to
	Replies         bool     `toml:"replies"`

	Life               time.Duration `toml:"life"`
	HardEnd            time.Duration `toml:"hard_end"`
	UndeliverableAfter time.Duration `toml:"undeliverable_after"`
	MaxSends           int           `toml:"max_sends"`
	ResendWait         time.Duration `toml:"resend_wait"`
	ResendMinLeft      time.Duration `toml:"resend_min_left"`
	NewCodeOnResend    bool          `toml:"new_code_on_resend"`
	ReplaceTypes       bool          `toml:"replace_types"`
	MaxWrong           int           `toml:"max_wrong"`
	MaxAmendments      int           `toml:"max_amendments"`
	AmendRecorded      bool          `toml:"amend_recorded"`
	MaxResubmits       int           `toml:"max_resubmits"`
	NumberAreasFile    string        `toml:"number_areas_file"` // after Load the resolved path
	RejectOnLock       string        `toml:"reject_on_lock"`    // at_once, at_deadline
	RepeatWindow       time.Duration `toml:"repeat_window"`     // an identical check within it gets the stored answer, uncharged
	Remember           time.Duration `toml:"remember"`

	Limits    VerifyLimits    `toml:"limits"`
	Templates VerifyTemplates `toml:"templates"`
}

// VerifyLimits are the rate limits of filing verification; 0 is no limit.
type VerifyLimits struct {
	SMSPerPhonePerDay       int           `toml:"sms_per_phone_per_day"`
	SMSGap                  time.Duration `toml:"sms_gap"`
	RepliesPerPhonePerDay   int           `toml:"replies_per_phone_per_day"`
	ResubmitsPerPhonePerDay int           `toml:"resubmits_per_phone_per_day"`
	ChecksPerIPPerMinute    int           `toml:"checks_per_ip_per_minute"` // these two are httpapi's, as resends_per_ip_per_hour
	ChecksPerIPPerHour      int           `toml:"checks_per_ip_per_hour"`
	ChecksPerPhonePerHour   int           `toml:"checks_per_phone_per_hour"`
	ResendsPerIPPerHour     int           `toml:"resends_per_ip_per_hour"`

	WrongTailsPerPhonePerDay int `toml:"wrong_tails_per_phone_per_day"`
}

// VerifyTemplates are the texts by language. An empty text stands for the one built into verify.
type VerifyTemplates struct {
	WebOTP string      `toml:"webotp"` // a host: adds the line "@host #code"
	Long   bool        `toml:"long"`   // a text may take more than one SMS
	ZH     VerifyTexts `toml:"zh"`
	EN     VerifyTexts `toml:"en"`
}

// VerifyTexts are the SMS texts of one language.
type VerifyTexts struct {
	Code     string `toml:"code"`
	CodeSite string `toml:"code_site"`
	Resend   string `toml:"resend"`
}

// Log says what is told, and how.
type Log struct {
	Level   slog.Level `toml:"level" reload:"yes"`
	Format  string     `toml:"format"`                // text, json
	ATTrace bool       `toml:"at_trace" reload:"yes"` // log the AT dialogue, payloads masked
}
