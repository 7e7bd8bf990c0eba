package httpapi

import "time"

// Alarm is one that stands.
type Alarm struct {
	Alarm   string    `json:"alarm" enum:"wrong_checks,sim_conversion,prefix_conversion" doc:"wrong_checks: codes are guessed; the others: too few of the codes that a SIM sent, or that went to a prefix, were entered." example:"wrong_checks"`
	Subject string    `json:"subject,omitempty" doc:"The SIM (ICCID) or the prefix." example:"+86170"`
	Since   time.Time `json:"since"`
	Part    int       `json:"part,omitempty" doc:"So many of whole, when it was last looked: wrong ones of the checks, or entered ones of the codes." example:"63"`
	Whole   int       `json:"whole,omitempty" example:"80"`
}

// Conversion is what became of codes that a network took.
type Conversion struct {
	SIM       string `json:"sim" doc:"ICCID." example:"89860012345678901234"`
	Prefix    string `json:"prefix" doc:"+86 and the first 3 digits of a mainland mobile; the country code of any other number." example:"+86138"`
	Sent      int    `json:"sent" example:"40"`
	Delivered int    `json:"delivered" doc:"Reported so by the network." example:"38"`
	Verified  int    `json:"verified" doc:"Entered; counted with the last SMS that brought the code." example:"31"`
}

// Watched is what is watched for abuse: docs/threats.md.
type Watched struct {
	At          time.Time    `json:"at,omitzero" doc:"When it was last looked."`
	Checks      int          `json:"checks" doc:"Codes checked in abuse.wrong_window." example:"80"`
	Wrong       int          `json:"wrong" doc:"Of these, wrong." example:"63"`
	Brake       int          `json:"brake" doc:"How hard checks without a token are slowed down for the whole site, from 0 to 5 (abuse.wrong_least)." example:"0"`
	Window      string       `json:"window" doc:"abuse.conversion_window; the last abuse.conversion_after of it is left out." example:"24h0m0s"`
	Conversions []Conversion `json:"conversions" doc:"By SIM and prefix, the most sent first, at most 200."`
	Alarms      []Alarm      `json:"alarms" doc:"Those that stand."`
}
