package verify

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// ids remembers the last id's time: ids of one process sort in the order of their making, even within a millisecond
// and while the clock is set back (RFC 9562 6.2, method 1).
var ids struct {
	sync.Mutex
	ms  uint64
	seq uint16
}

// newID makes an id that sorts by the time of its making (UUID version 7, RFC 9562 5.7).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])                                                     // never fails
	ms, seq := nextTick(uint64(time.Now().UnixMilli()), uint16(b[6])<<4&0x3ff) // room to count before the 12 bits are full
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = byte(seq>>8)&0x0f | 0x70
	b[7] = byte(seq)
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func nextTick(now uint64, start uint16) (ms uint64, seq uint16) {
	ids.Lock()
	defer ids.Unlock()
	const setBack = 60_000 // a clock that jumped by more than this is believed
	switch {
	case now > ids.ms || ids.ms-now > setBack:
		ids.ms, ids.seq = now, start
	case ids.seq == 0xfff:
		ids.ms, ids.seq = ids.ms+1, start
	default:
		ids.seq++
	}
	return ids.ms, ids.seq
}
