package simulator

// The statuses of a stored message as PDU mode numbers them, TS 27.005 3.1 <stat>.
const (
	statUnread = 0
	statRead   = 1
	statUnsent = 2
	statSent   = 3
)

// stored is a message in a store: a DELIVER or STATUS-REPORT that came, or a SUBMIT that was written.
type stored struct {
	stat int
	smsc string
	tpdu []byte
	in   *incoming // what it was on its way here; nil if the host wrote it
}

// A box is a message store of fixed size.
type box struct {
	name  string
	first int // the lowest index
	slots []*stored
	used  int
}

func newBox(name string, capacity, first int) *box {
	return &box{name: name, first: first, slots: make([]*stored, capacity)}
}

// put stores s in the lowest free slot.
func (b *box) put(s *stored) (index int, good bool) {
	if b.used == len(b.slots) {
		return 0, false
	}
	for i, slot := range b.slots {
		if slot == nil {
			b.slots[i] = s
			b.used++
			return b.first + i, true
		}
	}
	return 0, false
}

// A view is what a name of AT+CPMS stands for: one store, or with "MT" two in a row.
type view []*box

func (m *Modem) view(name string) view {
	switch name {
	case "SM":
		return view{m.sm}
	case "ME":
		return view{m.me}
	case "SR":
		return view{m.sr}
	case "MT":
		return view{m.me, m.sm}
	}
	return nil
}

// slot finds the place of an index, nil if there is none.
func (v view) slot(index int) (b *box, at **stored) {
	for _, b := range v {
		i := index - b.first
		if i >= 0 && i < len(b.slots) {
			return b, &b.slots[i]
		}
		index -= len(b.slots)
	}
	return nil, nil
}

func (v view) get(index int) *stored {
	if _, at := v.slot(index); at != nil {
		return *at
	}
	return nil
}

func (v view) remove(index int) *stored {
	b, at := v.slot(index)
	if at == nil || *at == nil {
		return nil
	}
	s := *at
	*at = nil
	b.used--
	return s
}

// each calls f for every message, in the order of their indices, which it gets as the view counts them.
func (v view) each(f func(index int, s *stored)) {
	base := 0
	for _, b := range v {
		for i, s := range b.slots {
			if s != nil {
				f(base+b.first+i, s)
			}
		}
		base += len(b.slots)
	}
}

func (v view) size() (used, total int) {
	for _, b := range v {
		used += b.used
		total += len(b.slots)
	}
	return used, total
}
