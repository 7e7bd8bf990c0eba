package pdu

// Signatures first, so that the packages above compile; the bodies follow in their own files.

func Plan(text string) (Layout, error)                   { return Layout{}, ErrNotReadable }
func Encode(m Message) ([]Submit, error)                 { return nil, ErrNotReadable }
func Frame(smsc string, tpdu []byte) string              { return "" }
func Decode(tpdu []byte, d Direction) (PDU, error)       { return PDU{}, ErrNotReadable }
func DecodeFull(octets []byte, d Direction) (PDU, error) { return PDU{}, ErrNotReadable }
func DecodeHex(s string, d Direction) (PDU, error)       { return PDU{}, ErrNotReadable }
func SplitSMSC(octets []byte) (smsc Address, tpdu []byte, err error) {
	return Address{}, nil, ErrNotReadable
}
func JoinText(parts []Deliver) string                    { return "" }
func SameRecipient(a, b string) bool                     { return a == b }
func EncodeDeliver(o DeliverOptions) ([][]byte, error)   { return nil, ErrNotReadable }
func EncodeStatusReport(o ReportOptions) ([]byte, error) { return nil, ErrNotReadable }
