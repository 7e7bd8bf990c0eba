package config

import "time"

// Privacy says how long what tells of persons is kept. Texts and numbers of messages are queue.wipe_text and wipe_number;
// what came in is inbox.keep.
type Privacy struct {
	WipePersons time.Duration `toml:"wipe_persons"` // after the end of a filing or challenge: names, numbers, their hashes
	WipeEvents  time.Duration `toml:"wipe_events"`
	WipeAudit   time.Duration `toml:"wipe_audit"`
}

func defaultPrivacy() Privacy {
	const day = 24 * time.Hour
	return Privacy{WipePersons: 30 * day, WipeEvents: 30 * day, WipeAudit: 180 * day}
}

func (b *binder) privacy(p Privacy, remember time.Duration) {
	const day, most = 24 * time.Hour, 3650 * 24 * time.Hour
	b.between("privacy.wipe_persons", p.WipePersons, time.Hour, most)
	b.between("privacy.wipe_events", p.WipeEvents, day, most) // those who follow them may be away for a day
	b.between("privacy.wipe_audit", p.WipeAudit, day, most)
	if p.WipePersons < remember {
		b.fault("privacy.wipe_persons", "want no less than verify.remember, during which an ended code is still told apart by its number")
	}
}
