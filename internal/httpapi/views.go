package httpapi

import "time"

// Modem is a station as the API shows it; the daemon fills it from gateway.Status.
type Modem struct {
	Name         string     `json:"name" example:"m0"`
	Port         string     `json:"port" example:"/dev/serial/by-id/usb-HUAWEI_Mobile-if00-port0"`
	State        string     `json:"state" enum:"opening,searching,refused,ready,recovering,parked,wrong-modem,closed" doc:"Only a ready modem is given work."`
	Error        string     `json:"error,omitempty" doc:"Why it is not ready, and what to do." example:"no SIM card"`
	Since        *time.Time `json:"since,omitempty" doc:"When the state began."`
	Manufacturer string     `json:"manufacturer,omitempty" example:"huawei"`
	Model        string     `json:"model,omitempty" example:"E3531"`
	Revision     string     `json:"revision,omitempty" example:"21.318.15.00.00"`
	IMEI         string     `json:"imei,omitempty" example:"861234567890123"`
	SIM          string     `json:"sim,omitempty" doc:"ICCID." example:"89860012345678901234"`
	IMSI         string     `json:"imsi,omitempty" example:"460001234567890"`
	Number       string     `json:"number,omitempty" doc:"The SIM's own number, where it tells it: whole with the scope numbers, else masked." example:"+8613800138000"`
	SMSC         string     `json:"smsc,omitempty" example:"+8613800100500"`
	Registration string     `json:"registration,omitempty" example:"registered, home"`
	SignalDBm    *int       `json:"signal_dbm,omitempty" example:"-71"`
	Deaf         string     `json:"deaf,omitempty" doc:"Why the modem does not tell of what it receives; texts are found by listing its stores then." example:"it takes no AT+CNMI"`
	Submitted    int64      `json:"submitted" doc:"Parts that the modem accepted since the gateway started."`
	Failed       int64      `json:"failed" doc:"Parts that it refused, or whose outcome is unknown."`
	Received     int64      `json:"received" doc:"Texts received and stored, long ones by their parts."`
	Reports      int64      `json:"reports" doc:"Status reports received and stored."`
	Calls        int64      `json:"calls" doc:"Calls that came in since the gateway started. They are ended with hang_up."`
	LastSeen     *time.Time `json:"last_seen,omitempty" doc:"When it last told its network and signal; both are left out while it does not answer."`
	LastSubmit   *time.Time `json:"last_submit,omitempty"`
	LastReceived *time.Time `json:"last_received,omitempty"`
}

// InboxItem is a received text as the API shows it; the daemon fills it from inbox.Item.
type InboxItem struct {
	ID         string     `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	From       string     `json:"from" doc:"As the network named the sender: a number (whole with the scope numbers, else masked), a short code or a name." example:"+8613800138000"`
	Owner      string     `json:"owner,omitempty" doc:"The tenant that may read it; * is each. Admins are told." example:"platform"`
	Text       string     `json:"text" example:"123456 12345X"`
	Modem      string     `json:"modem" example:"m0"`
	SIM        string     `json:"sim,omitempty" example:"89860012345678901234"`
	SentAt     *time.Time `json:"sent_at,omitempty" doc:"The network's time stamp; absent when it gave none that can be read."`
	ReceivedAt time.Time  `json:"received_at" doc:"When its last part came."`
	StoredAt   time.Time  `json:"stored_at"`
	Parts      int        `json:"parts" doc:"Parts that came." example:"1"`
	Total      int        `json:"total" doc:"Parts that it was sent in." example:"1"`
	Complete   bool       `json:"complete" doc:"False: parts were missing when the hold time ended." example:"true"`
	Damaged    bool       `json:"damaged" doc:"True: something in it could not be read."`
	Readable   bool       `json:"readable" doc:"False: nothing could be made of it; data has the octets." example:"true"`
	Data       []byte     `json:"data,omitempty" doc:"Octets of a binary or unreadable message, base64; text is beside them when they are printable."`
	Rule       string     `json:"rule,omitempty" doc:"The [[inbound]] rule that took it." example:"official"`
	Action     string     `json:"action,omitempty" enum:"reply,capture,opt_out,opt_in,forward" doc:"What the rule is for." example:"capture"`
	RuleFailed bool       `json:"rule_failed,omitempty" doc:"True: what the rule is for could not be done; the log says why."`
	Code       string     `json:"code,omitempty" doc:"The code that a capture took out of the text." example:"048213"`
}

// Status is the gateway at a glance.
type Status struct {
	Version  string         `json:"version" example:"1.0.0"`
	Started  time.Time      `json:"started"`
	Ready    bool           `json:"ready" doc:"Whether a code can be stored and sent now." example:"true"`
	Reasons  []Reason       `json:"reasons,omitempty" doc:"Why not."`
	Problems []string       `json:"problems" doc:"What keeps it from working as configured, in words."`
	Modems   ModemCounts    `json:"modems"`
	Messages map[string]int `json:"messages" doc:"Messages in the database, by state."`
	Waiting  map[string]int `json:"waiting" doc:"Messages that wait to be sent, by priority."`
	Oldest   *time.Time     `json:"oldest_waiting,omitempty" doc:"When the longest-waiting message that is due was taken in."`
	Region   Region         `json:"region" doc:"Where messages go to."`
	Filings  map[string]int `json:"filings" doc:"Filings in the database, by state."`
	Watch    *Watched       `json:"watch,omitempty" doc:"What is watched for abuse, and the alarms that stand."`
}

// Region says to which countries messages go.
type Region struct {
	Countries []string `json:"countries" doc:"Their country codes." example:"[\"86\"]"`
	From      string   `json:"from" enum:"abuse.region,sims,verify.region" doc:"Where that comes from: the configuration; the countries that the SIMs are at home in; verify.region, while no SIM has been read yet." example:"sims"`
}

// Reason is why the gateway is not ready.
type Reason struct {
	Code   string `json:"code" enum:"stopping,store,no_modem,no_modem_ready" example:"no_modem_ready"`
	Detail string `json:"detail" doc:"In words." example:"no modem can send now, what is taken in waits: m0 is searching"`
}

// ModemCounts says how many modems there are.
type ModemCounts struct {
	Configured int `json:"configured" example:"4"`
	Ready      int `json:"ready" example:"4"`
}
