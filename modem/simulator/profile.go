package simulator

import (
	"maps"
	"slices"
)

// A profile is a maker's dialect.
type profile struct {
	name                          string
	manufacturer, model, revision string
	prompt                        string // TS 27.005 3.5.1 wants CR LF > SP; not all makers do
	unknown                       string // the answer to a command that does not exist
	abort                         string // the answer to ESC at a prompt
	usb                           bool   // the port vanishes when the modem restarts
	firstIndex                    int    // of a message store
	banner, ready                 []string
	full                          func(memory string) string // the line that tells of a full store
	defaults                      func(*settings)
	extra                         map[string]command
	chatter                       []string // lines that it says by itself every now and then
	noStatus                      bool     // +CMGR leaves <stat> out
	reportsInSR                   bool     // with CNMI ds=2 a report goes to SR, not to mem3
	misnamesSR                    bool     // and +CDSI says "SM",0
	noAlpha                       bool     // +CMT: with the comma only
	blankCSCS                     bool     // an empty line between AT+CSCS= and OK
}

// Profiles returns the names of the profiles.
func Profiles() []string { return slices.Sorted(maps.Keys(profiles)) }

func (p *profile) factory() settings {
	s := factory()
	if p.defaults != nil {
		p.defaults(&s)
	}
	return s
}

// table is every command that a modem of this profile knows.
func (p *profile) table() map[string]command {
	t := map[string]command{}
	for _, family := range []map[string]command{
		settingCommands, identityCommands, simCommands, networkCommands, smsSettingCommands, sendCommands, storeCommands, serviceCommands, p.extra,
	} {
		maps.Copy(t, family)
	}
	return t
}

var profiles = map[string]*profile{
	"generic": {
		name: "generic", manufacturer: "attestd", model: "Simulated GSM modem", revision: "1.0",
		prompt: "\r\n> ", unknown: "ERROR", abort: "\r\nOK\r\n", firstIndex: 1,
		banner: []string{"RDY"}, ready: []string{"SMS Ready"},
		full:  func(mem string) string { return `+CIEV: "SMSFULL","` + mem + `"` },
		extra: map[string]command{"+CCID": iccid("+CCID: ")},
	},
	"huawei": {
		name: "huawei", manufacturer: "huawei", model: "E173", revision: "11.126.15.00.461",
		prompt: "\r\n> ", unknown: "COMMAND NOT SUPPORT", abort: "\r\nERROR\r\n", usb: true, firstIndex: 0,
		banner: []string{"^SYSSTART"}, ready: []string{"^SIMST: 1", "^SRVST: 2"},
		full:      func(mem string) string { return `^SMMEMFULL: "` + mem + `"` },
		defaults:  func(s *settings) { s.cmee = 1; s.mem1, s.mem2, s.mem3 = "ME", "ME", "ME" },
		chatter:   []string{"^RSSI: 21", "^BOOT:36252678,0,0,0,6", "^HCSQ: \"WCDMA\",44,37,58"},
		blankCSCS: true, reportsInSR: true,
		extra: huaweiCommands,
	},
	"quectel": {
		name: "quectel", manufacturer: "Quectel", model: "EC25", revision: "EC25EFAR06A11M4G",
		prompt: "\r\n> ", unknown: "ERROR", abort: "\r\nOK\r\n", usb: true, firstIndex: 0,
		banner: []string{"RDY"}, ready: []string{"+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"},
		full:        func(mem string) string { return `+QIND: "SMSFULL","` + mem + `"` },
		defaults:    func(s *settings) { s.cmee = 1; s.cnmi = cnmi{2, 1, 0, 0, 0}; s.mem1, s.mem2, s.mem3 = "ME", "ME", "ME" },
		reportsInSR: true, misnamesSR: true,
		extra: quectelCommands,
	},
	"simcom": {
		name: "simcom", manufacturer: "SIMCOM INCORPORATED", model: "SIM7670G", revision: "2360B02SIM767XM5A_M",
		prompt: "\r\n>\r\n", unknown: "ERROR", abort: "\r\nOK\r\n", firstIndex: 1,
		banner: []string{"RDY"}, ready: []string{"SMS DONE", "PB DONE"},
		full:     func(mem string) string { return "*SMSFULL" },
		defaults: func(s *settings) { s.cnmi = cnmi{2, 1, 0, 0, 0} },
		chatter:  []string{"+CNSMOD: 8", "*PSUTTZ: 26/11/24,10:13:23\",\"+32\",0"},
		extra:    simcomCommands,
	},
	"zte": {
		name: "zte", manufacturer: "ZTE CORPORATION", model: "MF190", revision: "BD_W8P673A4F3V1.0.0B04",
		prompt: "\r> ", unknown: "ERROR", abort: "", usb: true, firstIndex: 0,
		banner: []string{"+ZUSIMR:2"}, ready: []string{"+ZDONR: \"CMCC\",460,0,\"CS_PS\",\"ROAM_OFF\"", "+ZPASR: \"UMTS\""},
		full:     func(mem string) string { return "" },
		defaults: func(s *settings) { s.cmee = 1 },
		chatter:  []string{"+ZUSIMR:2"},
		noStatus: true, noAlpha: true,
		extra: map[string]command{
			"+ICCID":  iccid("ICCID: "),
			"+ZPAS":   {read: func(c call) final { c.m.info(`+ZPAS: "UMTS","CS_PS"`); return ok }},
			"+ZSNT":   {set: accept, read: func(c call) final { c.m.info("+ZSNT: 0,0,0"); return ok }},
			"+ZOPRT":  {set: accept},
			"+ZOPRTW": {set: accept},
		},
	},
}
