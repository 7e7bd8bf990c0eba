package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// ControlHelp documents Network.Control, for `attestd simulate --help`.
const ControlHelp = `POST /inject  {"modem":0,"from":"+8613800138000","text":"..."}   an inbound SMS, long and alphanumeric senders too
POST /inject  {"modem":0,"tpdu":"0406..."}                        a raw SMS-DELIVER or SMS-STATUS-REPORT
POST /fault   {"modem":0,"fault":"unplug","for":"2s"}             a fault now
GET  /ledger[?since=SEQ]                                          what happened, one JSON object a line
GET  /modems                                                      the modems and what is in them
`

// maxBody is far above the longest inbound text, 255 parts of 153 characters.
const maxBody = 256 << 10

// Control is the HTTP control interface that ControlHelp describes.
func (n *Network) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /inject", n.postInject)
	mux.HandleFunc("POST /fault", n.postFault)
	mux.HandleFunc("GET /ledger", n.getLedger)
	mux.HandleFunc("GET /modems", n.getModems)
	return mux
}

func (n *Network) postInject(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Modem int    `json:"modem"`
		From  string `json:"from"`
		Text  string `json:"text"`
		TPDU  hexed  `json:"tpdu"`
	}
	if !readBody(w, r, &body) {
		return
	}
	var err error
	switch {
	case len(body.TPDU) > 0:
		err = n.InjectTPDU(body.Modem, body.TPDU)
	case body.From == "":
		err = errors.New("from: is missing")
	default:
		err = n.Inject(body.Modem, body.From, body.Text)
	}
	reply(w, err)
}

func (n *Network) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if readBody(w, r, &f) {
		reply(w, n.Fault(f))
	}
}

func (n *Network) getLedger(w http.ResponseWriter, r *http.Request) {
	since := 0
	if s := r.URL.Query().Get("since"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil {
			http.Error(w, "since: is no number", http.StatusBadRequest)
			return
		}
		since = v
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, e := range n.Ledger() {
		if e.Seq > since {
			if enc.Encode(e) != nil {
				return
			}
		}
	}
}

// Info is one modem as GET /modems shows it.
type Info struct {
	Modem        int    `json:"modem"`
	Path         string `json:"path,omitempty"`
	Plugged      bool   `json:"plugged"`
	Open         bool   `json:"open"`
	IMEI         string `json:"imei"`
	IMSI         string `json:"imsi"`
	ICCID        string `json:"iccid"`
	Number       string `json:"number"`
	SIM          string `json:"sim"`
	Registration int    `json:"registration"`
	Stored       int    `json:"stored"`
	Waiting      int    `json:"waiting"` // inbound, still with the network
	NextMR       int    `json:"next_mr"`
	Profile      string `json:"profile"`
}

// Infos tells of every modem.
func (n *Network) Infos() []Info {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []Info
	for _, m := range n.modems {
		used, _ := m.view("MT").size()
		info := Info{
			Modem: m.index, Plugged: m.port != nil, IMEI: m.imei, IMSI: m.card.imsi, ICCID: m.card.iccid, Number: m.card.number,
			SIM: m.card.state().String(), Registration: m.stat(), Stored: used, Waiting: len(m.inbound), NextMR: int(m.card.nextMR),
			Profile: m.profile.name,
		}
		if m.tty != nil {
			info.Path, info.Open = m.tty.path(), m.tty.open > 0
		}
		all = append(all, info)
	}
	return all
}

func (n *Network) getModems(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(n.Infos())
}

// hexed is octets in hexadecimal.
type hexed []byte

// UnmarshalText reads hexadecimal.
func (h *hexed) UnmarshalText(b []byte) error {
	octets, good := unhex(string(b))
	if !good {
		return errors.New("tpdu: is not hexadecimal")
	}
	*h = octets
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("more than one JSON value")
	}
	http.Error(w, "body: "+err.Error(), http.StatusBadRequest)
	return false
}

func reply(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
