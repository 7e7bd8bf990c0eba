package simulator

import (
	"encoding/hex"
	"fmt"
	"strings"
)

var storeCommands = map[string]command{
	"+CMGL": {set: listMessages, exec: listMessages, test: listStatuses, sms: true},
	"+CMGR": {set: readMessage, test: accept, sms: true},
	"+CMGD": {set: deleteMessage, test: testDelete, sms: true},
	"+CNMA": {set: acknowledge, exec: acknowledge, values: "(0-2)", sms: true},
}

var statNames = []string{"REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL"}

func listStatuses(c call) final {
	if c.m.set.cmgf == 1 {
		c.m.info(`+CMGL: ("` + strings.Join(statNames, `","`) + `")`)
	} else {
		c.m.info("+CMGL: (0-4)")
	}
	return ok
}

// wanted reads <stat>: a number in PDU mode, a name in text mode. 4 is all.
func wanted(c call) (int, bool) {
	if c.m.set.cmgf == 0 {
		stat, good := c.num(0, 0)
		return stat, good && stat >= 0 && stat <= 4
	}
	name := or(strings.ToUpper(c.text(0)), "REC UNREAD")
	if plain, good := c.m.decode(name); good && c.m.set.cscs == "UCS2" {
		name = plain
	}
	for i, n := range statNames {
		if n == name {
			return i, true
		}
	}
	return 0, false
}

// listMessages is AT+CMGL, TS 27.005 3.4.2 and 4.1. Listing marks as read.
func listMessages(c call) final {
	stat, good := wanted(c)
	if !good {
		return cms(305)
	}
	m := c.m
	m.net.point(m, PointRead, "", -1)
	m.view(m.set.mem1).each(func(index int, s *stored) {
		if stat != 4 && stat != s.stat {
			return
		}
		if m.set.cmgf == 1 {
			m.info(fmt.Sprintf("+CMGL: %d,%s", index, m.textListed(s)))
		} else {
			m.info(fmt.Sprintf("+CMGL: %d,%d,,%d\r\n%s", index, s.stat, len(s.tpdu), m.frame(s.smsc, s.tpdu)))
		}
		if s.stat == statUnread {
			s.stat = statRead
		}
	})
	return ok
}

// readMessage is AT+CMGR, TS 27.005 3.4.3 and 4.2.
func readMessage(c call) final {
	index, good := c.num(0, -1)
	m := c.m
	s := m.view(m.set.mem1).get(index)
	if !good || s == nil {
		return cms(321)
	}
	m.net.point(m, PointRead, "", -1)
	switch {
	case m.set.cmgf == 1:
		m.info("+CMGR: " + m.textRead(s))
	default:
		stat := itoa(s.stat)
		if m.profile.noStatus {
			stat = ""
		}
		m.info(fmt.Sprintf("+CMGR: %s,,%d\r\n%s", stat, len(s.tpdu), m.frame(s.smsc, s.tpdu)))
	}
	if s.stat == statUnread {
		s.stat = statRead
	}
	return ok
}

// deleteMessage is AT+CMGD=index[,flag], TS 27.005 3.5.4. An empty slot is no error.
func deleteMessage(c call) final {
	m := c.m
	index, good := c.num(0, -1)
	flag, good2 := c.num(1, 0)
	if !good || !good2 || flag < 0 || flag > 4 {
		return cms(321)
	}
	v := m.view(m.set.mem1)
	if flag == 0 {
		if b, _ := v.slot(index); b == nil {
			return cms(321)
		}
		m.removed(v.remove(index), index)
		m.net.point(m, PointGone, "", -1)
	} else {
		limit := [...]func(stat int) bool{
			1: func(stat int) bool { return stat == statRead },
			2: func(stat int) bool { return stat == statRead || stat == statSent },
			3: func(stat int) bool { return stat != statUnread },
			4: func(int) bool { return true },
		}[flag]
		var doomed []int
		v.each(func(i int, s *stored) {
			if limit(s.stat) {
				doomed = append(doomed, i)
			}
		})
		for _, i := range doomed {
			m.removed(v.remove(i), i)
		}
	}
	m.afterEnd = append(m.afterEnd, m.freed)
	return ok
}

func (m *Modem) removed(s *stored, index int) {
	if s == nil {
		return
	}
	e := Entry{Modem: m.index, IMEI: m.imei, ICCID: m.card.iccid, Kind: KindDelete, Memory: m.set.mem1, Index: &index, PDU: upper(hex.EncodeToString(s.tpdu))}
	if s.in != nil {
		e.From, e.Text, e.Submit = s.in.from, s.in.text, s.in.submit
	}
	m.net.ledger.add(e)
}

func testDelete(c call) final {
	var indices []string
	c.m.view(c.m.set.mem1).each(func(i int, _ *stored) { indices = append(indices, itoa(i)) })
	c.m.info("+CMGD: (" + strings.Join(indices, ",") + "),(0-4)")
	return ok
}
