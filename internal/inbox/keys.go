package inbox

// PrintOf is what a kept TPDU is known by, and Key what it has in common with the other parts of its message, nil for one of
// a single part: for whoever hashes them anew under another key.
func PrintOf(sim, station string, tpdu []byte) (Print, *Key) {
	mark := Print{SIM: sim, Octets: unchanging(tpdu)}
	if sim == "" { // its ICCID cannot be read: it is the one in that station, and no other
		mark.SIM = "in " + station
	}
	piece, readable := read(tpdu)
	if !readable || piece.Content.Concat == nil {
		return mark, nil
	}
	key := piece.key(mark.SIM)
	return mark, &key
}
